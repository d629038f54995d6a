package schema_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/schema"
	"minqing/schema/schematest"
)

// Adding a table is one literal: here is what the rule book alone derives from it. The test of the same name in internal/e2e has a server on
// either database and phones that capture, sync, merge, refuse, import and export by the same literal.
func TestAddingATableIsOneLiteral(t *testing.T) {
	before, b := schematest.Book(), schematest.With(schematest.Well())
	well := b.Table("well")
	if well == nil || before.Table("well") != nil {
		t.Fatal("the literal is the only place that knows of wells")
	}
	// Import: a sheet's headers and words become values; what is wrong is named.
	sheet := map[string]string{"井号": "W-7", "种类": "机井", "深度": "３５", "用途": "灌溉、饮用", "打井日期": "1998年3月1日", "看井人电话": "138-0000-0000",
		"状态": "在用", "备注": "冬天要盖"}
	row := map[string]schema.Value{"household": schema.Text(someID), "author": schema.Text(someID)}
	for header, text := range sheet {
		c := well.ByHeader(header)
		if c == nil {
			t.Fatalf("no column for the header %s", header)
		}
		v, err := c.Normalize(text)
		if err != nil {
			t.Fatal(err)
		}
		row[c.Name] = v
	}
	get := func(c string) schema.Value { return row[c] }
	if problems := well.CheckRow(get); len(problems) != 0 {
		t.Fatalf("the row is sound, yet %v", problems)
	}
	if _, err := well.ByHeader("编号").Normalize(strings.Repeat("井", 21)); err == nil {
		t.Error("a number too long was taken")
	}
	if problems := well.CheckRow(func(string) schema.Value { return schema.Null }); len(problems) != 3 {
		t.Errorf("three columns are required: %v", problems)
	}
	// Storage: both databases, a fresh one and one that grew.
	values := make([]schema.Value, len(well.Columns))
	for i := range well.Columns {
		values[i] = get(well.Columns[i].Name)
	}
	for d, db := range databases(t) {
		mustRun(t, db, schema.Evolve(d, before, b)...)
		if _, err := db.Exec(d.Upsert(well, 1), schema.Args(someID, values)...); err != nil {
			t.Fatal(err)
		}
		if got := read(t, db, well, d.Select(well, "household"), d.Among([]string{someID})); !slices.Equal(got[someID], values) {
			t.Errorf("%s: wrote %v, read %v", d, values, got)
		}
	}
	// Export: labels in both languages, personal data told apart.
	for lang, want := range map[schema.Lang]string{schema.ZH: "井号 W-7|种类 机井|深度 35|用途 饮用、灌溉|状态 在用", schema.EN: "Number W-7|Kind Drilled|Depth 35|Uses Drinking, Irrigation|State In use"} {
		var shown []string
		for _, name := range []string{"number", "kind", "depth", "uses", "state"} {
			c := well.Column(name)
			shown = append(shown, c.Label.In(lang)+" "+c.Show(row[name], lang, time.UTC))
		}
		if got := strings.Join(shown, "|"); got != want {
			t.Errorf("shown as %s, want %s", got, want)
		}
	}
	// Rights, states, scope.
	cadre := roles(schema.RoleCadre)
	if !b.MayCreate(well, cadre, true, "number", "kind") || b.MayCreate(well, cadre, false) || b.MayDelete(well, cadre, true, "used") ||
		!b.MayChange(well, cadre, false, "kind", "used") || b.MayChange(well, cadre, false, "kind", "sealed") || b.MayChange(well, cadre, false, "depth", "used") ||
		!well.FlowColumn().Flow.MayMove(cadre, "used", "sealed") {
		t.Error("the rights are not those of the literal")
	}
	if !slices.ContainsFunc(b.Matrix(), func(g schema.Grant) bool {
		return g.Table == "well" && g.Role == schema.RoleCadre && g.Op == schema.OpMove
	}) {
		t.Error("the matrix says nothing of moves")
	}
	w := village()
	w["well x"] = map[string]string{"household": "h"}
	if scope, ok := b.ScopeOf("well", "x", w.lookup); !ok || scope != "household:h" {
		t.Errorf("scope %s", scope)
	}
	// The reference page, and evolution.
	if page := schema.Reference(b, schema.ZH); !strings.Contains(page, "## 水井 `well`") || !strings.Contains(page, "看井人电话 `keeper_phone`") {
		t.Error("the reference page lacks wells")
	}
	later, err := schema.NewBook(schematest.Version, append(before.Tables(), schematest.Well())...)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.CheckEvolution(schematest.BookAt(2), later); err != nil {
		t.Errorf("a table is only added: %v", err)
	}
	if old, err := b.At(schematest.Version - 1); err != nil || old.Table("well") != nil {
		t.Errorf("older clients know no wells: %v", err)
	}
}
