// Package vectors reads the test vectors of the protocol: text files of cases, so that any language can read them and people can
// review them. A case is a run of lines “name: value”; an empty line ends it; lines beginning with # are comments. A name may come
// several times in a case: its values form a list.
package vectors

import (
	"io/fs"
	"strings"
	"testing"
)

// Case is one case of a file.
type Case struct {
	tb     testing.TB
	where  string
	values map[string][]string
}

// MustRead reads a file of vectors from the folder testdata.
func MustRead(tb testing.TB, testdata fs.FS, file string) []Case {
	tb.Helper()
	raw, err := fs.ReadFile(testdata, file)
	if err != nil {
		tb.Fatal(err)
	}
	var cases []Case
	open := false
	for _, line := range strings.Split(string(raw), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if line == "" {
			open = false
			continue
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			if name, ok = strings.CutSuffix(line, ":"); !ok {
				tb.Fatalf("%s: no line of a vector: %q", file, line)
			}
		}
		if !open {
			cases = append(cases, Case{tb: tb, where: file, values: map[string][]string{}})
			open = true
		}
		c := &cases[len(cases)-1]
		c.values[name] = append(c.values[name], value)
	}
	if len(cases) == 0 {
		tb.Fatalf("%s: no cases", file)
	}
	return cases
}

// Get is the one value of a name; the test fails when there is none or more.
func (c *Case) Get(name string) string {
	c.tb.Helper()
	list := c.values[name]
	if len(list) != 1 {
		c.tb.Fatalf("%s: %d values of %q in %v", c.where, len(list), name, c.values)
	}
	return list[0]
}

// All are the values of a name, in order.
func (c *Case) All(name string) []string { return c.values[name] }

// Has tells whether the case has a name.
func (c *Case) Has(name string) bool { return len(c.values[name]) > 0 }

// Want fails the test when got differs from the one value of a name.
func (c *Case) Want(name, got string) {
	c.tb.Helper()
	if want := c.Get(name); got != want {
		c.tb.Errorf("%s: %s\ngot  %s\nwant %s\nof   %v", c.where, name, got, want, c.values)
	}
}
