package pages

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// sheet is a form over columns of one row, or of a row to be made. It renders each by its type, reads what was typed by the column's
// own rules, and puts what is wrong at its field with what was typed still there.
type sheet struct {
	Action string
	Fields []*input

	table *schema.Table
	base  replica.Form // Row is "" for a row to be made
	lang  tongue
}

// input is one field of a sheet. Kind chooses the part: text, long, date, phone, number, pick (one of few) or tags (any of).
type input struct {
	Name    string
	Label   string
	Note    string // beside the label: optional, masked…
	Kind    string
	Value   string
	Options []choice
	Error   string
	Max     int64
	// Meanwhile says what another wrote since what stands here was begun.
	Meanwhile string

	column *schema.Column
	typed  schema.Value
}

// choice is one option of an input.
type choice struct {
	Value, Label string
	On           bool
}

var formWords = words{
	"form.optional": {ZH: "可不填", EN: "optional"},
	"form.born":     {ZH: "可不填，如 1955-03-02", EN: "optional, like 1955-03-02"},
	"form.wrong":    {ZH: "有 {0} 处要改。", EN: "{0} thing to change.|{0} things to change."},
	"form.save":     {ZH: "保存", EN: "Save"},
	"form.yes":      {ZH: "是", EN: "Yes"},
	"form.no":       {ZH: "否", EN: "No"},
	"form.row":      {ZH: "请核对这一项。", EN: "Look at this again."},
	"form.damaged":  {ZH: "页面过期了，请返回重新打开再改。", EN: "This page is out of date; go back and open it anew."},
}

// sheet makes the form of a row as it is shown.
func (rq *request) sheet(action string, f replica.Form, columns ...string) *sheet {
	s := &sheet{Action: action, table: rq.replica.Book().Table(f.Table), base: f, lang: rq.words}
	for _, name := range columns {
		c := s.table.Column(name)
		if c == nil {
			continue // a book that has no such column yet
		}
		s.Fields = append(s.Fields, s.input(c, f.Values[name]))
	}
	return s
}

func (s *sheet) input(c *schema.Column, v schema.Value) *input {
	in := &input{Name: c.Name, Label: c.Label.In(schema.Lang(s.lang)), Kind: kinds[c.Type], Max: c.Max, column: c, typed: v}
	if in.Kind == "" {
		in.Kind = "text"
	}
	if c.Type == schema.TypeText && (c.Max == 0 || c.Max >= wraps) {
		in.Kind = "long" // it wraps where people read it; a line break in it is folded when it is saved
	}
	if c.Type == schema.TypeDate && c.Privacy != schema.Open {
		in.Kind, in.Note = "born", s.lang.say("form.born") // eight digits are typed sooner than a calendar is turned back seventy years
	} else if !c.Required && in.Kind != "pick" && in.Kind != "tags" {
		in.Note = s.lang.say("form.optional")
	}
	in.put(s.lang, v)
	return in
}

// wraps is the length in characters from which a text does not fit one line of a phone.
const wraps = 150

var kinds = map[schema.Type]string{schema.TypeText: "text", schema.TypeLong: "long", schema.TypeInt: "number", schema.TypeBool: "pick", schema.TypeDate: "date",
	schema.TypeEnum: "pick", schema.TypeFlow: "pick", schema.TypeTags: "tags", schema.TypePhone: "phone", schema.TypeIDNumber: "text"}

// put shows a value. An option that this program does not know stays in the form, so that saving does not drop it.
func (in *input) put(l tongue, v schema.Value) {
	in.Options = nil
	have := v.Elements()
	switch {
	case in.column.Type == schema.TypeBool:
		in.Options = []choice{{"1", l.say("form.yes"), v == schema.Int(1)}, {"0", l.say("form.no"), v == schema.Int(0)}}
		return
	case in.Kind == "tags" && len(in.column.Options) == 0:
		in.Kind = "text"
		in.Value = strings.Join(have, "、")
		return
	case in.Kind == "pick":
		have = []string{v.Str()}
		if in.column.Flow != nil {
			have = []string{in.column.Flow.State(v)}
		}
	case in.Kind != "tags":
		in.Value = in.column.Show(v, schema.Lang(l), nil)
		return
	}
	options := in.column.Options
	if in.column.Flow != nil {
		options = in.column.Flow.States
	}
	for _, o := range options {
		in.Options = append(in.Options, choice{o.Value, o.Label.In(schema.Lang(l)), slices.Contains(have, o.Value)})
	}
	for _, e := range have {
		if e != "" && in.column.Option(e) == nil {
			in.Options = append(in.Options, choice{e, e, true})
		}
	}
}

