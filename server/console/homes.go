package console

import (
	"net/url"
	"strings"

	"minqing/schema"
	"minqing/server/console/roster"
	"minqing/server/store"
	"minqing/syncproto"
)

// homesPage lists households, and finds people.
type homesPage struct {
	frame
	Find, List  string
	Homes       []*roster.Home
	HomesMore   bool
	People      []*roster.Person
	HomeBase    string
	PersonBase  string
	New         string
	More, First string
	Large       bool // too many to list: Below are the places to choose from
	Below       []placeLink
	Short       bool // what was typed is too short to look for in so large a place
}

// homePage is one household: its form, its people, who contacts it.
type homePage struct {
	frame
	editor
	Members    []*roster.Person
	PersonBase string
	NewPerson  string
	Contacts   []homeContact
	Assign     string
	Audit      string // who saw or changed it
}

type homeContact struct{ Name, Team, Since, Until string }

// personPage is one person, and makePage a row to be made.
type personPage struct {
	frame
	editor
	Audit string // who saw or changed him
}

type makePage struct {
	frame
	editor
}

var (
	oneHome   = oneRow[*homePage]{"home", "/homes/", (*request).homePage}
	onePerson = oneRow[*personPage]{"person", "/persons/", (*request).personPage}
)

var homeHandlers = map[string]handler{
	"GET /at/{place}/homes":                 showHomes,
	"GET /at/{place}/homes/new":             newHome,
	"POST /at/{place}/homes/new":            makeHome,
	"GET /at/{place}/homes/{row}":           oneHome.show,
	"POST /at/{place}/homes/{row}":          oneHome.save,
	"POST /at/{place}/homes/{row}/unmask":   oneHome.unmask,
	"GET /at/{place}/homes/{row}/person":    newPerson,
	"POST /at/{place}/homes/{row}/person":   makePerson,
	"GET /at/{place}/persons/{row}":         onePerson.show,
	"POST /at/{place}/persons/{row}":        onePerson.save,
	"POST /at/{place}/persons/{row}/unmask": onePerson.unmask,
}

var homeWords = words{
	"nav.homes":        {ZH: "户和人", EN: "Households"},
	"homes.find":       {ZH: "姓名、户号、身份证号", EN: "Name, code, ID number"},
	"homes.search":     {ZH: "找", EN: "Find"},
	"homes.new":        {ZH: "新建一户", EN: "New household"},
	"homes.code":       {ZH: "户号", EN: "Code"},
	"homes.head":       {ZH: "户主", EN: "Head"},
	"homes.group":      {ZH: "组", EN: "Group"},
	"homes.address":    {ZH: "住址", EN: "Address"},
	"homes.people":     {ZH: "人", EN: "People"},
	"homes.contacts":   {ZH: "联系人", EN: "Contacts"},
	"homes.more":       {ZH: "下一页", EN: "Next page"},
	"homes.first":      {ZH: "回到开头", EN: "From the beginning"},
	"homes.many":       {ZH: "还有，写长一点再找", EN: "there are more: type more of it"},
	"homes.none":       {ZH: "还没有户", EN: "No households yet"},
	"homes.none.t":     {ZH: "导入花名册，或者一户一户建。", EN: "Import the register, or make them one by one."},
	"homes.nomatch":    {ZH: "没有找到", EN: "Nothing found"},
	"homes.nomatch.t":  {ZH: "没有以“{0}”开头的户主、人名、户号。", EN: "No head, name or code begins with “{0}”."},
	"homes.short":      {ZH: "再多写一个字", EN: "One more character"},
	"homes.short.t":    {ZH: "这里人多，至少写两个字。", EN: "There are many people here; type two characters at least."},
	"homes.large":      {ZH: "找一户，或者选一个村", EN: "Search, or choose a village"},
	"homes.large.t":    {ZH: "在上面找户主、人名、户号、身份证号；要一户一户看，就到下面的地方去。", EN: "Search above by head, name, code or ID number; to see them all, choose a place below."},
	"homes.persons":    {ZH: "人", EN: "People"},
	"homes.homes":      {ZH: "户", EN: "Households"},
	"person.name":      {ZH: "姓名", EN: "Name"},
	"person.relation":  {ZH: "与户主关系", EN: "Relation"},
	"person.birth":     {ZH: "出生日期", EN: "Born"},
	"person.id":        {ZH: "身份证号", EN: "ID number"},
	"person.home":      {ZH: "哪一户", EN: "Household"},
	"person.life":      {ZH: "状态", EN: "State"},
	"person.none":      {ZH: "还没有登记家里人。", EN: "Nobody is written down yet."},
	"home.title":       {ZH: "{0}家", EN: "{0}'s home"},
	"home.people":      {ZH: "家里人", EN: "People"},
	"home.person":      {ZH: "添一个人", EN: "Add a person"},
	"home.contacts":    {ZH: "谁在联系", EN: "Contacts"},
	"home.nobody":      {ZH: "没有人联系", EN: "Nobody"},
	"home.since":       {ZH: "{0}起", EN: "since {0}"},
	"home.until":       {ZH: "到{0}止", EN: "until {0}"},
	"home.assign":      {ZH: "去分派", EN: "Assign"},
	"home.new.t":       {ZH: "建好以后再添家里人。", EN: "Add the people afterwards."},
	"person.new.title": {ZH: "给{0}家添一个人", EN: "Add a person to {0}'s home"},
}

