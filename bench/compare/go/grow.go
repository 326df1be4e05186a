package main

import "unsafe"

// grow: a heap grows to gigabytes of small live objects; no garbage.

type growNode struct {
	next  *growNode
	value uint64
	pad   [6]uint64
}

const chainNodes = 4096

// makeChain returns the first of a chain of nodes with the values from first on.
func makeChain(first uint64) *growNode {
	var head *growNode
	link := &head
	for i := first; i < first+chainNodes; i++ {
		*link = &growNode{nil, i, [6]uint64{i, i, i, i, i, i}}
		link = &(*link).next
	}
	return head
}

// grow's measured section ends when all is built: reading it is only for the answer.
func grow(quick bool) outcome {
	n := pick(quick, uint64(1<<20), 1<<25)

	clock := startClock()
	heads := make([]*growNode, n/chainNodes)
	for c := range heads {
		heads[c] = makeChain(uint64(c) * chainNodes)
	}
	result := clock.stop()
	var sum uint64
	for _, node := range heads {
		for ; node != nil; node = node.next {
			sum = sum*31 + node.value
		}
	}
	result.liveBytes = n * uint64(unsafe.Sizeof(growNode{}))
	result.answer = fold(noAnswer, sum)
	return result
}
