package main

// frag: the sizes of new objects change from phase to phase, and chance chooses who goes, so that
// old objects stay scattered among the holes of others.

// A crowd is the live objects in the order of a table from which any can be taken out. A reference
// is to an object's first word, as in other programs: with slices the table would be three times as
// large.
type crowd struct {
	first   []*uint64
	sizes   []uint32
	count   uint64
	live    uint64 // bytes
	peak    uint64
	dropped uint64 // sum of the first words of the objects that were dropped
}

func newCrowd(places uint64) *crowd {
	return &crowd{first: make([]*uint64, places), sizes: make([]uint32, places)}
}

// add makes an object of size bytes, a multiple of 8.
func (c *crowd) add(size, number uint64) {
	words := make([]uint64, size/8)
	words[0] = number
	words[len(words)-1] = number
	c.first[c.count] = &words[0]
	c.sizes[c.count] = uint32(size)
	c.count++
	c.live += size
	if c.live > c.peak {
		c.peak = c.live
	}
}

// drop takes out the object at place x; the last one moves there.
func (c *crowd) drop(x uint64) {
	c.dropped += *c.first[x]
	c.live -= uint64(c.sizes[x])
	c.count--
	c.first[x] = c.first[c.count]
	c.sizes[x] = c.sizes[c.count]
	c.first[c.count] = nil
}

func frag(quick bool) outcome {
	baseSizes := [...]uint64{32, 48, 80, 128, 256, 512, 1024, 2048}
	target := pick(quick, uint64(16<<20), 256<<20)

	clock := startClock()
	objects := newCrowd(target/baseSizes[0] + 1)
	rng := random(5)
	var made uint64
	for _, base := range baseSizes {
		for allocated := uint64(0); allocated < target+target/2; {
			size := base + 8*rng.below(base/8)
			objects.add(size, made)
			made++
			allocated += size
			for objects.live > target {
				objects.drop(rng.below(objects.count))
			}
		}
	}
	h := fold(noAnswer, objects.dropped)
	h = fold(h, objects.live)
	result := clock.stop()
	result.liveBytes = objects.peak
	result.answer = h
	return result
}
