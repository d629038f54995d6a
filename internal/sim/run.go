package sim

import (
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// runOne runs one history, and its pair where its seed stands for one; echo, unless nil, gets every line of its trace.
func runOne(h *history, echo io.Writer) result {
	res := newWorld(h, echo).run()
	if res.Broken == nil && h.paired() {
		res.Broken = h.pair(res.Counters)
	}
	return res
}

// batch is many histories: those of Seeds.
type batch struct {
	Seeds []uint64
	// Workers run at a time, each on a goroutine of its own; 0 is one for each processor.
	Workers int
	// Prepare, unless nil, alters each history before it runs.
	Prepare func(*history)
	// Each, unless nil, hears of every history that ended, one at a time, in whatever order they end. It stops the rest by giving false.
	Each func(*history, result) bool
}

// collectAt is the growth of the heap, in percent, at which garbage is collected while many histories run. What lives of a history is a few
// megabytes (SQLite's memory lies elsewhere), so at the usual 100 a seventh of the time goes into collecting.
const collectAt = 400

// total is what a batch came to.
type total struct {
	Histories, Failures int
	Counters            counters
}

// runMany runs a batch. Histories share nothing, so that running them side by side changes none of them.
func runMany(b batch) total {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
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
	total := total{Counters: counters{}}
	for range min(workers, len(b.Seeds)) {
		all.Go(func() {
			for !stopped.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(b.Seeds) {
					return
				}
				h := plan(b.Seeds[i])
				if b.Prepare != nil {
					b.Prepare(h)
				}
				res := runOne(h, nil)
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
