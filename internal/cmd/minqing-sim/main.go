// Command minqing-sim runs histories of the simulator: one by its seed, or many.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"minqing/internal/sim"
)

func main() {
	seed := flag.Uint64("seed", 0, "run the history of this seed")
	n := flag.Int("n", 1, "how many, from seed on")
	verbose := flag.Bool("v", false, "print the trace")
	keep := flag.String("keep", "", "only these operations, like 3,7-9")
	calm := flag.String("calm", "", "these operations without faults")
	thorough := flag.Bool("thorough", false, "look at everything after each step")
	flag.Parse()
	start := time.Now()
	total := sim.Counters{}
	failures := 0
	for i := range *n {
		h := sim.Plan(*seed + uint64(i))
		h.Thorough = *thorough
		if *keep != "" {
			_ = h.Only(*keep)
		}
		_ = h.Quiet(*calm)
		var echo *os.File
		var res sim.Result
		if *verbose {
			echo = os.Stdout
			res = sim.Run(h, echo)
		} else {
			res = sim.Run(h, nil)
		}
		total.Add(res.Counters)
		if res.Broken != nil {
			failures++
			fmt.Printf("%s\n  %v\n", h.Replay(), res.Broken)
			if *verbose {
				fmt.Println(res.Stack)
			}
		} else if *n == 1 {
			fmt.Println("trace", res.Hash)
		}
	}
	fmt.Printf("histories=%d operations=%d failures=%d seconds=%.1f\n%s\n", *n, total["operations"], failures, time.Since(start).Seconds(), total)
}
