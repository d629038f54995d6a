package sim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// byHand gives the command for histories that no seed makes: those written by hand, and all the short ones.
func byHand(args []string) func(args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		return nil
	}
	switch strings.TrimLeft(args[0], "-") {
	case "directed":
		return directedCommand
	case "exhaust":
		return exhaustCommand
	}
	return nil
}

// The usage of both, for -help.
const handUsage = "  minqing-sim -directed               list the histories that were written by hand\n" +
	"  minqing-sim -directed all [-v]      run them, or those named by the beginnings of their names\n" +
	"  minqing-sim -exhaust 4              run every history of up to 4 steps of two devices and a desk on one row\n" +
	"    [-cells 0] [-from 0,2,8 [-only]]  on which pair of cells; going on from one; that one alone, with its trace\n" +
	"    [-workers N]                      so many at a time (default one for each processor)\n\n"

// directedCommand is minqing-sim -directed [-v] [NAME ...].
func directedCommand(args []string, out, errs io.Writer) int {
	names := slices.DeleteFunc(slices.Clone(args[1:]), func(s string) bool { return s == "-v" })
	verbose := len(names) < len(args)-1
	start := time.Now()
	ran, orders, failures := 0, 0, 0
	for _, h := range directedHistories() {
		if len(names) == 0 {
			fmt.Fprintf(out, "%s\n    %s\n", h.Name, h.Text)
			continue
		}
		if !slices.ContainsFunc(names, func(n string) bool { return n == "all" || strings.HasPrefix(h.Name, n) }) {
			continue
		}
		var echo io.Writer
		if verbose {
			echo = out
		}
		res, n := h.Run(echo)
		ran, orders = ran+1, orders+n
		if res.Broken == nil {
			fmt.Fprintf(out, "%s orders=%d\n", h.Name, n)
			continue
		}
		failures++
		fmt.Fprintf(out, "minqing-sim -directed %s -v: %v\n", h.Name, res.Broken)
	}
	switch {
	case len(names) == 0:
		return 0
	case ran == 0:
		fmt.Fprintf(errs, "minqing-sim: no directed history begins with %s; minqing-sim -directed lists them\n", strings.Join(names, ", "))
		return 2
	}
	fmt.Fprintf(out, "directed=%d orders=%d failures=%d seconds=%.1f\n", ran, orders, failures, time.Since(start).Seconds())
	if failures > 0 {
		return 1
	}
	return 0
}

// mostSteps bounds the check: every step more takes about eight times as long.
const mostSteps = 8

// exhaustCommand is minqing-sim -exhaust STEPS [-cells PAIR] [-from PATH [-only]] [-workers N].
func exhaustCommand(args []string, out, errs io.Writer) int {
	x, err := parseExhaust(args)
	if err != nil {
		fmt.Fprintln(errs, "minqing-sim:", err)
		return 2
	}
	if x.Only {
		x.Echo, x.Workers = out, 1
	}
	start := time.Now()
	told := start
	x.Progress = func(path []int, run, failures int, failure string) {
		if failure != "" {
			fmt.Fprintln(out, failure)
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Fprintf(out, "at interleavings=%d failures=%d seconds=%.0f; to go on from here: minqing-sim -exhaust %d -cells %d -from %s\n", run, failures,
				time.Since(start).Seconds(), x.Steps, x.Cells, formatPath(path))
		}
	}
	res := x.Run()
	fmt.Fprintln(out, res.Counters)
	fmt.Fprintf(out, "interleavings=%d failures=%d seconds=%.1f\n", res.Run, res.Failed, time.Since(start).Seconds())
	if res.Failed > 0 {
		return 1
	}
	return 0
}

func parseExhaust(args []string) (x exhaustive, err error) {
	f := flag.NewFlagSet("minqing-sim -exhaust", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&x.Steps, "exhaust", 0, "")
	f.IntVar(&x.Cells, "cells", 0, "")
	f.BoolVar(&x.Only, "only", false, "")
	f.IntVar(&x.Workers, "workers", 0, "")
	from := f.String("from", "", "")
	if err := f.Parse(args); err != nil {
		return x, err
	}
	if x.From, err = parsePath(*from); err != nil {
		return x, err
	}
	switch {
	case f.NArg() > 0:
		return x, fmt.Errorf("%q is no flag of -exhaust", f.Arg(0))
	case x.Steps < 1 || x.Steps > mostSteps:
		return x, fmt.Errorf("-exhaust %d: from 1 to %d steps", x.Steps, mostSteps)
	case x.Cells < 0 || x.Cells >= len(smallCells):
		return x, fmt.Errorf("-cells %d: there are the pairs 0 to %d: %v", x.Cells, len(smallCells)-1, smallCells)
	case len(x.From) > x.Steps:
		return x, errors.New("-from is longer than -exhaust allows")
	case x.Only && len(x.From) == 0:
		return x, errors.New("-only wants -from")
	}
	return x, nil
}
