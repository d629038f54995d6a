package pages

import (
	"encoding/json"
	"net/url"
	"slices"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// correctPage is a correction of the register, or somebody new on it: a sheet over the columns that the user may write.
type correctPage struct {
	frame
	Sheet *sheet
}

var correctRoutes = []route{
	{pattern: "GET /h/{id}/edit", do: func(rq *request) error { return showCorrection(rq, "household", householdColumns) }},
	{pattern: "POST /h/{id}/edit", do: func(rq *request) error { return saveCorrection(rq, "household", householdColumns) }, keeps: true},
	{pattern: "GET /r/{id}/edit", do: func(rq *request) error { return showCorrection(rq, "resident", residentColumns) }},
	{pattern: "POST /r/{id}/edit", do: func(rq *request) error { return saveCorrection(rq, "resident", residentColumns) }, keeps: true},
	{pattern: "GET /h/{id}/add", do: showAddition},
	{pattern: "POST /h/{id}/add", do: saveAddition, keeps: true},
}

var correctWords = words{
	"correct.title":      {ZH: "更正信息", EN: "Correct the register"},
	"correct.add":        {ZH: "加一口人", EN: "Add a person"},
	"correct.added":      {ZH: "{0}加上了。已存在本机，有网自动上传。", EN: "{0} was added. Saved on this phone; it goes up by itself."},
	"correct.forbidden":  {ZH: "这一条只有办公室能改", EN: "Only the office can change this"},
	"correct.forbidden2": {ZH: "要改请告诉支部书记。", EN: "Tell the branch secretary what to change."},
}

// The columns of the two corrections, in the order in which people fill them in.
var (
	householdColumns = []string{"head", "phone", "address", "tags", "low_income", "note"}
	residentColumns  = []string{"name", "relation", "phone", "sex", "birth", "away", "work", "schooling", "party_member", "disability", "insurance", "skills", "life"}
)

// writable keeps those of columns that the user may change in a row, and says who he is.
func (rq *request) writable(f replica.Form, columns []string) (out []string, roles []schema.Role, err error) {
	me, err := rq.me()
	if err != nil {
		return nil, nil, err
	}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		roles, err = field.Roles(v, me, rq.today())
		return err
	}); err != nil {
		return nil, nil, err
	}
	book := rq.replica.Book()
	t, state := book.Table(f.Table), ""
	if c := t.FlowColumn(); c != nil {
		state = c.Flow.State(f.Values[c.Name])
	}
	for _, name := range columns {
		if c := book.CellOf(f.Table, name); c != nil && book.MayChange(t, roles, false, c.Name, state) {
			out = append(out, name)
		}
	}
	return out, roles, nil
}

// correction makes the sheet of a row as it shows now.
func (rq *request) correction(f replica.Form, columns []string) (*sheet, error) {
	may, roles, err := rq.writable(f, columns)
	if err != nil {
		return nil, err
	}
	if len(may) == 0 {
		return nil, &syncproto.Error{Code: syncproto.CodeAuth, Op: "correct " + f.Table, Message: correctWords["correct.forbidden"].Both(),
			Hint: correctWords["correct.forbidden2"].Both()}
	}
	s := rq.sheet(rq.URL.Path, f, may...)
	s.allow(roles)
	return s, nil
}

// allow leaves of a flow only the states that can be reached from where the row stands.
func (s *sheet) allow(roles []schema.Role) {
	for _, in := range s.Fields {
		if f := in.column.Flow; f != nil {
			at := f.State(s.base.Values[in.Name])
			in.Options = slices.DeleteFunc(in.Options, func(c choice) bool { return !f.MayMove(roles, at, c.Value) })
		}
	}
}

func showCorrection(rq *request, table string, columns []string) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	f, err := rq.replica.Form(rq.Context(), table, id)
	if err != nil {
		return err
	}
	s, err := rq.correction(f, columns)
	if err != nil {
		return err
	}
	p := rq.correctPage(s)
	if _, err := rq.resume(&p.frame, s); err != nil {
		return err
	}
	return rq.show("correct", p)
}

