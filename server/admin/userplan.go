package admin

import (
	"cmp"
	"maps"
	"slices"

	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// accounts are those that a piece of a list names, with the roles they hold.
type accounts struct {
	byLogin map[string]row
	id      map[string]syncproto.RowID
	roles   map[syncproto.RowID][]row
	named   map[string][]string // logins of those at home here, by name
}

// accountsOf reads them in a few questions.
func (u *userRun) accountsOf(tx *store.Tx, piece []*register.Line) (*accounts, error) {
	a := &accounts{byLogin: map[string]row{}, id: map[string]syncproto.RowID{}, roles: map[syncproto.RowID][]row{}, named: map[string][]string{}}
	logins, names := map[string]bool{}, map[string]bool{}
	for _, l := range piece {
		if x := u.lines[l]; l.Good() {
			logins[x.login], names[x.name] = true, true
		}
	}
	t := tx.Book().Table("user")
	found, err := tx.ValuesWhere("user", "login", slices.Sorted(maps.Keys(logins)))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(found)) {
		r := row{t, found[id]}
		if _, have := a.byLogin[r.text("login")]; !have {
			a.byLogin[r.text("login")], a.id[r.text("login")] = r, id
			ids = append(ids, string(id))
		}
	}
	held, err := tx.ValuesWhere("role", "user", ids)
	if err != nil {
		return nil, err
	}
	for _, values := range held {
		r := row{tx.Book().Table("role"), values}
		a.roles[syncproto.RowID(r.text("user"))] = append(a.roles[syncproto.RowID(r.text("user"))], r)
	}
	alike, err := tx.ValuesWhere("user", "name", slices.Sorted(maps.Keys(names)))
	for _, id := range slices.Sorted(maps.Keys(alike)) {
		r := row{t, alike[id]}
		if _, here := u.ground.byID[r.text("place")]; here {
			a.named[r.text("name")] = append(a.named[r.text("name")], r.text("login"))
		}
	}
	return a, err
}