// leastFind is how many characters are looked for in a place larger than a village: one begins too many names.
const leastFind = 2

func showHomes(rq *request) error {
	q := rq.URL.Query()
	p := &homesPage{frame: frame{Title: rq.words.say("nav.homes"), Nav: "homes", Sub: rq.place.Name}, Find: strings.TrimSpace(q.Get("q")), List: rq.at("/homes"), HomeBase: rq.at("/homes/"), PersonBase: rq.at("/persons/")}
	if rq.place.Level == "village" {
		p.New = rq.at("/homes/new")
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		g, err := roster.Under(tx, rq.place.ID)
		if err != nil {
			return err
		}
		p.Homes, p.People, p.Below, p.More, p.Large, p.Short = nil, nil, nil, "", !g.Few, false
		if p.Short = p.Find != "" && !g.Few && len([]rune(p.Find)) < leastFind; p.Short {
			return nil
		}
		if p.Find == "" && !g.Few {
			return rq.below(tx, &p.Below, "/homes")
		}
		find := schema.NormalizeText(p.Find)
		if q.Get("people") == "" {
			if p.Homes, p.HomesMore, err = roster.Homes(tx, g, find, q.Get("after")); err != nil {
				return err
			}
		}
		if find == "" {
			if p.HomesMore {
				last := p.Homes[len(p.Homes)-1]
				p.More = p.List + "?" + url.Values{"after": {roster.Key(last.Code, string(last.ID))}}.Encode()
			}
			return nil
		}
		var more bool
		if p.People, more, err = roster.People(tx, g, find, q.Get("after")); err != nil || !more {
			return err
		}
		last := p.People[len(p.People)-1]
		p.More = p.List + "?" + url.Values{"q": {p.Find}, "people": {"1"}, "after": {roster.Key(last.Name, string(last.ID))}}.Encode()
		return nil
	})
	if err != nil {
		return err
	}
	if q.Get("after") != "" {
		p.First = p.List
		if p.Find != "" {
			p.First += "?" + url.Values{"q": {p.Find}}.Encode()
		}
	}
	rq.lives(p.People)
	return rq.show("homes", p)
}

// below lists the places right under the place, with the address of a page there.
func (rq *request) below(tx *store.Tx, into *[]placeLink, page string) error {
	list, err := roster.Places(tx, rq.place.ID)
	for _, b := range list {
		if b.ID != rq.place.ID {
			*into = append(*into, placeLink{Name: b.Name, Path: "/at/" + b.ID + page})
		}
	}
	return err
}

// lives says in words how people stand in the register.
func (rq *request) lives(list []*roster.Person) {
	life := rq.app.opt.Engine.Book.Table("resident").FlowColumn()
	for _, p := range list {
		if p.Life == "" {
			p.Life = life.Flow.Initial
		}
		p.Life = life.Show(schema.Text(p.Life), schema.Lang(rq.words), nil)
	}
}

func (rq *request) homePage(whole bool) (*homePage, error) {
	at := rq.at("/homes/" + string(rq.row.ID))
	p := &homePage{frame: frame{Nav: "homes", Back: rq.at("/homes")}, PersonBase: rq.at("/persons/"), NewPerson: at + "/person", Assign: rq.at("/assign"), Audit: rq.auditOf(rq.row.ID)}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		if p.editor, err = rq.readEditor(tx, at, whole); err != nil {
			return err
		}
		var head, code string
		if _, err := tx.One("SELECT COALESCE(head, ''), COALESCE(code, '') FROM household WHERE id = ?", []any{string(rq.row.ID)}, &head, &code); err != nil {
			return err
		}
		if p.Sub = code; head == "" {
			head = code
		}
		p.Title = rq.words.say("home.title", head)
		if p.Members, err = roster.Members(tx, rq.row.ID); err != nil {
			return err
		}
		p.Contacts = nil
		return tx.Each(func(scan func(...any) error) error {
			var x homeContact
			err := scan(&x.Name, &x.Team, &x.Since, &x.Until)
			p.Contacts = append(p.Contacts, x)
			return err
		}, `SELECT COALESCE(u.name, ''), COALESCE(a.team, ''), COALESCE(a.since, ''), COALESCE(a.until, '') FROM assignment a JOIN "user" u ON u.id = a."user"
			WHERE a.household = ? AND (a.until IS NULL OR a.until >= ?) ORDER BY a.since, a.id`, string(rq.row.ID), rq.today())
	})
	rq.lives(p.Members)
	for i := range p.Contacts {
		p.Contacts[i].Team = rq.teamWord(p.Contacts[i].Team)
	}
	return p, err
}

