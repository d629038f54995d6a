package judge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// world is a city with a server and some phones, whose clock stands until it is moved.
type world struct {
	t      testing.TB
	opt    store.Options
	store  *store.Store
	judge  *judge.Judge
	now    int64
	seals  *syncproto.Sealer
	ids    map[string]string // names of test rows → ids
	last   *judge.Outcome
	saved  bytes.Buffer // the backup
	closed bool
}

// phone is a device that only pushes.
type phone struct {
	w      *world
	id     syncproto.DeviceID
	user   syncproto.UserID
	number uint64
	cursor string
}

var day = (24 * time.Hour).Milliseconds()

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, mustWorld(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book()))
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, mustWorld(t, store.Options{DSN: testenv.MustRelaxedPostgres(t)}, schematest.Book()))
	})
}

func mustWorld(t testing.TB, opt store.Options, book *schema.Book) *world {
	t.Helper()
	seals, err := syncproto.NewSealer(make([]byte, 32), rand.NewChaCha8([32]byte{7}))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, opt: opt, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMilli(), seals: seals, ids: map[string]string{}}
	w.opt.Book, w.opt.Now, w.opt.Rand = book, func() int64 { return w.now }, rand.NewChaCha8([32]byte{9})
	w.open()
	t.Cleanup(w.close)
	w.found()
	return w
}

func (w *world) open() {
	w.t.Helper()
	s, err := store.Open(context.Background(), w.opt)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store, w.judge = s, judge.New(s, judge.Options{Seals: w.seals})
}

// close ends the world, once; a restored one ends before its database is dropped.
func (w *world) close() {
	if w.closed {
		return
	}
	w.closed = true
	w.sound()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// sound wants that the chain verifies and that the state is what its history gives.
func (w *world) sound() {
	w.t.Helper()
	report, err := w.judge.VerifyChain(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(report.Broken) > 0 || report.Records == 0 {
		w.t.Errorf("the chain: %+v", report)
	}
	differences, err := w.judge.Rebuild(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range differences {
		w.t.Errorf("%s is %s, by its history %s", d.Where, d.Is, d.Should)
	}
}

// backup keeps the database as it is now; restore brings it back into a new one, as after the loss of the server's disk.
func (w *world) backup() {
	w.t.Helper()
	w.saved.Reset()
	if _, err := w.store.Dump(context.Background(), &w.saved); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restore() {
	w.t.Helper()
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
	if w.opt.DSN != "" {
		w.opt.DSN = testenv.MustRelaxedPostgres(w.t)
	} else {
		w.opt.Path = filepath.Join(w.t.TempDir(), "restored.db")
	}
	w.t.Cleanup(w.close)
	w.open()
	if err := w.store.Load(context.Background(), bytes.NewReader(w.saved.Bytes())); err != nil {
		w.t.Fatal(err)
	}
}

// id names a row of the test: the same name, the same id.
func (w *world) id(name string) string {
	if w.ids[name] == "" {
		w.ids[name] = fmt.Sprintf("01900000-0000-7000-8000-%012x", len(w.ids)+1)
	}
	return w.ids[name]
}

func (w *world) user(name string) syncproto.UserID { return syncproto.UserID(w.id(name)) }
func (w *world) rowID(name string) syncproto.RowID { return syncproto.RowID(w.id(name)) }

// found makes a city of two villages with a household each, an administrator, a secretary of the first village, and two cadres assigned
// to its household.
func (w *world) found() {
	w.t.Helper()
	w.must("", w.create("place", "city", "level", "city", "name", "市"))
	for _, v := range []string{"v1", "v2"} {
		w.must("", w.create("place", v, "parent", "@city", "level", "village", "name", v))
		w.must("", w.create("place", v+"g", "parent", "@"+v, "level", "group", "name", v+"组"))
	}
	for _, u := range [][3]string{{"admin", "admin", "@city"}, {"sec", "secretary", "@v1"}, {"ann", "cadre", "@city"}, {"bob", "cadre", "@city"}} { // in one order: ids and identities follow from it
		user, role, place := u[0], u[1], u[2]
		w.must("", w.create("user", user, "place", place, "login", user, "name", user),
			w.create("role", user+"-role", "user", "@"+user, "role", role, "place", place))
	}
	for _, h := range [][2]string{{"h1", "@v1g"}, {"h2", "@v2g"}} {
		w.must("admin", w.create("household", h[0], "place", h[1], "code", h[0]))
	}
	w.assign("ann", "h1")
	w.assign("bob", "h1")
}

func (w *world) assign(user, household string) {
	w.t.Helper()
	w.must("admin", w.create("assignment", user+"-"+household, "household", "@"+household, "user", "@"+user, "team", "cadre", "since", "2026-01-01"))
}

// cells reads pairs of cell and value: @name is the id of a row, +3 the delta of a sum, {a,b} elements added to a set.
func (w *world) cells(table string, pairs ...any) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		c := w.opt.Book.Cell(table, name)
		if c == nil {
			w.t.Fatalf("%s has no cell %s", table, name)
		}
		e := syncproto.CellEdit{Cell: name}
		switch v := pairs[i+1].(type) {
		case nil:
		case int:
			if c.Rule == schema.RuleSum {
				e.Delta = int64(v)
			} else {
				e.Value = schema.Int(int64(v))
			}
		case []string:
			e.Add = v
		case schema.Value:
			e.Value = v
		case string:
			if len(v) > 1 && v[0] == '@' {
				v = w.id(v[1:])
			}
			e.Value = schema.Text(v)
		}
		out = append(out, e)
	}
	return out
}

func (w *world) create(table, name string, pairs ...any) syncproto.Edit {
	return syncproto.Edit{Table: table, Row: w.rowID(name), Op: syncproto.OpCreate, Cells: w.cells(table, pairs...)}
}

// update is an edit based on the row as it stands on the server now.
func (w *world) update(table, name string, pairs ...any) syncproto.Edit {
	return syncproto.Edit{Table: table, Row: w.rowID(name), Op: syncproto.OpUpdate, Base: w.base(name), Cells: w.cells(table, pairs...)}
}

func (w *world) remove(table, name string) syncproto.Edit {
	return syncproto.Edit{Table: table, Row: w.rowID(name), Op: syncproto.OpDelete, Base: w.base(name)}
}

// base is what a device is shown of a row that it pulls now.
func (w *world) base(name string) syncproto.Base {
	r := w.row(name)
	if r == nil {
		return syncproto.Base{Epoch: "00000000000000000000000000000000"}
	}
	return syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev, Open: r.Open}
}

func (w *world) read(f func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.store.Read(context.Background(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) row(name string) (out *store.Row) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{w.id(name)})
		if len(rows) == 1 {
			out = rows[0]
		}
		return err
	})
	return out
}

