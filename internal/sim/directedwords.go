package sim

import (
	"bytes"
	"context"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// The words in which directed histories are told. Each does its step with production code and wants it to go well.

// iOutcome is broken when a directed history does not end as it must; the invariants of every history are looked at besides.
const iOutcome = "D Outcome"

// script is what a directed history lets happen to one sync request of a phone.
type script struct {
	before    func() // while the request is on its way: it is written, and not yet there
	coming    func() // while the answer is on its way: it is written, and not yet here
	cutBefore string // the kind of frame before which the answer breaks off
	skip      int    // so many frames of that kind still come
	lost      bool   // the request never arrives
	deaf      bool   // the answer never does
	held      bool   // the request is held back, for the history to do with as it likes
	twice     bool
}

// follow gives the next request what the directed history has in store for it.
func (l *link) follow() fault {
	c := l.plan[0]
	l.plan = l.plan[1:]
	f := noFault
	f.loseRequest, f.loseAnswer, f.twice, f.delay, f.script = c.lost, c.deaf, c.twice, c.held, &c
	if c.before != nil {
		c.before()
	}
	return f
}

// again is what is left to happen to a request when it comes once more.
func (c script) again() script {
	c.before = nil
	return c
}

// before is the byte of the answer at which a frame of a kind begins, after so many of the kind; the answer goes on in plain text, as some relays have it.
func (a *answer) before(kind string, skip int) int {
	plain := a.unpack(a.buf.Len())
	at := 0
	for line := range bytes.SplitSeq(plain, []byte{'\n'}) {
		if kindOf(line) == kind {
			if skip == 0 {
				break
			}
			skip--
		}
		at += len(line) + 1
	}
	a.buf.Reset()
	a.buf.Write(plain)
	a.header.Del("Content-Encoding")
	return min(at, len(plain))
}

// want ends the history when something is not as it must be.
func (s *stage) want(ok bool, format string, args ...any) {
	if !ok {
		s.violate(iOutcome, format, args...)
	}
}

// phone enrols a phone of somebody and fills it.
func (s *stage) phone(user string) *phone { return s.phoneAt(user, schematest.Version) }

func (s *stage) phoneAt(user string, version int) *phone {
	p := s.newPhone(phoneCase{User: user, Version: version}, s.d.Uint64())
	s.sync(p)
	return p
}

// sync lets phones sync, one after the other, in good weather.
func (s *stage) sync(phones ...*phone) {
	for _, p := range phones {
		s.tick(1000)
		err := p.session(s.d, false)
		s.must(err, "sync of "+p.name)
		if p.sure && !p.gone {
			p.check()
		}
	}
}

// syncWith lets a phone sync while things happen to its requests, one script for each; the sync may fail of them.
func (s *stage) syncWith(p *phone, plan ...script) {
	s.tick(1000)
	p.link.plan = plan
	_ = p.session(s.d, false) // whatever the plan made of it
	s.want(len(p.link.plan) == 0, "%s made too few requests: %d scripts are left", p.name, len(p.link.plan))
}

// send lets what waits on a phone arrive, without anything coming back.
func (s *stage) send(p *phone) { s.syncWith(p, script{deaf: true}) }

func asValue(v any) schema.Value {
	switch v := v.(type) {
	case nil:
		return schema.Null
	case int:
		return schema.Int(int64(v))
	case []string:
		return schema.Set(v...)
	case schema.Value:
		return v
	}
	return schema.Text(v.(string))
}

// pairs are columns and their values, as they stand in a history.
func pairs(list []any) map[string]schema.Value {
	out := map[string]schema.Value{}
	for i := 0; i < len(list); i += 2 {
		out[list[i].(string)] = asValue(list[i+1])
	}
	return out
}

func (s *stage) form(p *phone, r rowRef) replica.Form {
	f, err := p.rep.Form(context.Background(), r.table, r.id)
	s.must(err, "render "+r.table+" on "+p.name)
	p.checkForm(f)
	return f
}

// edit opens a form, enters values and saves it.
func (s *stage) edit(p *phone, r rowRef, columns ...any) *made {
	return s.saveForm(p, s.form(p, r), columns...)
}

func (s *stage) saveForm(p *phone, f replica.Form, columns ...any) *made {
	s.tick(1000)
	m := p.save(f, pairs(columns))
	s.want(m != nil, "%s could not save %v", p.name, columns)
	return m
}

// create makes a row.
func (s *stage) create(p *phone, table string, columns ...any) (r rowRef, m *made) {
	s.tick(1000)
	r.table = table
	m = p.write(func(tx *replica.Tx) (err error) {
		if r.id, err = tx.NewID(); err == nil {
			err = tx.Create(table, r.id, pairs(columns))
		}
		return err
	})
	s.want(m != nil, "%s could not make a %s of %v", p.name, table, columns)
	return r, m
}

func (s *stage) remove(p *phone, r rowRef) *made {
	s.tick(1000)
	m := p.write(func(tx *replica.Tx) error { return tx.Delete(s.form(p, r)) })
	s.want(m != nil, "%s could not delete %s", p.name, r.id)
	return m
}

// mend writes a refused change anew.
func (s *stage) mend(p *phone, refused *made, columns ...any) *made {
	s.tick(1000)
	e := refused.Edits[0]
	c, err := p.rep.Mend(context.Background(), refused.id, func(tx *replica.Tx) error {
		if e.Op == syncproto.OpCreate {
			return tx.Create(e.Table, e.Row, pairs(columns))
		}
		f, err := tx.Form(e.Table, e.Row)
		if err != nil {
			return err
		}
		return tx.Update(f, pairs(columns))
	})
	m := p.wrote(c, err)
	s.want(m != nil, "%s could not mend %s", p.name, refused.id)
	return m
}

// tool writes to a plain file with a program of somebody's own: nothing checks what it writes but the server.
func (s *stage) tool(p *phone, query string, args ...any) *made {
	s.tick(1000)
	p.runTool(query, args...)
	c, err := p.rep.SealForeign(context.Background())
	s.must(err, "seal on "+p.name)
	p.collect()
	return s.made[c.Identity()]
}

// submitAs makes one change at the desk, which must take effect.
func (s *stage) submitAs(user string, edits ...syncproto.Edit) syncproto.Identity {
	var out *judge.Outcome
	s.desk("submit", func(j *judge.Judge) (err error) {
		out, err = j.Submit(context.Background(), syncproto.UserID(user), judge.Draft{Edits: edits})
		s.must(err, "submit")
		return err
	})
	s.want(out.Verdicts[0].Status != syncproto.Refused, "the desk is refused: %s", out.Verdicts[0].Message)
	return out.Verdicts[0].Identity
}

// deskEdit enters values at the desk, over what it shows.
func (s *stage) deskEdit(user string, r rowRef, columns ...any) syncproto.Identity {
	row := s.oracle.View().Rows[r.id]
	return s.submitAs(user, syncproto.Edit{Table: r.table, Row: r.id, Op: syncproto.OpUpdate, Cells: toEdits(s.book, r.table, s.shownAt(row), pairs(columns))})
}

// deskCreate makes a row of texts at the desk.
func (s *stage) deskCreate(user, table string, texts map[string]string) rowRef {
	e := s.newAtDesk(s.d, table, texts)
	s.submitAs(user, e)
	return rowRef{table, e.Row}
}

func (s *stage) deskDelete(user string, r rowRef) syncproto.Identity {
	return s.submitAs(user, syncproto.Edit{Table: r.table, Row: r.id, Op: syncproto.OpDelete})
}

// undoAs takes a change back at the desk.
func (s *stage) undoAs(user string, id syncproto.Identity) syncproto.Identity {
	var out *judge.Outcome
	s.desk("undo "+string(id[:8]), func(j *judge.Judge) (err error) {
		out, err = j.Undo(context.Background(), syncproto.UserID(user), id)
		s.must(err, "undo")
		return err
	})
	s.count[cUndos]++
	return out.Verdicts[0].Identity
}

// assign gives a household to somebody; end takes it away again.
func (s *stage) assign(user, household string) rowRef {
	return s.deskCreate(adminUser, "assignment", map[string]string{"household": household, "user": user, "team": "cadre", "since": date(s.now)})
}

// unassign takes a household away from somebody at once.
func (s *stage) unassign(user, household string) {
	for _, r := range s.livingRows("assignment") {
		u, _ := r.Column(s.book, "user")
		h, _ := r.Column(s.book, "household")
		if u.Str() == user && h.Str() == household {
			s.deskDelete(adminUser, rowRef{"assignment", r.ID})
		}
	}
}

// items wants so many open ones.
func (s *stage) items(n int) []*judge.Item {
	list := s.inbox(adminUser)
	if len(list) != n {
		var have []string
		for _, it := range list {
			have = append(have, string(it.Kind)+" "+it.Table+" "+short(string(it.Row)))
		}
		s.violate(iOutcome, "the inbox holds %d items, must hold %d: %v", len(list), n, have)
	}
	return list
}

// item wants exactly one open item: of a kind, about cells of a row, with just these words in it.
func (s *stage) item(kind syncproto.ItemKind, r rowRef, cells []string, heads ...syncproto.Identity) *judge.Item {
	it := s.items(1)[0]
	s.holds(it, kind, r, cells, heads...)
	return it
}

func (s *stage) holds(it *judge.Item, kind syncproto.ItemKind, r rowRef, cells []string, heads ...syncproto.Identity) {
	var in []syncproto.Identity
	for _, side := range it.Sides {
		if !side.Against {
			in = append(in, side.Change)
		}
	}
	slices.Sort(in)
	slices.Sort(heads)
	s.want(it.Kind == kind && it.Row == r.id && slices.Equal(it.Cells, cells) && slices.Equal(in, heads),
		"the item is %s of %s %v with heads %v, must be %s of %s %v with %v", it.Kind, it.Row, it.Cells, in, kind, r.id, cells, heads)
}

// decide decides an item at the desk.
func (s *stage) decide(it *judge.Item, d judge.Decision) {
	s.must(s.resolve(it, d), "decide "+string(it.Kind))
}

// shows wants the server to show values.
func (s *stage) shows(r rowRef, columns ...any) {
	row := s.server.storedRows()[r.id]
	s.want(row != nil && row.Dead == 0, "the server shows no %s %s", r.table, r.id)
	t := s.book.Table(r.table)
	for name, want := range pairs(columns) {
		i := slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == name })
		s.want(row.values[i] == want, "the server shows %s.%s = %v, must show %v", r.table, name, row.values[i], want)
	}
}

