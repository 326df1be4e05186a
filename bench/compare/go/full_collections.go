package main

import "unsafe"

// graph and list: how long a full collection of a large heap takes, where marking has much choice
// of what to do next (graph) and none at all (list).

type graphNode struct {
	refs    [4]*graphNode
	payload [4]uint64
}

// makeGraph returns a node that all others can be reached from: the first references of all are one
// cycle.
func makeGraph(n uint64) *graphNode {
	nodes := make([]*graphNode, n)
	for i := range nodes {
		nodes[i] = &graphNode{payload: [4]uint64{uint64(i)}}
	}
	rng := random(3)
	for i, node := range nodes {
		node.refs[0] = nodes[(uint64(i)*0x9E3779B5+12345)%n]
		for k := 1; k < 4; k++ {
			node.refs[k] = nodes[rng.below(n)]
		}
	}
	return nodes[0]
}

func graph(quick bool) outcome {
	const steps = 1_000_000
	n := pick(quick, uint64(1<<20), 1<<25)

	building := startClock()
	x := makeGraph(n)
	setup := building.seconds()
	result := measureCollections()
	var sum uint64
	for i := 0; i < steps; i++ {
		sum = sum*31 + x.payload[0]
		x = x.refs[sum&3]
	}
	result.setup = setup
	result.liveBytes = n * uint64(unsafe.Sizeof(graphNode{}))
	result.answer = fold(noAnswer, sum)
	return result
}

type listNode struct {
	next  *listNode
	value uint64
	pad   [2]uint64
}

func list(quick bool) outcome {
	n := pick(quick, uint64(1<<20), 1<<26)

	building := startClock()
	var head *listNode
	for i := uint64(0); i < n; i++ {
		head = &listNode{next: head, value: i}
	}
	setup := building.seconds()
	result := measureCollections()
	var sum uint64
	for node := head; node != nil; node = node.next {
		sum += node.value
	}
	result.setup = setup
	result.liveBytes = n * uint64(unsafe.Sizeof(listNode{}))
	result.answer = fold(noAnswer, sum)
	return result
}
