package e2e_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"minqing/internal/sheet"
	"minqing/internal/testenv"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// A table that nothing in the repository knows of but its literal is made on one phone, merged with another's edit, refused where its own
// rules say so, by the phone and by the server, read from a file and written to one, and equal everywhere in the end.
func TestAddingATableIsOneLiteral(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			dsn := ""
			if database == "postgres" {
				dsn = testenv.MustRelaxedPostgres(t)
			}
			w := &wells{mustPairOn(t, schematest.With(schematest.Well()), nil, dsn)}
			ann, bob := w.enrol("ann", "ann.db"), w.enrol("bob", "bob.db")
			ann.round()
			bob.round()
			w.merge(ann, bob)
			w.refuse(ann)
			w.importAndExport(ann)
		})
	}
}

// wells is a pair whose book has that table.
type wells struct{ *pair }

func (w *wells) write(ph *phone, fn func(tx *replica.Tx) error) error {
	_, err := ph.Write(context.Background(), fn)
	return err
}

func (w *wells) update(ph *phone, v map[string]schema.Value) {
	w.t.Helper()
	f, err := ph.Form(context.Background(), "well", w.row("well"))
	w.must(err)
	w.must(w.write(ph, func(tx *replica.Tx) error { return tx.Update(f, v) }))
}

// fields are those of a new well of the first household.
func (w *wells) fields(author, number string, depth int64) map[string]schema.Value {
	return map[string]schema.Value{"household": schema.Text(w.id("h0")), "author": schema.Text(w.id(author)), "number": schema.Text(number), "depth": schema.Int(depth), "uses": schema.Set("drink")}
}

func (w *wells) merge(ann, bob *phone) {
	t, text := w.t, schema.Text
	w.must(w.write(ann, func(tx *replica.Tx) error { return tx.Create("well", w.row("well"), w.fields("ann", "7", 20)) }))
	if err := w.write(ann, func(tx *replica.Tx) error { return tx.Create("well", w.row("too deep"), w.fields("ann", "8", 5000)) }); err == nil {
		t.Error("a depth beyond its bound was saved")
	}
	ann.round()
	bob.round()

	w.update(ann, map[string]schema.Value{"uses": schema.Set("drink", "field"), "remark": text("水清。")})
	w.update(bob, map[string]schema.Value{"uses": schema.Null, "kind": text("dug")})
	ann.round()
	if rep := bob.round(); rep.Verdicts[syncproto.Merged] != 1 {
		t.Fatalf("two edits of one set: %+v", rep.Verdicts)
	}
	ann.round()
	shown := ann.shown("well", "well")
	for column, want := range map[string]schema.Value{"uses": schema.Set("field"), "kind": text("dug"), "remark": text("水清。"), "state": text("used")} {
		if shown[column] != want {
			t.Errorf("the well shows %s = %v, want %v", column, shown[column], want)
		}
	}
}

// refuse has a phone whose program was forged, so that it knows neither rights nor bounds, say what the literal forbids: the server knows.
func (w *wells) refuse(ann *phone) {
	t := w.t
	lax := schematest.Well()
	everybody := lax.Change[0].Roles
	lax.Create, lax.Change, lax.Delete = []schema.Permit{{Roles: everybody}}, []schema.Permit{{Roles: everybody}}, []schema.Permit{{Roles: everybody}}
	for i := range lax.Columns {
		if c := &lax.Columns[i]; c.Name == "depth" {
			c.Max = 9999
		}
	}
	forged := w.enrolAt("bob", schematest.With(lax))
	forged.round()
	before := ann.shown("well", "well")
	for _, c := range []struct {
		name string
		code syncproto.Code
		say  func()
	}{
		{"a column that only others may change", syncproto.CodeForbidden, func() { w.update(forged, map[string]schema.Value{"depth": schema.Int(30)}) }},
		{"a well in another's name", syncproto.CodeForbidden, func() {
			w.must(w.write(forged, func(tx *replica.Tx) error { return tx.Create("well", w.row("not own"), w.fields("ann", "9", 20)) }))
		}},
		{"a deletion that only others may make", syncproto.CodeForbidden, func() {
			f, err := forged.Form(context.Background(), "well", w.row("well"))
			w.must(err)
			w.must(w.write(forged, func(tx *replica.Tx) error { return tx.Delete(f) }))
		}},
		{"a value beyond its bound", syncproto.CodeInvalid, func() {
			w.must(w.write(forged, func(tx *replica.Tx) error { return tx.Create("well", w.row("deeper"), w.fields("bob", "10", 5000)) }))
		}},
	} {
		c.say()
		rep := forged.round()
		refused, err := forged.Entries(context.Background(), replica.Refused)
		w.must(err)
		if rep.Verdicts[syncproto.Refused] != 1 || len(refused) == 0 || refused[len(refused)-1].Verdict.Code != c.code {
			t.Errorf("%s: %+v, %+v", c.name, rep.Verdicts, refused)
		}
	}
	ann.round()
	if after := ann.shown("well", "well"); after["depth"] != before["depth"] || ann.shown("well", "not own") != nil || ann.shown("well", "deeper") != nil {
		t.Errorf("what was refused stands: %v", after)
	}
}

