package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of values that no column narrows further.
const (
	// MaxElements bounds a set: fifty times what a household carries in practice, and still one line on a screen wide enough.
	MaxElements = 100
	// firstYear and lastYear bound dates: the oldest people alive were born after the one; beyond the other lies a slip of a key.
	firstYear, lastYear = 1850, 2199
)

var (
	phoneForm = regexp.MustCompile(`^\+?[0-9]{3,20}$`)
	hashForm  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ValidID tells whether s is the id of a row: a UUID in lower-case canonical text. Every row that travels asks several times.
func ValidID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash && c != '-', !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// Problem is what is wrong with one value, or with several of one row, in words that a person can act on. The words never repeat
// the value: it may be somebody's phone number, and problems reach logs.
type Problem struct {
	Table   string // "" where a value was judged alone
	Columns []string
	Rule    string // the row rule that is broken, "" for a value
	Text    Label
}

// Error gives the words in both languages, Chinese first.
func (p *Problem) Error() string { return OneLine(p.Text.Both()) }

func (c *Column) problem(zh, en string) *Problem {
	return &Problem{Columns: []string{c.Name}, Text: Label{"“" + c.Label.ZH + "”" + zh, c.Label.EN + ": " + en}}
}

// problemf is problem with the same arguments in both languages.
func (c *Column) problemf(zh, en string, args ...any) *Problem {
	return c.problem(fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...))
}

// named gives the problem of a value, found by a function that knows no columns, the column's name.
func (c *Column) named(err error) *Problem {
	p := c.problem("没有通过检查，请核对。", "it did not pass a check; look at it again.")
	var found *Problem
	if errors.As(err, &found) {
		p.Text = found.Text
	}
	return p
}

// Check judges a value that somebody wrote into the column. The error is a *Problem.
func (c *Column) Check(v Value) error { return asError(c.check(v)) }

// asError keeps a nil problem from becoming an error that is not nil.
func asError(p *Problem) error {
	if p == nil {
		return nil
	}
	return p
}

func (c *Column) check(v Value) *Problem {
	if v.IsNull() {
		if c.Required {
			return c.problem("没有填，请补上。", "nothing is there; fill it in.")
		}
		return nil
	}
	if v.Kind() != c.Type.Kind() {
		return c.problem("的形式不对，请按页面上的样子重新填。", "a value of this form cannot stand here; enter it anew.")
	}
	switch v.Kind() {
	case KindInt:
		return c.checkInt(v.Num())
	case KindSet:
		return c.checkSet(v.Elements())
	default:
		return c.checkText(v.Str())
	}
}

func (c *Column) checkInt(n int64) *Problem {
	low, high := c.Min, c.Max
	if c.Type == TypeBool {
		low, high = 0, 1
	}
	if n < low || n > high {
		return c.problemf("要在 %d 到 %d 之间，请改一下。", "it must lie between %d and %d; change it.", low, high)
	}
	return nil
}

// CheckDelta judges what somebody adds to a column merged by sum. The sum itself may pass the bounds when several add at once:
// nobody's addition is then wrong.
func (c *Column) CheckDelta(delta int64) error {
	if span := min(c.Max-c.Min, MaxInt); delta > span || delta < -span {
		return c.problemf("一次最多增减 %d，请改一下。", "at most %d can be added or taken off at once; change it.", span)
	}
	return nil
}

func (c *Column) checkText(s string) *Problem {
	if p := c.checkRunes(s); p != nil {
		return p
	}
	switch c.Type {
	case TypeDate:
		if _, err := time.Parse(time.DateOnly, s); err != nil || len(s) != len(time.DateOnly) || s[:4] < fmt.Sprint(firstYear) || s[:4] > fmt.Sprint(lastYear) {
			return c.problemf("要是 %d 年到 %d 年的一天，写成 2026-11-24 这样。", "it must be a day of the years %d to %d, written like 2026-11-24.", firstYear, lastYear)
		}
	case TypeEnum, TypeFlow:
		if c.Option(s) == nil {
			return c.problem("只能是："+c.choices(ZH)+"。请选一个。", "it must be one of: "+c.choices(EN)+". Choose one.")
		}
	case TypeRef:
		if !ValidID(s) {
			return c.problem("要指向一条已有的记录，请重新选。", "it must be the id of a row (a lower-case UUID); choose again.")
		}
	case TypePhone:
		if !phoneForm.MatchString(s) {
			return c.problem("只能是 3 到 20 位数字，请核对号码。", "it must be 3 to 20 digits; check the number.")
		}
	case TypeIDNumber:
		id, err := CheckIDNumber(s)
		if err != nil {
			return c.named(err)
		}
		if id.Number != s { // one number, one form: twins are found by it
			return c.problem("要写成 18 位、没有空格的样子，请重新填。", "write it as 18 characters without spaces; enter it anew.")
		}
	case TypeHash:
		if !hashForm.MatchString(s) {
			return c.problem("要是 64 位小写十六进制数。", "it must be 64 lower-case hexadecimal digits.")
		}
	}
	return nil
}

