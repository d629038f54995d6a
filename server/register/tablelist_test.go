package register_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minqing/internal/sheet"
	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
)

// trip is a table that refers to all that people have a word for, and to a row that they have none for.
func trip(b *schema.Book) *schema.Table {
	l := func(s string) schema.Label { return schema.Label{ZH: s, EN: s} }
	ref := func(name, zh, table string) schema.Column {
		return schema.Column{Name: name, Label: l(zh), Type: schema.TypeRef, Ref: table, Rule: schema.RuleManual, Since: b.Version}
	}
	home := ref("household", "户", "household")
	home.Required = true
	everybody := []schema.Permit{{Roles: schema.Roles}}
	return &schema.Table{Name: "trip", Label: l("出行"), Since: b.Version, Parent: "household", Twin: "ticket", Create: everybody, Change: everybody, Delete: everybody, Columns: []schema.Column{
		home, ref("goal", "目的地", "place"), ref("guide", "陪同", "user"), ref("traveller", "出行人", "resident"), ref("after", "上一次", "trip"),
		{Name: "ticket", Label: l("票号"), Type: schema.TypeText, Rule: schema.RuleManual, Since: b.Version},
		{Name: "left", Label: l("出发时间"), Type: schema.TypeInstant, Max: schema.MaxInt, Rule: schema.RuleManual, Since: b.Version},
		{Name: "cost", Label: l("花费"), Type: schema.TypeInt, Max: 99999, Rule: schema.RuleSum, Since: b.Version},
		{Name: "phone", Label: l("电话"), Type: schema.TypePhone, Rule: schema.RuleManual, Privacy: schema.Masked, Since: b.Version},
	}}
}

// trips brings a list of trips in, and gives what it came to beside the reasons and notes.
func (c *city) trips(within register.Place, lines ...string) string {
	c.t.Helper()
	c.bad, c.notes = nil, nil
	tell := func(to *[]string) func(sheet.Row, []schema.Label) error {
		return func(row sheet.Row, why []schema.Label) error {
			for _, w := range why {
				*to = append(*to, fmt.Sprintf("%d %s", row.Line, w.ZH))
			}
			return nil
		}
	}
	file := strings.Join(lines, "\n") + "\n"
	rep, err := register.TableList{Lines: register.Lines{Bad: tell(&c.bad), Note: tell(&c.notes)}, Store: c.store, Judge: c.judge, Zone: zone, User: c.admin,
		Table: c.store.Book().Table("trip"), Within: within}.Run(c.t.Context(), "trips.csv", strings.NewReader(file), int64(len(file)))
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf("%d new, %d changed, %d bad", rep.NewRows, rep.ChangedRows, rep.Bad)
}

func (c *city) exported() string {
	c.t.Helper()
	t := c.store.Book().Table("trip")
	var out bytes.Buffer
	w, err := sheet.NewWriter(&out, sheet.CSV, "", register.TableColumns(t)...)
	if err == nil {
		err = c.store.Read(c.t.Context(), func(tx *store.Tx) error {
			_, err := register.Export{Zone: zone}.Table(tx, w, t, nil)
			return err
		})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimPrefix(out.String(), "\ufeff")
}

func TestTableList(t *testing.T) {
	product := schema.Minqing()
	book, err := schema.NewBook(product.Version, append(slices.Clone(product.Tables()), trip(product))...)
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]store.Options{"sqlite": {Path: filepath.Join(t.TempDir(), "s.db"), Book: book}, "postgres": {DSN: testenv.MustRelaxedPostgres(t), Book: book}} {
		t.Run(name, func(t *testing.T) { testTableList(t, mustCity(t, opt)) })
	}
}

