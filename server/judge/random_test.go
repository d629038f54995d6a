package judge_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestRandomHistories lets phones and a console do random things over stale bases, pushes in random order and repeats; in the end the state
// must be what the history gives, digest by digest (world.sound), whichever way each change took.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := mustWorld(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book())
			newHistory(w, seed).run(60)
		})
	}
}

type history struct {
	w      *world
	r      *rand.Rand
	phones []*phone
	queues map[*phone][]*syncproto.Change
	bases  map[*phone]map[string]syncproto.Base
	over   map[*phone]map[string][]syncproto.Identity
	pushed map[*phone][]*syncproto.Change
	things []string
}

func newHistory(w *world, seed uint64) *history {
	h := &history{w: w, r: rand.New(rand.NewPCG(seed, 1)), queues: map[*phone][]*syncproto.Change{}, bases: map[*phone]map[string]syncproto.Base{},
		over: map[*phone]map[string][]syncproto.Identity{}, pushed: map[*phone][]*syncproto.Change{}}
	w.assign("ann", "h2")
	w.assign("bob", "h2")
	for _, u := range []string{"ann", "bob", "sec"} {
		h.phones = append(h.phones, w.phone(u))
	}
	for i := range 3 {
		name := fmt.Sprintf("thing %d", i)
		h.things = append(h.things, name)
		h.phones[i%2].do(w.create("thing", name, "household", "@h1", "name", name, "total", 1, "story", "一。二。三。"))
	}
	for _, p := range h.phones {
		h.pull(p)
	}
	return h
}

func (h *history) pull(p *phone) {
	p.sync()
	h.bases[p], h.over[p] = map[string]syncproto.Base{}, map[string][]syncproto.Identity{}
	for _, name := range h.things {
		h.bases[p][name] = h.w.base(name)
	}
	for _, c := range h.queues[p] { // what is not pushed yet lies over it still
		for _, e := range c.Edits {
			for name, id := range h.w.ids {
				if id == string(e.Row) {
					h.over[p][name] = append(h.over[p][name], c.Identity())
				}
			}
		}
	}
}

func (h *history) run(steps int) {
	for range steps {
		p := h.phones[h.r.IntN(len(h.phones))]
		switch h.r.IntN(12) {
		case 0, 1, 2, 3, 4:
			h.edit(p)
		case 5, 6:
			h.push(p)
		case 7:
			h.pull(p)
		case 8:
			h.again(p)
		case 9:
			h.decide()
		case 10:
			h.undo()
		case 11:
			h.console()
		}
	}
	for _, p := range h.phones {
		h.push(p)
	}
}

// edit makes a change over what the phone last pulled and its own changes since.
func (h *history) edit(p *phone) {
	name := h.things[h.r.IntN(len(h.things))]
	var e syncproto.Edit
	n := h.r.IntN(100)
	switch h.r.IntN(10) {
	case 0:
		e = h.w.update("thing", name, "name", fmt.Sprint("name ", n), "total", n)
	case 1:
		e = h.w.update("thing", name, "story", fmt.Sprintf("一%d。二。三。", n))
	case 2:
		e = h.w.update("thing", name, "tags", []string{[]string{"red", "green", "blue"}[n%3]}, "newest", fmt.Sprint(n))
	case 3:
		e = h.w.update("thing", name, "state", []string{"doing", "closed", "dropped"}[n%3])
	case 4:
		e = h.w.update("thing", name, "begins", fmt.Sprintf("2026-01-%02d", 1+n%28))
	case 5:
		e = h.w.update("thing", name, "ends", fmt.Sprintf("2026-01-%02d", 1+n%28))
	case 6:
		e = h.w.update("thing", name, "high", n, "low", fmt.Sprintf("2026-02-%02d", 1+n%28))
	case 7:
		e = h.w.update("thing", name, "household", []string{"@h1", "@h2"}[n%2])
	case 8:
		e = h.w.remove("thing", name)
	case 9:
		note := fmt.Sprintf("note %d", len(h.w.ids))
		h.queue(p, note, h.w.create("note", note, "thing", "@"+name, "author", "@"+h.userName(p), "text", note))
		return
	}
	e.Base = h.bases[p][name]
	if e.Base.Epoch == "" {
		return
	}
	e.Base.Over = append([]syncproto.Identity(nil), h.over[p][name]...)
	h.queue(p, name, e)
}

func (h *history) userName(p *phone) string {
	for name, id := range h.w.ids {
		if id == string(p.user) {
			return name
		}
	}
	return ""
}

func (h *history) queue(p *phone, name string, e syncproto.Edit) {
	c := p.change(e)
	h.queues[p] = append(h.queues[p], c)
	h.over[p][name] = append(h.over[p][name], c.Identity())
}

func (h *history) push(p *phone) {
	if len(h.queues[p]) == 0 {
		return
	}
	n := 1 + h.r.IntN(len(h.queues[p]))
	p.push(h.queues[p][:n]...)
	h.pushed[p] = append(h.pushed[p], h.queues[p][:n]...)
	h.queues[p] = h.queues[p][n:]
}

// again repeats a change: nothing may come of it.
func (h *history) again(p *phone) {
	if len(h.pushed[p]) == 0 {
		return
	}
	before := len(h.w.items())
	p.push(h.pushed[p][h.r.IntN(len(h.pushed[p]))])
	if after := len(h.w.items()); after != before {
		h.w.t.Errorf("a replay changed the inbox from %d to %d items", before, after)
	}
}

func (h *history) decide() {
	items := h.w.items()
	if len(items) == 0 {
		return
	}
	it := items[h.r.IntN(len(items))]
	d := judge.Decision{Keep: h.r.IntN(2) == 0, Values: map[string]schema.Value{}}
	if it.Kind != syncproto.ItemDelete {
		d.Pick = it.Sides[h.r.IntN(len(it.Sides))].Change
	}
	if _, err := h.w.judge.Resolve(h.w.t.Context(), h.w.user("admin"), it.ID, d); err != nil && stops(err) != syncproto.CodeInvalid && stops(err) != syncproto.CodeState {
		h.w.t.Errorf("decide %s %v: %v", it.Kind, it.Cells, err)
	}
	h.w.now++
}

func (h *history) undo() {
	p := h.phones[h.r.IntN(len(h.phones))]
	if len(h.pushed[p]) == 0 {
		return
	}
	_, err := h.w.judge.Undo(h.w.t.Context(), h.w.user("admin"), h.pushed[p][h.r.IntN(len(h.pushed[p]))].Identity())
	if err != nil && stops(err) == "" {
		h.w.t.Error(err)
	}
	h.w.now++
}

func (h *history) console() {
	name := h.things[h.r.IntN(len(h.things))]
	if r := h.w.row(name); r != nil && r.Dead == 0 {
		h.w.submit("admin", h.w.update("thing", name, "grade", []string{"a", "b", "c"}[h.r.IntN(3)]))
	}
}
