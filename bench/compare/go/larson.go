package main

import (
	"encoding/binary"
	"sync"
)

// larson: two threads replace objects in two arrays and change arrays in each epoch, so that what
// one of them has made the other drops.

// A barrier lets its threads go on when all of them have come to it. It can be used again.
type barrier struct {
	mutex   sync.Mutex
	opened  *sync.Cond
	threads int
	waiting int
	round   int
}

func newBarrier(threads int) *barrier {
	b := &barrier{threads: threads}
	b.opened = sync.NewCond(&b.mutex)
	return b
}

func (b *barrier) wait() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.waiting++
	if b.waiting == b.threads {
		b.waiting = 0
		b.round++
		b.opened.Broadcast()
		return
	}
	for round := b.round; round == b.round; {
		b.opened.Wait()
	}
}

// replaceAtRandom returns the sum of the first words of the objects that were dropped.
func replaceAtRandom(array [][]byte, rng *random, epoch, operations uint64) uint64 {
	var sum uint64
	for op := uint64(0); op < operations; op++ {
		slot := &array[rng.below(uint64(len(array)))]
		object := make([]byte, 16+rng.below(497))
		binary.LittleEndian.PutUint64(object, epoch<<32+op)
		if *slot != nil {
			sum += binary.LittleEndian.Uint64(*slot)
		}
		*slot = object
	}
	return sum
}

func larson(quick bool) outcome {
	const threads, slots = 2, 5_000
	epochs := pick(quick, uint64(10), 50)
	operations := pick(quick, uint64(20_000), 200_000)

	clock := startClock()
	var arrays [threads][][]byte
	for i := range arrays {
		arrays[i] = make([][]byte, slots)
	}
	between := newBarrier(threads)
	sums := parallel(threads, func(t uint64) uint64 {
		rng := random(1000 + t)
		var sum uint64
		for e := uint64(0); e < epochs; e++ {
			sum += replaceAtRandom(arrays[(t+e)%threads], &rng, e, operations)
			between.wait()
		}
		return sum
	})
	result := clock.stop()
	result.answer = foldAll(sums)
	return result
}
