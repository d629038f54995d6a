package schema_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"minqing/schema"
)

// texts draws valid texts with what breaks parsers: quotes, escapes, controls, rare characters; never U+0000, which is refused.
func texts() *rapid.Generator[string] {
	odd := rapid.SampledFrom([]rune("\"\\/\n\r\t\b\f\x01\x1f\x7f\u2028\u2029\uFFFD<>&'民情𠮷\U0010FFFF"))
	r := rapid.OneOf(odd, rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
	return rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(r, 0, 12).Draw(t, "runes")) })
}

func values(kind schema.Kind) *rapid.Generator[schema.Value] {
	return rapid.Custom(func(t *rapid.T) schema.Value {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			return schema.Null
		}
		switch kind {
		case schema.KindInt:
			return schema.Int(rapid.Int64Range(schema.MinInt, schema.MaxInt).Draw(t, "int"))
		case schema.KindSet:
			return schema.Set(rapid.SliceOf(texts().Filter(func(s string) bool { return s != "" })).Draw(t, "elements")...)
		default:
			return schema.Text(texts().Draw(t, "text"))
		}
	})
}

func TestValuesPrintAndParse(t *testing.T) {
	for _, kind := range []schema.Kind{schema.KindInt, schema.KindText, schema.KindSet} {
		rapid.Check(t, func(t *rapid.T) {
			v := values(kind).Draw(t, "value")
			back, err := schema.ParseValue(kind, v.AppendJSON(nil))
			if err != nil || back != v {
				t.Fatalf("%s came back as %s, %v", v, back, err)
			}
			if !json.Valid([]byte(v.String())) {
				t.Fatalf("%s is not JSON", v)
			}
		})
	}
}

