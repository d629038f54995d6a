package conflict

import (
	"bytes"
	"fmt"

	"minqing/server/store"
	"minqing/syncproto"
)

// Told is a change in one line: what it did to the first of its rows that may be seen.
type Told struct {
	What   string // whose, or what
	Op     syncproto.Op
	Cells  []string // labels
	Rows   int      // of the change in all
	Erased bool     // its words are gone, by law
}

// TellChanges puts any changes into a line each. A row that whoever looks may not see has no name there.
func (d *Desk) TellChanges(tx *store.Tx, changes []*store.Change) ([]Told, error) {
	out := make([]Told, len(changes))
	edits := make([][]syncproto.Edit, len(changes))
	var ids []string
	for i, c := range changes {
		if out[i].Erased = len(c.Body) == 0; out[i].Erased {
			continue
		}
		head, rows := firstEdits(c.Body, mostListed)
		parsed, err := syncproto.ParseContent(tx.Book(), c.First, c.First, head)
		if err != nil {
			return nil, fmt.Errorf("console: body of change %s: %w", c.Identity, err)
		}
		out[i].Rows, edits[i] = max(rows, len(parsed.Edits)), parsed.Edits[:min(mostListed, len(parsed.Edits))]
		for k := range edits[i] {
			ids = append(ids, namedIn(tx.Book(), &edits[i][k])...)
		}
	}
	k, err := d.kinOf(tx, ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		for n := range edits[i] {
			e := &edits[i][n]
			if !k.shows(e) {
				continue
			}
			out[i].What, out[i].Op = k.name(e), e.Op
			for x := range e.Cells {
				if c := tx.Book().Cell(e.Table, e.Cells[x].Cell); c != nil {
					out[i].Cells = append(out[i].Cells, d.label(c))
				}
			}
			break
		}
	}
	return out, nil
}

// firstEdits is the content of a change with the first few of its edits, and how many rows it edits. An import writes hundreds with one change: to read
// them all for a line about the first takes five milliseconds.
func firstEdits(content []byte, most int) (head string, rows int) {
	const list = `"edits":[` // no text holds it, as the quotes in texts are escaped
	end, depth, quoted := 0, 0, false
	for i := bytes.Index(content, []byte(list)) + len(list); i >= len(list) && i < len(content); i++ {
		switch c := content[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth > 0:
			if depth--; depth == 0 {
				if rows++; rows == most {
					end = i + 1
				}
			}
		case c == ']' && end > 0:
			return string(content[:end]) + string(content[i:]), rows
		case c == ']':
			return string(content), rows
		}
	}
	return string(content), 0
}

// NameRows is what people call rows, by id; tables says of which table each is. What may not be seen from the place has no name.
func (d *Desk) NameRows(tx *store.Tx, tables map[syncproto.RowID]string) (map[syncproto.RowID]string, error) {
	ids := make([]string, 0, len(tables))
	for id := range tables {
		ids = append(ids, string(id))
	}
	k, err := d.kinOf(tx, ids)
	if err != nil {
		return nil, err
	}
	out := map[syncproto.RowID]string{}
	for id, table := range tables {
		if k.sees(id) {
			out[id] = k.name(&syncproto.Edit{Table: table, Row: id})
		}
	}
	return out, nil
}
