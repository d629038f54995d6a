package schema

import "fmt"

// Cell is the unit of merging: one column, or the columns of one group. Its name is the column's or the group's.
type Cell struct {
	Name    string
	Rule    Rule
	Columns []*Column
}

// Group tells whether the cell has a tuple for its value.
func (c *Cell) Group() bool { return c.Columns[0].Group != "" }

// Since is the schema version that first had the cell.
func (c *Cell) Since() int { return max(1, c.Columns[0].Since) }

// Kind is the form of the cell's values.
func (c *Cell) Kind() Kind {
	if c.Group() {
		return KindTuple
	}
	return c.Columns[0].Type.Kind()
}

// Join makes the cell's value from those of its columns.
func (c *Cell) Join(get func(column string) Value) Value {
	if !c.Group() {
		return get(c.Columns[0].Name)
	}
	parts := make([]Value, len(c.Columns))
	for i, col := range c.Columns {
		parts[i] = get(col.Name)
	}
	return Tuple(parts...)
}

// Split gives the values of the cell's columns, in schema order: the inverse of Join.
func (c *Cell) Split(v Value) []Value {
	if !c.Group() {
		return []Value{v}
	}
	if parts := v.Parts(); len(parts) == len(c.Columns) {
		return parts
	}
	return make([]Value, len(c.Columns))
}

// Part is the value of one of the cell's columns, counted in schema order: that entry of Split, most often without making any.
func (c *Cell) Part(v Value, column int) Value {
	if !c.Group() {
		return v
	}
	return c.Split(v)[column]
}

// Parse reads the JSON of a value of the cell: for a group an array with one entry for each column, else as ParseValue.
func (c *Cell) Parse(raw []byte) (Value, error) {
	if !c.Group() {
		return ParseValue(c.Kind(), raw)
	}
	if string(raw) == "null" {
		return Null, nil
	}
	parts, err := parseParts(raw)
	if err != nil {
		return Null, err
	}
	if len(parts) != len(c.Columns) {
		return Null, fmt.Errorf("want %d values for the group %s, got %d", len(c.Columns), c.Name, len(parts))
	}
	for i, p := range parts {
		if !p.IsNull() && p.Kind() != c.Columns[i].Type.Kind() {
			return Null, fmt.Errorf("%s of the group %s is of another kind: %s", c.Columns[i].Name, c.Name, clip(raw))
		}
	}
	return Tuple(parts...), nil
}
