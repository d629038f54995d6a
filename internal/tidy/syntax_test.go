package tidy

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// maxFunctionLines is generous: most functions are under twenty lines. Tests may be longer, they tell a story in order.
const maxFunctionLines = 120

func checkFunctions(h *house) []problem {
	var out []problem
	for _, f := range h.code(false) {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := h.line(fn.End()) - h.line(fn.Pos()) + 1; n > maxFunctionLines {
				out = append(out, problem{"functions", f.path, h.line(fn.Pos()), fmt.Sprintf(
					"%s has %d lines, at most %d; name its parts", fn.Name.Name, n, maxFunctionLines)})
			}
		}
	}
	return out
}

// clockReads are the functions of package time that read the clock.
var clockReads = []string{"Now", "Since", "Until"}

// checkClock keeps the clock out of everything that could be simulated. main packages hand it in.
func checkClock(h *house) []problem {
	var out []problem
	for _, f := range h.code(false) {
		room := roomOf(f.dir())
		domain := room == roomSchema || room == roomProto || room == roomServer || room == roomClient
		if !domain || strings.Contains(f.dir()+"/", "/cmd/") {
			continue
		}
		for _, s := range qualified(f, localNames(f)["time"]) {
			if slices.Contains(clockReads, s.Sel.Name) {
				out = append(out, problem{"clock", f.path, h.line(s.Pos()), "time." + s.Sel.Name + " reads the clock; " +
					"take now func() time.Time (or the time itself) as an argument"})
			}
		}
	}
	return out
}

// checkPromises wants a comment above the package clause of one file of each package.
func checkPromises(h *house) []problem {
	first, said := map[string]file{}, map[string]bool{}
	for _, f := range h.code(false) {
		dir := f.dir()
		if _, ok := first[dir]; !ok {
			first[dir] = f
		}
		said[dir] = said[dir] || f.syntax.Doc.Text() != ""
	}
	var out []problem
	for dir, f := range first {
		if !said[dir] {
			out = append(out, problem{"promises", f.path, h.line(f.syntax.Package), "package " + f.syntax.Name.Name +
				" does not say what it promises; open it with a doc comment"})
		}
	}
	return out
}

// localNames maps the import paths of a file to the names they go by in it, without knowing the packages: the last
// element of the path, unless the file says otherwise.
func localNames(f file) map[string]string {
	names := map[string]string{}
	for _, spec := range f.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // checkImports reports it
		}
		names[p] = p[strings.LastIndexByte(p, '/')+1:]
		if spec.Name != nil {
			names[p] = spec.Name.Name
		}
	}
	return names
}

// qualified are the selections of a package by its local name. A local variable of that name is told apart: the parser
// resolves it, and an import it does not.
func qualified(f file, name string) []*ast.SelectorExpr {
	var out []*ast.SelectorExpr
	if name == "" {
		return out
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name && x.Obj == nil {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}
