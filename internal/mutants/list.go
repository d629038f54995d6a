package mutants

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed faults/*.txt
var faults embed.FS

// mutant is one deliberate fault.
type mutant struct {
	name     string
	why      string   // it is a fault
	expected []string // the invariants that should find it, like I7; the first is the one it stands for
	directed []string // histories written by hand that find it
	patches  []patch
}

// patch replaces lines of one file.
type patch struct {
	file     string // from the root of the module
	old, new string
}

// all reads every mutant, by room, in the order of the files.
func all() ([]*mutant, error) {
	names, err := fs.Glob(faults, "faults/*.txt")
	if err != nil {
		return nil, err
	}
	var out []*mutant
	seen := map[string]bool{}
	for _, name := range names {
		text, err := faults.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("mutants: %s: %w", name, err)
		}
		for _, m := range list {
			if seen[m.name] {
				return nil, fmt.Errorf("mutants: %s: a second mutant %s", name, m.name)
			}
			seen[m.name] = true
		}
		out = append(out, list...)
	}
	return out, nil
}

// The marks that lines of a file of faults begin with. What lies between the last three is source, tabs and all.
const (
	markMutant = "== "
	markFile   = "-- "
	markOld    = "<<<<"
	markNew    = "===="
	markEnd    = ">>>>"
)

// parse reads a file of faults:
//
//	Anything before the first mutant is a comment.
//
//	== name-of-the-mutant
//	why: in words, over as many lines as it takes
//	kills: I7 I1
//	directed: name-of-a-history
//	-- server/judge/judge.go
//	<<<<
//	lines as they are
//	====
//	lines as they would be
//	>>>>
//
// kills names the invariants that should find it. More blocks, of this or of other files, may follow.
func parse(text string) ([]*mutant, error) {
	var out []*mutant
	var m *mutant
	var file string
	var key string
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("line %d: %s", i+1, fmt.Sprintf(format, args...))
		}
		if name, ok := strings.CutPrefix(line, markMutant); ok {
			m, file, key = &mutant{name: strings.TrimSpace(name)}, "", ""
			out = append(out, m)
			continue
		}
		if m == nil {
			continue
		}
		switch {
		case strings.HasPrefix(line, markFile):
			file = strings.TrimSpace(line[len(markFile):])
		case line == markOld:
			block, n, ok := readBlock(lines[i+1:])
			if !ok || file == "" {
				return nil, fail("a patch of %s without a file, %s or %s", m.name, markNew, markEnd)
			}
			block.file = file
			m.patches = append(m.patches, block)
			i += n
		case strings.TrimSpace(line) == "":
		case file != "":
			return nil, fail("%q stands between the patches of %s", line, m.name)
		default:
			name, value, found := strings.Cut(line, ":")
			if found && !strings.Contains(name, " ") {
				key = name
			} else {
				value = line
			}
			if err := m.set(key, strings.TrimSpace(value)); err != nil {
				return nil, fail("%s: %v", m.name, err)
			}
		}
	}
	for _, m := range out {
		if m.why == "" || len(m.expected) == 0 || len(m.patches) == 0 {
			return nil, fmt.Errorf("the mutant %s lacks why, kills or a patch", m.name)
		}
	}
	return out, nil
}

// readBlock reads the two sides of a patch, and says over how many lines they went.
func readBlock(lines []string) (p patch, n int, ok bool) {
	middle, end := -1, -1
	for i, line := range lines {
		if line == markNew && middle < 0 {
			middle = i
		}
		if line == markEnd {
			end = i
			break
		}
	}
	if middle < 0 || end < middle {
		return p, 0, false
	}
	join := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return strings.Join(list, "\n") + "\n"
	}
	return patch{old: join(lines[:middle]), new: join(lines[middle+1 : end])}, end + 1, true
}

func (m *mutant) set(key, value string) error {
	switch key {
	case "why":
		m.why = strings.TrimSpace(m.why + " " + value)
	case "kills":
		m.expected = append(m.expected, strings.Fields(value)...)
	case "directed":
		m.directed = append(m.directed, strings.Fields(value)...)
	default:
		return fmt.Errorf("nobody knows what %q means", key)
	}
	return nil
}
