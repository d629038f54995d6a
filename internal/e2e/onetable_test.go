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

// importAndExport reads a list of wells with what every list is read with, and writes the table with what every table is written with. Which list there
// is a command and a page for, and what of it means which household, is not the literal's to say: here all are of the second household.
func (w *wells) importAndExport(ann *phone) {
	t := w.t
	table := w.book.Table("well")
	var headers []sheet.Header
	for i := range table.Columns {
		if c := &table.Columns[i]; c.Type != schema.TypeRef {
			headers = append(headers, sheet.HeaderOf(c))
		}
	}
	file := "水井登记\n编号,种类,深度,用途,打井日期,备注\nW-1,机井,３５,灌溉、饮用,1998年3月1日,冬天要盖\nW-2,土井,5000,,,\nW-3,木井,3,,,\n"
	var bad []string
	lines := register.Lines{Bad: func(row sheet.Row, why []schema.Label) error {
		for _, l := range why {
			bad = append(bad, row.Cells["number"]+" "+l.ZH)
		}
		return nil
	}}
	edits := map[*register.Line]syncproto.Edit{}
	_, err := lines.Run(t.Context(), "wells.csv", strings.NewReader(file), int64(len(file)), headers, 100, func(l *register.Line) {
		e := w.create("well", "imported "+l.Text("number"), "household", "@h1", "author", "@ann")
		for _, h := range headers {
			v, err := table.Column(h.Key).Normalize(l.Text(h.Key))
			if err != nil {
				l.RefuseFor(err)
			} else if table.Column(h.Key).Rule == schema.RuleSet {
				e.Cells = append(e.Cells, syncproto.CellEdit{Cell: h.Key, Add: v.Elements()})
			} else if !v.IsNull() {
				e.Cells = append(e.Cells, syncproto.CellEdit{Cell: h.Key, Value: v})
			}
		}
		edits[l] = e
	}, func(ctx context.Context, piece []*register.Line) error {
		for _, l := range piece {
			if !l.Good() {
				continue
			}
			out, err := w.e.Judge.Submit(ctx, syncproto.UserID(w.id("ann")), judge.Draft{Edits: []syncproto.Edit{edits[l]}})
			if err != nil {
				return err
			}
			if v := out.Verdicts[0]; v.Status != syncproto.Applied {
				t.Errorf("%s: %s %s", l.Text("number"), v.Status, v.Message)
			}
		}
		return nil
	})
	w.must(err)
	if got := strings.Join(bad, "\n"); len(bad) != 2 || !strings.Contains(bad[0], "W-2 ") || !strings.Contains(bad[0], "深度") || !strings.Contains(bad[1], "W-3 ") || !strings.Contains(bad[1], "种类") {
		t.Errorf("the bad rows are told as:\n%s", got)
	}
	ann.round()
	if got := ann.shown("well", "imported W-1"); got["depth"] != schema.Int(35) || got["dug_on"] != schema.Text("1998-03-01") {
		t.Errorf("the phone shows of the imported well %v", got)
	}

	var out bytes.Buffer
	to, err := sheet.NewWriter(&out, sheet.CSV, table.Label.ZH, register.TableColumns(table)...)
	w.must(err)
	w.must(w.e.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := register.Export{Zone: time.UTC}.Table(tx, to, table, nil)
		return err
	}))
	w.must(to.Close())
	for _, want := range []string{",户,登记人,井号,种类,深度,用途,打井日期,", ",h0,ann,7,土井,20,灌溉,,", ",h1,ann,W-1,机井,35,"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the export lacks %q:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "\r\n"); n != 3 {
		t.Errorf("%d lines, want the titles and two wells:\n%s", n, out.String())
	}
}
