package schema_test

import (
	"testing"

	"minqing/schema"
)

// BenchmarkParseValue is the cost of a cell read from the wire or from a database: a pull parses a dozen for each row.
func BenchmarkParseValue(b *testing.B) {
	for _, c := range []struct {
		name string
		kind schema.Kind
		raw  string
	}{{"int", schema.KindInt, "1234567"}, {"text", schema.KindText, `"汶口村三组十七号"`}, {"escaped", schema.KindText, `"一行\n二行"`},
		{"set", schema.KindSet, `["disabled","empty_nest","hardship"]`}} {
		raw := []byte(c.raw)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.ParseValue(c.kind, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	set := schema.Set("disabled", "empty_nest", "hardship")
	b.Run("elements", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if len(set.Elements()) != 3 {
				b.Fatal("elements are missing")
			}
		}
	})
}
