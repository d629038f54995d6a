package store

import (
	"encoding/json"
	"fmt"
	"strconv"

	"minqing/schema"
	"minqing/syncproto"
)

// CellChange is what an accepted edit did to one cell.
type CellChange struct {
	syncproto.CellEdit
	From schema.Value // what the author saw
	Rule schema.Rule  // by which the cell merges
}

// cellJSON is the stored form: v the value, d the delta of a sum, a and x the elements added to and taken from a set, f the value
// before.
type cellJSON struct {
	Cell  string          `json:"c"`
	Value json.RawMessage `json:"v,omitempty"`
	Delta *int64          `json:"d,omitempty"`
	Add   []string        `json:"a,omitempty"`
	Del   []string        `json:"x,omitempty"`
	From  json.RawMessage `json:"f,omitempty"`
	Rule  schema.Rule     `json:"r"`
}

// CellsText is the stored form of what the version did to the cells; cells that the book does not know included. From the first call on
// the cells stay as they are: the chain hashes the same text that the history keeps.
func (v *Version) CellsText() string {
	if v.cellsText == "" {
		v.cellsText = formatCells(v.Cells)
	}
	return v.cellsText
}

// formatCells writes what encoding/json makes of cellJSON, without going by reflection: a push does it for every change.
func formatCells(cells []CellChange) string {
	if len(cells) == 0 {
		return ""
	}
	size := 2
	for i := range cells {
		size += 64 + len(cells[i].Value.Str()) + len(cells[i].From.Str())
	}
	b := append(make([]byte, 0, size), '[')
	for i := range cells {
		c := &cells[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(append(b, `{"c":`...), c.Cell)
		switch c.Rule {
		case schema.RuleSum:
			b = strconv.AppendInt(append(b, `,"d":`...), c.Delta, 10)
		case schema.RuleSet:
		default:
			b = appendValue(append(b, `,"v":`...), c.Value)
		}
		if len(c.Add) > 0 {
			b = AppendTexts(append(b, `,"a":`...), c.Add)
		}
		if len(c.Del) > 0 {
			b = AppendTexts(append(b, `,"x":`...), c.Del)
		}
		if !c.From.IsNull() {
			b = appendValue(append(b, `,"f":`...), c.From)
		}
		b = append(AppendText(append(b, `,"r":`...), string(c.Rule)), '}')
	}
	return string(append(b, ']'))
}

// parseCells leaves out cells that the book does not know: a newer server wrote them.
func parseCells(book *schema.Book, table, text string) ([]CellChange, error) {
	if text == "" {
		return nil, nil
	}
	var in []cellJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, err
	}
	var out []CellChange
	for _, c := range in {
		cell := book.Cell(table, c.Cell)
		if cell == nil {
			continue
		}
		var e CellChange
		e.Cell, e.Rule, e.Add, e.Del = c.Cell, c.Rule, c.Add, c.Del
		if c.Delta != nil {
			e.Delta = *c.Delta
		}
		for _, v := range []struct {
			raw  json.RawMessage
			into *schema.Value
		}{{c.Value, &e.Value}, {c.From, &e.From}} {
			if v.raw == nil {
				continue
			}
			var err error
			if *v.into, err = cell.Parse(v.raw); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", table, c.Cell, err)
			}
		}
		out = append(out, e)
	}
	return out, nil
}
