package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"minqing/schema"
	"minqing/syncproto"
)

// driver makes a history out of choices: of rapid, of a fuzzer's bytes, or of an exhaustive search.
type driver struct {
	tb      failer
	choose  func(n int) int // 0..n-1
	s       *store
	phones  []*phone
	backup  *store
	n       int // versions made
	hostile bool
	texts   []string
	fast    int // how often Fast answered
	slow    int
}

// phone is a device: what it shows, what it has not sent, what it sent.
type phone struct {
	screen
	outbox, sent []RowVersion
}

func newDriver(tb failer, choose func(n int) int) *driver {
	d := &driver{tb: tb, choose: choose, s: newStore(tb), texts: []string{"甲。\n乙。\n丙。\n"}}
	create := RowVersion{ID: id("create"), Op: syncproto.OpCreate, Corrected: 5, Roles: testRoles[:1]}
	create.Cells = []syncproto.CellEdit{set1("a", "p"), set1("note", d.texts[0]), num("low", 2), num("high", 5), num("cap", 6), {Cell: "tags", Add: []string{"x"}}}
	d.accept(create)
	for range 3 {
		d.phones = append(d.phones, &phone{screen: d.s.pulled()})
	}
	d.backup = d.s.clone()
	return d
}

// accept gives a version to the store, and holds Fast, where it answers, to what Row makes of it.
func (d *driver) accept(v RowVersion) {
	before := d.s.row()
	d.s.accept(v)
	after := d.s.row()
	v = *d.s.find(v.ID)
	raw, err := json.Marshal(before.State)
	if err != nil {
		d.tb.Fatal(err)
	}
	var state State
	if err := json.Unmarshal(raw, &state); err != nil {
		d.tb.Fatal(err)
	}
	changed, next, ok := Fast(d.s.book, testTable, state, func(cell string) schema.Value { return before.Cell(cell).Value }, v, d.s.epochs)
	if !ok {
		d.slow++
		return
	}
	d.fast++
	if !reflect.DeepEqual(next, after.State) {
		d.tb.Fatalf("Fast: state %+v\nRow: state %+v\n%s", next, after.State, d.dump())
	}
	for i, c := range after.Cells {
		want, wrote := changed[c.Name]
		if !wrote {
			want = before.Cells[i].Value
		}
		if c.Value != want || !after.Deleted && c.Open != before.Cells[i].Open || wrote && c.MergedBy != "" {
			d.tb.Fatalf("Fast: %s = %v; Row: %v\n%s", c.Name, want, c, d.dump())
		}
	}
}

func (d *driver) dump() string {
	out := ""
	for _, v := range d.s.versions {
		out += fmt.Sprintf("%c %.4s seq=%d labels=%v base=%s/%d over=%.4s open=%.4s decides=%v undo=%.4s refused=%v cells=%v at=%d\n",
			v.Op, v.ID, v.Seq, v.Labels, v.Base.Epoch, v.Base.Rev, v.Base.Over, v.Base.Open, v.Decides, v.UndoOf, v.Refused, v.Cells, v.Corrected)
	}
	return out
}

func (d *driver) name() string {
	d.n++
	return fmt.Sprintf("v%d", d.n)
}

// some is one element of a list.
func some[T any](d *driver, list []T) T { return list[d.choose(len(list))] }

// cellEdit makes an edit of a random cell.
func (d *driver) cellEdit(cell *schema.Cell) syncproto.CellEdit {
	e := syncproto.CellEdit{Cell: cell.Name}
	k := d.choose(5)
	switch cell.Rule {
	case schema.RuleSum:
		e.Delta = int64(k) - 1
	case schema.RuleSet:
		tags := []string{"x", "y", "z"}
		if k%2 == 0 {
			e.Add = []string{some(d, tags)}
		}
		if k > 1 {
			e.Del = []string{some(d, tags)}
		}
	case schema.RuleText:
		e.Value = schema.Text(d.text())
	case schema.RuleFlow:
		if e.Value = schema.Text(cell.Columns[0].Flow.States[k].Value); k == 0 {
			e.Value = schema.Null
		}
	default:
		switch {
		case k == 0 && cell.Name != "low" && cell.Name != "high" && cell.Name != "cap":
			e.Value = schema.Null
		case cell.Group():
			e.Value = schema.Tuple(schema.Int(int64(k)), schema.Int(int64(d.choose(3))))
		case cell.Kind() == schema.KindInt:
			e.Value = schema.Int(int64(k) * 2)
		default:
			e.Value = schema.Text(fmt.Sprintf("2026-01-0%d", k))
		}
	}
	return e
}

