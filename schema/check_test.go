package schema_test

import (
	"errors"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
)

const someID = "019abcde-0123-7456-89ab-0123456789ab"

// invented is an ID number of region 00, which nobody has, with a right check digit.
func invented() string {
	const first = "00010119900307123"
	return first + string(schema.IDCheckDigit(first))
}

func typed(kind schema.Type, more func(*schema.Column)) *schema.Column {
	c := &schema.Column{Name: "col", Label: schema.Label{ZH: "某列", EN: "Some column"}, Type: kind}
	if more != nil {
		more(c)
	}
	return c
}

func bounded(low, high int64) func(*schema.Column) {
	return func(c *schema.Column) { c.Min, c.Max = low, high }
}

func withOptions(c *schema.Column) {
	c.Options = []schema.Option{{Value: "a", Label: schema.Label{ZH: "甲", EN: "First"}}, {Value: "b", Label: schema.Label{ZH: "乙", EN: "Second"}}}
}

func TestCheck(t *testing.T) {
	text, long := typed(schema.TypeText, bounded(0, 5)), typed(schema.TypeLong, bounded(0, 5))
	number, flag, day := typed(schema.TypeInt, bounded(-3, 3)), typed(schema.TypeBool, nil), typed(schema.TypeDate, nil)
	instant := typed(schema.TypeInstant, bounded(0, schema.MaxInt))
	enum, tags, words := typed(schema.TypeEnum, withOptions), typed(schema.TypeTags, withOptions), typed(schema.TypeTags, bounded(0, 4))
	ref, phone, number18, hash := typed(schema.TypeRef, nil), typed(schema.TypePhone, nil), typed(schema.TypeIDNumber, nil), typed(schema.TypeHash, nil)
	required := typed(schema.TypeText, func(c *schema.Column) { c.Required = true })
	flow := typed(schema.TypeFlow, func(c *schema.Column) {
		c.Flow = &schema.Flow{States: []schema.Option{{Value: "open", Label: schema.Label{ZH: "开", EN: "Open"}}}}
	})
	many := make([]string, schema.MaxElements+1)
	for i := range many {
		many[i] = string(rune('一' + i))
	}
	for _, c := range []struct {
		column *schema.Column
		value  schema.Value
		zh, en string // parts of the problem; "" where there is none
	}{
		{text, schema.Null, "", ""},
		{text, schema.Text("民情𠮷通达"), "", ""},
		{text, schema.Text("民情通达了吗"), "最多 5 个字，现在有 6 个", "at most 5 characters, and there are 6"},
		{text, schema.Text("a\nb"), "第 2 个字是看不见的控制字符", "character 2 is an invisible control character"},
		{text, schema.Text("a\x7fb"), "控制字符", "control character"},
		{text, schema.Text("a\xffb"), "不是 UTF-8", "not UTF-8"},
		{text, schema.Int(1), "形式不对", "form"},
		{long, schema.Text("a\n\tb"), "", ""},
		{long, schema.Text("a\rb"), "第 2 个字", "character 2"},
		{required, schema.Null, "没有填，请补上", "fill it in"},
		{required, schema.Text("  　"), "没有填，请补上", "fill it in"},
		{number, schema.Int(-3), "", ""},
		{number, schema.Int(4), "要在 -3 到 3 之间", "between -3 and 3"},
		{number, schema.Int(-4), "要在 -3 到 3 之间", "between -3 and 3"},
		{number, schema.Text("1"), "形式不对", "form"},
		{flag, schema.Int(1), "", ""},
		{flag, schema.Int(2), "要在 0 到 1 之间", "between 0 and 1"},
		{instant, schema.Int(1<<53 - 1), "", ""},
		{instant, schema.Int(-1), "之间", "between"},
		{day, schema.Text("2024-02-29"), "", ""},
		{day, schema.Text("2023-02-29"), "写成 2026-11-24 这样", "written like 2026-11-24"},
		{day, schema.Text("1849-12-31"), "1850 年到 2199 年", "of the years 1850 to 2199"},
		{day, schema.Text("2200-01-01"), "1850 年到 2199 年", "of the years 1850 to 2199"},
		{day, schema.Text("2026-1-2"), "写成", "written"},
		{day, schema.Text("2026-01-02 "), "写成", "written"},
		{enum, schema.Text("a"), "", ""},
		{enum, schema.Text("甲"), "只能是：甲、乙", "one of: First, Second"},
		{flow, schema.Text("open"), "", ""},
		{flow, schema.Text("shut"), "只能是：开", "one of: Open"},
		{tags, schema.Set("b", "a"), "", ""},
		{tags, schema.Set("a", "c"), "只能有：甲、乙", "only these can be in it: First, Second"},
		{words, schema.Set("木工", "𠮷"), "", ""},
		{words, schema.Set("木工活儿很好"), "最多 4 个字", "at most 4"},
		{words, schema.Set("a、b"), "分开填", "one by one"},
		{words, schema.Set(" a"), "分开填", "one by one"},
		{words, schema.Set(""), "分开填", "one by one"},
		{words, schema.Set("a\x01"), "控制字符", "control character"},
		{words, schema.Set(many...), "最多 100 项，现在有 101 项", "at most 100 entries, and there are 101"},
		{ref, schema.Text(someID), "", ""},
		{ref, schema.Text(strings.ToUpper(someID)), "重新选", "choose again"},
		{ref, schema.Text("1"), "重新选", "choose again"},
		{phone, schema.Text("05460000000"), "", ""},
		{phone, schema.Text("+8600000000000"), "", ""},
		{phone, schema.Text("0546-0000000"), "3 到 20 位数字", "3 to 20 digits"},
		{phone, schema.Text("12"), "3 到 20 位数字", "3 to 20 digits"},
		{number18, schema.Text(invented()), "", ""},
		{number18, schema.Text("0001011990030712"), "16 位", "16 characters"},
		{number18, schema.Text(" " + invented()), "没有空格", "without spaces"},
		{hash, schema.Text(strings.Repeat("0a", 32)), "", ""},
		{hash, schema.Text(strings.Repeat("0A", 32)), "64 位", "64 lower-case"},
	} {
		err := c.column.Check(c.value)
		if c.zh == "" {
			if err != nil {
				t.Errorf("%s %s: %v", c.column.Type, c.value, err)
			}
			continue
		}
		var p *schema.Problem
		if !errors.As(err, &p) || !strings.Contains(p.Text.ZH, c.zh) || !strings.Contains(p.Text.EN, c.en) {
			t.Errorf("%s %s: want %q and %q, got %v", c.column.Type, c.value, c.zh, c.en, err)
			continue
		}
		inWords(t, p)
		if len(p.Columns) != 1 || p.Columns[0] != "col" {
			t.Errorf("%s: the problem names columns %v", c.column.Type, p.Columns)
		}
	}
}

