package main

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A phase is a part of the measured section that is told of its own: what one operation takes.
type phase struct {
	name        string
	nanoseconds float64
}

// An outcome is what a workload found and took. Times are in seconds.
type outcome struct {
	answer    uint64
	seconds   float64 // the measured section by the wall clock, or the median full collection
	processor float64 // of all threads, over the same section
	setup     float64 // of building what is then collected
	liveBytes uint64  // the peak that the workload knows of; 0 if it does not count
	phases    []phase // of few workloads
}

// json also reads the number of collections, so it comes after everything else.
func (o outcome) json() string {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return fmt.Sprintf(`{"answer":"%016x","seconds":%.9f,"cpu_seconds":%.6f,"setup_seconds":%.9f,`+
		`"live_bytes":%d,"collections":%d%s}`+"\n",
		o.answer, o.seconds, o.processor, o.setup, o.liveBytes, stats.NumGC, o.phasesJSON())
}

func (o outcome) phasesJSON() string {
	if len(o.phases) == 0 {
		return ""
	}
	var parts []string
	for _, p := range o.phases {
		parts = append(parts, fmt.Sprintf(`{"name":"%s","ns":%.3f}`, p.name, p.nanoseconds))
	}
	return `,"phases":[` + strings.Join(parts, ",") + "]"
}

// A clock measures from startClock to now.
type clock struct {
	wall      time.Time
	processor float64
}

func startClock() clock {
	return clock{processor: processorSeconds(), wall: time.Now()}
}

func (c clock) seconds() float64 {
	return time.Since(c.wall).Seconds()
}

// stop ends the measured section; the answer may be added later.
func (c clock) stop() outcome {
	seconds := c.seconds()
	return outcome{seconds: seconds, processor: processorSeconds() - c.processor}
}

func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err))
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

const timedCollections = 2

// measureCollections has the mean of the full collections, which are marking and sweeping. One
// goes before them: it clears away what building has left.
func measureCollections() outcome {
	runtime.GC()
	var seconds, processor float64
	for i := 0; i < timedCollections; i++ {
		clock := startClock()
		runtime.GC()
		took := clock.stop()
		seconds += took.seconds
		processor += took.processor
	}
	return outcome{seconds: seconds / timedCollections, processor: processor / timedCollections}
}
