package sim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// shrunkAtMost is how many failures of one command are made smaller: mostly they are one defect.
const shrunkAtMost = 3

// order is what the command line asks for.
type order struct {
	seeds              []uint64
	keep, calm         string
	rightClocks        bool
	thorough, verbose  bool
	first, noShrinking bool
	workers            int
}

// Main is the command minqing-sim: it runs what the arguments ask for and gives the exit code, 1 after a failure and 2 for a command line
// that it does not understand.
func Main(args []string, out, errs io.Writer) int {
	if run := byHand(args); run != nil {
		return run(args, out, errs)
	}
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(errs, "minqing-sim:", err)
		return 2
	}
	return o.run(out)
}

// parse reads the command line.
func parse(args []string, errs io.Writer) (*order, error) {
	o := &order{}
	f := flag.NewFlagSet("minqing-sim", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	usage := func() {
		f.SetOutput(errs)
		fmt.Fprint(errs, "minqing-sim runs histories of the simulator: one by its seed, or many.\n\n"+
			"  minqing-sim -seed 8                 replay one, and print its trace hash\n"+
			"  minqing-sim -n 2000 [-from 1]       run many, and print what they held\n"+handUsage)
		f.PrintDefaults()
	}
	seed := f.Uint64("seed", 0, "run the history of this `seed` (with -n: and those after it)")
	from := f.Uint64("from", 1, "the first `seed` of many")
	n := f.Int("n", 1, "how many histories")
	seeds := f.String("seeds", "", "run these, a `list` like 3,8,21")
	f.StringVar(&o.keep, "keep", "", "only these operations, a `list` like 3,7-9")
	f.StringVar(&o.calm, "calm", "", "these operations without faults, a `list` like 3,7-9")
	f.BoolVar(&o.rightClocks, "right-clocks", false, "wall clocks never go wrong")
	f.BoolVar(&o.thorough, "thorough", false, "look at everything after each step")
	f.BoolVar(&o.verbose, "v", false, "print the trace")
	f.BoolVar(&o.first, "first", false, "stop at the first failure, and do not shrink it")
	f.BoolVar(&o.noShrinking, "no-shrink", false, "do not shrink failures")
	f.IntVar(&o.workers, "workers", 0, "histories at a time (default one for each processor)")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage()
			return nil, err
		}
		return nil, fmt.Errorf("%w; see minqing-sim -help", err)
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag; see minqing-sim -help", f.Arg(0))
	}
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	switch {
	case given["seeds"] && (given["seed"] || given["from"] || given["n"]):
		return nil, errors.New("-seeds names every seed: leave out -seed, -from and -n")
	case given["seed"] && given["from"]:
		return nil, errors.New("-seed and -from both say where to begin: leave one out")
	case *n < 1:
		return nil, fmt.Errorf("-n %d: at least one history", *n)
	case given["seeds"]:
		for _, part := range strings.Split(*seeds, ",") {
			x, err := strconv.ParseUint(strings.TrimSpace(part), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("-seeds: %q is no seed", part)
			}
			o.seeds = append(o.seeds, x)
		}
	default:
		begin := *from
		if given["seed"] {
			begin = *seed
		}
		for i := range *n {
			o.seeds = append(o.seeds, begin+uint64(i))
		}
	}
	one := len(o.seeds) == 1
	if !one && (o.keep != "" || o.calm != "" || o.verbose) {
		return nil, errors.New("-keep, -calm and -v are for one history: name it by -seed")
	}
	if one {
		if err := o.prepare(plan(o.seeds[0])); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// prepare alters a history as the command line asks.
func (o *order) prepare(h *history) error {
	h.Thorough = o.thorough
	if o.rightClocks {
		h.Clocks = false
	}
	if o.keep != "" {
		if err := h.Only(o.keep); err != nil {
			return fmt.Errorf("-keep: %w", err)
		}
	}
	if err := h.Quiet(o.calm); err != nil {
		return fmt.Errorf("-calm: %w", err)
	}
	return nil
}

// run runs what was asked for.
func (o *order) run(out io.Writer) int {
	start := time.Now()
	var total total
	if len(o.seeds) == 1 {
		total = o.one(out)
	} else {
		shrunk := 0
		total = runMany(batch{Seeds: o.seeds, Workers: o.workers, Prepare: func(h *history) {
			h.Thorough, h.Clocks = o.thorough, !o.rightClocks
		}, Each: func(h *history, res result) bool {
			if res.Broken == nil {
				return true
			}
			fmt.Fprintln(out, failure(h, res))
			if !o.first && !o.noShrinking && shrunk < shrunkAtMost {
				shrunk++
				printShrunk(out, h, res)
			}
			return !o.first
		}})
	}
	fmt.Fprintf(out, "histories=%d operations=%d failures=%d seconds=%.1f\n", total.Histories, total.Counters[cOperations], total.Failures, time.Since(start).Seconds())
	fmt.Fprintln(out, total.Counters)
	code := 0
	if total.Failures > 0 {
		code = 1
	}
	if missing := total.Missing(); len(missing) > 0 {
		fmt.Fprintln(out, "never met:", strings.Join(missing, ", "))
		code = 1
	}
	return code
}

// one runs one history and says more about it.
func (o *order) one(out io.Writer) total {
	h := plan(o.seeds[0])
	if err := o.prepare(h); err != nil {
		panic(err) // parse tried it
	}
	var echo io.Writer
	if o.verbose {
		echo = out
	}
	res := runOne(h, echo)
	total := total{Histories: 1, Counters: res.Counters}
	fmt.Fprintln(out, "trace", res.Hash)
	if res.Broken != nil {
		total.Failures = 1
		fmt.Fprintln(out, failure(h, res))
		if o.verbose {
			fmt.Fprintln(out, res.Stack)
		}
		if !o.first && !o.noShrinking && !o.verbose {
			printShrunk(out, h, res)
		}
	}
	return total
}

func printShrunk(out io.Writer, h *history, res result) {
	small, came := shrink(h, res)
	fmt.Fprintf(out, "  shrunk to %d of %d operations: %s\n", small.operations(), h.operations(), failure(small, came))
}

// failure is a failure in one line: what replays it, the invariant, and what was found.
func failure(h *history, res result) string {
	return h.Replay() + ": " + strings.Join(strings.Fields(res.Broken.Error()), " ")
}
