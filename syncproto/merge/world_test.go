package merge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// A world is one row in a small model of the whole system, just enough to give versions the bases, labels and seqs that the
// real ones have: a store with epochs, phones that pull and push, a console.

// failer is what the tests need of testing.TB and rapid.T.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

const testTable = "t"

func label(s string) schema.Label { return schema.Label{ZH: s, EN: s} }

func option(s string) schema.Option { return schema.Option{Value: s, Label: label(s)} }

// needed is a manual column that must hold something.
func needed(name string) schema.Column {
	c := column(name, schema.TypeText, schema.RuleManual)
	c.Required = true
	return c
}

func column(name string, of schema.Type, rule schema.Rule) schema.Column {
	c := schema.Column{Name: name, Label: label(name), Type: of, Rule: rule}
	if of == schema.TypeInt {
		c.Min, c.Max = -1000000, 1000000
	}
	if of == schema.TypeLong {
		c.Max = 20000
	}
	if rule == schema.RuleLatest {
		c.Why = label("a test")
	}
	return c
}

var testFlow = &schema.Flow{Initial: "open",
	States: []schema.Option{option("open"), option("working"), option("paused"), option("rejected"), option("closed")},
	Moves: []schema.Move{
		{From: "open", To: "working", Roles: testRoles}, {From: "working", To: "paused", Roles: testRoles}, {From: "paused", To: "working", Roles: testRoles},
		{From: "working", To: "closed", Roles: testRoles}, {From: "open", To: "rejected", Roles: testRoles}}}

var testRoles = []schema.Role{schema.RoleCadre, schema.RoleAdmin}

// testBook has one table with a cell of every rule, a group, a lock and a row rule; with columns named, only those, and what
// of lock and row rule is about them.
func testBook(tb failer, only ...string) *schema.Book {
	tb.Helper()
	position := func(name string) schema.Column {
		c := column(name, schema.TypeInt, schema.RuleMax)
		c.Group = "pair"
		return c
	}
	state := column("state", schema.TypeFlow, schema.RuleFlow)
	state.Flow = testFlow
	table := &schema.Table{
		Name: testTable, Label: label("test"), Scope: schema.ScopeOwn,
		Create: []schema.Permit{{Roles: testRoles}}, Change: []schema.Permit{{Roles: testRoles}}, Delete: []schema.Permit{{Roles: testRoles}},
		Locks: []schema.Lock{{States: []string{"closed"}, Columns: []string{"a", "count", "note"}, Except: []schema.Role{schema.RoleAdmin}}},
		Rules: []schema.RowRule{{Name: "ordered", Label: label("low before high"), Columns: []string{"low", "high"},
			Holds: func(get func(string) schema.Value) bool {
				return get("low").IsNull() || get("high").IsNull() || get("low").Num() <= get("high").Num()
			}}, {Name: "capped", Label: label("high below cap"), Columns: []string{"high", "cap"},
			Holds: func(get func(string) schema.Value) bool {
				return get("high").IsNull() || get("cap").IsNull() || get("high").Num() <= get("cap").Num()
			}}},
		Columns: []schema.Column{
			column("a", schema.TypeText, schema.RuleManual), needed("b"),
			column("last", schema.TypeText, schema.RuleLatest), column("most", schema.TypeInt, schema.RuleMax),
			column("least", schema.TypeDate, schema.RuleMin), column("count", schema.TypeInt, schema.RuleSum),
			column("tags", schema.TypeTags, schema.RuleSet), column("note", schema.TypeLong, schema.RuleText),
			state, column("once", schema.TypeText, schema.RuleOnce), column("derived", schema.TypeText, schema.RuleServer),
			position("x"), position("y"),
			column("low", schema.TypeInt, schema.RuleLatest), column("high", schema.TypeInt, schema.RuleLatest), column("cap", schema.TypeInt, schema.RuleLatest),
		}}
	if len(only) > 0 {
		out := func(name string) bool { return !slices.Contains(only, name) }
		table.Columns = slices.DeleteFunc(table.Columns, func(c schema.Column) bool { return out(c.Name) })
		table.Locks[0].Columns = slices.DeleteFunc(table.Locks[0].Columns, out)
		if out("state") || len(table.Locks[0].Columns) == 0 {
			table.Locks = nil
		}
		table.Rules = slices.DeleteFunc(table.Rules, func(r schema.RowRule) bool { return slices.ContainsFunc(r.Columns, out) })
	}
	book, err := schema.NewBook(1, table)
	if err != nil {
		tb.Fatal(err)
	}
	return book
}

// id makes an identity that looks like a real one.
func id(name string) syncproto.Identity {
	sum := sha256.Sum256([]byte(name))
	return syncproto.Identity(hex.EncodeToString(sum[:16]))
}

func ids(names ...string) []syncproto.Identity {
	out := []syncproto.Identity{}
	for _, n := range names {
		out = append(out, id(n))
	}
	slices.Sort(out)
	return out
}

func set1(cell, text string) syncproto.CellEdit {
	return syncproto.CellEdit{Cell: cell, Value: schema.Text(text)}
}

func num(cell string, n int64) syncproto.CellEdit {
	return syncproto.CellEdit{Cell: cell, Value: schema.Int(n)}
}

func plus(cell string, n int64) syncproto.CellEdit { return syncproto.CellEdit{Cell: cell, Delta: n} }

// store is the server's side of a world.
type store struct {
	book     *schema.Book
	versions []RowVersion
	epochs   Epochs
	seq, rev uint64
}

func newStore(tb failer, only ...string) *store {
	return &store{book: testBook(tb, only...), epochs: Epochs{Current: "e1", All: map[syncproto.EpochID]Epoch{"e1": {}}}}
}