// Base is what the form carries to its saving: what its author was shown.
func (s *sheet) Base() (string, error) {
	raw, err := json.Marshal(s.base)
	return string(raw), err
}

// Columns names the columns of the sheet, for its draft.
func (s *sheet) Columns() string {
	var names []string
	for _, in := range s.Fields {
		names = append(names, in.Name)
	}
	return strings.Join(names, ",")
}

func (s *sheet) schemaLang() schema.Lang { return schema.Lang(s.lang) }

// Bad lists the fields that have to be mended.
func (s *sheet) Bad() (out []*input) {
	for _, in := range s.Fields {
		if in.Error != "" {
			out = append(out, in)
		}
	}
	return out
}

// Field finds a field, nil if the sheet has none of that name.
func (s *sheet) Field(name string) *input {
	for _, in := range s.Fields {
		if in.Name == name {
			return in
		}
	}
	return nil
}

// posted reads a sheet back: the base it was rendered from and what was typed. values are those of its columns; ok is false when some
// have to be mended, which the sheet then says. The row must be the one that the path names.
func (rq *request) posted(action, table string, row syncproto.RowID, columns ...string) (s *sheet, values map[string]schema.Value, ok bool, err error) {
	if err := rq.ParseForm(); err != nil {
		return nil, nil, false, err
	}
	base := replica.Form{Table: table}
	if row != "" {
		if json.Unmarshal([]byte(rq.PostForm.Get("base")), &base) != nil || base.Table != table || base.Row != row {
			return nil, nil, false, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "form", Message: catalogue["form.damaged"].Both()}
		}
	}
	s = rq.sheet(action, base, columns...)
	values, ok = map[string]schema.Value{}, true
	for _, in := range s.Fields {
		if err := in.read(s.lang, rq.PostForm[in.Name]); err != nil {
			in.blame(s.lang, err)
			ok = false
			continue
		}
		values[in.Name] = in.typed
	}
	return s, values, ok, nil
}

// read takes what was typed or ticked.
func (in *input) read(l tongue, typed []string) error {
	if in.Kind == "tags" {
		in.typed = schema.Set(slices.DeleteFunc(slices.Clone(typed), func(e string) bool { return e == "" })...)
		in.put(l, in.typed)
		return in.column.Check(in.typed)
	}
	text := strings.Join(typed, "")
	v, err := in.column.Normalize(text)
	if err != nil {
		in.Value = text
		for i := range in.Options {
			in.Options[i].On = in.Options[i].Value == text
		}
		return err
	}
	if v.IsNull() && in.column.Required {
		in.put(l, v)
		return in.column.Check(v)
	}
	in.typed = v
	in.put(l, v)
	return nil
}

func (in *input) blame(l tongue, err error) {
	in.Error = l.say("form.row")
	if p := replica.ProblemOf(err); p != nil {
		in.Error = p.Text.In(schema.Lang(l))
	} else if p := new(schema.Problem); errors.As(err, &p) {
		in.Error = p.Text.In(schema.Lang(l))
	}
}

// blame puts an error of saving at the fields it is about; false when it is about none of them.
func (s *sheet) blame(err error) bool {
	p := replica.ProblemOf(err)
	if p == nil {
		return false
	}
	found := false
	for _, in := range s.Fields {
		if slices.Contains(p.Columns, in.Name) {
			in.Error, found = p.Text.In(schema.Lang(s.lang)), true
		}
	}
	return found
}
