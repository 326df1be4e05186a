package main

import "encoding/binary"

// strings: short byte buffers without references; one in 16 lives on in a window until another
// takes its place.

// fill writes all of s, which has at least 8 bytes.
func fill(s []byte, b byte) {
	binary.LittleEndian.PutUint64(s, uint64(b)*0x0101010101010101)
	for done := 8; done < len(s); done *= 2 {
		copy(s[done:], s[:done])
	}
}

func shortStrings(quick bool) outcome {
	slots := pick(quick, uint64(2_000), 20_000)
	count := pick(quick, uint64(500_000), 20_000_000)

	clock := startClock()
	window := make([][]byte, slots)
	rng := random(7)
	var sum uint64
	for i := uint64(0); i < count; i++ {
		r := rng.next()
		length := 8 + (r&255)*(r>>8&255)*505>>16
		s := make([]byte, length)
		fill(s, byte(r>>24))
		binary.LittleEndian.PutUint64(s, i)
		sum += uint64(s[length-1])
		if r>>32&15 == 0 {
			window[(r>>36)%slots] = s
		}
	}
	h := fold(noAnswer, sum)
	for _, s := range window {
		if s != nil {
			h = fold(h, binary.LittleEndian.Uint64(s))
		}
	}
	result := clock.stop()
	result.answer = h
	return result
}
