package schema

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// separators part the elements of a set where people write them in one line; a free element may hold none of them.
const separators = "、,，;；\n"

// Normalize reads what a person typed, or what a sheet holds, as a value of the column: labels and values of options, 是 and 否 and
// what stands for them, full-width digits, dates with whatever between their parts, phone numbers with dashes. Blank is Null,
// required or not: whether it may stay blank is judged with its row (CheckRow). Anything else is held to Check, so the
// error is a *Problem.
func (c *Column) Normalize(text string) (Value, error) {
	if strings.TrimSpace(strings.Map(narrow, text)) == "" {
		return Null, nil
	}
	v, p := c.read(text)
	if p == nil {
		p = c.check(v)
	}
	if p != nil {
		return Null, p
	}
	return v, nil
}

func (c *Column) read(text string) (Value, *Problem) {
	plain := strings.TrimSpace(strings.Map(narrow, text))
	switch c.Type {
	case TypeLong:
		return Text(normalizeLines(text)), nil
	case TypeInt:
		return c.readInt(plain)
	case TypeInstant:
		return c.readInstant(plain)
	case TypeBool:
		return c.readBool(plain)
	case TypeDate:
		return Text(normalizeDate(plain)), nil
	case TypeEnum, TypeFlow:
		return Text(c.optionValue(plain)), nil
	case TypeTags:
		return c.readSet(text), nil
	case TypeRef, TypeHash:
		return Text(strings.ToLower(plain)), nil
	case TypePhone:
		return Text(normalizePhone(plain)), nil
	case TypeIDNumber:
		return c.readIDNumber(text)
	default:
		return Text(NormalizeText(text)), nil
	}
}

// normalizeLines keeps a long text as it was written, save for line ends and blanks before them, which editors differ in, and for
// invisible characters, which nobody meant to write.
func normalizeLines(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u2028", "\n", "\u2029", "\n\n").Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\uFEFF' {
			return -1
		}
		return r
	}, text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\u3000")
	}
	out := strings.Trim(strings.Join(lines, "\n"), "\n")
	if strings.TrimSpace(out) == "" {
		return ""
	}
	return out
}

// readInt takes thousands separators and the “.0” that spreadsheets add.
func (c *Column) readInt(plain string) (Value, *Problem) {
	digits := strings.ReplaceAll(plain, ",", "")
	if whole, fraction, ok := strings.Cut(digits, "."); ok && strings.Trim(fraction, "0") == "" {
		digits = whole
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > MaxInt || n < MinInt {
		return Null, c.problem("要是一个整数，请改一下。", "it must be a whole number; change it.")
	}
	return Int(n), nil
}

// readInstant takes milliseconds since 1970 or an RFC 3339 time: a time of day without a zone would mean another instant on
// another machine.
func (c *Column) readInstant(plain string) (Value, *Problem) {
	if n, err := strconv.ParseInt(plain, 10, 64); err == nil && n <= MaxInt && n >= MinInt {
		return Int(n), nil
	}
	at, err := time.Parse(time.RFC3339Nano, plain)
	if err != nil {
		return Null, c.problem("要写成 2026-11-24T09:30:00+08:00 这样。", "write it like 2026-11-24T09:30:00+08:00.")
	}
	return Int(at.UnixMilli()), nil
}

func (c *Column) readIDNumber(text string) (Value, *Problem) {
	id, err := CheckIDNumber(text)
	if err != nil {
		return Null, c.named(err)
	}
	return Text(id.Number), nil
}

var boolWords = map[string]int64{
	"是": 1, "有": 1, "对": 1, "√": 1, "✓": 1, "✔": 1, "yes": 1, "y": 1, "true": 1, "1": 1, "1.0": 1,
	"否": 0, "无": 0, "不是": 0, "没有": 0, "×": 0, "✗": 0, "✘": 0, "no": 0, "n": 0, "false": 0, "0": 0, "0.0": 0,
}

func (c *Column) readBool(plain string) (Value, *Problem) {
	n, ok := boolWords[strings.ToLower(plain)]
	if !ok {
		return Null, c.problem("只能填“是”或“否”。", "it must be yes or no.")
	}
	return Int(n), nil
}

// optionValue finds the option that a word means; an unknown word is left for Check to name.
func (c *Column) optionValue(word string) string {
	want := foldHeader(word)
	for _, o := range c.options() {
		if foldHeader(o.Value) == want || foldHeader(o.Label.ZH) == want || foldHeader(o.Label.EN) == want {
			return o.Value
		}
	}
	return word
}

func (c *Column) readSet(text string) Value {
	var elements []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(separators+"\r", r) }) {
		if word = NormalizeText(word); word != "" {
			elements = append(elements, c.optionValue(word))
		}
	}
	return Set(elements...)
}

// normalizeDate brings year, month and day with anything between them (2026年1月2日, 2026/1/2, 2026.1.2, 20260102) into
// YYYY-MM-DD, and leaves everything else for Check to name. A time of midnight behind, as spreadsheets add it, is dropped.
func normalizeDate(plain string) string {
	plain = strings.TrimSuffix(strings.TrimSuffix(plain, " 00:00:00"), "T00:00:00Z")
	parts := strings.FieldsFunc(plain, func(r rune) bool { return strings.ContainsRune("-/. 年月日", r) })
	if len(parts) == 1 && len(parts[0]) == 8 {
		parts = []string{parts[0][:4], parts[0][4:6], parts[0][6:]}
	}
	if len(parts) != 3 || len(parts[0]) != 4 {
		return plain
	}
	for i, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil || len(p) > 4 || i > 0 && len(p) > 2 {
			return plain
		}
		if len(p) == 1 {
			parts[i] = "0" + p
		}
	}
	return strings.Join(parts, "-")
}

// normalizePhone drops what people put between digits, and the country code before a mobile number of the mainland.
func normalizePhone(plain string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()·.—–\t", r) {
			return -1
		}
		return r
	}, plain)
	for _, code := range []string{"+86", "0086", "86"} {
		if rest, ok := strings.CutPrefix(digits, code); ok && len(rest) == 11 && rest[0] == '1' {
			return rest
		}
	}
	return digits
}
