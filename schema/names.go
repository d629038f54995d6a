package schema

import "fmt"

// The names of the small enumerations, as the frozen books in testdata and the reference page write them. They never change.
var (
	typeNames    = []string{"", "text", "long", "int", "bool", "date", "instant", "enum", "flow", "tags", "ref", "phone", "id_number", "hash"}
	privacyNames = []string{"open", "personal", "masked"}
	scopeNames   = []string{"parent", "own", "narrow"}
	periodNames  = []string{"none", "month", "parent"}
)

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

func byName(names []string, text []byte, into *uint8) error {
	for i, name := range names {
		if name == string(text) {
			*into = uint8(i)
			return nil
		}
	}
	return fmt.Errorf("schema: unknown name %q", text)
}

// String names the type.
func (t Type) String() string { return nameOf(typeNames, uint8(t)) }

// MarshalText names the type.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a name.
func (t *Type) UnmarshalText(b []byte) error { return byName(typeNames, b, (*uint8)(t)) }

// String names the grade.
func (p Privacy) String() string { return nameOf(privacyNames, uint8(p)) }

// MarshalText names the grade.
func (p Privacy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a name.
func (p *Privacy) UnmarshalText(b []byte) error { return byName(privacyNames, b, (*uint8)(p)) }

// String names the rule.
func (s ScopeRule) String() string { return nameOf(scopeNames, uint8(s)) }

// MarshalText names the rule.
func (s ScopeRule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *ScopeRule) UnmarshalText(b []byte) error { return byName(scopeNames, b, (*uint8)(s)) }

// String names the rule.
func (p PeriodRule) String() string { return nameOf(periodNames, uint8(p)) }

// MarshalText names the rule.
func (p PeriodRule) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a name.
func (p *PeriodRule) UnmarshalText(b []byte) error { return byName(periodNames, b, (*uint8)(p)) }
