package main

import (
	"math"
	"unsafe"
)

// gcbench: trees built from the leaves up and from the root down, beside a long-lived tree and a
// large array without references.

type benchNode struct {
	left, right *benchNode
	i, j        int64
}

func makeBottomUp(depth int) *benchNode {
	if depth == 0 {
		return &benchNode{}
	}
	left := makeBottomUp(depth - 1)
	right := makeBottomUp(depth - 1)
	return &benchNode{left: left, right: right}
}

func populate(depth int, node *benchNode) {
	if depth > 0 {
		node.left = &benchNode{}
		node.right = &benchNode{}
		populate(depth-1, node.left)
		populate(depth-1, node.right)
	}
}

// makeTopDown is not inlined, or the compiler would keep the root of a tree that is dropped at once
// on the stack.
//
//go:noinline
func makeTopDown(depth int) *benchNode {
	root := &benchNode{}
	populate(depth, root)
	return root
}

func (n *benchNode) count() uint64 {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func treeSize(depth int) uint64 {
	return 2<<depth - 1
}

// benchLive is the stretch tree, or what lives later: two trees and the array.
func benchLive(stretch, maxDepth, size int) uint64 {
	const node = uint64(unsafe.Sizeof(benchNode{}))
	early := treeSize(stretch) * node
	late := 2*treeSize(maxDepth)*node + uint64(size)*uint64(unsafe.Sizeof(float64(0)))
	if early > late {
		return early
	}
	return late
}

func gcBench(quick bool) outcome {
	const minDepth = 4
	stretch := pick(quick, 14, 20)
	maxDepth := pick(quick, 12, 18) // of the long-lived tree too
	size := pick(quick, 100_000, 4_000_000)

	clock := startClock()
	makeBottomUp(stretch)
	long := makeTopDown(maxDepth)
	array := make([]float64, size)
	for i := 1; i < size/2; i++ {
		array[i] = 1 / float64(i)
	}
	var total uint64
	for d := minDepth; d <= maxDepth; d += 2 {
		iterations := 2 * treeSize(stretch) / treeSize(d)
		for i := uint64(0); i < iterations; i++ {
			makeTopDown(d)
		}
		for i := uint64(0); i < iterations; i++ {
			makeBottomUp(d)
		}
		total += 2 * iterations * treeSize(d)
	}
	h := fold(noAnswer, long.count())
	h = fold(h, total)
	h = fold(h, math.Float64bits(array[1000]))
	result := clock.stop()
	result.liveBytes = benchLive(stretch, maxDepth, size)
	result.answer = h
	return result
}
