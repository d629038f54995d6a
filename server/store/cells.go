package store

import (
	"encoding/json"
	"fmt"

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

func formatCells(cells []CellChange) string {
	if len(cells) == 0 {
		return ""
	}
	out := make([]cellJSON, len(cells))
	for i, c := range cells {
		out[i] = cellJSON{Cell: c.Cell, Rule: c.Rule, Add: c.Add, Del: c.Del}
		switch c.Rule {
		case schema.RuleSum:
			out[i].Delta = &cells[i].Delta
		case schema.RuleSet:
		default:
			out[i].Value = c.Value.AppendJSON(nil)
		}
		if !c.From.IsNull() {
			out[i].From = c.From.AppendJSON(nil)
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // values are canonical JSON
	}
	return string(b)
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
