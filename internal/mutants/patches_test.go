package mutants

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// least is how many mutants there must be; the task asks for 30.
const least = 80

func MustRoot(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func MustAll(t *testing.T) []*mutant {
	t.Helper()
	list, err := all()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestMutantsSayWhatFindsThem(t *testing.T) {
	list := MustAll(t)
	if len(list) < least {
		t.Errorf("%d mutants, want %d at least", len(list), least)
	}
	invariant := regexp.MustCompile(`^I([1-9]|1[0-8])$`)
	for _, m := range list {
		for _, i := range m.expected {
			if !invariant.MatchString(i) {
				t.Errorf("%s: %q is no invariant of DESIGN section 7", m.name, i)
			}
		}
		if len(m.directed) == 0 {
			t.Errorf("%s: no history told by hand is known to kill it; find or write one", m.name)
		}
	}
}

// TestMutantsApplyAndCompile patches every file and type-checks every package that a mutant changes: a fault that does not compile proves
// nothing.
func TestMutantsApplyAndCompile(t *testing.T) {
	root := MustRoot(t)
	list := MustAll(t)
	dirs := map[string]bool{}
	for _, m := range list {
		for _, p := range m.patches {
			dirs["./"+path.Dir(p.file)] = true
		}
	}
	c := MustChecker(t, root, slices.Sorted(maps.Keys(dirs)))
	for _, m := range list {
		files, err := m.apply(root)
		if err != nil {
			t.Error(err)
			continue
		}
		changed := map[string]bool{}
		for file, text := range files {
			changed[path.Dir(file)] = true
			if b, err := os.ReadFile(filepath.Join(root, file)); err != nil || string(b) == text {
				t.Errorf("%s: changes nothing in %s (%v)", m.name, file, err)
			}
		}
		for dir := range changed {
			if err := c.check(dir, files); err != nil {
				t.Errorf("%s does not compile: %v", m.name, err)
			}
		}
	}
}

// checker type-checks packages of the module from source, against what the go command has compiled of all the others.
type checker struct {
	root    string
	exports map[string]string // import path → file of export data
	sources map[string][]string
	fset    *token.FileSet
	parsed  map[string]*ast.File
	imports types.Importer
}

func MustChecker(t *testing.T, root string, dirs []string) *checker {
	t.Helper()
	c := &checker{root: root, exports: map[string]string{}, sources: map[string][]string{}, fset: token.NewFileSet(), parsed: map[string]*ast.File{}}
	out, err := goTool(t.Context(), root, append([]string{"list", "-buildvcs=false", "-trimpath", "-export", "-deps", "-json=ImportPath,Export,GoFiles,Dir"}, dirs...)...)
	if err != nil {
		t.Fatal(err)
	}
	in := json.NewDecoder(bufio.NewReader(strings.NewReader(out)))
	for {
		var p struct {
			ImportPath, Export, Dir string
			GoFiles                 []string
		}
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		c.exports[p.ImportPath] = p.Export
		c.sources[p.ImportPath] = p.GoFiles
	}
	c.imports = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if c.exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(c.exports[path])
	})
	return c
}

func (c *checker) check(dir string, changed map[string]string) error {
	var files []*ast.File
	for _, name := range c.sources["minqing/"+dir] {
		file := path.Join(dir, name)
		text, isChanged := changed[file]
		if f := c.parsed[file]; f != nil && !isChanged {
			files = append(files, f)
			continue
		}
		var src any
		if isChanged {
			src = text
		}
		f, err := parser.ParseFile(c.fset, filepath.Join(c.root, file), src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !isChanged {
			c.parsed[file] = f
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: c.imports}
	_, err := conf.Check("minqing/"+dir, c.fset, files, nil)
	return err
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	whole := "a comment\n\n== one\nwhy: it is\nwrong\nkills: I7 I1\ndirected: h1 h2\n-- a/b.go\n<<<<\n\told\n====\n\tnew\n>>>>\n<<<<\nx\n====\n>>>>\n"
	list, err := parse(whole)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	m := list[0]
	if m.name != "one" || m.why != "it is wrong" || !slices.Equal(m.expected, []string{"I7", "I1"}) || !slices.Equal(m.directed, []string{"h1", "h2"}) || len(m.patches) != 2 ||
		m.patches[0] != (patch{"a/b.go", "\told\n", "\tnew\n"}) || m.patches[1] != (patch{"a/b.go", "x\n", ""}) {
		t.Errorf("%+v", m)
	}
	for _, cut := range []string{"why: it is\nwrong\n", "kills: I7 I1\n", "-- a/b.go\n", "====\n\tnew\n", ">>>>\n<<<<\nx\n====\n>>>>\n"} {
		if list, err := parse(strings.Replace(whole, cut, "", 1)); err == nil {
			t.Errorf("without %q it is taken: %+v", cut, list)
		}
	}
}

func TestPatchMustFindItsLinesOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("one\ntwo\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for old, fits := range map[string]bool{"one\n": true, "three\n": true, "two\n": false, "four\n": false, "ne\n": false, "": false} {
		m := &mutant{name: "probe", patches: []patch{{"a.go", old, "new\n"}}}
		files, err := m.apply(root)
		if fits != (err == nil) || !fits && !strings.Contains(err.Error(), "probe") {
			t.Errorf("%q: %v", old, err)
		}
		if fits && !strings.Contains(files["a.go"], "new\n") {
			t.Errorf("%q: %q", old, files["a.go"])
		}
	}
}

func TestFindingsAreRead(t *testing.T) {
	for text, want := range map[string]finding{
		"minqing-sim -seed 8\n  I14 Liveness: round 1: fails\n":                          {8, "", "I14 Liveness", "round 1: fails"},
		"minqing-sim -seed 9 -keep 1,3-5 -calm 2: I7 Causality: text\n":                  {9, "", "I7 Causality", "text"},
		"x\nminqing-sim -directed lost-ack: I3 Ack means durable: told\nhistories=1\n":   {0, "lost-ack", "I3 Ack means durable", "told"},
		"minqing-sim -seed 1: S Soundness: panic: index\nminqing-sim -seed 2: I1 C: b\n": {1, "", "S Soundness", "panic: index"},
	} {
		got := firstFailure(strings.NewReader(text))
		if got == nil || *got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if f := firstFailure(strings.NewReader("trace 0123\nhistories=1 operations=2 failures=0 seconds=1.0\n")); f != nil {
		t.Errorf("%+v", f)
	}
	soundness := finding{invariant: "S Soundness"}
	if soundness.named() {
		t.Error("a panic counts as an invariant")
	}
}
