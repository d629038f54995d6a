package sim

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

var (
	canaries = regexp.MustCompile(`鸟[0-9a-f]{5}雀`)
	uuids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
)

// unpack gives what an answer holds, or the part of it that its first bytes hold.
func (a *answer) unpack(n int) []byte {
	plain, err := codec.Decompress(a.header.Get("Content-Encoding"), bytes.NewReader(a.buf.Bytes()[:n]), syncproto.MaxAnswerBytes)
	if err != nil {
		return nil
	}
	defer plain.Close()
	out, _ := io.ReadAll(plain) // an answer that broke off gives its first part
	return out
}

// markAt is what held when a byte of the unpacked answer was written.
func (a *answer) markAt(at int, ends []int) *mark {
	for i := len(a.marks) - 1; i > 0; i-- {
		if at >= ends[i] {
			return &a.marks[i]
		}
	}
	return &a.marks[0]
}

// inspect holds an answer to what the server may and must say.
func (w *world) inspect(a *answer) {
	plain := a.unpack(a.buf.Len())
	ends := make([]int, len(a.marks))
	for i := 1; i < len(a.marks); i++ {
		ends[i] = len(a.unpack(a.marks[i].at))
	}
	at := 0
	var closed []*mark // what held at each checkpoint
	for line := range bytes.SplitSeq(plain, []byte{'\n'}) {
		m := a.markAt(at, ends)
		w.trace.aside("      %s", line)
		w.search(a, m, line)
		if kindOf(line) == "checkpoint" {
			closed = append(closed, m)
		}
		at += len(line) + 1
	}
	in := codec.NewReader(bytes.NewReader(plain), w.book, codec.Limits{})
	columns := map[string][]string{}
	offered := map[syncproto.Identity]bool{}
	if a.request != nil {
		for _, c := range a.request.changes {
			offered[c.Identity()] = true
		}
	}
	for {
		f, err := in.Next()
		if err != nil {
			if code := codeOf(err); !errors.Is(err, io.EOF) && code != syncproto.CodeUnavailable {
				w.violate(iSound, "an answer cannot be read: %v", err)
			}
			return
		}
		m := &a.marks[len(a.marks)-1]
		switch f := f.(type) {
		case syncproto.Welcome:
			if f.Resumed {
				w.count[cResumes]++
			}
		case syncproto.Columns:
			columns[f.Table] = f.Names
		case *syncproto.Row:
			a.rows++
			if len(a.marks) == 1 {
				w.rowSent(a, m, f, columns[f.Table])
			}
		case *syncproto.Verdict:
			if len(a.marks) == 1 {
				w.verdictSent(a, f)
			}
		case syncproto.Checkpoint:
			m, closed = closed[0], closed[1:]
			// One without a cursor says that nothing is new: the phone is at this cut already.
			a.cuts = append(a.cuts, &cut{view: m.view, can: m.can, began: a.grantedTill(m), now: m.now, more: f.More})
		}
	}
}

// grantedTill are the scopes that the device might hold from the first byte of the answer to a mark.
func (a *answer) grantedTill(last *mark) map[string]bool {
	out := maps.Clone(last.can)
	for i := range a.marks {
		maps.DeleteFunc(out, func(scope string, _ bool) bool { return !a.marks[i].can[scope] })
		if &a.marks[i] == last {
			break
		}
	}
	return out
}

