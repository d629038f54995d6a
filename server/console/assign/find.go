package assign

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// finder finds whom and which household the rows of a piece mean, read in a few questions. What lies elsewhere looks like nothing.
type finder struct {
	places  map[string]register.Place
	coded   map[string][]found // households by code, those of the place alone
	lived   map[string][]found // by address
	people  map[string][]person
	today   string
	allowed bool
}

type found struct {
	id    syncproto.RowID
	place string
}

type person struct {
	id          syncproto.UserID
	login, name string
	ended       bool
}

// dayOf is the local date.
func (l *lister) dayOf(tx *store.Tx) string {
	return time.UnixMilli(tx.Now()).In(l.E.Zone).Format(time.DateOnly)
}

func newFinder(tx *store.Tx, l *lister, piece []*register.Line) (*finder, error) {
	f := &finder{places: map[string]register.Place{}, coded: map[string][]found{}, lived: map[string][]found{}, people: map[string][]person{}, today: l.today}
	beneath, err := register.Beneath(tx, l.Place)
	if err != nil {
		return nil, err
	}
	for _, p := range beneath {
		f.places[p.ID] = p
	}
	rows, err := tx.RowsAbove([]string{l.Place})
	if err != nil {
		return nil, err
	}
	var above []string
	for _, r := range rows {
		above = append(above, string(r.ID))
	}
	rights, err := entitle.For(tx, l.By)
	if err != nil {
		return nil, err
	}
	f.allowed = slices.ContainsFunc(rights.Roles(tx.Now(), above), func(r schema.Role) bool { return r == schema.RoleAdmin || r == schema.RoleTownship })
	codes, addresses, who := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, line := range piece {
		if line.Good() {
			codes[schema.NormalizeCode(line.Text(keyCode))] = true
			addresses[schema.NormalizeText(line.Text(keyAddress))] = true
			who[schema.NormalizeCode(line.Text(keyLogin))], who[schema.NormalizeCode(line.Text(keyName))], who[schema.NormalizeName(line.Text(keyName))] = true, true, true
		}
	}
	for column, x := range map[string]struct {
		among map[string]bool
		into  map[string][]found
	}{"code": {codes, f.coded}, "address": {addresses, f.lived}} {
		delete(x.among, "")
		if err := tx.Each(func(scan func(...any) error) error {
			var h found
			var value string
			err := scan(&h.id, &h.place, &value)
			if _, here := f.places[h.place]; here {
				x.into[value] = append(x.into[value], h)
			}
			return err
		}, "SELECT id, place, "+column+" FROM household WHERE "+column+" = ANY(?) ORDER BY id", slices.Sorted(maps.Keys(x.among))); err != nil {
			return nil, err
		}
	}
	delete(who, "")
	return f, f.readPeople(tx, slices.Sorted(maps.Keys(who)), append(slices.Clone(above), slices.Collect(maps.Keys(f.places))...))
}

// readPeople reads those who are meant by a login or a name: who is at home around the place, or has a role there.
func (f *finder) readPeople(tx *store.Tx, who, around []string) error {
	here := map[string]bool{}
	for _, p := range around {
		here[p] = true
	}
	type one struct {
		person
		near bool
	}
	all := map[syncproto.UserID]*one{}
	for _, column := range []string{"login", "name"} {
		if err := tx.Each(func(scan func(...any) error) error {
			var x one
			var home, ended string
			err := scan(&x.id, &x.login, &x.name, &home, &ended)
			x.near, x.ended = here[home], ended != "" && ended < f.today
			all[x.id] = &x
			return err
		}, `SELECT id, COALESCE(login, ''), COALESCE(name, ''), COALESCE(place, ''), COALESCE(ended, '') FROM "user" WHERE `+column+` = ANY(?)`, who); err != nil {
			return err
		}
	}
	var ids []string
	for id := range all {
		ids = append(ids, string(id))
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var place string
		err := scan(&id, &place)
		all[id].near = all[id].near || here[place]
		return err
	}, `SELECT "user", COALESCE(place, '') FROM role WHERE "user" = ANY(?) AND (until IS NULL OR until >= ?)`, ids, f.today); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if x := all[id]; x.near {
			f.people["@"+x.login] = append(f.people["@"+x.login], x.person)
			f.people[x.name] = append(f.people[x.name], x.person)
		}
	}
	return nil
}

// find fills in the household and the contact of a row, or says what is wrong.
func (f *finder) find(w *wish) {
	if !f.allowed {
		w.line.Refuse("这里的户不归您分派；请这里的管理员来导入。", "The households here are not yours to assign; ask the administrator of the place to import the row.")
		return
	}
	f.findHome(w)
	f.findUser(w)
}

func (f *finder) findHome(w *wish) {
	code, address, group := schema.NormalizeCode(w.line.Text(keyCode)), schema.NormalizeText(w.line.Text(keyAddress)), w.line.Text(keyGroup)
	list, said, en := f.coded[code], "户号“"+code+"”", "the code “"+code+"”"
	if code == "" {
		list, said, en = f.lived[address], "住址“"+address+"”", "the address “"+address+"”"
	}
	if len(list) > 1 && group != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(h found) bool { return !register.SameGroup(f.places[h.place].Name, group) })
	}
	switch {
	case len(list) == 1:
		w.home = list[0].id
	case len(list) > 1:
		w.line.Refuse("这里不止一户是"+said+"；请到那个村去导入，或者写明户号和组。", "Several households here have "+en+"; import it in their village, or give code and group.")
	case code == "":
		w.line.Refuse("这里没有"+said+"的户；请核对，或者改填户号。", "No household here has "+en+"; check it, or give the code.")
	default:
		w.line.Refuse("这里没有"+said+"；请核对，新的户先导入花名册。", "No household here has "+en+"; check it, and import new households with the register first.")
	}
}

func (f *finder) findUser(w *wish) {
	text := w.line.Text(keyLogin)
	list := f.people["@"+schema.NormalizeCode(text)]
	if text == "" {
		text = w.line.Text(keyName)
		if list = f.people["@"+schema.NormalizeCode(text)]; len(list) == 0 {
			list = f.people[schema.NormalizeName(text)]
		}
	}
	if serving := slices.DeleteFunc(slices.Clone(list), func(p person) bool { return p.ended }); len(serving) > 0 {
		list = serving
	}
	switch {
	case len(list) == 0:
		w.line.Refuse("这里没有“"+text+"”这个人；请核对登录名，新来的先建账号。", "Nobody here is “"+text+"”; check the login, and make accounts for newcomers first.")
	case len(list) > 1:
		w.line.Refuse("这里有 "+strconv.Itoa(len(list))+" 个人叫“"+text+"”；请写登录名，比如 "+list[0].login+"。", "Several people here are called “"+text+"”; give the login, "+list[0].login+" for one.")
	case list[0].ended:
		w.line.Refuse("“"+text+"”已经停用，不能再给他户；请换一个人。", "The account of “"+text+"” has ended; nothing can be given to it, so choose somebody else.")
	default:
		w.user, w.name = list[0].id, list[0].name
	}
}