// isDead wants a row to be deleted, on the server and on every phone.
func (s *stage) isDead(r rowRef) {
	row := s.server.storedRows()[r.id]
	if row == nil || row.Dead == 0 {
		s.violate(iNoResurrection, "the %s %s lives, and was deleted", r.table, r.id)
	}
}

// rev is how many changes of a row the server counts.
func (s *stage) rev(r rowRef) uint64 { return s.server.storedRows()[r.id].Label.Rev }

// shownOn wants a phone to show values.
func (s *stage) shownOn(p *phone, r rowRef, columns ...any) {
	f := s.form(p, r)
	for name, want := range pairs(columns) {
		s.want(f.Values[name] == want, "%s shows %s.%s = %v, must show %v", p.name, r.table, name, f.Values[name], want)
	}
}

// missingOn wants a phone not to show a row.
func (s *stage) missingOn(p *phone, r rowRef) {
	_, err := p.rep.Form(context.Background(), r.table, r.id)
	s.want(codeOf(err) == syncproto.CodeNotFound, "%s shows %s %s: %v", p.name, r.table, r.id, err)
}

// became wants a change to have become something, by the server's record.
func (s *stage) became(m *made, status syncproto.Status, code syncproto.Code) *store.Change {
	var c *store.Change
	s.must(s.server.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		list, err := tx.Changes("identity = ?", string(m.id))
		if len(list) > 0 {
			c = list[0]
		}
		return err
	}), "read a change")
	if c == nil {
		s.violate(s.lost(m), "the server does not hold %s", describe(m.Change))
	}
	s.want(c.Status == status && c.Code == code, "%s is %s %s, must be %s %s", describe(m.Change), c.Status, c.Code, status, code)
	return c
}

