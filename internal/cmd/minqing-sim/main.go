// Command minqing-sim runs histories of the simulator: one by its seed, or many. With -mutants it plants deliberate faults in the code
// and sees the simulator find each.
package main

import (
	"os"

	"minqing/internal/sim"
)

func main() {
	if args := os.Args[1:]; len(args) > 0 && args[0] == "-mutants" {
		os.Exit(plant(args[1:]))
	}
	os.Exit(sim.Main(os.Args[1:], os.Stdout, os.Stderr))
}
