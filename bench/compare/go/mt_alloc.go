package main

import "sync"

// mt_alloc: each thread makes small objects of its own, of which the last 1,000 are live. Threads
// here are goroutines, which the runtime runs in parallel.

// parallel runs work(0) to work(threads-1) at once and returns their results in order.
func parallel(threads uint64, work func(thread uint64) uint64) []uint64 {
	results := make([]uint64, threads)
	var running sync.WaitGroup
	running.Add(int(threads))
	for t := uint64(0); t < threads; t++ {
		go func(t uint64) {
			defer running.Done()
			results[t] = work(t)
		}(t)
	}
	running.Wait()
	return results
}

// allocateThroughRing returns the sum of the first words of the objects that were dropped.
func allocateThroughRing(thread, count uint64) uint64 {
	const ringObjects = 1_000
	ring := make([][]uint64, ringObjects)
	rng := random(100 + thread)
	var sum uint64
	for i := uint64(0); i < count; i++ {
		words := 2 * (1 + rng.below(8))
		object := make([]uint64, words)
		object[0] = i
		object[words-1] = i ^ thread
		slot := &ring[i%ringObjects]
		if *slot != nil {
			sum += (*slot)[0]
		}
		*slot = object
	}
	return sum
}

func mtAlloc(threads uint64, quick bool) outcome {
	count := pick(quick, uint64(1_000_000), 30_000_000)

	clock := startClock()
	sums := parallel(threads, func(t uint64) uint64 { return allocateThroughRing(t, count) })
	result := clock.stop()
	result.answer = foldAll(sums)
	return result
}

func foldAll(values []uint64) uint64 {
	h := noAnswer
	for _, x := range values {
		h = fold(h, x)
	}
	return h
}
