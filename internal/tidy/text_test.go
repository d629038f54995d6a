package tidy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxFileLines is where a file starts to hide what it is about. People read one file at a time.
const maxFileLines = 600

// codeSuffixes are the files people write in a programming language; prose and data have no limit of length.
var codeSuffixes = []string{".go", ".sh", ".sql", ".js", ".mjs", ".css", ".html", ".java", ".py", ".yml"}

func isCode(f file) bool {
	return slices.Contains(codeSuffixes, path.Ext(f.path)) || strings.HasPrefix(f.text, "#!")
}

func checkLength(h *house) []problem {
	var out []problem
	for _, f := range h.files {
		if n := strings.Count(f.text, "\n"); isCode(f) && !f.generated && n > maxFileLines {
			out = append(out, problem{"length", f.path, n, fmt.Sprintf(
				"%d lines, at most %d; split it by what its parts are about", n, maxFileLines)})
		}
	}
	return out
}

// A pattern is a text that must not stand in a tracked file.
type pattern struct {
	rule string
	re   *regexp.Regexp
	what string
	only func(file) bool
}

// The expressions are written so that none finds itself here.
var patterns = []pattern{
	{"marks", regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`),
		"leftover mark; do it now, or say plainly in an issue that it is missing", isCode},
	{"skips", regexp.MustCompile(`\b(t|tb|b|f)\.Skip(f|Now)?\(`),
		"a skipped test proves nothing; make it run, or fail naming what is missing", file.isGo},
	{"paths", regexp.MustCompile(`(^|[^a-zA-Z0-9.])/(work|root|home)/[.a-z]`),
		"a path of one machine; make it relative to the repository", anyFile},
	{"registries", regexp.MustCompile(`(proxy\.golang|registry\.npmjs)\.org|goproxy\.(io|cn)|npmmirror\.|` +
		`GOPROXY *= *["']?http|GONO[S]UMDB|"resolved": *"http|registry *= *["']?http|index-url *=`),
		"the address of a package registry; leave the choice to each machine's settings", anyFile},
}

func anyFile(file) bool { return true }

func checkPatterns(h *house) []problem {
	var out []problem
	for _, f := range h.files {
		for _, p := range patterns {
			if !p.only(f) || !p.re.MatchString(f.text) {
				continue
			}
			for i, line := range strings.Split(f.text, "\n") {
				if m := p.re.FindString(line); m != "" {
					out = append(out, problem{p.rule, f.path, i + 1, fmt.Sprintf("%q: %s", m, p.what)})
				}
			}
		}
	}
	return out
}