// heard wants a phone to know what became of a change.
func (s *stage) heard(p *phone, m *made, state replica.State) replica.Entry {
	e := p.entries()[m.id]
	s.want(e != nil && e.State == state, "%s calls %s %+v, must call it %s", p.name, describe(m.Change), e, state)
	return *e
}

// carry lets a phone write its outbox to a file which another hands in, and gives the receipt.
func (s *stage) carry(author, carrier *phone) []byte {
	s.tick(1000)
	b := s.export(author)
	s.want(b != nil, "%s cannot write a bundle", author.name)
	s.bundles = append(s.bundles, b)
	receipt, err := carrier.sync.Carry(context.Background(), b.file)
	s.must(err, carrier.name+" hands in")
	return receipt
}

// takeReceipt is the carrier coming back.
func (s *stage) takeReceipt(p *phone, receipt []byte) {
	_, err := p.sync.Receipt(context.Background(), bytes.NewReader(receipt))
	s.must(err, p.name+" takes a receipt")
}

// The rows that every history begins with.
func aThing(i int) rowRef     { return rowRef{"thing", syncproto.RowID(fixedID(0x90 + i))} }
func aHousehold(i int) rowRef { return rowRef{"household", syncproto.RowID(households[i])} }

func (s *stage) ctx() context.Context { return context.Background() }

type side = judge.Side

func decisionFor(m *made) judge.Decision { return judge.Decision{Pick: m.id} }
