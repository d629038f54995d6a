package console

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/conflict"
	"minqing/server/console/roster"
	"minqing/server/store"
	"minqing/syncproto"
)

// twinPage finds the other of two that an administrator says are one, and lays both side by side before he does.
type twinPage struct {
	frame
	Post, Find  string
	Person      bool
	Near, Far   twinList // in the village, and where else he administers
	More, First string
	Short       bool
	View        *conflict.View
	Ways        []conflict.Choice
	With, Why   string
	Open        string // address of the item about the two that is open already
	Error       string
	WhyBad      string
	looked      []string // places whose rows are listed
}

// twinList is a part of what was found.
type twinList struct {
	Homes  []*roster.Home
	People []*roster.Person
	More   bool
	Base   string // an address, to which the id of one is added
}

// twinRow answers for naming a twin of the row that the address names. at is the address of its page below the place.
type twinRow struct{ table, at string }

var (
	twinHome   = twinRow{"household", "/homes/"}
	twinPerson = twinRow{"resident", "/persons/"}
)

var twinHandlers = map[string]handler{
	"GET /at/{place}/homes/{row}/twin":    twinHome.show,
	"POST /at/{place}/homes/{row}/twin":   twinHome.name,
	"GET /at/{place}/persons/{row}/twin":  twinPerson.show,
	"POST /at/{place}/persons/{row}/twin": twinPerson.name,
}

var twinWords = words{
	"twin.home":        {ZH: "与另一户是同一个", EN: "The same as another household"},
	"twin.person":      {ZH: "与另一人是同一个", EN: "The same as another person"},
	"twin.home.title":  {ZH: "{0}家与哪一户是同一个", EN: "Which household is the same as {0}'s"},
	"twin.title":       {ZH: "{0}与哪一个人是同一个", EN: "Who is the same person as {0}"},
	"twin.find.home":   {ZH: "户主、户号", EN: "Head or code"},
	"twin.find":        {ZH: "姓名、身份证号或后四位", EN: "Name, ID number or its last four"},
	"twin.find.home.t": {ZH: "先列本村的；写户主或户号，也找您管的别处。", EN: "This village first; a head or code is looked for elsewhere in your charge too."},
	"twin.nobody":      {ZH: "没有手机有这两条。", EN: "No phone has either."},
	"twin.find.t":      {ZH: "先列本村的；写名字或号码，也找您管的别处。后四位只在本村找。", EN: "This village first; a name or number is looked for elsewhere in your charge too. The last four digits find people of this village alone."},
	"twin.near":        {ZH: "本村", EN: "In this village"},
	"twin.far":         {ZH: "别处", EN: "Elsewhere"},
	"twin.none":        {ZH: "没有找到另外的", EN: "No other was found"},
	"twin.none.t":      {ZH: "换个写法再找找。", EN: "Try to write it in another way."},
	"twin.both":        {ZH: "两边对照", EN: "Side by side"},
	"twin.phones":      {ZH: "{0}，手机上会怎样", EN: "{0}: what phones will see"},
	"twin.why":         {ZH: "为什么说是同一个", EN: "Why they are one"},
	"twin.why.t":       {ZH: "会记下来：谁说的、什么时候、为什么", EN: "who said so, when and why goes on record"},
	"twin.do":          {ZH: "记下，去定怎么合", EN: "Put it on record and decide"},
	"twin.do.t":        {ZH: "这一步还不合并：下一页逐栏选留哪边，合了也能撤回。", EN: "Nothing is merged yet: what stays is chosen field by field on the next page, and can be taken back."},
	"twin.other":       {ZH: "另找一个", EN: "Find another"},
	"twin.said":        {ZH: "已记下。合成一条，还是本来就是两个，在这里定。", EN: "On record. Whether to merge them is decided here."},
	"twin.already":     {ZH: "这两条已经在等着定了。", EN: "These two wait for a decision already."},
	"twin.already.see": {ZH: "去定", EN: "Decide it"},
	"twin.named":       {ZH: "{0} {1} 说是同一个：", EN: "{0} said on {1} that these are one:"},
}

