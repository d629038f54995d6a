// Command minqing-bench measures the budgets of DESIGN section 9 that need no screen, each beside a floor; with -app what the field app
// must reach, by taps in a browser; with -console every page of the consoles over a full city.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"minqing/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (failed error) {
	opt := bench.Options{Out: os.Stdout}
	flag.StringVar(&opt.Only, "only", "", "only the benches whose name begins so")
	flag.StringVar(&opt.DB, "db", "both", "sqlite, postgres or both")
	flag.BoolVar(&opt.Quick, "quick", false, "tiny sizes: to see that every bench runs")
	flag.IntVar(&opt.Rows, "rows", 0, "no database of more rows than these: the million takes minutes")
	profile := flag.String("cpuprofile", "", "write a CPU profile of device and server to this file")
	app := flag.Bool("app", false, "the field app in a browser instead")
	pages := flag.Bool("console", false, "every page of the consoles over a full city instead; the database that it plants is kept")
	visits := flag.Int("visits", 0, "with -console: so many visits instead of a million")
	villages := flag.Int("villages", 0, "with -console: a part of the city of so many villages")
	cache := flag.String("cache", "", "with -console: the folder of planted databases")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { failed = errors.Join(failed, f.Close()) }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if *app {
		return bench.RunApp(ctx, opt)
	}
	if *pages {
		return bench.RunConsole(ctx, bench.ConsoleOptions{Options: opt, Visits: *visits, Villages: *villages, Cache: *cache})
	}
	return bench.Run(ctx, opt)
}
