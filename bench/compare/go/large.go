package main

import "encoding/binary"

// large: objects of 64 KiB to 16 MiB without references, one word written on each page.

const pageBytes = 4096

func large(quick bool) outcome {
	const slots = 32
	count := pick(quick, uint64(100), 3_000)

	clock := startClock()
	objects := make([][]byte, slots)
	rng := random(11)
	var sum, live, peak uint64
	for i := uint64(0); i < count; i++ {
		k := rng.below(9)
		size := 65536<<k + 16*rng.below(4096)
		object := make([]byte, size)
		for at := uint64(0); at < size-8; at += pageBytes {
			binary.LittleEndian.PutUint64(object[at:], i)
		}
		live += size
		if live > peak {
			peak = live
		}
		slot := &objects[rng.below(slots)]
		if old := *slot; old != nil {
			middle := (len(old) - 8) / pageBytes / 2 * pageBytes
			sum += binary.LittleEndian.Uint64(old[middle:])
			live -= uint64(len(old))
		}
		*slot = object
	}
	result := clock.stop()
	result.liveBytes = peak
	result.answer = fold(noAnswer, sum)
	return result
}