func (s *store) clone() *store {
	c := *s
	c.versions = slices.Clone(s.versions)
	c.epochs.All = maps.Clone(s.epochs.All)
	return &c
}

func (s *store) row() Result { return Row(s.book, testTable, s.versions, s.epochs) }

func (s *store) find(id syncproto.Identity) *RowVersion {
	for i := range s.versions {
		if s.versions[i].ID == id {
			return &s.versions[i]
		}
	}
	return nil
}

// accept takes a version that it does not hold, with the labels it may bring along.
func (s *store) accept(v RowVersion) {
	s.seq++
	s.rev++
	v.Seq = s.seq
	v.Refused, v.MendedBy = false, ""
	v.Labels = append(slices.Clone(v.Labels), syncproto.Label{Epoch: s.epochs.Current, Rev: s.rev})
	if held := s.find(v.ID); held != nil {
		*held = v
	} else {
		s.versions = append(s.versions, v)
	}
	if mended := s.find(v.Mends); v.Mends != "" && mended != nil && mended.Refused && mended.MendedBy == "" {
		mended.MendedBy = v.ID
	}
}

func (s *store) refuse(v RowVersion) {
	v.Refused, v.Labels = true, nil
	s.versions = append(s.versions, v)
}

// epoch begins a new epoch on what the store holds.
func (s *store) epoch(name syncproto.EpochID) {
	s.epochs.All[name] = Epoch{Parent: s.epochs.Current, Began: s.seq}
	s.epochs.Current = name
}

// screen is what somebody looks at: the row as acknowledged, and the own changes laid over.
type screen struct {
	at   syncproto.Label
	open map[string][]syncproto.Identity
	laid []RowVersion
}

func (s *store) pulled() screen {
	r := s.row()
	return screen{at: syncproto.Label{Epoch: s.epochs.Current, Rev: s.rev}, open: r.Open()}
}

func (p *screen) base() syncproto.Base {
	b := syncproto.Base{Epoch: p.at.Epoch, Rev: p.at.Rev, Open: p.open}
	for _, v := range p.laid {
		b.Over = append(b.Over, v.ID)
	}
	return b
}

// edit makes a version from what is shown.
func (p *screen) edit(name string, at int64, cells ...syncproto.CellEdit) RowVersion {
	return RowVersion{ID: id(name), Op: syncproto.OpUpdate, Cells: cells, Base: p.base(), Corrected: at, Roles: []schema.Role{schema.RoleCadre}}
}

// lay makes a version and lays it over.
func (p *screen) lay(name string, at int64, cells ...syncproto.CellEdit) RowVersion {
	v := p.edit(name, at, cells...)
	p.laid = append(p.laid, v)
	return v
}

// created gives a store with the row made at rev 1.
func created(tb failer, cells ...syncproto.CellEdit) *store {
	s := newStore(tb)
	s.accept(RowVersion{ID: id("create"), Op: syncproto.OpCreate, Cells: cells, Corrected: 1})
	return s
}

// orders calls f with a store for each order in which the versions can arrive: each after those that its base or Mends names.
func orders(s *store, list []RowVersion, f func(order string, s *store)) {
	var rec func(s *store, left []RowVersion, order string)
	rec = func(s *store, left []RowVersion, order string) {
		if len(left) == 0 {
			f(order, s)
			return
		}
		for i, v := range left {
			if slices.ContainsFunc(left, func(o RowVersion) bool { return slices.Contains(v.Base.Over, o.ID) || v.UndoOf == o.ID }) {
				continue
			}
			next := s.clone()
			next.accept(v)
			rec(next, slices.Delete(slices.Clone(left), i, i+1), fmt.Sprintf("%s %.4s", order, v.ID))
		}
	}
	rec(s, list, "")
}

// plainResult is a result without what belongs to one order of arrival.
func plainResult(r Result) string {
	out := fmt.Sprintf("deleted=%v\n", r.Deleted)
	for _, c := range r.Cells {
		out += fmt.Sprintf("%s=%v open=%q by=%q heads=%.4s shows=%.4s eff=%d\n", c.Name, c.Value, c.Open, c.MergedBy, c.Heads, c.Shows, c.Effective)
	}
	for _, i := range r.Items {
		out += fmt.Sprintf("item %s %v %q heads=%.4s against=%.4s shown=%.4s\n", i.Kind, i.Cells, i.Rule, i.Heads, i.Against, i.Shown)
	}
	return out
}

// sameInAllOrders runs every order, holds them to one result, and returns it.
func sameInAllOrders(tb failer, s *store, list ...RowVersion) Result {
	tb.Helper()
	var first Result
	n := 0
	orders(s, list, func(order string, s *store) {
		r := s.row()
		if n++; n == 1 {
			first = r
			return
		}
		if got, want := plainResult(r), plainResult(first); got != want {
			tb.Fatalf("order%s:\n%s\nanother order:\n%s", order, got, want)
		}
	})
	if n == 0 {
		tb.Fatal("no order in which these can arrive")
	}
	return first
}

func wantCell(tb failer, r Result, name string, value schema.Value, open syncproto.ItemKind) {
	tb.Helper()
	c := r.Cell(name)
	if c.Value != value || c.Open != open {
		tb.Errorf("cell %s = %v, open %q; want %v, open %q\n%s", name, c.Value, c.Open, value, open, plainResult(r))
	}
}

func wantItems(tb failer, r Result, n int) {
	tb.Helper()
	if len(r.Items) != n {
		tb.Errorf("%d items, want %d\n%s", len(r.Items), n, plainResult(r))
	}
}
