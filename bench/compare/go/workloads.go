package main

import "strings"

// A workload runs at its full size or at the quick one.
type workload struct {
	name string
	run  func(quick bool) outcome
}

var workloads = []workload{
	{"binary_trees", binaryTrees},
	{"gcbench", gcBench},
	{"churn", churn},
	{"strings", shortStrings},
	{"graph", graph},
	{"list", list},
	{"grow", grow},
	{"mt_alloc_1", func(quick bool) outcome { return mtAlloc(1, quick) }},
	{"mt_alloc_2", func(quick bool) outcome { return mtAlloc(2, quick) }},
	{"larson", larson},
	{"large", large},
	{"frag", frag},
	{"fibers", fibers},
	{"fibers_gosched", fibersGosched},
}

// find returns nil if there is no workload of this name.
func find(name string) *workload {
	for i := range workloads {
		if workloads[i].name == name {
			return &workloads[i]
		}
	}
	return nil
}

func names() string {
	var text strings.Builder
	for _, w := range workloads {
		text.WriteString(w.name)
		text.WriteByte('\n')
	}
	return text.String()
}

// pick is one of a workload's two sizes.
func pick[T any](quick bool, small, full T) T {
	if quick {
		return small
	}
	return full
}
