package sim

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Run runs one history; echo, unless nil, gets every line of its trace.
func Run(h *History, echo io.Writer) Result { return newWorld(h, echo).run() }

// Batch is many histories: those of Seeds.
type Batch struct {
	Seeds []uint64
	// Workers run at a time, each on a goroutine of its own; 0 is one for each processor.
	Workers int
	// Prepare, unless nil, alters each history before it runs.
	Prepare func(*History)
	// Each, unless nil, hears of every history that ended, one at a time, in whatever order they end. It stops the rest by giving false.
	Each func(*History, Result) bool
}

// Total is what a batch came to.
type Total struct {
	Histories, Failures int
	Counters            Counters
}

// Many runs a batch. Histories share nothing, so that running them side by side changes none of them.
func Many(b Batch) Total {
	workers := b.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var (
		next    atomic.Int64
		stopped atomic.Bool
		mu      sync.Mutex
		all     sync.WaitGroup
	)
	total := Total{Counters: Counters{}}
	for range min(workers, len(b.Seeds)) {
		all.Go(func() {
			for !stopped.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(b.Seeds) {
					return
				}
				h := Plan(b.Seeds[i])
				if b.Prepare != nil {
					b.Prepare(h)
				}
				res := Run(h, nil)
				mu.Lock()
				if !stopped.Load() {
					total.Histories++
					total.Counters.Add(res.Counters)
					if res.Broken != nil {
						total.Failures++
					}
					if b.Each != nil && !b.Each(h, res) {
						stopped.Store(true)
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return total
}