// importAndExport reads a list of wells with what every table is read with, twice and mended, and writes the table with what every table is
// written with.
func (w *wells) importAndExport(ann *phone) {
	t := w.t
	table := w.book.Table("well")
	var bad []string
	bring := func(file string, preview bool) *register.Report {
		t.Helper()
		bad = nil
		rep, err := register.TableList{Store: w.e.Store, Judge: w.e.Judge, Zone: time.UTC, User: syncproto.UserID(w.id("ann")), Table: table, Preview: preview,
			Lines: register.Lines{Bad: func(row sheet.Row, why []schema.Label) error {
				for _, l := range why {
					bad = append(bad, row.Cells["number"]+" "+l.ZH)
				}
				return nil
			}}}.Run(t.Context(), "wells.csv", strings.NewReader(file), int64(len(file)))
		w.must(err)
		return rep
	}
	file := "水井登记\n户,编号,种类,深度,用途,打井日期,备注\nh1,W-1,机井,３５,灌溉、饮用,1998年3月1日,冬天要盖\nh1,W-2,土井,5000,,,\nh1,W-3,木井,3,,,\nh9,W-4,土井,3,,,\n"
	for _, c := range []struct {
		name    string
		preview bool
		made    int
	}{{"preview", true, 1}, {"import", false, 1}, {"again", false, 0}} {
		rep := bring(file, c.preview)
		if rep.NewRows != c.made || rep.ChangedRows != 0 || rep.Bad != 3 {
			t.Errorf("%s: %+v", c.name, rep)
		}
		got := strings.Join(bad, "\n")
		for i, want := range []string{"W-2 “深度”", "W-3 “种类”", "W-4 “户”写的“h9”没有找到；请写户号"} {
			if len(bad) != 3 || !strings.HasPrefix(bad[i], want) {
				t.Errorf("%s: the bad rows are told as:\n%s", c.name, got)
			}
		}
	}
	if rep := bring("户,编号,种类\nh1,W-1,土井\n", false); rep.ChangedRows != 1 || rep.NewRows != 0 {
		t.Errorf("another kind: %+v", rep)
	}
	if rep := bring("户,编号,深度\nh1,W-1,36\n", false); rep.Changed() || len(bad) != 1 || !strings.Contains(bad[0], "系统没有接受") {
		t.Errorf("what only others may change: %+v %s", rep, bad)
	}
	if rep := bring("户,编号,种类\nh1,W-1,机井\n", false); rep.Changed() || rep.Noted != 1 {
		t.Errorf("a word that was corrected since: %+v", rep)
	}
	ann.round()
	imported := w.well("W-1")
	f, err := ann.Form(t.Context(), "well", imported)
	w.must(err)
	if f.Values["kind"] != schema.Text("dug") || f.Values["depth"] != schema.Int(35) || f.Values["dug_on"] != schema.Text("1998-03-01") || f.Values["author"] != schema.Text(w.id("ann")) {
		t.Errorf("the phone shows of the imported well %v", f.Values)
	}

	var out bytes.Buffer
	to, err := sheet.NewWriter(&out, sheet.CSV, table.Label.ZH, register.TableColumns(table)...)
	w.must(err)
	w.must(w.e.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := register.Export{Zone: time.UTC}.Table(tx, to, table, nil)
		return err
	}))
	w.must(to.Close())
	for _, want := range []string{",户,登记人,井号,种类,深度,用途,打井日期,", ",h0,ann,7,土井,20,灌溉,,", ",h1,ann,W-1,土井,35,"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the export lacks %q:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "\r\n"); n != 3 {
		t.Errorf("%d lines, want the titles and two wells:\n%s", n, out.String())
	}
	if rep := bring(out.String(), false); rep.Changed() || rep.Bad != 0 || rep.Rows != 2 {
		t.Errorf("what was written comes back as %+v, refused %s", rep, bad)
	}
	_, err = w.e.Judge.Submit(t.Context(), "", judge.Draft{Edits: []syncproto.Edit{{Table: "well", Row: imported, Op: syncproto.OpDelete}}})
	w.must(err)
	if rep := bring("户,编号,种类,深度,用途,打井日期,备注\nh1,W-1,机井,35,灌溉、饮用,1998-03-01,冬天要盖\n", false); rep.Changed() || rep.Noted != 1 {
		t.Errorf("a well that was deleted comes back: %+v", rep)
	}
}

// well finds a well by its number.
func (w *wells) well(number string) (id syncproto.RowID) {
	w.must(w.e.Store.Read(w.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.ValuesWhere("well", "number", []string{number})
		for id = range rows {
		}
		return err
	}))
	return id
}
