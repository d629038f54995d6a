package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"minqing/internal/mutants"
)

// plant runs the mutants and gives the exit code. -mutants comes first on the command line, and this reads what follows it.
func plant(args []string) int {
	opt := mutants.Options{Out: os.Stdout, Now: time.Now}
	f := flag.NewFlagSet("minqing-sim -mutants", flag.ContinueOnError)
	only := f.String("only", "", "plant only these, a `list` of names like one,other")
	f.Uint64Var(&opt.From, "from", 1, "the first `seed` of those tried beside the known ones")
	f.IntVar(&opt.Most, "most", 400, "how many of them are tried for one mutant")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *only != "" {
		opt.Only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := mutants.Run(ctx, opt); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
