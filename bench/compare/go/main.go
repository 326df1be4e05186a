// The workloads of bench/compare in Go: one a process, one line of JSON on standard output.
//
// This file has the command line. workloads.go lists what can be run, measure.go takes the figures,
// random.go has the arithmetic that all programs of the comparison share; each other file is one
// workload, or two of a kind. Memory is whatever Go's runtime makes of it: nothing is tuned here,
// and what other programs free is here no longer referred to.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
)

const usage = `usage: acrebench WORKLOAD [--quick]
       acrebench --version | --list | --help

Runs one workload and prints its answer, times and collections as one line of JSON.

  --quick    the small size, for tests
  --version  the version of Go that was built with
  --list     the workloads, one a line
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments; it returns the exit status.
func run(args []string, out, errors io.Writer) int {
	if len(args) == 1 {
		switch args[0] {
		case "--help":
			return print(out, errors, usage)
		case "--version":
			return print(out, errors, runtime.Version()+"\n")
		case "--list":
			return print(out, errors, names())
		}
	}
	quick := len(args) == 2 && args[1] == "--quick"
	if len(args) != 1 && !quick {
		fmt.Fprint(errors, usage)
		return 2
	}
	chosen := find(args[0])
	if chosen == nil {
		fmt.Fprintf(errors, "acrebench: no workload %q; --list names them\n%s", args[0], usage)
		return 2
	}
	return print(out, errors, chosen.run(quick).json())
}

func print(out, errors io.Writer, text string) int {
	if _, err := io.WriteString(out, text); err != nil {
		fmt.Fprintf(errors, "acrebench: cannot write the result: %v\n", err)
		return 1
	}
	return 0
}