// plan finds out what a piece changes: one change for each account that it names.
func (u *userRun) plan(tx *store.Tx, piece []*register.Line) ([]*userEdits, error) {
	a, err := u.accountsOf(tx, piece)
	if err != nil {
		return nil, err
	}
	for key, x := range u.seen { // of a transaction that ran before
		if _, mine := u.lines[x.Line]; mine {
			delete(u.seen, key)
		}
	}
	today := (&Desk{E: u.E}).today(tx)
	var plan []*userEdits
	of := map[string]*userEdits{}
	for _, l := range piece {
		x := u.lines[l]
		if !l.Good() {
			continue
		}
		over := u.ground.find(l, l.Text(keyOver), u.Place)
		home := over
		if text := l.Text(keyHome); text != "" {
			home = u.ground.find(l, text, "")
		}
		if l.Good() {
			u.judgeLine(x, a, of[x.login], over, home, today)
		}
		if !l.Good() {
			continue
		}
		p := of[x.login]
		if p == nil {
			p = &userEdits{name: x.name}
			of[x.login], plan = p, append(plan, p)
			u.account(tx, p, x, a, home)
		}
		p.lines = append(p.lines, x)
		if err := u.role(tx, p, x, a, over, today); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// judgeLine compares a row with the file so far, with what is there and with what the importer may.
func (u *userRun) judgeLine(x *userLine, a *accounts, before *userEdits, over, home, today string) {
	name, again := u.names[x.login]
	if before != nil {
		name, again = before.name, true
	}
	if again && name != x.name {
		x.Refuse("登录名“"+x.login+"”前面的行是"+name+"的；两个人不能用同一个，请改一个。", "An earlier row gives the login “"+x.login+"” to "+name+"; two people cannot share one, so change it.")
		return
	}
	key := x.login + "\x00" + string(x.role) + "\x00" + over
	if first := u.seen[key]; first != nil {
		at := register.LineWords(first.Row, first.Row.Sheet != x.Row.Sheet)
		x.Refuse("和"+at.ZH+"说的是同一个人的同一个角色，只要一行，请删掉这一行。", "It repeats "+at.EN+": the same role of the same person; delete this row.")
		return
	}
	u.seen[key] = x
	if !u.ground.administers(over) || !u.ground.administers(home) {
		x.Refuse("您管不到这里，不能在这里给人角色；请那里的管理员来导入。", "The place is not in your charge, so you cannot give roles there; ask its administrator to import the row.")
		return
	}
	old, there := a.byLogin[x.login]
	if !there {
		if like := a.named[x.name]; len(like) > 0 && before == nil && !again {
			x.Note("这里已经有一位"+x.name+"（登录名 "+like[0]+"）；如果是同一个人，请改用那个登录名。", "There is a "+x.name+" here already (login "+like[0]+"); if it is the same person, use that login.")
		}
		return
	}
	near := u.ground.around(old.text("place"))
	for _, r := range a.roles[a.id[x.login]] {
		near = near || u.ground.around(r.text("place"))
	}
	switch ended := old.text("ended"); {
	case !near || old.text("name") != x.name:
		x.Refuse("登录名“"+x.login+"”已经有人用了；请换一个。", "The login “"+x.login+"” is taken; choose another.")
	case ended != "" && ended < today:
		x.Refuse("“"+x.login+"”已经停用；请另用一个登录名。", "The account “"+x.login+"” has ended; use another login.")
	case !u.ground.administers(old.text("place")):
		x.Refuse(x.name+"的账号归上级管；请上级的管理员来给他角色。", "The account of "+x.name+" is in the charge of a place above; ask its administrator to give the role.")
	}
}

// account makes the account, or fills in what it lacks. What is there already stays: corrections are made one by one.
func (u *userRun) account(tx *store.Tx, p *userEdits, x *userLine, a *accounts, home string) {
	old, there := a.byLogin[x.login]
	if _, again := u.names[x.login]; !there && again { // a preview has not made it
		p.again = true
		return
	}
	if !there {
		id, e, err := create(tx, "user", pair{"place", home}, pair{"login", x.login}, pair{"name", x.name}, pair{"post", x.cells[keyPost].Str()}, pair{"phone", x.cells[keyPhone].Str()})
		if err != nil {
			x.RefuseFor(err)
			return
		}
		p.made, p.draft.Edits = id, append(p.draft.Edits, e)
		return
	}
	p.id = a.id[x.login]
	e := syncproto.Edit{Table: "user", Row: p.id, Op: syncproto.OpUpdate}
	for _, key := range []string{keyPost, keyPhone} {
		now, wanted := old.value(key), x.cells[key]
		switch {
		case wanted.IsNull() || now == wanted:
		case now.IsNull():
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: key, Value: wanted})
		default:
			label := tx.Book().Table("user").Column(key).Label
			x.Note("“"+label.ZH+"”系统里是别的，没有改；要改请到这个人的页面。", label.EN+" is another already and was left; correct it on the person's page.")
		}
	}
	if len(e.Cells) > 0 {
		p.filled, p.draft.Edits = 1, append(p.draft.Edits, e)
	}
}

// role gives the role that a row names, unless it is held already.
func (u *userRun) role(tx *store.Tx, p *userEdits, x *userLine, a *accounts, over, today string) error {
	id := cmp.Or(p.made, p.id)
	if id == "" {
		if p.roles++; !p.again {
			x.Refuse("这个人的账号没有建成，先改好前面那一行。", "The account was not made; mend the row before this one first.")
		}
		return nil
	}
	if slices.ContainsFunc(a.roles[id], func(r row) bool {
		until := r.text("until")
		return r.text("role") == string(x.role) && r.text("place") == over && (until == "" || until >= today)
	}) {
		return nil
	}
	_, e, err := create(tx, "role", pair{"user", string(id)}, pair{"role", string(x.role)}, pair{"place", over})
	if err != nil {
		return err
	}
	p.roles++
	p.draft.Edits = append(p.draft.Edits, e)
	return nil
}
