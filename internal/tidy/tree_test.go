package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// modulePath is the module's name in import paths.
const modulePath = "minqing"

// house is the tracked tree, parsed once for all rules.
type house struct {
	fset  *token.FileSet
	files []file
}

// file is one tracked file. syntax is nil unless it is a Go file of this module that parses.
type file struct {
	path      string
	text      string
	syntax    *ast.File
	generated bool
}

// problem is a broken rule: where, and what to do about it.
type problem struct {
	rule string
	path string
	line int
	what string
}

func (p problem) String() string {
	return fmt.Sprintf("%s:%d: %s [%s]", p.path, p.line, p.what, p.rule)
}

func (f file) dir() string  { return path.Dir(f.path) }
func (f file) test() bool   { return strings.HasSuffix(f.path, "_test.go") }
func (f file) isGo() bool   { return f.syntax != nil }
func (f file) isMain() bool { return f.isGo() && f.syntax.Name.Name == "main" }

func (h *house) line(p token.Pos) int { return h.fset.Position(p).Line }

// code is the Go files that people wrote, with the tests or without.
func (h *house) code(tests bool) []file {
	var out []file
	for _, f := range h.files {
		if f.isGo() && !f.generated && (tests || !f.test()) {
			out = append(out, f)
		}
	}
	return out
}

var generatedMark = regexp.MustCompile(`(?m)^\W*Code generated .* DO NOT EDIT\.`)

// newHouse parses a tree of path to content. Go files of nested modules and of testdata are kept as text.
func newHouse(tree map[string]string) (*house, []problem) {
	h := &house{fset: token.NewFileSet()}
	var problems []problem
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		f := file{path: name, text: tree[name], generated: generatedMark.MatchString(tree[name])}
		if strings.HasSuffix(name, ".go") && !strings.Contains("/"+name, "/testdata/") {
			syntax, err := parser.ParseFile(h.fset, name, f.text, parser.ParseComments)
			if err != nil {
				problems = append(problems, problem{"parse", name, 1, "does not parse: " + err.Error()})
			} else {
				f.syntax = syntax
			}
		}
		h.files = append(h.files, f)
	}
	return h, problems
}

// mustIndex reads what git tracks, with the contents that are staged.
func mustIndex(tb testing.TB) map[string]string {
	tb.Helper()
	root := mustGit(tb, ".", "rev-parse", "--show-toplevel")
	// Reading the index file itself ties Go's cache of test results to it: a commit runs these tests again.
	index := mustGit(tb, root, "rev-parse", "--path-format=absolute", "--git-path", "index")
	if _, err := os.ReadFile(index); err != nil {
		tb.Fatalf("reading git's index: %v", err)
	}
	dir := tb.TempDir()
	mustGit(tb, root, "checkout-index", "--all", "--prefix="+dir+"/")
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		tree[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		tb.Fatalf("reading the tracked tree: %v", err)
	}
	if len(tree) == 0 {
		tb.Fatal("git tracks nothing here; these tests need the repository, not an export of it")
	}
	return tree
}

func mustGit(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	// The checkout may belong to another user than the one who runs the tests; reading it does no harm.
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "safe.directory=*"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %s: %v\n%sthese tests need git and the repository", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}
