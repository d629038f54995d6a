package schema

import (
	"fmt"
	"slices"
)

// Book is a set of tables at one schema version, indexed. It is immutable.
type Book struct {
	Version int
	tables  []*Table
	byName  map[string]*Table
	cells   map[string][]Cell
	cellOf  map[string]map[string]int // table → column → index into cells
}

// NewBook indexes tables at a schema version, leaving out the tables and columns that came later. It returns an error that
// names every broken law of the rule book (see laws.go).
func NewBook(version int, tables ...*Table) (*Book, error) {
	b := &Book{Version: version, byName: map[string]*Table{}, cells: map[string][]Cell{}, cellOf: map[string]map[string]int{}}
	for _, t := range tables {
		if max(1, t.Since) > version {
			continue
		}
		t := t.at(version)
		if b.byName[t.Name] != nil {
			return nil, fmt.Errorf("schema: table %s is declared twice", t.Name)
		}
		b.tables = append(b.tables, t)
		b.byName[t.Name] = t
		b.index(t)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Book) index(t *Table) {
	of := map[string]int{}
	var cells []Cell
	for i := range t.Columns {
		c := &t.Columns[i]
		name := c.Name
		if c.Group != "" {
			name = c.Group
		}
		at := slices.IndexFunc(cells, func(cell Cell) bool { return cell.Name == name })
		if at < 0 {
			at = len(cells)
			cells = append(cells, Cell{Name: name, Rule: c.Rule})
		}
		cells[at].Columns = append(cells[at].Columns, c)
		of[c.Name] = at
	}
	b.cells[t.Name] = cells
	b.cellOf[t.Name] = of
}

// at copies the table with the columns known at a version, and with what speaks only of them.
func (t *Table) at(version int) *Table {
	out := *t
	out.Columns = nil
	for _, c := range t.Columns {
		if max(1, c.Since) <= version {
			out.Columns = append(out.Columns, c)
		}
	}
	if len(out.Columns) == len(t.Columns) {
		return &out
	}
	out.Create, out.Change = out.known(t.Create), out.known(t.Change)
	out.Locks, out.Rules = nil, nil
	for _, l := range t.Locks {
		if kept := out.keep(l.Columns); len(kept) > 0 || l.Columns == nil {
			l.Columns = kept
			out.Locks = append(out.Locks, l)
		}
	}
	for _, r := range t.Rules {
		if len(out.keep(r.Columns)) == len(r.Columns) {
			out.Rules = append(out.Rules, r)
		}
	}
	if out.Column(out.Twin) == nil {
		out.Twin = ""
	}
	return &out
}

// known leaves out of permits the columns the table does not have, and permits that were only for such.
func (t *Table) known(permits []Permit) []Permit {
	var out []Permit
	for _, p := range permits {
		if kept := t.keep(p.Columns); len(kept) > 0 || p.Columns == nil {
			p.Columns = kept
			out = append(out, p)
		}
	}
	return out
}

func (t *Table) keep(columns []string) []string {
	var out []string
	for _, name := range columns {
		if t.Column(name) != nil {
			out = append(out, name)
		}
	}
	return out
}

// Tables lists the tables, parents before children.
func (b *Book) Tables() []*Table { return b.tables }

// Table finds a table by name, nil if the book has none.
func (b *Book) Table(name string) *Table { return b.byName[name] }

// Cells lists the cells of a table in schema order.
func (b *Book) Cells(table string) []Cell { return b.cells[table] }

// Cell finds the cell of that name (a column without group, or a group), nil if there is none.
func (b *Book) Cell(table, name string) *Cell {
	cells := b.cells[table]
	for i := range cells {
		if cells[i].Name == name {
			return &cells[i]
		}
	}
	return nil
}

// CellOf finds the cell that a column belongs to, nil if the table has no such column.
func (b *Book) CellOf(table, column string) *Cell {
	i, ok := b.cellOf[table][column]
	if !ok {
		return nil
	}
	return &b.cells[table][i]
}

// Column finds a column by name, nil if the table has none.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// FlowColumn is the table's state column, nil if it has none. A table has at most one.
func (t *Table) FlowColumn() *Column {
	for i := range t.Columns {
		if t.Columns[i].Type == TypeFlow {
			return &t.Columns[i]
		}
	}
	return nil
}

// At is the same book as a client of an older schema version knows it.
func (b *Book) At(version int) (*Book, error) {
	if version < 1 || version > b.Version {
		return nil, fmt.Errorf("schema: version %d is not one of 1 to %d", version, b.Version)
	}
	return NewBook(version, b.tables...)
}

// Version is the schema version of this build.
const Version = 4

// Minqing is the whole rule book of this build. It panics on a broken law: a program with a broken rule book must not start.
func Minqing() *Book {
	b, err := NewBook(Version, place, user, role, device, household, resident, identity, assignment, teamQuota, contactCard,
		visit, journal, review, attachment, matter, matterStep, ownExport, reminder, householdWord)
	if err != nil {
		panic(err)
	}
	return b
}