// inWords holds a problem to the house's words (LOOK, “Words”): it says what to do, and never scolds.
func inWords(t *testing.T, p *schema.Problem) {
	t.Helper()
	for _, scold := range []string{"错误", "失败", "非法", "invalid", "illegal", "error"} {
		if strings.Contains(strings.ToLower(p.Error()), scold) {
			t.Errorf("%q scolds: %s", p.Text.ZH, scold)
		}
	}
	if !strings.HasSuffix(p.Text.ZH, "。") || !strings.HasSuffix(p.Text.EN, ".") || strings.Contains(p.Error(), "%!") {
		t.Errorf("%q / %q is no sentence", p.Text.ZH, p.Text.EN)
	}
}

// Problems reach logs, so they never repeat what a person wrote.
func TestProblemsKeepValuesToThemselves(t *testing.T) {
	b := schematest.Book()
	for table, row := range map[string]map[string]schema.Value{
		"thing":  {"phone": schema.Text("13800secret"), "name": schema.Text("secret\x01"), "grade": schema.Text("secret"), "tags": schema.Set("secret"), "begins": schema.Text("secret"), "household": schema.Text("secret")},
		"secret": {"id_number": schema.Text("secret"), "thing": schema.Text("secret")},
	} {
		problems := b.Table(table).CheckRow(func(c string) schema.Value { return row[c] })
		if len(problems) != len(row) {
			t.Errorf("%s: %d problems in %d values: %v", table, len(problems), len(row), problems)
		}
		for _, p := range problems {
			if strings.Contains(p.Error(), "secret") && p.Table != "secret" || strings.Contains(p.Error(), "13800") {
				t.Errorf("%v", p)
			}
		}
	}
}

func TestCheckRowNamesEveryProblem(t *testing.T) {
	thing := schematest.Book().Table("thing")
	row := map[string]schema.Value{"household": schema.Text(someID), "name": schema.Text("n"), "high": schema.Int(1001), "begins": schema.Text("2026-02-02"), "ends": schema.Text("2026-01-01")}
	get := func(c string) schema.Value { return row[c] }
	if got := thing.CheckRow(get); len(got) != 1 || got[0].Table != "thing" || got[0].Columns[0] != "high" || got[0].Rule != "" {
		t.Errorf("one value is out of bounds: %v", got)
	}
	got := thing.CheckRules(get)
	if len(got) != 1 || got[0].Rule != "ends_after_begins" || len(got[0].Columns) != 2 {
		t.Errorf("one row rule is broken: %v", got)
	}
	row["ends"] = schema.Text("2026-02-02")
	if got := thing.CheckRules(get); len(got) != 0 {
		t.Errorf("no row rule is broken: %v", got)
	}
	row["name"] = schema.Null
	if got := thing.CheckRow(get); len(got) != 2 {
		t.Errorf("a required value is missing as well: %v", got)
	}
}

func TestCellsAreCheckedWhole(t *testing.T) {
	b := schematest.Book()
	position := b.Cell("thing", "position")
	for _, c := range []struct {
		value schema.Value
		ok    bool
	}{
		{schema.Null, true}, {schema.Tuple(schema.Int(1), schema.Int(2)), true}, {schema.Tuple(schema.Int(1), schema.Null), true},
		{schema.Tuple(schema.Int(1), schema.Int(900000001)), false}, {schema.Tuple(schema.Int(1)), false}, {schema.Int(1), false},
		{schema.Tuple(schema.Int(1), schema.Text("2")), false},
	} {
		if err := position.Check(c.value); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.value, err)
		}
	}
	if err := b.Cell("thing", "high").Check(schema.Int(1001)); err == nil {
		t.Error("a cell of one column is checked as the column")
	}
}

func TestDeltas(t *testing.T) {
	total := schematest.Book().Table("thing").Column("total") // ±1,000,000
	for delta, ok := range map[int64]bool{0: true, 2000000: true, -2000000: true, 2000001: false, -2000001: false, 1 << 62: false, -1 << 63: false} {
		if err := total.CheckDelta(delta); (err == nil) != ok {
			t.Errorf("%d: %v", delta, err)
		}
	}
}

// What DOMAIN A1 asks of the teams where no place sets another number.
func TestUsualVisits(t *testing.T) {
	for team, want := range map[string]int{"leading": 1, "cadre": 2, "member": 2} {
		if got := schema.UsualVisits(team); got != want {
			t.Errorf("%s owes %d visits a month, want %d", team, got, want)
		}
	}
}
