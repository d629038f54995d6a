package schema

// Label is what people call a thing, Chinese first.
type Label struct{ ZH, EN string }

// Role is what a user may be, over one place.
type Role string

// The roles (DOMAIN, people and roles). RoleServer marks writes the server makes by itself.
const (
	RoleCadre     Role = "cadre"
	RoleSecretary Role = "secretary"
	RoleTownship  Role = "township"
	RoleCity      Role = "city"
	RoleHandler   Role = "handler"
	RoleMediator  Role = "mediator"
	RoleAdmin     Role = "admin"
	RoleServer    Role = "server"
)

// Type is the type of a column as people understand it; Kind gives the form of its values.
type Type uint8

// The column types.
const (
	TypeText     Type = iota + 1 // one line, Max runes
	TypeLong                     // several lines, Max runes
	TypeInt                      // Min..Max
	TypeBool                     // 0 or 1
	TypeDate                     // text YYYY-MM-DD, a local date
	TypeInstant                  // integer, Unix milliseconds UTC
	TypeEnum                     // one of Options
	TypeFlow                     // one of Flow.States
	TypeTags                     // a set of Options, or of free texts where there are none
	TypeRef                      // the id of a row of table Ref
	TypePhone                    // digits, spaces and dashes normalised away
	TypeIDNumber                 // 18 characters, GB 11643
	TypeHash                     // 64 lower-case hex digits (SHA-256)
)

// Kind gives the form of the values of a column type.
func (t Type) Kind() Kind {
	switch t {
	case TypeInt, TypeBool, TypeInstant:
		return KindInt
	case TypeTags:
		return KindSet
	default:
		return KindText
	}
}

// Option is one allowed value of an enum, a flow or a tag set.
type Option struct {
	Value string
	Label Label
}

// Privacy tells how carefully a column is to be handled.
type Privacy uint8

// The grades of privacy: masked columns are shown by their mask unless asked for, and showing them is logged.
const (
	Open     Privacy = iota
	Personal         // about a person: exports and logs say so
	Masked           // shown masked by default
)

// Column is one column of a table.
type Column struct {
	Name     string
	Label    Label
	Type     Type
	Rule     Rule
	Why      Label  // for RuleLatest: why hiding the other value is harmless
	Group    string // cells of one group merge as one; every column of a group names the same rule
	Required bool   // may not be null in a living row
	Min, Max int64  // bounds of an integer; Max also the runes of a text (0 = DefaultTextMax)
	Options  []Option
	Flow     *Flow
	Ref      string // TypeRef: the table
	Privacy  Privacy
	Since    int      // first schema version that has it; 0 means 1
	Headers  []string // further header names accepted by imports, beside the labels and the name
}

// DefaultTextMax bounds texts whose column names no maximum, in runes.
const DefaultTextMax = 200

// ScopeRule tells how the scope of a row follows from the row (DESIGN section 2).
type ScopeRule uint8

// The scope rules.
const (
	ScopeParent ScopeRule = iota // that of the parent row
	ScopeOwn                     // its own: "<table>:<id>"
	ScopeNarrow                  // narrower than the parent's: "<table>:<id of the parent's scope>"
)

// PeriodRule tells which bucket of its scope a row lies in.
type PeriodRule uint8

// The period rules.
const (
	PeriodNone   PeriodRule = iota // the bucket "-": always held
	PeriodMonth                    // the local month of the row's first receipt by the server's clock, "2026-11"
	PeriodParent                   // the parent's
)

// Permit lets roles create rows or change columns.
type Permit struct {
	Roles   []Role
	Columns []string // nil: all but those of RuleServer
	States  []string // of the table's flow column, as the author saw it; nil: any
	Own     bool     // only rows whose Author column names the user
}

// Lock forbids edits of columns while the flow column is in one of States, to everybody but the roles in Except.
type Lock struct {
	States  []string
	Columns []string // nil: all but the flow column
	Except  []Role
}

// RowRule is a condition over several cells of one row. A merged row that breaks it goes to the inbox.
type RowRule struct {
	Name    string
	Label   Label // the sentence shown to who must decide
	Columns []string
	Holds   func(get func(column string) Value) bool `json:"-"`
}

// Table is the one literal that describes a table.
type Table struct {
	Name   string
	Label  Label
	Since  int    // first schema version that has it; 0 means 1
	Parent string // the column (TypeRef) that names the parent row; "" for a root; null in the roots of a tree of its own kind
	Scope  ScopeRule
	Period PeriodRule
	Keep   int    // months that phones keep a period; 0: for ever
	Author string // the column (TypeRef to user) that names who made the row, checked against the author of the change
	Twin   string // the column whose equality between two living rows makes them duplicates (ID number, household code)
	// TwinAbove says that the rows above two such are one as well: two people with one ID number. Merging merges those.
	TwinAbove bool
	Append    bool // rows are never changed after creation, only deleted
	Place     bool // rows are places: they root streams (scope.go)
	// Readers names, for ScopeNarrow, who of those that see the parent's scope sees these rows too; nil: only the user whose
	// scope it narrows. Other scope rules leave it out: who sees a scope follows from assignments and roles.
	Readers []Role
	// Directory tells that rows may be named from any scope: they belong to no household and say nothing of one, so a link to
	// them gives nothing away. Places are directories, and users, known by name all over the city.
	Directory bool
	Create    []Permit
	Change    []Permit
	Delete    []Permit
	Locks     []Lock
	Rules     []RowRule
	Columns   []Column
}
