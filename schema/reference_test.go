package schema_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/schema"
)

// update rewrites the files that tests compare with; what changed is then to be read before it is committed.
var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a committed file.
func golden(t *testing.T, file, got, refresh string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not current from line %d on; %s", file, firstDifference(string(want), got), refresh)
	}
}

func firstDifference(a, b string) int {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range as {
		if i >= len(bs) || as[i] != bs[i] {
			return i + 1
		}
	}
	return len(as) + 1
}

func TestReferencePagesAreCurrent(t *testing.T) {
	for file, lang := range map[string]schema.Lang{"../docs/SCHEMA.md": schema.EN, "../docs/SCHEMA.zh.md": schema.ZH} {
		golden(t, file, schema.Reference(schema.Minqing(), lang), "run ./task docs")
	}
}

func TestReferenceNamesEverything(t *testing.T) {
	b := schema.Minqing()
	for _, lang := range []schema.Lang{schema.ZH, schema.EN} {
		page := schema.Reference(b, lang)
		for _, table := range b.Tables() {
			_, section, found := strings.Cut(page, `<a id="`+table.Name+`">`)
			section, _, _ = strings.Cut(section, `<a id="`)
			if !found || !strings.Contains(section, table.Label.In(lang)) {
				t.Errorf("%s: no section for table %s", lang, table.Name)
			}
			for _, c := range table.Columns {
				if !strings.Contains(section, "| "+c.Label.In(lang)+" `"+c.Name+"` |") {
					t.Errorf("%s: nothing about %s.%s", lang, table.Name, c.Name)
				}
			}
		}
		if strings.Contains(page, "%!") {
			t.Errorf("%s: a format is wrong", lang)
		}
	}
}
