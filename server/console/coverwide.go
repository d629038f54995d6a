package console

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"minqing/internal/sheet"
	"minqing/server/console/branch"
	"minqing/server/engine"
	"minqing/server/store"
)

// wideRow is a place right below one that is too large for a mark a household. A mark is a village or a group, its class how much of it is to be seen to.
type wideRow struct {
	*branch.WideRow
	Path  string
	Marks template.HTML
}

// shares are the marks of an aggregate, by how much of it is to be seen to: none, less than a fifth, less than half, more, all.
var shares = []string{"enough", "short", "unvisited", "overdue", "nobody"}

func shareOf(t *branch.Stand) string {
	if t == nil {
		return "uncounted"
	}
	needs, total := t.Needs(), t.Total()
	switch {
	case needs == 0:
		return shares[0]
	case needs == total:
		return shares[4]
	case needs*5 < total:
		return shares[1]
	case needs*2 < total:
		return shares[2]
	}
	return shares[3]
}

// toMark goes on to the coverage of the place of this one that a mark names.
func (rq *request) toMark(mark string) error {
	raw, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil {
		return errNotFound
	}
	id := ""
	err = rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT place FROM mq_above WHERE above = ? AND place LIKE ? ORDER BY place LIMIT 1", []any{rq.place.ID, "%" + hex.EncodeToString(raw)}, &id)
		return err
	})
	if err != nil || id == "" {
		return errorOr(err, errNotFound)
	}
	return rq.see("/at/" + id + "/coverage")
}

// coverWide draws the picture of a large place: of what was counted, when that was said beside it. What is missing or old is counted meanwhile.
func (rq *request) coverWide(p *coveragePage, w *branch.Wide) {
	p.Under, p.Counting, p.Counted = nil, w.Never, time.Time{}
	if w.Oldest > 0 {
		p.Counted = time.UnixMilli(w.Oldest).In(rq.app.zone)
	}
	alike := ends{}
	for _, r := range w.Rows {
		for _, c := range r.Cells {
			alike.add(c.ID, placeEnd)
		}
	}
	for _, r := range w.Rows {
		v, out := wideRow{WideRow: r, Path: "/at/" + r.ID + "/coverage"}, picture{}
		for _, c := range r.Cells {
			var name string
			if c.Stand != nil {
				name = rq.words.say("coverage.share", c.Name, c.Needs(), c.Total())
			} else {
				name = rq.words.say("coverage.uncounted", c.Name)
			}
			to := endOf(c.ID, placeEnd)
			if out.page = rq.coverNear(""); alike[to] > 1 {
				out.page, to = "/at/"+c.ID+"/coverage", ""
			}
			out.mark(shareOf(c.Stand), to, name, false)
		}
		v.Marks = out.marks()
		p.Under = append(p.Under, v)
	}
	for i := range p.Chips {
		p.Chips[i].N = w.Counts[p.Chips[i].Standing]
	}
	rq.app.counter.ask(w.Stale)
}

// counter counts villages whose count somebody has asked for, one at a time, beside everything else.
type counter struct {
	e    *engine.Engine
	zone *time.Location
	log  *slog.Logger
	mu   sync.Mutex
	list []string
	on   map[string]bool // is on the list
	wake chan struct{}
}

func newCounter(e *engine.Engine, zone *time.Location, log *slog.Logger) *counter {
	return &counter{e: e, zone: zone, log: log, on: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// ask wants villages counted.
func (c *counter) ask(villages []string) {
	c.mu.Lock()
	for _, v := range villages {
		if !c.on[v] {
			c.list, c.on[v] = append(c.list, v), true
		}
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (c *counter) next() (village string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) > 0 {
		village, c.list = c.list[0], c.list[1:]
		delete(c.on, village)
	}
	return village
}

// countEvery is how far apart villages are counted: a city's nine hundred take a minute and a half, and leave the machine to those who work.
const countEvery = 100 * time.Millisecond

// run counts until ctx ends.
func (c *counter) run(ctx context.Context) {
	pace := time.NewTicker(countEvery)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for v := c.next(); v != "" && ctx.Err() == nil; v = c.next() {
			if err := c.count(ctx, v); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "cannot count a village", "error", err.Error())
			}
			select {
			case <-ctx.Done():
			case <-pace.C:
			}
		}
	}
}

// count counts one: read first and written afterwards, so that nobody's writing waits for the reckoning.
func (c *counter) count(ctx context.Context, village string) error {
	var list []*branch.Stand
	if err := c.e.Store.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = branch.CountVillage(tx, village, time.UnixMilli(tx.Now()).In(c.zone).Format(time.DateOnly))
		return err
	}); err != nil {
		return err
	}
	return c.e.Store.Write(ctx, func(tx *store.Tx) error { return branch.KeepStands(tx, village, list) })
}

// exportWide gives the table of a large place as a file, written as it is read: place by place, so that it may be of any size. That it is taken
// away is on record before its first byte leaves.
func (rq *request) exportWide(ask coverAsk, f url.Values) error {
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		return rq.takeAway(tx, taken{What: "export", Table: "coverage", Within: rq.place.ID})
	}); err != nil {
		return err
	}
	format := rq.attach("coverage", f.Get("as"))
	var columns []sheet.Column
	for _, t := range append(rq.coverTitles(), rq.words.say("coverage.mark")) {
		columns = append(columns, sheet.Column{Title: t})
	}
	// From here on the answer has begun: what goes wrong can only cut it short, and its last row says so.
	out, err := sheet.NewWriter(rq.w, format, rq.words.say("nav.coverage"), columns...)
	if err != nil {
		return err
	}
	left := 0
	defer func() { rq.tookAway("coverage", left) }()
	for after := ""; ; {
		var p coveragePage
		next := ""
		if err := rq.readPart(func(tx *store.Tx) error {
			var list []*branch.Home
			var err error
			list, next, err = branch.CoverPart(tx, rq.place.ID, ask.standings(), after, rq.today(), branch.LookHomes)
			if err != nil {
				return err
			}
			if err := branch.Detail(tx, list); err != nil {
				return err
			}
			rq.coverRows(&p, list, nil)
			return nil
		}); err != nil {
			rq.app.opt.Log.ErrorContext(rq.Context(), "export cut", "error", err.Error())
			rq.lost(errors.Join(out.Row(rq.words.say("coverage.cut")), out.Close()))
			return nil
		}
		for _, r := range p.Rows {
			if err := out.Row(append(r.cells(), rq.watermark())...); err != nil {
				rq.lost(err)
				return nil
			}
			left++
		}
		if after = next; after == "" {
			rq.lost(out.Close())
			return nil
		}
	}
}