// making is the page of a row to be made.
func (rq *request) making(table, title, at, back string) (*makePage, error) {
	p := &makePage{frame: frame{Title: title, Nav: "homes", Back: back}}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		f, err := rq.clerk(tx).Blank(table)
		if err == nil {
			p.editor = rq.editorOf(f, at, false)
		}
		return err
	})
	p.Saving = rq.words.say("edit.make")
	return p, err
}

// made makes a row; id is "" and p to be shown again when it could not be.
func (rq *request) made(p *makePage, table string, under syncproto.RowID, typed url.Values) (id syncproto.RowID, err error) {
	var f *roster.Form
	err = rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
		f, id, err = rq.clerk(tx).Make(rq.app.opt.Engine.Judge, rq.user(), table, under, typed)
		return err
	})
	again, err := rq.notSaved(f, p.Post, err)
	if err != nil || again == nil && id != "" {
		return id, err
	}
	if again == nil {
		e := rq.editorOf(f, p.Post, false)
		again = &e
	}
	again.Saving = p.Saving
	p.editor = *again
	return "", nil
}

// aboveVillages tells whether the place is larger than a village: nobody chooses a group among all of its thousands.
func (rq *request) aboveVillages() bool {
	return schema.HasStream(rq.place.Level) && rq.place.Level != "village"
}

func newHome(rq *request) error {
	if rq.aboveVillages() {
		return rq.see(rq.at("/homes"))
	}
	p, err := rq.making("household", rq.words.say("homes.new"), rq.at("/homes/new"), rq.at("/homes"))
	if err != nil {
		return err
	}
	p.Sub = rq.words.say("home.new.t")
	return rq.show("make", p)
}

func makeHome(rq *request) error {
	if rq.aboveVillages() {
		return rq.see(rq.at("/homes"))
	}
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.making("household", rq.words.say("homes.new"), rq.at("/homes/new"), rq.at("/homes"))
	if err != nil {
		return err
	}
	id, err := rq.made(p, "household", "", f)
	if err != nil {
		return err
	}
	if id == "" {
		return rq.again("make", p)
	}
	rq.toast("edit.made")
	return rq.see(rq.at("/homes/" + string(id)))
}

func (rq *request) makingPerson() (*makePage, error) {
	at := rq.at("/homes/" + string(rq.row.ID))
	head := ""
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT COALESCE(head, code, '') FROM household WHERE id = ?", []any{string(rq.row.ID)}, &head)
		return err
	}); err != nil {
		return nil, err
	}
	return rq.making("resident", rq.words.say("person.new.title", head), at+"/person", at)
}

func newPerson(rq *request) error {
	p, err := rq.makingPerson()
	if err != nil {
		return err
	}
	return rq.show("make", p)
}

func makePerson(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.makingPerson()
	if err != nil {
		return err
	}
	id, err := rq.made(p, "resident", rq.row.ID, f)
	if err != nil {
		return err
	}
	if id == "" {
		return rq.again("make", p)
	}
	rq.toast("edit.made")
	return rq.see(p.Back)
}

func (rq *request) personPage(whole bool) (*personPage, error) {
	p := &personPage{frame: frame{Nav: "homes"}, Audit: rq.auditOf(rq.row.ID)}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		if p.editor, err = rq.readEditor(tx, rq.at("/persons/"+string(rq.row.ID)), whole); err != nil {
			return err
		}
		var home string
		_, err = tx.One("SELECT COALESCE(r.name, ''), COALESCE(r.household, ''), COALESCE(h.code, '') FROM resident r LEFT JOIN household h ON h.id = r.household WHERE r.id = ?", []any{string(rq.row.ID)}, &p.Title, &home, &p.Sub)
		p.Back = rq.at("/homes/" + home)
		return err
	})
	return p, err
}
