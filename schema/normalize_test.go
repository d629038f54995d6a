package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"minqing/schema"
	"minqing/schema/schematest"
)

func TestNormalize(t *testing.T) {
	number := typed(schema.TypeInt, bounded(-2000000, 2000000))
	flag, day, phone := typed(schema.TypeBool, nil), typed(schema.TypeDate, nil), typed(schema.TypePhone, nil)
	instant := typed(schema.TypeInstant, bounded(0, schema.MaxInt))
	enum, tags, words := typed(schema.TypeEnum, withOptions), typed(schema.TypeTags, withOptions), typed(schema.TypeTags, nil)
	text, long := typed(schema.TypeText, nil), typed(schema.TypeLong, bounded(0, 100))
	required := typed(schema.TypeText, func(c *schema.Column) { c.Required = true })
	for _, c := range []struct {
		column *schema.Column
		text   string
		want   schema.Value
		ok     bool
	}{
		{number, " 1,234 ", schema.Int(1234), true},
		{number, "－１２", schema.Int(-12), true},
		{number, "12.0", schema.Int(12), true},
		{number, "12.5", schema.Null, false},
		{number, "十二", schema.Null, false},
		{number, "9007199254740993", schema.Null, false},
		{number, "3000000", schema.Null, false},
		{flag, "是", schema.Int(1), true},
		{flag, "√", schema.Int(1), true},
		{flag, "Ｙes", schema.Int(1), true},
		{flag, "不是", schema.Int(0), true},
		{flag, "0", schema.Int(0), true},
		{flag, "也许", schema.Null, false},
		{day, "2026年1月2日", schema.Text("2026-01-02"), true},
		{day, "2026/1/2", schema.Text("2026-01-02"), true},
		{day, "２０２６．１．２", schema.Text("2026-01-02"), true},
		{day, "20260102", schema.Text("2026-01-02"), true},
		{day, "2026-01-02 00:00:00", schema.Text("2026-01-02"), true},
		{day, "2026-2-30", schema.Null, false},
		{day, "1/2/2026", schema.Null, false},
		{day, "2026年1月", schema.Null, false},
		{phone, " 138-0000 0000 ", schema.Text("13800000000"), true},
		{phone, "+86 138 0000 0000", schema.Text("13800000000"), true},
		{phone, "（0546）0000000", schema.Text("05460000000"), true},
		{phone, "138****0000", schema.Null, false},
		{instant, "1700000000000", schema.Int(1700000000000), true},
		{instant, "2026-11-24T09:30:00+08:00", schema.Int(1795483800000), true},
		{instant, "2026-11-24 09:30", schema.Null, false},
		{enum, " 甲 ", schema.Text("a"), true},
		{enum, "FIRST", schema.Text("a"), true},
		{enum, "b", schema.Text("b"), true},
		{enum, "丙", schema.Null, false},
		{tags, "乙、 甲,first", schema.Set("a", "b"), true},
		{tags, "甲；丙", schema.Null, false},
		{tags, "、，", schema.Null, true},
		{words, "木工，瓦工\n电工", schema.Set("木工", "瓦工", "电工"), true},
		{text, "　民情 \t通达 ", schema.Text("民情 通达"), true},
		{text, " 　\n", schema.Null, true},
		{required, "", schema.Null, true}, // judged with its row
		{long, "\uFEFF一 \r\n二\x0b三\x01\r\n\r\n", schema.Text("一\n二\n三"), true},
		{long, strings.Repeat("长", 101), schema.Null, false},
		{typed(schema.TypeRef, nil), strings.ToUpper(someID), schema.Text(someID), true},
		{typed(schema.TypeHash, nil), strings.Repeat("0A", 32), schema.Text(strings.Repeat("0a", 32)), true},
		{typed(schema.TypeIDNumber, nil), " " + strings.ToLower(invented()), schema.Text(invented()), true},
		{typed(schema.TypeIDNumber, nil), invented()[:17] + "?", schema.Null, false},
	} {
		got, err := c.column.Normalize(c.text)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s %q: got %s, %v; want %s", c.column.Type, c.text, got, err, c.want)
		}
		var p *schema.Problem
		if err != nil && !errors.As(err, &p) {
			t.Errorf("%s %q: %T is no problem", c.column.Type, c.text, err)
		} else if p != nil {
			inWords(t, p)
		}
	}
}

