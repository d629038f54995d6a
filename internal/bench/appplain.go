package bench

import (
	"context"
	"time"
)

// plain measures the pages and the start of the program on the machine as it is (DESIGN section 9): on all of its processors and on its own
// disk, over the same encrypted replica, asked without a browser. What a page takes is the program's side of it, loopback included.
func (a *appRun) plain(ctx context.Context) error {
	slowed := a.program
	if err := slowed.stop(); err != nil {
		return err
	}
	fast, err := a.build(ctx, false)
	if err != nil {
		return err
	}
	fast.file = slowed.file
	a.program = fast
	var begun []float64
	var r *reader
	for i := range a.starts {
		if i > 0 {
			if err := fast.stop(); err != nil {
				return err
			}
		}
		link, err := fast.start(ctx, "none")
		if err != nil {
			return err
		}
		if r, err = newReader(link); err != nil { // it leads to the page that asks for the PIN
			return err
		}
		begun = append(begun, ms(time.Since(fast.began)))
	}
	p95 := quantile(begun, 0.95)
	a.tell(p95 <= plainStartMS, "300", "plain-first-page %.0f ms after start (p95 of %d, median %.0f), not slowed, without a browser", p95, a.starts, median(begun))
	if err := r.unlock(); err != nil {
		return err
	}
	worst, at := 0.0, ""
	for _, p := range a.pages {
		var took []float64
		for range a.loads + 1 {
			_, t, err := r.get(p.path, false)
			if err != nil {
				return err
			}
			took = append(took, ms(t))
		}
		p95 := quantile(took[1:], 0.95) // the first one prepared its statements
		if p95 > worst {
			worst, at = p95, p.name
		}
		a.say("plain page %s: p95 %.1f ms, median %.1f, the first %.1f", p.name, p95, median(took[1:]), took[0])
	}
	a.tell(worst <= plainPageMS, "16", "plain-pages %.1f ms last-byte-p95 of the slowest of %d (%s) with %d rows, not slowed, without a browser", worst, len(a.pages), at, a.people.rows)
	return ctx.Err()
}
