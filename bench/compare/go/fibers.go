package main

import (
	"runtime"
	"sort"
	"sync"
)

// fibers, fibers_gosched: goroutines where other programs have fibers; a million, 10,000 at a time,
// ten turns each.
//
// fibers is what a coroutine is in Go: it is resumed by a message on a channel, and yields by
// another. fibers_gosched leaves the turns to the scheduler: there is no one who resumes, no word is
// handed over, and goroutines run on all processors at once; a turn is a call of runtime.Gosched.

const (
	fiberTurns   = 10
	fiberBatches = 100
)

func fiberStep(number, value uint64) uint64 {
	return (number ^ value) * 0x100000001B3
}

// A fiberClock adds up the three phases, as the native programs do: making and finishing by the
// mean, switching by the median of the batches.
type fiberClock struct {
	create, finish float64
	switches       []float64
}

func (c *fiberClock) phases(atOnce uint64) []phase {
	sort.Float64s(c.switches)
	fibers := float64(atOnce * fiberBatches)
	return []phase{
		{"create", c.create / fibers * 1e9},
		{"switch", c.switches[fiberBatches/2] / float64(atOnce*fiberTurns) * 1e9},
		{"finish", c.finish / fibers * 1e9},
	}
}

// runFibers has each batch made, switched and finished; the functions return what they add to the
// answer.
func runFibers(atOnce uint64, create func(first uint64), turns, finish func() uint64) outcome {
	var phases fiberClock
	var sum uint64
	whole := startClock()
	for batch := uint64(0); batch < fiberBatches; batch++ {
		start := whole.seconds()
		create(batch * atOnce)
		created := whole.seconds()
		sum += turns()
		switched := whole.seconds()
		sum += finish()
		phases.create += created - start
		phases.switches = append(phases.switches, switched-created)
		phases.finish += whole.seconds() - switched
	}
	result := whole.stop()
	result.answer = fold(noAnswer, sum)
	result.phases = phases.phases(atOnce)
	return result
}

// A coroutine is a goroutine that runs only while somebody waits for what it yields.
type coroutine struct {
	resume, yield chan uint64
}

func startCoroutine(number uint64) coroutine {
	c := coroutine{make(chan uint64), make(chan uint64)}
	go func() {
		for turn := 0; turn <= fiberTurns; turn++ {
			number = fiberStep(number, <-c.resume)
			c.yield <- number
		}
	}()
	return c
}

func (c coroutine) next(value uint64) uint64 {
	c.resume <- value
	return <-c.yield
}

func fibers(quick bool) outcome {
	atOnce := pick(quick, uint64(1_000), 10_000)
	coroutines := make([]coroutine, atOnce)

	create := func(first uint64) {
		for i := range coroutines {
			coroutines[i] = startCoroutine(first + uint64(i))
		}
	}
	turn := func(value uint64) (sum uint64) {
		for _, c := range coroutines {
			sum += c.next(value)
		}
		return sum
	}
	turns := func() (sum uint64) {
		for value := uint64(0); value < fiberTurns; value++ {
			sum += turn(value)
		}
		return sum
	}
	return runFibers(atOnce, create, turns, func() uint64 { return turn(fiberTurns) })
}

func fibersGosched(quick bool) outcome {
	atOnce := pick(quick, uint64(1_000), 10_000)
	sums := make([]uint64, atOnce)
	numbers := make([]uint64, atOnce)
	var start, end chan struct{}
	var ready, turned, done sync.WaitGroup

	work := func(i int, number uint64) {
		ready.Done()
		<-start
		var sum uint64
		for value := uint64(0); value < fiberTurns; value++ {
			number = fiberStep(number, value)
			sum += number
			runtime.Gosched()
		}
		sums[i] = sum
		turned.Done()
		<-end
		numbers[i] = fiberStep(number, fiberTurns)
		done.Done()
	}
	total := func(of []uint64) (sum uint64) {
		for _, x := range of {
			sum += x
		}
		return sum
	}
	create := func(first uint64) {
		start, end = make(chan struct{}), make(chan struct{})
		ready.Add(int(atOnce))
		turned.Add(int(atOnce))
		done.Add(int(atOnce))
		for i := range sums {
			go work(i, first+uint64(i))
		}
		ready.Wait()
	}
	turns := func() uint64 {
		close(start)
		turned.Wait()
		return total(sums)
	}
	finish := func() uint64 {
		close(end)
		done.Wait()
		return total(numbers)
	}
	return runFibers(atOnce, create, turns, finish)
}
