package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// ordersTried is in how many orders the same changes are delivered; ordersMost is how many changes a phone brings at most, so that
// orders differ in more than who comes first.
const (
	ordersTried = 4
	ordersMost  = 8
)

// queue is what waits on one phone.
type queue struct {
	by      judge.Author
	changes []*syncproto.Change
}

// doOrders delivers what waits on several phones in several orders, each to a copy of the server of its own: they must come to the same
// values and the same inbox. Each phone's own changes keep their order; all else is concurrent, as no phone has synced meanwhile.
func (w *world) doOrders(d *dice) {
	if !w.server.up {
		w.server.open()
	}
	w.server.settle()
	queues := w.queues()
	if len(queues) < 2 {
		return
	}
	w.count[cOrders]++
	files := w.server.disk.Clone(serverPath, false)
	seed := d.Uint64()
	var first, how string
	for n := range ordersTried {
		order := deliveries(d, n, queues)
		state := w.outcomeOf(files, seed, queues, order)
		w.trace.note("in the order %v", order)
		if n == 0 {
			first, how = state, fmt.Sprint(order)
		} else if state != first {
			is, was := difference(state, first)
			w.violate(iOrder, "delivered in the order %v a copy of the server holds %s, in the order %s it holds %s", order, is, how, was)
		}
	}
}

// queues are the phones with something to deliver. What the clamping of corrected times by the moment of receipt could reach is left
// out: given corrected times, orders must not matter. So is a device of which two files exist: only one of them may speak.
func (w *world) queues() []*queue {
	var out []*queue
	taken := map[syncproto.DeviceID]bool{}
	for _, p := range w.phones {
		if p.gone || p.syncing {
			continue
		}
		device, err := p.rep.Device(context.Background())
		w.must(err, "read the device of "+p.name)
		waiting, err := p.rep.Entries(context.Background(), replica.Pending)
		w.must(err, "entries of "+p.name)
		if len(waiting) == 0 || taken[device.ID] || waiting[0].Change.Name.Number != w.server.expects(device.ID) {
			continue
		}
		q := &queue{by: judge.Author{Device: device.ID, User: p.userID()}}
		for _, e := range waiting[:min(ordersMost, len(waiting))] {
			c := e.Change
			if c.At+c.Offset > w.now || c.Sealed != nil || c.Name.Device != device.ID || w.overdue(c.Cursor) {
				break
			}
			// The server reads what it can of a change by its own book.
			read, err := syncproto.ParseContent(w.book, c.Name, c.First, string(c.Content))
			w.must(err, "read a change of "+p.name)
			q.changes = append(q.changes, read)
		}
		if len(q.changes) > 0 {
			taken[device.ID] = true
			out = append(out, q)
		}
	}
	return out
}

// overdue tells that the grace period of a change has run out: whether it is late, and so waits in the inbox, hangs on what its author may
// do as it arrives (DESIGN 4), and a move that arrived before it may have changed that.
func (w *world) overdue(sealed string) bool {
	if sealed == "" {
		return false
	}
	cursor, err := w.server.eng.Exchange.Sealer.OpenCursor(sealed)
	w.must(err, "open the cursor of a change")
	return w.now-cursor.Now > grace
}

// expects is the number that the next new change of a device must have, 0 for one that is not known or was revoked.
func (s *server) expects(id syncproto.DeviceID) (next uint64) {
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		d, found, err := tx.Device(id)
		if found && d.Revoked == 0 {
			next = d.Next
		}
		return err
	}), "read a device")
	return next
}

// deliveries is one order: whose next change comes, again and again. The first two are one phone after the other, and the reverse.
func deliveries(d *dice, n int, queues []*queue) []int {
	var order []int
	for i, q := range queues {
		for range q.changes {
			order = append(order, i)
		}
	}
	switch n {
	case 0:
	case 1:
		slices.Reverse(order)
	default:
		d.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
	}
	return order
}

// outcomeOf is what a copy of the server holds after the deliveries, in words that can be compared.
func (w *world) outcomeOf(files simdisk.Image, seed uint64, queues []*queue, order []int) string {
	s := &server{w: w, disk: simdisk.New(), keys: w.server.keys, rand: newEntropy(seed, 2)}
	s.disk.Restore(serverPath, files)
	eng, err := engine.Open(context.Background(), s.config())
	w.must(err, "open a copy of the server")
	s.eng = eng
	next := make([]int, len(queues))
	for _, i := range order {
		q := queues[i]
		_, err := eng.Judge.Push(context.Background(), q.by, q.changes[next[i]:next[i]+1])
		w.must(err, "deliver a change to a copy of the server")
		next[i]++
	}
	state := s.inWords()
	w.must(eng.Close(), "close a copy of the server")
	return state
}

// inWords is what people can see of the server's state: rows, values, what is open. Numbers that count arrivals are not in it.
func (s *server) inWords() string {
	var lines []string
	rows := s.storedRows()
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		r := rows[id]
		line := fmt.Sprintf("%s %s in %s %s:", r.Table, id, r.Scope, r.Period)
		if r.Dead != 0 {
			line = fmt.Sprintf("%s %s: deleted beneath %s in %s %s", r.Table, id, r.Parent, r.Scope, r.Period)
		}
		for i, v := range r.values {
			line += fmt.Sprintf(" %s=%v", s.w.book.Table(r.Table).Columns[i].Name, v)
		}
		for _, cell := range slices.Sorted(maps.Keys(r.Open)) {
			line += fmt.Sprintf(" %s open showing %v", cell, r.Open[cell])
		}
		lines = append(lines, line)
	}
	var items []string
	for _, it := range s.openItems() {
		var heads map[string]json.RawMessage
		s.w.must(json.Unmarshal(it.Heads, &heads), "read an item")
		delete(heads, "gone") // who stood in it once, and will hear how it ends: that follows from what people were told, and so from arrival
		items = append(items, fmt.Sprintf("item %s %s %s %s %s", it.Kind, it.Row, it.Cell, it.Other, heads))
	}
	slices.Sort(items)
	return strings.Join(append(lines, items...), "\n")
}

// difference is the first line in which two states differ.
func difference(a, b string) (string, string) {
	in := func(line string, list []string) bool { return slices.Contains(list, line) }
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	pick := func(own, other []string) string {
		for _, line := range own {
			if !in(line, other) {
				return line
			}
		}
		return "nothing more"
	}
	return pick(la, lb), pick(lb, la)
}