// text changes one unit of a text that was there before.
func (d *driver) text() string {
	list := units(some(d, d.texts))
	at := d.choose(len(list) + 1)
	switch d.choose(3) {
	case 0:
		list = slices.Insert(list, at, fmt.Sprintf("句%d。", d.choose(4)))
	case 1:
		list = slices.Insert(list, at, fmt.Sprintf("行%d", d.choose(4)), "\n")
	default:
		if at < len(list) {
			list = slices.Delete(list, at, at+1)
		}
	}
	s := ""
	for _, u := range list {
		s += u
	}
	d.texts = append(d.texts, s)
	return s
}

func (d *driver) cells() []syncproto.CellEdit {
	all := d.s.book.Cells(testTable)
	out := []syncproto.CellEdit{d.cellEdit(&all[d.choose(len(all))])}
	if d.choose(6) == 0 { // now and then what row rules are about
		out[0] = d.cellEdit(d.s.book.Cell(testTable, some(d, []string{"low", "high", "cap"})))
	}
	if d.choose(3) == 0 {
		if e := d.cellEdit(&all[d.choose(len(all))]); e.Cell != out[0].Cell {
			out = append(out, e)
		}
	}
	return out
}

func (d *driver) step() {
	p := some(d, d.phones)
	switch d.choose(16) {
	case 0, 1, 2, 3, 4:
		v := p.edit(d.name(), int64(d.choose(60)), d.cells()...)
		d.finish(&v, p)
		p.laid, p.outbox = append(p.laid, v), append(p.outbox, v)
	case 5, 6, 7:
		d.push(p)
	case 8, 9:
		d.push(p)
		d.pull(p)
	case 10:
		d.decide()
	case 11:
		d.undo()
	case 12:
		d.remove()
	case 13:
		d.s.epoch(syncproto.EpochID(d.name()))
	case 14:
		d.backup = d.s.clone()
	case 15:
		d.restore()
	}
}

// finish spoils a version in hostile histories, and now and then makes its author an administrator.
func (d *driver) finish(v *RowVersion, p *phone) {
	if d.choose(6) == 0 {
		v.Roles = []schema.Role{schema.RoleAdmin}
	}
	if len(v.Base.Over) > 0 && d.choose(4) == 0 {
		v.DependsOn = v.Base.Over[len(v.Base.Over)-1:]
	}
	if !d.hostile || d.choose(3) > 0 {
		return
	}
	whoever := func() syncproto.Identity { return id(fmt.Sprintf("v%d", d.choose(d.n+3))) }
	switch d.choose(6) {
	case 0:
		v.Base.Rev = uint64(d.choose(12))
	case 4:
		v.Base.Epoch = some(d, slices.Sorted(maps.Keys(d.s.epochs.All)))
	case 5:
		v.Base.Open = nil
	case 1:
		v.Base.Over = []syncproto.Identity{whoever(), whoever()}
	case 2:
		v.Base.Open = map[string][]syncproto.Identity{some(d, v.Cells).Cell: {whoever()}}
	case 3:
		v.UndoOf = whoever()
	}
}

// push sends the outbox. Now and then a change is refused, and some phones mend theirs; what depends on a refused one waits.
func (d *driver) push(p *phone) {
	for _, v := range p.outbox {
		waits := slices.ContainsFunc(v.DependsOn, func(id syncproto.Identity) bool {
			on := d.s.find(id)
			return on == nil || on.Refused && on.MendedBy == ""
		})
		switch {
		case d.s.find(v.ID) != nil && !d.s.find(v.ID).Refused:
		case waits || len(v.Labels) == 0 && d.choose(8) == 0:
			if d.s.find(v.ID) == nil {
				d.s.refuse(v)
			}
			p.laid = slices.DeleteFunc(p.laid, func(o RowVersion) bool { return o.ID == v.ID })
			if !waits && d.choose(2) == 0 {
				mend := p.edit(d.name(), int64(d.choose(60)), v.Cells...)
				mend.Mends = v.ID
				d.accept(mend)
				d.revive()
			}
		default:
			d.accept(v)
		}
		p.sent = append(p.sent, v)
	}
	p.outbox = nil
}