// kindOf is the kind of a line of an answer.
func kindOf(line []byte) string {
	if len(line) == 0 {
		return ""
	}
	if line[0] == '[' {
		return "row"
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"`), `"`)
	return kind
}

// search looks for anything in a line that its reader may not know: canaries and ids of rows in households that are not his.
func (w *world) search(a *answer, m *mark, line []byte) {
	p := a.l.phone
	kind := kindOf(line)
	for _, c := range canaries.FindAll(line, -1) {
		t := w.tokens[string(c)]
		if t == nil {
			w.violate(iNoPhantom, "%s is sent the word %s, which nobody wrote", p.name, c)
		}
		if w.readable(m.view, m.can, t, string(c)) {
			continue
		}
		if kind == "verdict" && t.user == p.userID() {
			continue // his own words
		}
		w.violate(iConfidentiality, "%s is sent the word %s of the row %s, which its user may not see: %.200s", p.name, c, t.row, line)
	}
	for _, u := range uuids.FindAll(line, -1) {
		id := string(u)
		r := m.view.Rows[syncproto.RowID(id)]
		if r == nil || m.can[r.Scope] || w.book.Table(scopeTable(r.Scope)).Directory {
			if r != nil {
				p.sent[id] = true
			}
			continue
		}
		// What left a scope leaves a mark there, silent about where it went.
		told := p.sent[id] && (kind == "forget" || kind == "gone") || kind == "gone" && w.layIn(syncproto.RowID(id), m.can)
		own := kind == "verdict" && w.edited(p.userID(), syncproto.RowID(id))
		if !told && !own {
			w.violate(iConfidentiality, "%s is sent the id %s, of a row in %s, which its user may not see: %.200s", p.name, id, r.Scope, line)
		}
	}
}

// readable tells whether a word written into a row may be read by who may hold some scopes. What comes for a twin that was merged away is
// carried over to the one that stayed, and may be read there, also when they were found to be two after all; likewise what the desk chose for
// the one that stays.
func (w *world) readable(view *oracle.View, can map[string]bool, t *token, word string) bool {
	r := view.Rows[t.row]
	if r == nil {
		r = view.Swept[t.row]
	}
	if r != nil && can[r.Scope] {
		return true
	}
	for _, id := range t.taken {
		if by := view.Rows[id]; by != nil && can[by.Scope] && len(by.Writers(word)) > 0 {
			return true
		}
	}
	return slices.ContainsFunc(view.Order, func(id syncproto.RowID) bool {
		by := view.Rows[id]
		return can[by.Scope] && slices.ContainsFunc(by.Writers(word), func(id syncproto.Identity) bool { return w.named(id, t.row) })
	})
}

// named tells whether a change names a row, or stands in for one that does.
func (w *world) named(id syncproto.Identity, row syncproto.RowID) bool {
	for c := w.oracle.Change(id); c != nil; c = w.oracle.Change(c.Mends) {
		if slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool { return e.Row == row }) {
			return true
		}
	}
	return false
}

// layIn tells whether a row ever lay in one of some scopes.
func (w *world) layIn(id syncproto.RowID, can map[string]bool) bool {
	for scope := range w.lay[id] {
		if can[scope] {
			return true
		}
	}
	return false
}

// lookAround notes where rows lie now.
func (w *world) lookAround() {
	for id, r := range w.oracle.View().Rows {
		if w.lay[id] == nil {
			w.lay[id] = map[string]bool{}
		}
		w.lay[id][r.Scope] = true
	}
}

func scopeTable(scope string) string {
	table, _, _ := strings.Cut(scope, ":")
	return table
}

// edited tells whether somebody ever made a change of a row.
func (w *world) edited(user syncproto.UserID, id syncproto.RowID) bool {
	for _, m := range w.made {
		if m.user == user && slices.ContainsFunc(m.Edits, func(e syncproto.Edit) bool { return e.Row == id || namesRow(&e, id) }) {
			return true
		}
	}
	return false
}

func namesRow(e *syncproto.Edit, id syncproto.RowID) bool {
	return slices.ContainsFunc(e.Cells, func(c syncproto.CellEdit) bool { return c.Value.Str() == string(id) })
}

// rowSent holds a row on the wire to what the server must hold of it.
func (w *world) rowSent(a *answer, m *mark, f *syncproto.Row, names []string) {
	r := m.view.Rows[f.ID]
	if r == nil || r.Dead || r.Table.Name != f.Table {
		w.violate(iNoResurrection, "%s is sent the row %s %s, which does not live", a.l.phone.name, f.Table, f.ID)
	}
	if f.Bucket != (syncproto.BucketID{Scope: r.Scope, Period: r.Period}) {
		law := iConfidentiality
		if f.Bucket.Scope == r.Scope {
			law = iClocks
		}
		w.violate(law, "%s is sent the row %s %s in bucket %v, it lies in %s %s", a.l.phone.name, f.Table, f.ID, f.Bucket, r.Scope, r.Period)
	}
	for i, name := range names {
		want, vague := r.Column(w.book, name)
		if f.Values[i] != want && !vague {
			w.violate(iConvergence, "%s is sent %s %s with %s = %v, it is %v", a.l.phone.name, f.Table, f.ID, name, f.Values[i], want)
		}
	}
}

// verdictSent holds a verdict on the wire to what must have become of the change.
func (w *world) verdictSent(a *answer, v *syncproto.Verdict) {
	c := w.oracle.Change(v.Identity)
	if c == nil {
		w.violate(iAckDurable, "%s is told that change %s is %s, and the server does not hold it", a.l.phone.name, v.Identity, v.Status)
	}
	if m := w.made[v.Identity]; m != nil {
		m.given = true
		if m.refused && v.Status != syncproto.Refused {
			w.count[cRevivals]++
		}
		m.refused = v.Status == syncproto.Refused
	}
	w.compareVerdict(a.l.phone, v)
	m := &a.marks[len(a.marks)-1]
	for _, n := range v.People {
		if r := m.view.Rows[n.Row]; r == nil || !m.can[r.Scope] && !w.book.Table(scopeTable(r.Scope)).Directory {
			w.violate(iConfidentiality, "%s is told that %s had to do with the row %s, which its user may not see", a.l.phone.name, n.Name, n.Row)
		}
		// An item of two rows, of twins or of a living one beneath a dead one, names those of the other row as well.
		both := slices.ContainsFunc(v.Items, func(i syncproto.ItemNote) bool {
			return i.Row == n.Row && (i.Kind == syncproto.ItemTwin || i.Kind == syncproto.ItemDelete)
		})
		if n.Part == syncproto.PersonBeside && !both && !w.editedByOther(a.l.phone.userID(), n.Row) {
			w.violate(iNoPhantom, "%s is told that %s wrote into the row %s, and nobody else did", a.l.phone.name, n.Name, n.Row)
		}
		w.count[cNames]++
	}
}

// editedByOther tells whether the server took a change of a row by anybody but a user, or of one that was merged into it.
func (w *world) editedByOther(user syncproto.UserID, id syncproto.RowID) bool {
	rows := w.oracle.View().Rows
	of := func(e syncproto.Edit) bool {
		at := e.Row
		for at != id && rows[at] != nil && rows[at].Alias != "" {
			at = rows[at].Alias
		}
		return at == id
	}
	return slices.ContainsFunc(w.oracle.Changes(), func(c *oracle.Change) bool { return c.User != user && slices.ContainsFunc(c.Edits, of) })
}

// compareVerdict names the invariant that a wrong verdict breaks.
func (w *world) compareVerdict(p *phone, v *syncproto.Verdict) {
	c := w.oracle.Change(v.Identity)
	words := func() string { return describeVerdict(v) + ", must be " + string(c.Status) + " " + string(c.Code) }
	refused := v.Status == syncproto.Refused
	switch {
	case refused && c.Status != syncproto.Refused:
		w.violate(iNoLostEdit, "%s: a change is refused without cause: %s", p.name, words())
	case !refused && c.Status == syncproto.Refused:
		w.violate(iNoPhantom, "%s: a change took effect that must be refused: %s", p.name, words())
	case refused && (v.Code != c.Code || v.Waits != c.Waits):
		w.violate(iNoLostEdit, "%s: a change is refused for another reason: %s waits %q, must wait for %q", p.name, words(), v.Waits, c.Waits)
	case v.Late != c.Late:
		w.violate(iNoLostEdit, "%s: late is %v: %s", p.name, v.Late, words())
	case v.MendedBy != c.MendedBy:
		w.violate(iNoLostEdit, "%s: mended by %q, must be %q: %s", p.name, v.MendedBy, c.MendedBy, words())
	}
	if refused {
		return
	}
	vague := c.Unsure // what was said of a cell stays said
	rows := w.oracle.View().Rows
	for _, e := range c.Edits {
		for r := rows[e.Row]; r != nil; r = rows[r.Alias] { // what came for a twin that was merged away is an edit of the one that stayed
			for _, cell := range r.Cells {
				vague = vague || cell.Vague
			}
			if !r.Dead {
				break
			}
		}
	}
	if v.Status != c.Status && !vague {
		w.violate(iConflicts, "%s: %s", p.name, words())
	}
	for _, l := range v.Labels {
		if c.Given[l.Row] != l.Label {
			w.violate(iCausality, "%s: change %s is given %v for row %s, must be %v", p.name, v.Identity, l.Label, l.Row, c.Given[l.Row])
		}
	}
}

func describeVerdict(v *syncproto.Verdict) string {
	s := string(v.Identity[:8]) + " is " + string(v.Status)
	if v.Code != "" {
		s += " " + string(v.Code)
	}
	return s
}
