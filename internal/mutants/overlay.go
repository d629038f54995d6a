package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// apply gives the files that a mutant changes, as they would be, by their path from the root.
func (m *mutant) apply(root string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range m.patches {
		text, have := out[p.file]
		if !have {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p.file)))
			if err != nil {
				return nil, fmt.Errorf("mutants: %s: %w", m.name, err)
			}
			text = string(b)
		}
		if n := stands(text, p.old); n != 1 {
			return nil, fmt.Errorf("mutants: %s: these lines stand %d times in %s, not once; give the fault its new place:\n%s", m.name, n, p.file, p.old)
		}
		out[p.file] = strings.TrimPrefix(strings.Replace("\n"+text, "\n"+p.old, "\n"+p.new, 1), "\n")
	}
	return out, nil
}

// overlay writes the changed files into a directory, and what go build needs to take them for the real ones. It gives the path of that.
func overlay(root, dir string, files map[string]string) (string, error) {
	replace := map[string]string{}
	for file, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}

// stands counts how often whole lines stand in a text.
func stands(text, lines string) int {
	n := 0
	for at := 0; lines != "" && at >= 0; {
		if strings.HasPrefix(text[at:], lines) {
			n++
		}
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return n
}