// revive accepts what waited for a mend.
func (d *driver) revive() {
	for _, v := range slices.Clone(d.s.versions) {
		if !v.Refused || v.MendedBy != "" || len(v.DependsOn) == 0 {
			continue
		}
		if on := d.s.find(v.DependsOn[0]); on != nil && on.Refused && on.MendedBy != "" {
			d.accept(v)
		}
	}
}

func (d *driver) pull(p *phone) {
	row := d.s.pulled()
	p.at, p.open = row.at, row.open
	p.laid = slices.DeleteFunc(p.laid, func(o RowVersion) bool {
		held := d.s.find(o.ID)
		return held != nil && !held.Refused && slices.ContainsFunc(held.Labels, func(l syncproto.Label) bool { return l.Epoch == p.at.Epoch && l.Rev <= p.at.Rev })
	})
	for i := range p.sent { // labels learnt with the verdicts
		if held := d.s.find(p.sent[i].ID); held != nil {
			p.sent[i].Labels = held.Labels
		}
	}
}

func (d *driver) decide() {
	r := d.s.row()
	if len(r.Items) == 0 {
		return
	}
	item := some(d, r.Items)
	if p := some(d, d.phones); len(p.open) > 0 && d.choose(2) == 0 { // a phone with inbox rights decides what it sees, own changes laid over
		cells := slices.Sorted(maps.Keys(p.open))
		v := p.edit(d.name(), int64(d.choose(60)), d.cellEdit(d.s.book.Cell(testTable, cells[0])))
		v.Decides = cells[:1]
		p.laid, p.outbox = append(p.laid, v), append(p.outbox, v)
		return
	}
	desk := d.s.pulled()
	v := desk.edit(d.name(), int64(d.choose(60)))
	v.Decides = item.Cells
	if item.Kind == syncproto.ItemDelete {
		if d.choose(2) == 0 {
			v.Op = syncproto.OpDelete
		}
	} else {
		v.Cells = append(v.Cells, d.cellEdit(d.s.book.Cell(testTable, some(d, item.Cells))))
	}
	d.accept(v)
}

func (d *driver) undo() {
	of := some(d, d.s.versions)
	if of.Refused || of.Op == syncproto.OpCreate {
		return
	}
	desk := d.s.pulled()
	v := desk.edit(d.name(), int64(d.choose(60)), Undo(d.s.book, testTable, d.s.versions, d.s.epochs, of.ID)...)
	v.UndoOf = of.ID
	if of.Op == syncproto.OpUpdate && len(v.Cells) == 0 {
		return
	}
	d.accept(v)
}

func (d *driver) remove() {
	p := some(d, d.phones)
	v := p.edit(d.name(), int64(d.choose(60)))
	v.Op = syncproto.OpDelete
	if d.choose(3) == 0 {
		v.UndoOf = id("create")
	}
	if d.choose(2) == 0 {
		d.accept(v)
	} else {
		p.outbox, p.laid = append(p.outbox, v), append(p.laid, v)
	}
}

// restore puts the backup back; phones offer again what they sent.
func (d *driver) restore() {
	lost := d.s
	d.s = d.backup.clone()
	for e, a := range lost.epochs.All {
		d.s.epochs.All[e] = a
	}
	d.s.epoch(syncproto.EpochID(d.name()))
	d.backup = d.s.clone()
	for _, p := range d.phones {
		p.outbox, p.sent = append(p.sent, p.outbox...), nil
	}
}

