package main

// The arithmetic that makes all programs do the same work and give the same answer.

// random is a SplitMix64 generator; its value is the state, at first the seed.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below returns a number from 0 to n-1, for n up to 2^32.
func (r *random) below(n uint64) uint64 {
	return (r.next() >> 32) * n >> 32
}

// An answer is folded together from noAnswer.
const noAnswer uint64 = 0xcbf29ce484222325

func fold(h, x uint64) uint64 {
	return (h ^ x) * 0x100000001B3
}
