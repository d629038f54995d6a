package tidy

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordFields are the fields that carry words for people over the wire, of the types in wordTypes and whatever they are assigned to.
var (
	wordFields = []string{"Message", "Hint", "message", "hint"}
	wordTypes  = []string{"Error", "Failure", "Verdict", "refusal"}
)

// checkWords wants every message and hint of an error in both languages, told apart by syncproto.Both and nothing else: whoever
// shows one to a person picks a language, and must not have to guess by punctuation where it begins.
func checkWords(h *house) []problem {
	var out []problem
	for _, f := range h.code(false) {
		say := func(at ast.Node, what string) { out = append(out, problem{"words", f.path, h.line(at.Pos()), what}) }
		field := func(name string, value ast.Expr) {
			if lit := bareWords(value); slices.Contains(wordFields, name) && lit != nil {
				say(lit, name+" of an error is for people of both languages; write syncproto.Both(“中文。”, “English.”), or Err for what only the log sees")
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if !slices.Contains(wordTypes, lastName(n.Type)) {
					return true
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						field(lastName(kv.Key), kv.Value)
					}
				}
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					if s, ok := to.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
						field(s.Sel.Name, n.Rhs[i])
					}
				}
			case *ast.CallExpr:
				if lastName(n.Fun) != "Both" || len(n.Args) != 2 {
					return true
				}
				if zh, ok := lastLiteral(n.Args[0]); ok && !endsIn(zh, "。！？…") {
					say(n, "the Chinese is not a whole sentence: it ends with no 。")
				}
				en, ok := lastLiteral(n.Args[1])
				if ok && (!endsIn(en, ".!?…") || strings.ContainsFunc(en, func(r rune) bool { return unicode.Is(unicode.Han, r) })) {
					say(n, "the English is not a whole sentence: it ends with no full stop, or holds Chinese")
				}
			}
			return true
		})
	}
	return out
}

// bareWords finds a string literal with a letter in it that is not an argument of a call that makes or takes apart such words.
func bareWords(value ast.Expr) *ast.BasicLit {
	var found *ast.BasicLit
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			return lastName(n.Fun) == "Sprintf"
		case *ast.IndexExpr, *ast.FuncLit:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING && found == nil && strings.ContainsFunc(n.Value, unicode.IsLetter) {
				found = n
			}
		}
		return true
	})
	return found
}

// lastLiteral is the text that an expression of literals, joined or formatted, ends with.
func lastLiteral(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		return lastLiteral(e.Y)
	case *ast.CallExpr:
		if lastName(e.Fun) == "Sprintf" && len(e.Args) > 0 {
			return lastLiteral(e.Args[0])
		}
	}
	return "", false
}

func endsIn(s, marks string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(marks, r)
}

// lastName is the last part of a name: Error of syncproto.Error.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