func testTableList(t *testing.T, c *city) {
	const number = "990102199002030018" // of a region that is none
	home := c.make("household", "place", c.place.ID, "code", "1")
	c.make("household", "place", c.other.ID, "code", "1")
	person := c.make("resident", "household", home, "name", "李一")
	c.make("identity", "resident", person, "id_number", number)
	want := func(got, counts string, bad, notes []string) {
		t.Helper()
		if got != counts || len(c.bad) != len(bad) || len(c.notes) != len(notes) {
			t.Fatalf("%s, bad %q, notes %q; want %s, %q, %q", got, c.bad, c.notes, counts, bad, notes)
		}
		for i := range bad {
			if !strings.Contains(c.bad[i], bad[i]) {
				t.Errorf("line %q, want %q in it", c.bad[i], bad[i])
			}
		}
		for i := range notes {
			if !strings.Contains(c.notes[i], notes[i]) {
				t.Errorf("note %q, want %q in it", c.notes[i], notes[i])
			}
		}
	}
	const titles = "户,目的地,陪同,出行人,上一次,票号,出发时间,花费,电话"
	want(c.trips(register.Place{}, titles, "1,,,,,A,,,", ",,,,,B,,,"), "0 new, 0 changed, 2 bad", []string{"2 “户”写的“1”不止一个", "3 “户”没有填"}, nil)
	want(c.trips(c.place, titles,
		"1,青石村,admin,"+number+",,A,2026-11-02 08:30,12,13800000000",
		"1,990102003004,admin,,,,2026-11-03 08:30:05,,",
		"1,白石村,,,,C,,,",
		"1,,nobody,,,D,,,",
		"1,,,李一,,E,,,",
		"1,,,,上次,F,,,",
		"1,青石村,,,,A,,,"), "2 new, 0 changed, 5 bad", []string{"4 “目的地”写的“白石村”没有找到；请写代码或名称", "5 “陪同”写的“nobody”没有找到；请写登录名", "6 “出行人”写的“李一”没有找到；请写身份证号",
		"7 “上一次”写的“上次”没有找到；请写系统里的编号。", ""}, nil)
	if !strings.Contains(c.bad[4], "8 和第 2 行说的是同一条") {
		t.Errorf("the second line of one ticket: %q", c.bad[4])
	}
	out := c.exported()
	if !strings.Contains(out, ",1,青石村,admin,李一,,A,2026-11-02 08:30,12,138****0000") || !strings.Contains(out, ",1,青石村,admin,,,,2026-11-03 08:30,,") {
		t.Fatalf("exported:\n%s", out)
	}
	want(c.trips(register.Place{}, strings.TrimSpace(out)), "0 new, 0 changed, 0 bad", nil, nil)

	lines := strings.Split(strings.TrimSpace(out), "\r\n")
	first := lines[1+slices.IndexFunc(lines[1:], func(l string) bool { return strings.Contains(l, ",A,") })]
	id, _, _ := strings.Cut(first, ",")
	want(c.trips(register.Place{}, lines[0], strings.Replace(first, ",12,138****0000", ",15,13900000001", 1)), "0 new, 1 changed, 0 bad", nil, []string{"“花费”是加出来的数"})
	want(c.trips(register.Place{}, lines[0], strings.Replace(first, id, "01900000-0000-7000-8000-0000000000ff", 1), strings.Replace(first, id, "A-1", 1)), "0 new, 0 changed, 2 bad",
		[]string{"没有这个编号的出行，或者已经删了", "不是系统里的编号"}, nil)
	want(c.trips(c.place, titles, "1,,,,"+id+",G,,,"), "1 new, 0 changed, 0 bad", nil, nil)
	want(c.trips(c.place, titles, "1,990102003004,admin,,,,2026-11-03 08:30:05,,"), "0 new, 0 changed, 0 bad", nil, nil)

	c.make("trip", "household", home, "ticket", "A")
	want(c.trips(c.place, titles, "1,,,,,A,,,13900000002"), "0 new, 0 changed, 1 bad", []string{"有 2 条出行的“票号”都是这个"}, nil)
	if _, err := (register.TableList{Table: c.store.Book().Table("resident")}).Run(t.Context(), "x.csv", strings.NewReader("x"), 1); err == nil || !strings.Contains(err.Error(), "“人”有自己的导入") {
		t.Errorf("a list of residents: %v", err)
	}
}