func (rq *request) correctPage(s *sheet) *correctPage {
	p := &correctPage{frame: frame{Title: rq.words.say("correct.title"), Shut: true, Form: true}, Sheet: s}
	home := s.base.Row
	name := s.base.Values["head"].Str()
	if s.table.Name == "resident" {
		home, name = syncproto.RowID(s.base.Values["household"].Str()), s.base.Values["name"].Str()
	} else if name != "" {
		name = rq.words.say("home", name)
	}
	p.Sub, p.Back = name, householdPath(home)
	return p
}

// saveCorrection writes the cells that differ from what the form showed.
func saveCorrection(rq *request, table string, columns []string) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	now, err := rq.replica.Form(rq.Context(), table, id)
	if err != nil {
		return err
	}
	may, roles, err := rq.writable(now, columns)
	if err != nil {
		return err
	}
	s, values, ok, err := rq.posted(rq.URL.Path, table, id, may...)
	if err != nil {
		return err
	}
	s.allow(roles)
	p := rq.correctPage(s)
	if !ok {
		return rq.again("correct", p)
	}
	wrote, err := rq.write(func(tx *replica.Tx) error { return tx.Update(s.base, values) })
	switch {
	case err != nil && s.blame(err):
		return rq.again("correct", p)
	case err != nil:
		return err
	case rq.PostForm.Get("undo") != "":
		rq.toast("undone")
	case !wrote:
		rq.toast("nothing")
	default:
		if err := rq.undoCorrection(s); err != nil {
			return err
		}
	}
	return rq.see(p.Back)
}

// undoCorrection offers to write back what stood there before: a correction like any other, based on what was just saved.
func (rq *request) undoCorrection(s *sheet) error {
	saved, err := rq.replica.Form(rq.Context(), s.base.Table, s.base.Row)
	if err != nil {
		return err
	}
	base, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	fields := url.Values{"base": {string(base)}, "undo": {"1"}}
	for _, in := range s.Fields {
		in.put(s.lang, s.base.Values[in.Name])
		fields[in.Name] = in.texts()
	}
	rq.undoable(rq.URL.Path, fields, "saved")
	return nil
}

// texts are what a form sends for a field as it stands.
func (in *input) texts() (out []string) {
	if in.Options == nil {
		return []string{in.Value}
	}
	for _, o := range in.Options {
		if o.On {
			out = append(out, o.Value)
		}
	}
	return out
}

// addition makes the sheet of somebody new in a household.
func (rq *request) addition() (*correctPage, replica.Form, error) {
	id, err := rq.id("id")
	if err != nil {
		return nil, replica.Form{}, err
	}
	home, err := rq.replica.Form(rq.Context(), "household", id)
	if err != nil {
		return nil, home, err
	}
	name := home.Values["head"].Str()
	if name != "" {
		name = rq.words.say("home", name)
	}
	p := &correctPage{frame: frame{Title: rq.words.say("correct.add"), Sub: name, Back: householdPath(id), Shut: true, Form: true}}
	p.Sheet = rq.sheet(rq.URL.Path, replica.Form{Table: "resident"}, newColumns()...)
	return p, home, nil
}

// newColumns are those of somebody new: he is on the register.
func newColumns() []string {
	return slices.DeleteFunc(slices.Clone(residentColumns), func(c string) bool { return c == "life" })
}

func showAddition(rq *request) error {
	p, _, err := rq.addition()
	if err != nil {
		return err
	}
	if _, err := rq.resume(&p.frame, p.Sheet); err != nil {
		return err
	}
	return rq.show("correct", p)
}

func saveAddition(rq *request) error {
	p, home, err := rq.addition()
	if err != nil {
		return err
	}
	s, values, ok, err := rq.posted(rq.URL.Path, "resident", "", newColumns()...)
	if err != nil {
		return err
	}
	p.Sheet = s
	if !ok {
		return rq.again("correct", p)
	}
	values["household"] = schema.Text(string(home.Row))
	_, err = rq.write(func(tx *replica.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		return tx.Create("resident", id, values)
	})
	if err != nil && s.blame(err) {
		return rq.again("correct", p)
	}
	if err != nil {
		return err
	}
	rq.toast("correct.added", values["name"].Str())
	return rq.see(p.Back)
}
