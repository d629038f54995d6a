// Command minqing-sim runs histories of the simulator: one by its seed, or many.
package main

import (
	"os"

	"minqing/internal/sim"
)

func main() { os.Exit(sim.Main(os.Args[1:], os.Stdout, os.Stderr)) }