// page reads the page: what is found, or the pair once the other is chosen.
func (x twinRow) page(rq *request, q url.Values) (*twinPage, error) {
	at := rq.at(x.at + string(rq.row.ID))
	p := &twinPage{frame: frame{Nav: "homes", Back: at}, Post: at + "/twin", Person: x.table == "resident", Find: strings.TrimSpace(q.Get("q")), With: q.Get("with"), Why: strings.TrimSpace(q.Get("why"))}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		name, key := "", "twin.title"
		query := "SELECT COALESCE(name, '') FROM resident WHERE id = ?"
		if !p.Person {
			key, query = "twin.home.title", "SELECT COALESCE(NULLIF(head, ''), code, '') FROM household WHERE id = ?"
		}
		if _, err := tx.One(query, []any{string(rq.row.ID)}, &name); err != nil {
			return err
		}
		p.Title = rq.words.say(key, name)
		if p.With != "" {
			return x.pair(rq, tx, p)
		}
		return x.find(rq, tx, p, q.Get("after"))
	})
	if err != nil {
		return nil, err
	}
	if p.View != nil { // that the other is shown goes on record like the row of the address
		return p, rq.noteRow(x.table, syncproto.RowID(p.With))
	}
	for _, place := range p.looked {
		if err := rq.noteSeen(seen{What: "list", Page: rq.section(), Within: place}); err != nil {
			return nil, err
		}
	}
	rq.lives(p.Near.People)
	rq.lives(p.Far.People)
	return p, nil
}

// pair lays the row and the chosen one side by side. What cannot be chosen says why; what is not his to see is not there.
func (x twinRow) pair(rq *request, tx *store.Tx, p *twinPage) error {
	e := rq.app.opt.Engine
	open, err := e.Judge.MayName(tx, rq.user(), rq.row.ID, syncproto.RowID(p.With))
	if text, ok := rq.sentence(err); ok {
		p.Error, p.With = text, ""
		return x.find(rq, tx, p, "")
	}
	if err != nil {
		return missing(err)
	}
	if open != "" {
		if p.Open, err = x.itemAt(rq, tx, open); err != nil {
			return err
		}
	}
	if p.View, p.Ways, err = rq.desk().Pair(tx, x.table, rq.row.ID, syncproto.RowID(p.With)); err != nil {
		return err
	}
	p.Ways = slices.DeleteFunc(p.Ways, func(c conflict.Choice) bool { return c.Key == "distinct" }) // nothing changes then
	return nil
}

// missing answers of a row that is not the caller's what it answers of none.
func missing(err error) error {
	var e *syncproto.Error
	if errors.As(err, &e) && e.Code == syncproto.CodeNotFound {
		return errNotFound
	}
	return err
}

// itemAt is where an item is decided: in this place if the row that it is listed by lies there, else where that one lies.
func (x twinRow) itemAt(rq *request, tx *store.Tx, id string) (string, error) {
	items, err := tx.Items("id = ?", id)
	if err != nil || len(items) != 1 {
		return "", errorOr(err, errNotFound)
	}
	above, err := placesAbove(tx, items[0].Row)
	if err != nil || len(above) == 0 {
		return "", errorOr(err, errNotFound)
	}
	if slices.Contains(above, rq.place.ID) {
		return rq.at("/conflicts/" + id), nil
	}
	return "/at/" + above[0] + "/conflicts/" + id, nil
}

// placesAbove are the places that a row lies in, nearest first.
func placesAbove(tx *store.Tx, id syncproto.RowID) (out []string, err error) {
	rows, err := tx.RowsAbove([]string{string(id)})
	if err != nil {
		return nil, err
	}
	byID := map[syncproto.RowID]*store.Row{}
	for _, r := range rows {
		byID[r.ID] = r
	}
	for r := byID[id]; r != nil && len(out) < len(rows); r = byID[r.Parent] {
		if r.Table == "place" {
			out = append(out, string(r.ID))
		}
	}
	return out, nil
}