// checkRunes holds a text to UTF-8, to characters that people can see, and to its length.
func (c *Column) checkRunes(s string) *Problem {
	if !utf8.ValidString(s) {
		return c.problem("里有读不出的字符（不是 UTF-8），请重新填。", "it is not UTF-8; enter it anew.")
	}
	runes := int64(0)
	for _, r := range s {
		runes++
		if unicode.IsControl(r) && !(c.Type == TypeLong && (r == '\n' || r == '\t')) {
			return c.problemf("第 %d 个字是看不见的控制字符，请删掉。", "character %d is an invisible control character; delete it.", runes)
		}
	}
	if runes > c.most() && c.Type != TypeEnum && c.Type != TypeFlow { // of those the options say enough
		return c.problemf("最多 %d 个字，现在有 %d 个，请删短一些。", "at most %d characters, and there are %d; make it shorter.", c.most(), runes)
	}
	if c.Required && strings.TrimSpace(s) == "" {
		return c.problem("没有填，请补上。", "nothing is there; fill it in.")
	}
	return nil
}

func (c *Column) checkSet(elements []string) *Problem {
	if len(elements) > MaxElements {
		return c.problemf("最多 %d 项，现在有 %d 项，请去掉一些。", "at most %d entries, and there are %d; take some out.", MaxElements, len(elements))
	}
	for _, e := range elements {
		if len(c.Options) > 0 && c.Option(e) == nil {
			return c.problem("里只能有："+c.choices(ZH)+"。请从中选。", "only these can be in it: "+c.choices(EN)+". Choose among them.")
		}
		if p := c.checkRunes(e); p != nil {
			return p
		}
		if strings.TrimSpace(e) != e || e == "" || strings.ContainsAny(e, separators) {
			return c.problem("的每一项不能是空的，也不能有顿号、逗号、分号或两头的空格，请分开填。",
				"no entry can be empty or hold a comma, a semicolon or spaces at its ends; enter them one by one.")
		}
	}
	return nil
}

// choices lists the options for a message.
func (c *Column) choices(lang Lang) string {
	var words []string
	for _, o := range c.options() {
		words = append(words, o.Label.In(lang))
	}
	return lang.Join(words)
}

// Check judges a value of the cell: for a group, each part. The error is a *Problem.
func (c *Cell) Check(v Value) error {
	if c.Group() && !v.IsNull() && len(v.Parts()) != len(c.Columns) {
		return c.Columns[0].problem("和同组的几项要一起填。", "it and the others of its group are entered together.")
	}
	for i := range c.Columns {
		if err := c.Columns[i].Check(c.Part(v, i)); err != nil {
			return err
		}
	}
	return nil
}

// CheckRow judges every value of a row, in schema order. Row rules are not among them: see CheckRules.
func (t *Table) CheckRow(get func(column string) Value) []*Problem {
	var out []*Problem
	for i := range t.Columns {
		if p := t.Columns[i].check(get(t.Columns[i].Name)); p != nil {
			p.Table = t.Name
			out = append(out, p)
		}
	}
	return out
}

// CheckRules judges the conditions over several cells of a row. A form asks its author to mend what it names; on the server a
// merged row that breaks one goes to the inbox.
func (t *Table) CheckRules(get func(column string) Value) []*Problem {
	var out []*Problem
	for _, r := range t.Rules {
		if !r.Holds(get) {
			out = append(out, &Problem{Table: t.Name, Columns: slices.Clone(r.Columns), Rule: r.Name, Text: r.Label})
		}
	}
	return out
}
