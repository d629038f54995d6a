package judge

import (
	"encoding/json"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// How an item ended stands beside it and not in the chain: who decided, what he wrote, what became of each one's words, why. Whoever shows it takes
// it from there, so whoever verifies holds all of it against what the chains hash: the records of decisions, and the changes and versions that the
// item names. What follows from a merge (a fate, a value) is not reckoned anew, as what a fork taught later may bear on it: it must agree with what
// the versions wrote.

// told are the decisions that records of the chains tell of, and the reasons: each by the kind of the record and the change it is about.
type told map[string]int

// isDecided begins the kinds of records that tell of decisions.
const isDecided = "decided "

func (t told) add(r *store.ChainRecord) {
	if strings.HasPrefix(r.Kind, isDecided) {
		t[r.Kind+" "+string(r.Identity)]++
	}
	if item, ok := namedIn(r.Kind); ok {
		t[wordNamed+item]++
	}
}

func (t told) decision(word string, by syncproto.UserID, about syncproto.Identity) bool {
	return t[isDecided+word+" by "+string(by)+" "+string(about)] > 0
}

// reasons counts the records that tell why somebody decided something so by a change.
func (t told) reasons(item string, s *Saying) int {
	return t[isDecided+wordReasoned+item+" by "+string(s.User)+" "+string(s.Change)]
}

const (
	whyReason = "a reason stands beside a decision that no record tells of"
	whyEnd    = "how an inbox item ended is not what its records tell"
)

// named tells whether an item says on whose word it was opened as a record tells, and says it where one does.
func (t told) named(it *store.Item, n *naming) bool {
	if n == nil {
		return t[wordNamed+it.ID] == 0
	}
	return n.Row == it.Row && n.Other == it.Other && t.decision(n.word(), n.User, n.Change)
}

// strayEnds finds items whose end, or on whose word they were opened, says what no record tells: of each stream the first. Each is read as whoever
// shows it reads it: a query by what JSON looks like would miss what is spelt otherwise.
func strayEnds(tx *store.Tx, streams []string, said told) (out []Broken, err error) {
	where, args := "id > ? AND (closed_ms > 0 OR outcome <> '' OR kind = 'twin') ORDER BY id LIMIT ?", []any{"", int64(verifyPage)}
	if streams != nil {
		where, args = "id > ? AND stream = ANY(?) AND (closed_ms > 0 OR outcome <> '' OR kind = 'twin') ORDER BY id LIMIT ?", []any{"", streams, int64(verifyPage)}
	}
	found := map[string]bool{}
	for {
		items, err := tx.Items(where, args...)
		if err != nil {
			return nil, err
		}
		e := &ends{tx: tx, said: said}
		if err := e.load(items); err != nil {
			return nil, err
		}
		for _, it := range items {
			if why, change := e.stray(it); why != "" && !found[it.Stream] {
				found[it.Stream] = true
				out = append(out, Broken{Stream: it.Stream, Identity: change, Why: why})
			}
		}
		if len(items) < verifyPage {
			return out, nil
		}
		args[0] = items[len(items)-1].ID
	}
}

// ends is what a page of items is held against.
type ends struct {
	tx       *store.Tx
	said     told
	closings map[string]closing
	sides    map[string]sides
	unread   map[string]bool // items of which no server wrote what stands there
	changes  map[syncproto.Identity]*store.Change
	versions map[string]*store.Version // by change and row
	erased   map[syncproto.RowID]bool
}

func (e *ends) load(items []*store.Item) error {
	e.closings, e.sides, e.unread = map[string]closing{}, map[string]sides{}, map[string]bool{}
	e.changes, e.versions = map[syncproto.Identity]*store.Change{}, map[string]*store.Version{}
	var ids, rows, others []string
	for _, it := range items {
		c, err := readClosing(it)
		s, wrong := readSides(it)
		for _, b := range c.Before {
			ids = append(ids, string(b.Change))
		}
		if c.Tip != "" {
			ids = append(ids, string(c.Tip))
		}
		if e.closings[it.ID], e.sides[it.ID] = c, s; err != nil || wrong != nil {
			e.unread[it.ID] = true
		}
		rows = append(rows, string(it.Row))
		if it.Kind == syncproto.ItemTwin {
			others = append(others, string(it.Other))
		}
		ids = append(append(ids, string(c.Change)), asTexts(slices.Concat(c.Also, s.Heads, s.Against, s.Gone))...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	changes, err := e.tx.Changes("identity = ANY(?)", ids)
	if err != nil {
		return err
	}
	var received []int64
	for _, c := range changes {
		e.changes[c.Identity] = c
		received = append(received, c.Received)
	}
	versions, err := e.tx.Versions("received = ANY(?) AND identity = ANY(?) AND row_id = ANY(?)", received, ids, rows)
	if err != nil {
		return err
	}
	for _, v := range versions {
		e.versions[string(v.Identity)+" "+string(v.Row)] = v
	}
	e.erased, err = e.tx.Erased(append(rows, others...))
	return err
}

// stray tells what of an item's end no record tells of, and the change it is about.
func (e *ends) stray(it *store.Item) (why string, change syncproto.Identity) {
	if e.unread[it.ID] {
		return whyReason, ""
	}
	c, s := e.closings[it.ID], e.sides[it.ID]
	for i := range c.Said {
		x := &c.Said[i]
		n := 0
		for _, o := range c.Said[:i+1] {
			if o.Change == x.Change && o.User == x.User {
				n++
			}
		}
		if n > e.said.reasons(it.ID, x) { // each has its own record
			return whyReason, x.Change
		}
	}
	if c.Why != "" {
		return whyReason, c.Change
	}
	if e.erased[it.Row] || it.Kind == syncproto.ItemTwin && e.erased[it.Other] { // the rest went with the row
		return "", ""
	}
	if it.Kind == syncproto.ItemTwin && !e.said.named(it, s.Named) {
		return whyReason, c.Change
	}
	ok := c.Tip == "" || e.changes[c.Tip] != nil
	switch {
	case !ok:
	case it.Closed == 0: // it is open again, and nothing of its decisions counts
		c.Said = nil
		ok = string(mustJSON(c)) == "{}"
	case it.Kind == syncproto.ItemTwin:
		ok = e.twin(it, &c, &s)
	case it.Kind == syncproto.ItemLate:
		ok = e.late(it, &c, &s)
	case it.Other != "":
		ok = c.Word == "" && c.Change == "" && len(c.Also)+len(c.Values) == 0 && oneFate(&c, s.Heads) && oneFate(&c, slices.Concat(s.Against, s.Gone)) && onlyOf(&c, &s)
	default:
		ok = e.decided(it, &c, &s) && !slices.ContainsFunc(c.Before, func(b closing) bool {
			was := *it
			was.By = b.By
			return len(b.Before)+len(b.Said) > 0 || !e.decided(&was, &b, &s)
		})
	}
	if ok {
		return "", ""
	}
	return whyEnd, c.Change
}

// twin: whoever decided is on record beside the changes that merged the two, or beside what made one of them.
func (e *ends) twin(it *store.Item, c *closing, s *sides) bool {
	if len(c.Values)+len(c.Fates) > 0 {
		return false
	}
	switch c.Word {
	case WordMoot:
		return it.By == "" && c.Change == "" && len(c.Also) == 0
	case WordDistinct:
		return c.Change == "" && len(c.Also) == 0 && len(s.Heads) > 0 && e.said.decision(c.Word, it.By, s.Heads[0])
	case WordMerged:
		return !slices.ContainsFunc(append(slices.Clone(c.Also), c.Change), func(id syncproto.Identity) bool { return !e.said.decision(c.Word, it.By, id) })
	}
	return false
}

// late: taken after all or left refused, by whom is on record, unless its words were erased by law; or mended by its author.
func (e *ends) late(it *store.Item, c *closing, s *sides) bool {
	if len(s.Heads) != 1 || c.Change != "" || len(c.Also)+len(c.Values) > 0 {
		return false
	}
	about := e.changes[s.Heads[0]]
	switch c.Word {
	case WordMoot: // something stands in for it
		return it.By == "" && len(c.Fates) == 0 && about != nil && about.MendedBy != ""
	case WordUndone: // it is refused as before, and nobody's decision about it counts
		return len(c.Fates) == 0 && e.said.decision(c.Word, it.By, s.Heads[0])
	}
	fate := map[string]string{wordTaken: fateKept, wordRefused: fateOutvoted}[c.Word]
	if fate == "" || len(c.Fates) != 1 || c.Fates[s.Heads[0]] != fate {
		return false
	}
	return e.said.decision(c.Word, it.By, s.Heads[0]) || about != nil && len(about.Body) == 0
}

// decided: an item about cells, or about whether a row lives, ended by a change that somebody made, or of itself.
func (e *ends) decided(it *store.Item, c *closing, s *sides) bool {
	return c.Word == "" && len(c.Also) == 0 && e.closed(it, c) && e.fates(it, c, s)
}

// closed tells whether the change by which an item ended is one that its author made of this row, and wrote what shows since.
func (e *ends) closed(it *store.Item, c *closing) bool {
	if c.Change == "" {
		return it.By == ""
	}
	by, v := e.changes[c.Change], e.versions[string(c.Change)+" "+string(it.Row)]
	if by == nil || by.User != it.By || v == nil {
		return false
	}
	for _, x := range v.Cells {
		raw, shown := c.Values[x.Cell]
		if shown && slices.Contains(v.Decides, x.Cell) && x.Rule != schema.RuleSum && x.Rule != schema.RuleSet && !e.same(it, x.Cell, raw, x.Value) {
			return false
		}
	}
	cells := strings.Split(it.Cell, ",")
	for name := range c.Values {
		if !slices.Contains(cells, name) {
			return false
		}
	}
	return true
}

// same tells whether a value that an item keeps of a cell is another.
func (e *ends) same(it *store.Item, cell string, raw json.RawMessage, value schema.Value) bool {
	of := e.tx.Book().Cell(it.Table, cell)
	if of == nil {
		return true // of a newer book
	}
	kept, err := of.Parse(raw)
	return err == nil && kept == value
}

// fates: each of those in the item has one, nobody else has, and only he is told that his words were taken whose words show.
func (e *ends) fates(it *store.Item, c *closing, s *sides) bool {
	if it.Kind == syncproto.ItemDelete { // whoever deleted stands on one side, whoever wrote on the other, and one of the two has it
		heads := slices.DeleteFunc(slices.Clone(s.Heads), func(id syncproto.Identity) bool { return slices.Contains(s.Against, id) })
		return oneFate(c, heads) && oneFate(c, s.Against) && (len(heads) == 0 || len(s.Against) == 0 || c.Fates[heads[0]] != c.Fates[s.Against[0]]) && onlyOf(c, s)
	}
	for _, id := range slices.Concat(s.Heads, s.Gone, s.Against) {
		switch c.Fates[id] {
		case fateOutvoted, fateThird:
		case fateKept:
			if !slices.Contains(s.Against, id) && !e.shows(it, c, id) {
				return false
			}
		default:
			return false
		}
	}
	return onlyOf(c, s)
}

// oneFate tells whether all of a side were taken, or none was.
func oneFate(c *closing, side []syncproto.Identity) bool {
	return !slices.ContainsFunc(side, func(id syncproto.Identity) bool {
		f := c.Fates[id]
		return f != c.Fates[side[0]] || f != fateKept && f != fateOutvoted
	})
}

// shows tells whether what a version wrote into the cells in question is what the item says that shows.
func (e *ends) shows(it *store.Item, c *closing, id syncproto.Identity) bool {
	v := e.versions[string(id)+" "+string(it.Row)]
	if v == nil {
		return false
	}
	for _, x := range v.Cells {
		if raw, there := c.Values[x.Cell]; there && x.Rule != schema.RuleSum && x.Rule != schema.RuleSet && !e.same(it, x.Cell, raw, x.Value) {
			return false
		}
	}
	return true
}

// onlyOf tells whether fates are of nobody but those who stand in the item.
func onlyOf(c *closing, s *sides) bool {
	all := slices.Concat(s.Heads, s.Gone, s.Against)
	for id := range c.Fates {
		if !slices.Contains(all, id) {
			return false
		}
	}
	return true
}
