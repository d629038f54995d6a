package e2e_test

import (
	"context"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// A table that nothing in the repository knows of but its literal is made on one phone, merged with another's edit, refused where its own
// rules say so, and equal everywhere in the end.
func TestAddingATableIsOneLiteral(t *testing.T) {
	p := mustPairOf(t, schematest.With(schematest.Well()))
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.round()
	bob.round()
	text := schema.Text
	well := p.row("well")
	write := func(ph *phone, fn func(tx *replica.Tx) error) error {
		_, err := ph.Write(context.Background(), fn)
		return err
	}
	fields := map[string]schema.Value{"household": text(p.id("h0")), "author": text(p.id("ann")), "number": text("7"), "depth": schema.Int(20), "uses": schema.Set("drink")}
	p.must(write(ann, func(tx *replica.Tx) error { return tx.Create("well", well, fields) }))
	if err := write(ann, func(tx *replica.Tx) error {
		return tx.Create("well", p.row("too deep"), map[string]schema.Value{"household": text(p.id("h0")), "author": text(p.id("ann")), "number": text("8"), "depth": schema.Int(5000)})
	}); err == nil {
		t.Error("a depth beyond its bound was saved")
	}
	ann.round()
	bob.round()

	edit := func(ph *phone, v map[string]schema.Value) {
		t.Helper()
		f, err := ph.Form(context.Background(), "well", well)
		p.must(err)
		p.must(write(ph, func(tx *replica.Tx) error { return tx.Update(f, v) }))
	}
	edit(ann, map[string]schema.Value{"uses": schema.Set("drink", "field"), "remark": text("水清。")})
	edit(bob, map[string]schema.Value{"uses": schema.Null, "kind": text("dug")})
	ann.round()
	if rep := bob.round(); rep.Verdicts[syncproto.Merged] != 1 {
		t.Fatalf("two edits of one set: %+v", rep.Verdicts)
	}
	ann.round()
	rec, ok, err := ann.Record(context.Background(), "well", well)
	p.must(err)
	shown := map[string]string{}
	for i, c := range p.book.Table("well").Columns {
		if ok {
			shown[c.Name] = rec.Shown[i].String()
		}
	}
	if shown["uses"] != `["field"]` || shown["kind"] != `"dug"` || shown["remark"] != `"水清。"` {
		t.Errorf("the well shows %v", shown)
	}
}