// What an export shows, an import reads back as the same value, in both languages.
func TestWhatIsShownIsReadBack(t *testing.T) {
	var columns []*schema.Column
	for _, b := range []*schema.Book{schema.Minqing(), schematest.Book()} {
		for _, table := range b.Tables() {
			for i := range table.Columns {
				// An instant is shown to the minute in a zone, for people; exports write what they need themselves.
				if c := &table.Columns[i]; c.Type != schema.TypeInstant {
					columns = append(columns, c)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(columns).Draw(t, "column")
		typed := wellTyped(t, c)
		v, err := c.Normalize(typed)
		if err != nil {
			return // not every draw is a value
		}
		for _, lang := range []schema.Lang{schema.ZH, schema.EN} {
			shown := c.Show(v, lang, time.UTC)
			back, err := c.Normalize(shown)
			if err != nil || back != v {
				t.Fatalf("%s: %q is %s, shown as %q, read back as %s, %v", c.Name, typed, v, shown, back, err)
			}
		}
		if err := c.Check(v); err != nil && !v.IsNull() {
			t.Fatalf("%s: Normalize gave %s, which Check refuses: %v", c.Name, v, err)
		}
	})
}

// wellTyped draws what somebody may type into a column.
func wellTyped(t *rapid.T, c *schema.Column) string {
	options := c.Options
	if c.Flow != nil {
		options = c.Flow.States
	}
	var words []string
	for _, o := range options {
		words = append(words, o.Value, o.Label.ZH, o.Label.EN)
	}
	switch {
	case c.Type == schema.TypeTags && len(words) > 0:
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 5).Draw(t, "tags"), "、")
	case len(words) > 0:
		return rapid.SampledFrom(words).Draw(t, "option")
	}
	switch c.Type {
	case schema.TypeInt:
		return rapid.StringMatching(`-?[0-9]{1,10}(\.0)?`).Draw(t, "int")
	case schema.TypeBool:
		return rapid.SampledFrom([]string{"是", "否", "yes", "no", "1", "0"}).Draw(t, "bool")
	case schema.TypeDate:
		return rapid.StringMatching(`(19|20)[0-9]{2}[-/.年](1[0-2]|0?[1-9])[-/.月]([12][0-9]|0?[1-9])日?`).Draw(t, "date")
	case schema.TypePhone:
		return rapid.StringMatching(`(\+86 ?)?[0-9]{3,4}[- ]?[0-9]{4,8}`).Draw(t, "phone")
	case schema.TypeRef:
		return someID
	case schema.TypeIDNumber:
		return invented()
	case schema.TypeHash:
		return rapid.StringMatching(`[0-9a-fA-F]{64}`).Draw(t, "hash")
	}
	return texts().Draw(t, "text")
}

func TestShow(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	tags := typed(schema.TypeTags, withOptions)
	for _, c := range []struct {
		column *schema.Column
		value  schema.Value
		zh, en string
	}{
		{tags, schema.Set("b", "a", "c"), "甲、乙、c", "First, Second, c"},
		{typed(schema.TypeEnum, withOptions), schema.Text("a"), "甲", "First"},
		{typed(schema.TypeEnum, withOptions), schema.Text("z"), "z", "z"},
		{typed(schema.TypeBool, nil), schema.Int(1), "是", "Yes"},
		{typed(schema.TypeBool, nil), schema.Int(0), "否", "No"},
		{typed(schema.TypeInt, nil), schema.Int(-7), "-7", "-7"},
		{typed(schema.TypeInstant, nil), schema.Int(1795483800000), "2026-11-24 09:30", "2026-11-24 09:30"},
		{typed(schema.TypeText, nil), schema.Null, "", ""},
	} {
		if zh, en := c.column.Show(c.value, schema.ZH, shanghai), c.column.Show(c.value, schema.EN, shanghai); zh != c.zh || en != c.en {
			t.Errorf("%s is shown as %q and %q", c.value, zh, en)
		}
	}
}

func TestHeaders(t *testing.T) {
	household := schema.Minqing().Table("household")
	for header, want := range map[string]string{
		"户号": "code", " 户 号 ": "code", "户号*": "code", "户编号": "code", "CODE": "code", "Ｃode": "code", "code": "code", "户主": "head", "联系电话": "phone",
		"电话（手机）": "phone", "户标签": "tags", "Low-income allowance": "low_income", "户\n主": "head", "\uFEFF户号": "code",
	} {
		if c := household.ByHeader(header); c == nil || c.Name != want {
			t.Errorf("%q means %v, want %s", header, c, want)
		}
	}
	for _, header := range []string{"", " ", "（手机）", "身份证", "id"} {
		if c := household.ByHeader(header); c != nil {
			t.Errorf("%q means %s", header, c.Name)
		}
	}
	for _, table := range schema.Minqing().Tables() {
		for i := range table.Columns {
			c := &table.Columns[i]
			all := c.AllHeaders()
			if all[0] != c.Label.ZH || !slices.Contains(all, c.Label.EN) || !slices.Contains(all, c.Name) {
				t.Errorf("%s.%s: headers %v", table.Name, c.Name, all)
			}
			for _, h := range all {
				if got := table.ByHeader(h); got != c {
					t.Errorf("%s: the header %q does not find %s", table.Name, h, c.Name)
				}
			}
		}
	}
}

func TestEveryRoleHasALabel(t *testing.T) {
	seen := map[schema.Label]bool{}
	for _, r := range append(slices.Clone(schema.Roles), schema.RoleServer) {
		l := schema.RoleLabel(r)
		if l.ZH == "" || l.EN == "" || seen[l] {
			t.Errorf("%s is called %v", r, l)
		}
		seen[l] = true
	}
}

// Whatever is typed into whichever column, it is read without a panic, and what is read passes Check.
func FuzzNormalize(f *testing.F) {
	table := schematest.With(schematest.Well()).Table("well")
	for i, s := range []string{someID, someID, "W-7", "机井", "３５", "灌溉、饮用", "1998年3月1日", "+86 138-0000-0000", "在用", "冬天\r\n要盖"} {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, i uint8, text string) {
		c := &table.Columns[int(i)%len(table.Columns)]
		v, err := c.Normalize(text)
		if err == nil && !v.IsNull() {
			err = c.Check(v)
		} else if err != nil {
			return
		}
		if err != nil {
			t.Fatalf("%s: %q was read as %s, which Check refuses: %v", c.Name, text, v, err)
		}
		again, err := c.Normalize(c.Show(v, schema.ZH, time.UTC))
		if err != nil || again != v {
			t.Fatalf("%s: %q is %s, read back as %s, %v", c.Name, text, v, again, err)
		}
	})
}
