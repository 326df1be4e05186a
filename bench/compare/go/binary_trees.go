package main

import "unsafe"

// binary_trees: many short-lived trees beside a long-lived one; two references a node and nothing
// else.

type treeNode struct {
	left, right *treeNode
}

func makeTree(depth int) *treeNode {
	if depth == 0 {
		return &treeNode{}
	}
	left := makeTree(depth - 1)
	right := makeTree(depth - 1)
	return &treeNode{left, right}
}

func (t *treeNode) check() uint64 {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.check() + t.right.check()
}

func binaryTrees(quick bool) outcome {
	const minDepth = 4
	n := pick(quick, 14, 20)
	clock := startClock()
	h := fold(noAnswer, makeTree(n+1).check())
	long := makeTree(n)
	for d := minDepth; d <= n; d += 2 {
		var sum uint64
		for i := 1 << (n - d + minDepth); i > 0; i-- {
			sum += makeTree(d).check()
		}
		h = fold(h, sum)
	}
	h = fold(h, long.check())
	result := clock.stop()
	// The first tree is the largest, and as large as the two that live at the same time later.
	result.liveBytes = (4<<n - 1) * uint64(unsafe.Sizeof(treeNode{}))
	result.answer = h
	return result
}
