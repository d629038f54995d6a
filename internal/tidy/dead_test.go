package tidy

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
)

// checkDead finds exported package-level names that nobody outside their package needs. A name is needed when
//
//   - another package, or the package's own external tests, says it (pkg.Name), for any system: all files are read,
//     whatever their build constraints;
//   - the signature of a needed name mentions it: callers hold its values without saying its name; or
//   - it is a constant of a needed type, and something besides its own declaration says it.
//
// Methods and fields are left alone: interfaces, templates and encoders reach them unseen. The reading is by syntax, not
// by types, so that it takes well under a second and a package that does not compile for this machine is judged too.
func checkDead(h *house) []problem {
	packages := collectPackages(h)
	needed := usesOutside(h, packages)
	var out []problem
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		p := packages[dir]
		live := p.reach(needed[dir])
		for _, name := range slices.Sorted(maps.Keys(p.decls)) {
			d := p.decls[name]
			if !ast.IsExported(name) || live[name] || d.generated {
				continue
			}
			out = append(out, problem{"dead", d.path, h.line(d.pos), "exported " + name + " is used by no other package; " +
				"unexport it, or delete it, or use it"})
		}
	}
	return out
}

// pkg is what a package declares at its top level, outside its tests.
type pkg struct {
	name  string
	decls map[string]*decl
	// said counts how often each name stands in the files of the package, its declaration included.
	said map[string]int
}

// decl is one top-level name. Types holds the names that its users come to hold values of.
type decl struct {
	path      string
	pos       token.Pos
	generated bool
	types     []string
	// enum is the type of a constant, when that is declared in the same package; first marks the constant that stands
	// for the type's zero value, which code need not mention.
	enum  string
	first bool
}

func collectPackages(h *house) map[string]*pkg {
	packages := map[string]*pkg{}
	for _, f := range h.files {
		if !f.isGo() || f.isMain() || f.test() {
			continue
		}
		p := packages[f.dir()]
		if p == nil {
			p = &pkg{name: f.syntax.Name.Name, decls: map[string]*decl{}, said: map[string]int{}}
			packages[f.dir()] = p
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				p.said[id.Name]++
			}
			return true
		})
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				p.addFunc(f, d)
			case *ast.GenDecl:
				p.addSpecs(f, d)
			}
		}
	}
	return packages
}

func (p *pkg) decl(f file, name *ast.Ident) *decl {
	d := p.decls[name.Name]
	if d == nil {
		d = &decl{}
		p.decls[name.Name] = d
	}
	// A method may have been met before its type; the place is that of the declaration.
	d.path, d.pos, d.generated = f.path, name.Pos(), f.generated
	return d
}

func (p *pkg) addFunc(f file, fn *ast.FuncDecl) {
	if fn.Recv == nil {
		d := p.decl(f, fn.Name)
		d.types = append(d.types, typeNames(fn.Type)...)
		return
	}
	if !ast.IsExported(fn.Name.Name) || len(fn.Recv.List) == 0 {
		return
	}
	// Who holds a value can call its exported methods, and so comes to hold what they give and take. The first name of
	// a receiver is its type, the others are type parameters.
	receiver := typeNames(fn.Recv.List[0].Type)[0]
	d := p.decls[receiver]
	if d == nil {
		d = &decl{}
		p.decls[receiver] = d
	}
	d.types = append(d.types, typeNames(fn.Type)...)
}

func (p *pkg) addSpecs(f file, g *ast.GenDecl) {
	enum := ""
	for i, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			d := p.decl(f, s.Name)
			d.types = append(d.types, typeNames(s.Type)...)
			if s.TypeParams != nil {
				d.types = append(d.types, typeNames(s.TypeParams)...)
			}
		case *ast.ValueSpec:
			types := typeNames(s.Type)
			for _, v := range s.Values {
				types = append(types, valueTypes(v)...)
			}
			if s.Type != nil || len(s.Values) > 0 {
				enum = strings.Join(types[:min(1, len(types))], "")
			}
			for _, name := range s.Names {
				if name.Name == "_" {
					continue
				}
				d := p.decl(f, name)
				d.types = append(d.types, types...)
				if g.Tok == token.CONST {
					d.enum, d.first = enum, i == 0
				}
			}
		}
	}
}

// typeNames lists the names in a type that somebody outside the package can reach: unexported fields are left out.
func typeNames(n ast.Node) []string {
	var out []string
	if n == nil {
		return out
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			return false // a type of another package
		case *ast.StructType:
			for _, field := range n.Fields.List {
				if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
					out = append(out, typeNames(field.Type)...)
				}
			}
			return false
		case *ast.Ident:
			out = append(out, n.Name)
		}
		return true
	})
	return out
}

// valueTypes guesses the types of a variable from its first value: T{…}, &T{…}, []T{…}, T(…), f(…).
func valueTypes(v ast.Expr) []string {
	switch v := v.(type) {
	case *ast.UnaryExpr:
		return valueTypes(v.X)
	case *ast.CompositeLit:
		if v.Type != nil {
			return typeNames(v.Type)
		}
	case *ast.CallExpr:
		// A conversion names the type. A function's name is followed to what it returns; that it becomes needed by
		// this is the price of not knowing types.
		return typeNames(v.Fun)
	case *ast.FuncLit:
		return typeNames(v.Type)
	}
	return nil
}

// usesOutside maps directories to the names that other packages say of the package in them.
func usesOutside(h *house, packages map[string]*pkg) map[string]map[string]bool {
	needed := map[string]map[string]bool{}
	for _, f := range h.files {
		if !f.isGo() {
			continue
		}
		for imported, local := range localNames(f) {
			dir, own := strings.CutPrefix(imported, modulePath+"/")
			p := packages[dir]
			if !own || p == nil {
				continue
			}
			if local == path.Base(imported) {
				local = p.name
			}
			for _, s := range qualified(f, local) {
				if needed[dir] == nil {
					needed[dir] = map[string]bool{}
				}
				needed[dir][s.Sel.Name] = true
			}
		}
	}
	return needed
}

// reach follows needed names through their signatures to everything their users come to hold.
func (p *pkg) reach(needed map[string]bool) map[string]bool {
	live := map[string]bool{}
	queue := slices.Collect(maps.Keys(needed))
	for len(queue) > 0 {
		for len(queue) > 0 {
			name := queue[0]
			queue = queue[1:]
			d := p.decls[name]
			if d == nil || live[name] {
				continue
			}
			live[name] = true
			queue = append(queue, d.types...)
		}
		for name, d := range p.decls {
			if d.enum != "" && live[d.enum] && !live[name] && (d.first || p.said[name] > 1) {
				queue = append(queue, name)
			}
		}
	}
	return live
}
