package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Dump writes a book as JSON, a line for each column, zero values left out: the form in which every released version is frozen
// under testdata, for CheckEvolution and for clients of old versions in the simulator. Row rules are named in it, their
// conditions are not.
func (b *Book) Dump() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"Version":%d,"Tables":[`, b.Version)
	for i, t := range b.tables {
		bare := *t
		bare.Columns = nil
		rest, err := compact(bare)
		if err != nil {
			return nil, fmt.Errorf("schema: dump %s: %w", t.Name, err)
		}
		out.WriteString(comma(i) + `{"Columns":[`)
		for j, c := range t.Columns {
			column, err := compact(c)
			if err != nil {
				return nil, fmt.Errorf("schema: dump %s.%s: %w", t.Name, c.Name, err)
			}
			out.WriteString(comma(j) + column)
		}
		out.WriteString("],\n" + rest[1:])
	}
	out.WriteString("]}\n")
	return out.Bytes(), nil
}

func comma(i int) string {
	if i == 0 {
		return "\n"
	}
	return ",\n"
}

// compact writes a value as JSON in one line, without what is zero.
func compact(value any) (string, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // bounds reach 2^53-1
	var tree any
	if err := d.Decode(&tree); err != nil {
		return "", err
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	err = e.Encode(withoutZeros(tree))
	return strings.TrimSpace(line.String()), err
}

// withoutZeros drops null, false, "", 0 and what is empty from objects, nil standing for what is left of nothing.
func withoutZeros(tree any) any {
	switch x := tree.(type) {
	case map[string]any:
		for k, v := range x {
			if v = withoutZeros(v); v == nil {
				delete(x, k)
			} else {
				x[k] = v
			}
		}
		if len(x) == 0 {
			return nil
		}
		return x
	case []any:
		for i := range x {
			x[i] = withoutZeros(x[i])
		}
		if len(x) == 0 {
			return nil
		}
		return x
	case bool:
		if !x {
			return nil
		}
	case string:
		if x == "" {
			return nil
		}
	case json.Number:
		if x == "0" {
			return nil
		}
	}
	return tree
}

// Load reads a book that Dump wrote. Its row rules hold for every row: they are judged by the server, which has the newest book.
func Load(dump []byte) (*Book, error) {
	var frozen struct {
		Version int
		Tables  []*Table
	}
	if err := json.Unmarshal(dump, &frozen); err != nil {
		return nil, fmt.Errorf("schema: load: %w", err)
	}
	for i, t := range frozen.Tables {
		if t == nil {
			return nil, fmt.Errorf("schema: load: table %d is null", i+1)
		}
		for i := range t.Rules {
			t.Rules[i].Holds = func(func(string) Value) bool { return true }
		}
	}
	return NewBook(frozen.Version, frozen.Tables...)
}

// CheckEvolution tells whether a newer book only adds to an older one, naming everything that it changed. Rows made under the
// old book, and phones that still run it, must go on working: so tables, columns, options, states and moves stay, and keep what
// decides merging, digests and buckets; bounds only widen; nothing becomes required. Free to change are words, permits, locks,
// row rules, how long phones keep a period, and who reads a narrow scope.
func CheckEvolution(old, new *Book) error {
	var bad broken
	if new.Version < old.Version {
		bad.say("version %d is older than %d", new.Version, old.Version)
	}
	for _, was := range old.tables {
		is := new.Table(was.Name)
		if is == nil {
			bad.say("table %s is gone; tables stay for ever", was.Name)
			continue
		}
		evolveTable(was, is, &bad)
		for i := range was.Columns {
			c := is.Column(was.Columns[i].Name)
			if c == nil {
				bad.say("%s.%s is gone; columns stay for ever", was.Name, was.Columns[i].Name)
				continue
			}
			evolveColumn(was.Name+"."+c.Name, &was.Columns[i], c, &bad)
		}
	}
	for _, is := range new.tables {
		was := old.Table(is.Name)
		if was == nil && max(1, is.Since) <= old.Version {
			bad.say("table %s is new and must say since %d", is.Name, new.Version)
		}
		for _, c := range is.Columns {
			if was != nil && was.Column(c.Name) == nil && max(1, c.Since) <= old.Version {
				bad.say("%s.%s is new and must say since %d", is.Name, c.Name, new.Version)
			}
		}
	}
	return errors.Join(bad...)
}

func evolveTable(was, is *Table, bad *broken) {
	same := func(what string, a, b any) {
		if a != b {
			bad.say("table %s: %s was %v and is %v; it never changes", was.Name, what, a, b)
		}
	}
	same("since", max(1, was.Since), max(1, is.Since))
	same("parent", was.Parent, is.Parent)
	same("scope", was.Scope, is.Scope)
	same("period", was.Period, is.Period)
	same("author", was.Author, is.Author)
	same("append", was.Append, is.Append)
	same("place", was.Place, is.Place)
	if was.Twin != "" {
		same("twin", was.Twin, is.Twin)
	}
	if was.Directory {
		same("directory", was.Directory, is.Directory)
	}
}

func evolveColumn(where string, was, is *Column, bad *broken) {
	same := func(what string, a, b any) {
		if a != b {
			bad.say("%s: %s was %v and is %v; it never changes", where, what, a, b)
		}
	}
	same("type", was.Type, is.Type)
	same("rule", was.Rule, is.Rule)
	same("group", was.Group, is.Group)
	same("ref", was.Ref, is.Ref)
	same("since", max(1, was.Since), max(1, is.Since))
	if is.Required && !was.Required {
		bad.say("%s became required; rows without it exist", where)
	}
	if is.Privacy < was.Privacy {
		bad.say("%s was %s and is %s; what was promised to people stays", where, was.Privacy, is.Privacy)
	}
	if is.Min > was.Min || is.most() < was.most() {
		bad.say("%s: bounds %d..%d became %d..%d; they only widen", where, was.Min, was.most(), is.Min, is.most())
	}
	for _, o := range was.options() {
		if is.Option(o.Value) == nil {
			bad.say("%s: option %s is gone; options stay", where, o.Value)
		}
	}
	if len(was.Options) == 0 && len(is.Options) > 0 {
		bad.say("%s took any words and now takes options only", where)
	}
	if was.Flow != nil && is.Flow != nil {
		evolveFlow(where, was.Flow, is.Flow, bad)
	}
}

func evolveFlow(where string, was, is *Flow, bad *broken) {
	if was.Initial != is.Initial {
		bad.say("%s: the initial state was %s and is %s; it never changes", where, was.Initial, is.Initial)
	}
	at := -1
	for _, s := range was.States {
		p := is.Priority(s.Value)
		if p >= 0 && p < at {
			bad.say("%s: state %s changed its priority; old merges were decided by it", where, s.Value)
		}
		at = max(at, p)
	}
	for _, m := range was.Moves {
		if !slices.ContainsFunc(is.Moves, func(n Move) bool { return n.From == m.From && n.To == m.To }) {
			bad.say("%s: the move %s → %s is gone; phones still make it", where, m.From, m.To)
		}
	}
}

// most is the greatest integer, or the greatest length of a text in runes; of a set, that of an element.
func (c *Column) most() int64 {
	if c.Max == 0 && c.Type.Kind() != KindInt {
		return DefaultTextMax
	}
	return c.Max
}