// One value has one form, however its JSON was spelled.
func TestOneFormForOneValue(t *testing.T) {
	for _, c := range []struct {
		kind schema.Kind
		raw  string
		want schema.Value
		form string
	}{
		{schema.KindText, `"\u6c11\u60c5"`, schema.Text("民情"), `"民情"`},
		{schema.KindText, `"\ud842\udfb7"`, schema.Text("𠮷"), `"𠮷"`},
		{schema.KindText, `"a\/b\u0041"`, schema.Text("a/bA"), `"a/bA"`},
		{schema.KindText, `"\u000a\u001f\u007f"`, schema.Text("\n\x1f\x7f"), "\"\\n\\u001f\x7f\""},
		{schema.KindText, `"\ufffd\\ufffd"`, schema.Text("\uFFFD\\ufffd"), `"` + "\uFFFD" + `\\ufffd"`},
		{schema.KindText, `""`, schema.Null, `null`},
		{schema.KindText, ` null `, schema.Null, `null`},
		{schema.KindInt, `9007199254740991`, schema.Int(schema.MaxInt), `9007199254740991`},
		{schema.KindInt, `-9007199254740991`, schema.Int(schema.MinInt), `-9007199254740991`},
		{schema.KindInt, `0`, schema.Int(0), `0`},
		{schema.KindSet, `[ "b" , "a", "b" ]`, schema.Set("a", "b"), `["a","b"]`},
		{schema.KindSet, `["民","z","𠮷"]`, schema.Set("𠮷", "z", "民"), `["z","民","𠮷"]`},
		{schema.KindSet, `[]`, schema.Null, `null`},
	} {
		got, err := schema.ParseValue(c.kind, []byte(c.raw))
		if err != nil || got != c.want || got.String() != c.form {
			t.Errorf("%s: got %s, %v; want %s", c.raw, got, err, c.form)
		}
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	for kind, raws := range map[schema.Kind][]string{
		schema.KindInt: {``, `1.0`, `1e3`, `-0`, `-00`, `007`, `+1`, `9007199254740992`, `-9007199254740992`, `99999999999999999999`, `NaN`,
			`"1"`, `true`, `1 2`, `0x10`, `1_000`, `[1]`},
		schema.KindText:  {`x`, `"`, `"a`, `'a'`, `1`, `{"a":1}`, "\"\xff\"", `"\ud842"`, `"\udfb7x"`, `"\u0000"`, "\"a\nb\"", `"a" "b"`, `["a"]`, `"\x"`},
		schema.KindSet:   {`{}`, `"a"`, `[1]`, `["a",null]`, `[["a"]]`, `["a"`, `[""]`, `["a",]`, "[\"\xff\"]"},
		schema.KindTuple: {`[1]`},
	} {
		for _, raw := range raws {
			if v, err := schema.ParseValue(kind, []byte(raw)); err == nil {
				t.Errorf("kind %d: %q was taken as %s", kind, raw, v)
			}
		}
	}
}

// group is a cell of two columns of different kinds.
func group(t testing.TB) *schema.Cell {
	t.Helper()
	tables := append(rootTables(), &schema.Table{Name: "pair", Label: label("pair"), Scope: schema.ScopeOwn, Columns: []schema.Column{
		{Name: "n", Label: label("n"), Type: schema.TypeInt, Max: 9, Rule: schema.RuleManual, Group: "both"},
		{Name: "s", Label: label("s"), Type: schema.TypeText, Rule: schema.RuleManual, Group: "both"}}})
	b, err := schema.NewBook(1, tables...)
	if err != nil {
		t.Fatal(err)
	}
	return b.Cell("pair", "both")
}

func label(s string) schema.Label { return schema.Label{ZH: "名 " + s, EN: s} }

func TestGroupsSplitAndJoin(t *testing.T) {
	cell := group(t)
	rapid.Check(t, func(t *rapid.T) {
		parts := map[string]schema.Value{"n": values(schema.KindInt).Draw(t, "n"), "s": values(schema.KindText).Draw(t, "s")}
		v := cell.Join(func(c string) schema.Value { return parts[c] })
		split := cell.Split(v)
		if len(split) != 2 || split[0] != parts["n"] || split[1] != parts["s"] {
			t.Fatalf("%s was split into %v", v, split)
		}
		if v.IsNull() != (parts["n"].IsNull() && parts["s"].IsNull()) {
			t.Fatalf("a group is null just when all of it is: %s", v)
		}
		back, err := cell.Parse(v.AppendJSON(nil))
		if err != nil || back != v {
			t.Fatalf("%s came back as %s, %v", v, back, err)
		}
	})
	for _, raw := range []string{`[1]`, `[1,"a",2]`, `["a",1]`, `1`, `[1,["a"]]`, `{}`, `[1.5,"a"]`, `[-0,"a"]`} {
		if v, err := cell.Parse([]byte(raw)); err == nil {
			t.Errorf("%s was taken as %s", raw, v)
		}
	}
	if v, err := cell.Parse([]byte(`[null,null]`)); err != nil || !v.IsNull() {
		t.Errorf("a group of nulls is null, got %s, %v", v, err)
	}
}

func TestASetForgetsOrderAndRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.SliceOf(texts()).Draw(t, "elements")
		shuffled := rapid.Permutation(append(elements, elements...)).Draw(t, "shuffled")
		if a, b := schema.Set(elements...), schema.Set(shuffled...); a != b {
			t.Fatalf("%s and %s", a, b)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for kind, seeds := range [][]string{1: {"0", "-1", "9007199254740991"}, 2: {`"民情"`, `"\ud842\udfb7"`, `"\ud842"`}, 3: {`["a","b"]`, `[]`}, 4: {`[1,"a"]`, `[null,null]`}} {
		for _, s := range seeds {
			f.Add(uint8(kind), []byte(s))
		}
	}
	cell := group(f)
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		parse := func(raw []byte) (schema.Value, error) {
			if k := schema.Kind(kind % 5); k != schema.KindTuple {
				return schema.ParseValue(k, raw)
			}
			return cell.Parse(raw)
		}
		v, err := parse(raw)
		if err != nil {
			return
		}
		printed := v.AppendJSON(nil)
		again, err := parse(printed)
		if err != nil || again != v || !bytes.Equal(again.AppendJSON(nil), printed) {
			t.Fatalf("%q parsed as %s, which parses as %s, %v", raw, v, again, err)
		}
		if strings.ContainsRune(v.Str(), 0) {
			t.Fatalf("%q holds U+0000", raw)
		}
		var plain, canonical any // encoding/json must read both spellings as one value
		if json.Unmarshal(raw, &plain) == nil && json.Unmarshal(printed, &canonical) == nil && v.Kind() == schema.KindText && plain != canonical {
			t.Fatalf("%q and %q differ", raw, printed)
		}
	})
}