// find lists those of the village, and with something to look for those of other places that the caller administers.
func (x twinRow) find(rq *request, tx *store.Tx, p *twinPage, after string) error {
	near, far, err := x.grounds(rq, tx)
	if err != nil {
		return err
	}
	find := schema.NormalizeText(p.Find)
	base := url.Values{"q": {p.Find}}
	p.Near.Base, p.Far.Base = p.Post+"?"+base.Encode()+"&with=", p.Post+"?"+base.Encode()+"&with="
	g, err := roster.Under(tx, near)
	if err != nil {
		return err
	}
	if p.Short = !g.Few && len([]rune(find)) < leastFind; p.Short {
		return nil
	}
	last, err := x.among(tx, &p.Near, g, find, after, rq.row.ID)
	if err != nil {
		return err
	}
	p.looked = []string{near}
	if p.Near.More && last != "" {
		base.Set("after", last)
		p.More = p.Post + "?" + base.Encode()
	}
	if after != "" {
		p.First = p.Post + "?" + url.Values{"q": {p.Find}}.Encode()
	}
	if len([]rune(find)) < leastFind || after != "" || roster.IsTail(find) {
		return nil
	}
	for _, place := range far {
		if g, err = roster.Under(tx, place); err != nil {
			return err
		}
		if _, err := x.among(tx, &p.Far, g, find, "", rq.row.ID); err != nil {
			return err
		}
		p.looked = append(p.looked, place)
	}
	near1, near2 := p.Near.Homes, p.Near.People
	seen := map[syncproto.RowID]bool{}
	once := func(id syncproto.RowID) bool {
		was := seen[id]
		seen[id] = true
		return was
	}
	p.Far.Homes = slices.DeleteFunc(p.Far.Homes, func(h *roster.Home) bool {
		return once(h.ID) || slices.ContainsFunc(near1, func(n *roster.Home) bool { return n.ID == h.ID })
	})
	p.Far.People = slices.DeleteFunc(p.Far.People, func(r *roster.Person) bool {
		return once(r.ID) || slices.ContainsFunc(near2, func(n *roster.Person) bool { return n.ID == r.ID })
	})
	return nil
}

// among adds what a ground holds to a list, the row itself left out; last is where it goes on.
func (x twinRow) among(tx *store.Tx, into *twinList, g *roster.Ground, find, after string, self syncproto.RowID) (last string, err error) {
	var more bool
	if x.table == "household" {
		var homes []*roster.Home
		if homes, more, err = roster.Homes(tx, g, find, after); err != nil {
			return "", err
		}
		if n := len(homes); n > 0 && find == "" {
			last = roster.Key(homes[n-1].Code, string(homes[n-1].ID))
		}
		into.Homes = append(into.Homes, slices.DeleteFunc(homes, func(h *roster.Home) bool { return h.ID == self })...)
	} else {
		var list []*roster.Person
		if roster.IsTail(find) {
			list, more, err = roster.Numbered(tx, g, find)
		} else if list, more, err = roster.People(tx, g, find, after); len(list) > 0 {
			last = roster.Key(list[len(list)-1].Name, string(list[len(list)-1].ID))
		}
		if err != nil {
			return "", err
		}
		into.People = append(into.People, slices.DeleteFunc(list, func(r *roster.Person) bool { return r.ID == self })...)
	}
	into.More = into.More || more
	return last, nil
}

// grounds are where to look: the village of the row, unless the caller administers less, and the places over which he does.
func (x twinRow) grounds(rq *request, tx *store.Tx) (near string, far []string, err error) {
	above, err := placesAbove(tx, rq.row.ID)
	if err != nil {
		return "", nil, err
	}
	var village string
	if _, err := tx.One("SELECT id FROM place WHERE level = 'village' AND id = ANY(?)", []any{above}, &village); err != nil {
		return "", nil, err
	}
	near = rq.place.ID
	if at := slices.Index(above, village); at >= 0 && rq.administers(tx, above[at:]) {
		near = village
	}
	for _, place := range rq.rights.Places(tx.Now()) {
		p, err := placeOf(tx, place)
		if errors.Is(err, errNotFound) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		if place != near && rq.administers(tx, p.Above) {
			far = append(far, place)
		}
	}
	return near, far, nil
}

// administers tells whether the caller is an administrator over the first of a chain of places.
func (rq *request) administers(tx *store.Tx, chain []string) bool {
	return slices.Contains(rq.rights.Roles(tx.Now(), chain), schema.RoleAdmin)
}

func (x twinRow) show(rq *request) error {
	p, err := x.page(rq, rq.URL.Query())
	if err != nil {
		return err
	}
	return rq.show("twin", p)
}

// name puts it on record that the two are one, and leads to where that is decided.
func (x twinRow) name(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := x.page(rq, f)
	if err != nil {
		return err
	}
	if p.View == nil {
		return rq.again("twin", p)
	}
	desk := &admin.Desk{E: rq.app.opt.Engine, As: rq.session.User.Login}
	item, fresh, err := desk.NameTwins(rq.Context(), rq.row.ID, syncproto.RowID(p.With), p.Why)
	if text, ok := rq.sentence(err); ok {
		p.WhyBad = text
		return rq.again("twin", p)
	}
	if err != nil {
		return missing(err)
	}
	at := ""
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		at, err = x.itemAt(rq, tx, item)
		return err
	}); err != nil {
		return err
	}
	rq.toast(map[bool]string{true: "twin.said", false: "twin.already"}[fresh])
	return rq.see(at)
}
