package main

import (
	"math/bits"
	"unsafe"
)

// churn: a hash table of constant size whose entries are replaced at random. Each entry has a short
// list of values.

type tableEntry struct {
	next  *tableEntry
	key   uint64
	value *entryValue
}

type entryValue struct {
	next    *entryValue
	payload uint64
}

// A hashTable takes the upper bits of a key, which is random, as its hash.
type hashTable struct {
	buckets []*tableEntry
	shift   int
}

func newHashTable(buckets int) *hashTable {
	return &hashTable{make([]*tableEntry, buckets), 64 - bits.TrailingZeros(uint(buckets))}
}

func (t *hashTable) insert(key uint64) {
	var values *entryValue
	for c := uint64(0); c <= key&3; c++ {
		values = &entryValue{values, key + c}
	}
	bucket := &t.buckets[key>>t.shift]
	*bucket = &tableEntry{*bucket, key, values}
}

func (t *hashTable) remove(key uint64) {
	link := &t.buckets[key>>t.shift]
	for (*link).key != key {
		link = &(*link).next
	}
	*link = (*link).next
}

// lookup returns the sum of the key's values.
func (t *hashTable) lookup(key uint64) uint64 {
	entry := t.buckets[key>>t.shift]
	for entry.key != key {
		entry = entry.next
	}
	var sum uint64
	for value := entry.value; value != nil; value = value.next {
		sum += value.payload
	}
	return sum
}

// liveBytes is the size of the buckets and of what these keys have in the table.
func (t *hashTable) liveBytes(keys []uint64) uint64 {
	live := len(t.buckets) * int(unsafe.Sizeof(t.buckets[0]))
	for _, key := range keys {
		values := int(1 + key&3)
		live += int(unsafe.Sizeof(tableEntry{})) + values*int(unsafe.Sizeof(entryValue{}))
	}
	return uint64(live)
}

func churn(quick bool) outcome {
	entries := pick(quick, uint64(50_000), 1_000_000)
	operations := pick(quick, 200_000, 5_000_000)
	buckets := pick(quick, 1<<16, 1<<20)

	clock := startClock()
	table := newHashTable(buckets)
	keys := make([]uint64, entries)
	rng := random(42)
	for i := range keys {
		keys[i] = rng.next()
		table.insert(keys[i])
	}
	var sum uint64
	for op := 0; op < operations; op++ {
		s := rng.below(entries)
		table.remove(keys[s])
		keys[s] = rng.next()
		table.insert(keys[s])
		sum += table.lookup(keys[rng.below(entries)])
	}
	result := clock.stop()
	result.liveBytes = table.liveBytes(keys)
	result.answer = fold(noAnswer, sum)
	return result
}