// check holds the result of a finished history to the laws of the package.
func (d *driver) check() {
	r := d.s.row()
	want := newNaive(d.s).row()
	if got, want := plainResult(r), plainResult(want); got != want {
		d.tb.Fatalf("Row:\n%s\nnaive:\n%s\n%s", got, want, d.dump())
	}
	// Commutative and idempotent: the list of versions is a set.
	shuffled := slices.Clone(d.s.versions)
	for i := range shuffled {
		k := d.choose(i + 1)
		shuffled[i], shuffled[k] = shuffled[k], shuffled[i]
	}
	again := Row(d.s.book, testTable, append(shuffled, d.s.versions...), d.s.epochs)
	if got, want := plainResult(again), plainResult(r); got != want || !reflect.DeepEqual(again.State, r.State) {
		d.tb.Fatalf("shuffled and repeated:\n%s\nfirst:\n%s", got, want)
	}
	d.laws(r)
}

// laws checks, by naive means, that nothing is invented and nothing lost.
func (d *driver) laws(r Result) {
	n := newNaive(d.s)
	for _, c := range r.Cells {
		cell := d.s.book.Cell(testTable, c.Name)
		d.noPhantom(n, cell, c)
		held := slices.ContainsFunc(r.Items, func(i Item) bool { return slices.Contains(i.Cells, c.Name) })
		if held != (c.Open != "") {
			d.tb.Fatalf("%s: open %q, but the items are %v", c.Name, c.Open, r.Items)
		}
		// Every accepted version is a head or seen by one; several different heads are merged by a rule or held by an item
		// that names them all.
		values := map[schema.Value]bool{}
		reach := idSet{}
		for _, h := range c.Heads {
			values[n.edit(h, c.Name).Value] = true
			reach = with(reach, append(n.seen(n.versions[h], c.Name).sorted(), h)...)
		}
		if len(reach) != len(n.written(c.Name)) {
			d.tb.Fatalf("%s: an accepted version is neither a head nor seen by one\n%s", c.Name, d.dump())
		}
		if len(c.Heads) > 1 && len(values) > 1 && c.MergedBy == "" && c.Open == "" && !r.Deleted {
			d.tb.Fatalf("%s: different heads neither merged nor in an item\n%s", c.Name, d.dump())
		}
		for _, i := range r.Items {
			if slices.Contains(i.Cells, c.Name) && !reflect.DeepEqual(both(with(nil, i.Heads...), with(nil, c.Heads...)).sorted(), c.Heads) {
				d.tb.Fatalf("%s: the item does not hold all heads: %v, %v", c.Name, i.Heads, c.Heads)
			}
		}
		if len(c.Heads) < 2 && c.Open == syncproto.ItemCell {
			d.tb.Fatalf("%s: an item without concurrency\n%s", c.Name, d.dump())
		}
	}
}

// noPhantom checks that a value was written by somebody, or is a sum, set or text of what was written.
func (d *driver) noPhantom(n *naive, cell *schema.Cell, c Cell) {
	written := map[schema.Value]bool{Unwritten(cell): true}
	pieces := map[string]bool{}
	for v := range n.written(cell.Name) {
		e := n.edit(v, cell.Name)
		written[e.Value] = true
		for _, u := range append(units(e.Value.Str()), e.Add...) {
			pieces[u] = true
		}
	}
	switch cell.Rule {
	case schema.RuleSum:
	case schema.RuleSet, schema.RuleText:
		for _, u := range append(units(c.Value.Str()), c.Value.Elements()...) {
			if !pieces[u] {
				d.tb.Fatalf("%s: nobody wrote %q\n%s", cell.Name, u, d.dump())
			}
		}
	default:
		if !written[c.Value] {
			d.tb.Fatalf("%s: nobody wrote %v\n%s", cell.Name, c.Value, d.dump())
		}
	}
}

// TestRandomHistories runs honest and hostile histories with restores, refusals, undos and decisions, and holds each to the naive
// computation and to the laws.
func TestRandomHistories(t *testing.T) {
	fast, slow := 0, 0
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := newDriver(rt, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") })
		d.hostile = d.choose(4) == 0
		for range 4 + d.choose(22) {
			d.step()
		}
		for _, p := range d.phones {
			d.push(p)
		}
		d.check()
		fast, slow = fast+d.fast, slow+d.slow
		for _, i := range d.s.row().Items {
			seen[string(i.Kind)]++
		}
		for _, c := range d.s.row().Cells {
			seen[string(c.MergedBy)]++
		}
	})
	t.Logf("fast %d, slow %d, items and merges %v", fast, slow, seen)
}