// get reads a column as it shows; null for rows that are not there.
func (w *world) get(table, name, column string) (out schema.Value) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		values, err := tx.Values(table, []string{w.id(name)})
		for i, c := range w.opt.Book.Table(table).Columns {
			if v := values[w.rowID(name)]; v != nil && c.Name == column {
				out = v[i]
			}
		}
		return err
	})
	return out
}

func (w *world) shows(table, name, column string, want any) {
	w.t.Helper()
	got := w.get(table, name, column)
	var is string
	switch v := want.(type) {
	case nil:
		is = "null"
	case int:
		is = fmt.Sprint(v)
	case string:
		is = schema.Text(v).String()
	case schema.Value:
		is = v.String()
	}
	if got.String() != is {
		w.t.Errorf("%s.%s of %s shows %s, want %s", table, column, name, got, is)
	}
}

// submit lets a user of the console do something; must wants it applied.
func (w *world) submit(user string, edits ...syncproto.Edit) *syncproto.Verdict {
	w.t.Helper()
	var id syncproto.UserID
	if user != "" {
		id = w.user(user)
	}
	out, err := w.judge.Submit(context.Background(), id, judge.Draft{Edits: edits})
	if err != nil {
		w.t.Fatal(err)
	}
	w.now++
	return out.Verdicts[0]
}

func (w *world) must(user string, edits ...syncproto.Edit) {
	w.t.Helper()
	if v := w.submit(user, edits...); v.Status != syncproto.Applied {
		w.t.Fatalf("%s by %q: %s %s %s", edits[0].Table, user, v.Status, v.Code, v.Message)
	}
}

// phone enrols a device of a user, which has synced just now.
func (w *world) phone(user string) *phone {
	w.t.Helper()
	p := &phone{w: w, id: syncproto.DeviceID(w.id(fmt.Sprintf("%s's phone %d", user, len(w.ids)))), user: w.user(user), number: 1}
	if err := w.store.Write(context.Background(), func(tx *store.Tx) error {
		return tx.SaveDevice(store.Device{ID: p.id, User: p.user, Next: 1})
	}); err != nil {
		w.t.Fatal(err)
	}
	p.sync()
	return p
}

// sync gives the phone a cursor of now.
func (p *phone) sync() {
	p.w.t.Helper()
	p.w.now++
	p.w.read(func(tx *store.Tx) error {
		e, err := tx.Epoch()
		if err != nil {
			return err
		}
		p.cursor, err = p.w.seals.SealCursor(syncproto.Cursor{Device: p.id, Epoch: e.ID, Now: tx.Now()})
		return err
	})
	p.w.now++
}

// change seals a change of the phone without pushing it.
func (p *phone) change(edits ...syncproto.Edit) *syncproto.Change {
	p.w.t.Helper()
	c := &syncproto.Change{Name: syncproto.Name{Device: p.id, Number: p.number}, At: p.w.now, Cursor: p.cursor, Edits: edits}
	p.number++
	if err := c.Seal(); err != nil {
		p.w.t.Fatal(err)
	}
	p.w.now++
	return c
}

// mend is change for one that mends another.
func (p *phone) mend(of *syncproto.Change, edits ...syncproto.Edit) *syncproto.Change {
	p.w.t.Helper()
	c := &syncproto.Change{Name: syncproto.Name{Device: p.id, Number: p.number}, At: p.w.now, Cursor: p.cursor, Mends: of.Identity(), Edits: edits}
	p.number++
	if err := c.Seal(); err != nil {
		p.w.t.Fatal(err)
	}
	p.w.now++
	return c
}

func (p *phone) push(changes ...*syncproto.Change) []*syncproto.Verdict {
	p.w.t.Helper()
	out, err := p.tryPush(changes...)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return out
}

func (p *phone) tryPush(changes ...*syncproto.Change) ([]*syncproto.Verdict, error) {
	out, err := p.w.judge.Push(context.Background(), judge.Author{Device: p.id, User: p.user}, changes)
	if err != nil {
		return nil, err
	}
	p.w.now++
	p.w.last = out
	return out.Verdicts, nil
}

// do makes and pushes one change.
func (p *phone) do(edits ...syncproto.Edit) *syncproto.Verdict {
	p.w.t.Helper()
	return p.push(p.change(edits...))[0]
}

func (p *phone) wants(v *syncproto.Verdict, status syncproto.Status, code syncproto.Code) {
	p.w.t.Helper()
	if v.Status != status || v.Code != code {
		p.w.t.Errorf("change %d: %s %s (%s), want %s %s", v.Number, v.Status, v.Code, v.Message, status, code)
	}
}

// stops tells the code of the error that a push ended with.
func stops(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
