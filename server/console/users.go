package console

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/roster"
	"minqing/server/store"
	"minqing/syncproto"
)

// usersPage lists users.
type usersPage struct {
	frame
	Find, List, Base, New string
	Rows                  []userRow
	More, First           string
}

type userRow struct {
	*roster.Account
	Roles []roleRow
	Ended bool
}

type roleRow struct {
	roster.Role
	Text string
}

// userPage is one user: his form, his roles, his access.
type userPage struct {
	frame
	editor
	User     userRow
	Do       string
	Roles    []choice
	Over     string // typed
	RoleBad  string
	Self     bool
	Above    bool // he holds a role beyond this administrator's reach: others decide about his access
	Link     string
	LinkEnds time.Time
	EndBad   string
}

// newUserPage makes a user with his first role.
type newUserPage struct {
	frame
	Post  string
	Roles []choice
	Typed url.Values
	Error string
}

var oneUser = oneRow[*userPage]{"user", "/users/", (*request).userPage}

var userHandlers = map[string]handler{
	"GET /at/{place}/users":           showUsers,
	"GET /at/{place}/users/new":       newUser,
	"POST /at/{place}/users/new":      makeUser,
	"GET /at/{place}/users/{row}":     oneUser.show,
	"POST /at/{place}/users/{row}":    oneUser.save,
	"POST /at/{place}/users/{row}/do": doUser,
}

var userWords = words{
	"nav.users":       {ZH: "人员", EN: "Users"},
	"users.find":      {ZH: "姓名、登录名", EN: "Name or login"},
	"users.search":    {ZH: "找", EN: "Find"},
	"users.new":       {ZH: "新建", EN: "New user"},
	"users.name":      {ZH: "姓名", EN: "Name"},
	"users.login":     {ZH: "登录名", EN: "Login"},
	"users.delete":    {ZH: "从来没用过？删除这个账号", EN: "Never used? Delete the account"},
	"users.post":      {ZH: "职务", EN: "Post"},
	"users.roles":     {ZH: "角色", EN: "Roles"},
	"users.home":      {ZH: "所属", EN: "Home"},
	"users.homes":     {ZH: "联系户", EN: "Households"},
	"users.ended":     {ZH: "已停用", EN: "ended"},
	"users.none":      {ZH: "还没有人员", EN: "No users yet"},
	"users.none.t":    {ZH: "点右上的“新建”。", EN: "Make one with the button above."},
	"users.nomatch":   {ZH: "没有找到", EN: "Nothing found"},
	"users.nomatch.t": {ZH: "没有姓名或登录名以“{0}”开头的人。", EN: "Nobody's name or login begins with “{0}”."},
	"users.at":        {ZH: "{0}（{1}）", EN: "{0}, {1}"},
	"users.until":     {ZH: "到{0}止", EN: "until {0}"},
	"users.role.end":  {ZH: "收回", EN: "Take back"},
	"users.role.add":  {ZH: "加一个角色", EN: "Add a role"},
	"users.role":      {ZH: "角色", EN: "Role"},
	"users.over":      {ZH: "管哪里（代码或名称）", EN: "Over which place (code or name)"},
	"users.access":    {ZH: "登录", EN: "Access"},
	"users.link":      {ZH: "出一个一次性链接", EN: "Make a one-time link"},
	"users.link.t":    {ZH: "给他第一次登录，或者重设密码。以前的链接就不能用了。", EN: "To sign in for the first time, or to set a new password. Earlier links stop working."},
	"users.reset":     {ZH: "连验证码一起重设", EN: "Reset the one-time codes too"},
	"users.link.is":   {ZH: "把这个链接交给{0}本人，只能用一次，{1}前有效：", EN: "Hand this link to {0} in person; it works once, until {1}:"},
	"users.end":       {ZH: "停用", EN: "End access"},
	"users.end.t":     {ZH: "他看不到任何东西了，手机下次联网交完没交的就清空；联系的户要另派人。", EN: "He sees nothing any more; his phone hands over what it holds and wipes itself at its next contact. His households need somebody else."},
	"users.end.on":    {ZH: "最后一天", EN: "Last day"},
	"users.end.now":   {ZH: "不填就是马上", EN: "at once when left empty"},
	"users.end.on.is": {ZH: "停用于{0}", EN: "ended {0}"},
	"users.self":      {ZH: "自己的登录在“我的账号和设置”里改。", EN: "Your own access is under “My account and settings”."},
	"users.above":     {ZH: "他在别处也有角色，登录要由管得到那里的管理员来办。", EN: "He holds a role elsewhere; an administrator over that place decides about his access."},
	"users.did.role":  {ZH: "角色加好了。", EN: "The role is added."},
	"users.did.back":  {ZH: "角色收回了。", EN: "The role is taken back."},
	"users.did.end":   {ZH: "已停用。", EN: "Access has ended."},
	"users.phone":     {ZH: "电话", EN: "Phone"},
}

func (rq *request) userRow(a *roster.Account) userRow {
	r := userRow{Account: a, Ended: a.Ended != "" && a.Ended < rq.today()}
	for _, x := range a.Roles {
		if !x.Ended {
			r.Roles = append(r.Roles, roleRow{x, rq.words.say("users.at", schema.RoleLabel(schema.Role(x.Role)).In(schema.Lang(rq.words)), x.Place)})
		}
	}
	return r
}

func showUsers(rq *request) error {
	q := rq.URL.Query()
	p := &usersPage{frame: frame{Title: rq.words.say("nav.users"), Nav: "users", Sub: rq.place.Name}, Find: strings.TrimSpace(q.Get("q")), List: rq.at("/users"), Base: rq.at("/users/"), New: rq.at("/users/new")}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		g, err := roster.Under(tx, rq.place.ID)
		if err != nil {
			return err
		}
		list, more, err := roster.Users(tx, g, schema.NormalizeText(p.Find), q.Get("after"), rq.today())
		p.Rows, p.More = nil, ""
		for _, a := range list {
			p.Rows = append(p.Rows, rq.userRow(a))
		}
		if more {
			last := list[len(list)-1]
			p.More = p.List + "?" + url.Values{"q": {p.Find}, "after": {roster.Key(last.Login, string(last.ID))}}.Encode()
		}
		return err
	})
	if err != nil {
		return err
	}
	if q.Get("after") != "" {
		p.First = p.List + "?" + url.Values{"q": {p.Find}}.Encode()
	}
	return rq.show("users", p)
}

func (rq *request) roleChoices() (out []choice) {
	for _, r := range schema.Roles {
		out = append(out, choice{string(r), schema.RoleLabel(r).In(schema.Lang(rq.words))})
	}
	return out
}

func newUser(rq *request) error {
	return rq.show("user-new", rq.newUserPage(url.Values{"role": {"cadre"}}))
}

func (rq *request) newUserPage(typed url.Values) *newUserPage {
	if typed.Get("over") == "" {
		typed.Set("over", rq.place.Name)
	}
	return &newUserPage{frame: frame{Title: rq.words.say("users.new"), Nav: "users", Back: rq.at("/users")}, Post: rq.at("/users/new"), Roles: rq.roleChoices(), Typed: typed}
}

// T is what was typed for a field.
func (p *newUserPage) T(name string) string { return p.Typed.Get(name) }

// makeUser makes a user, as the command does. The place must lie in that of the page: an administrator gives no rights beyond his own.
func makeUser(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	over, err := rq.placeTyped(f.Get("over"))
	if err == nil {
		_, err = rq.adminDesk().AddUser(rq.Context(), admin.NewUser{Login: f.Get("login"), Name: f.Get("name"), Post: f.Get("post"), Phone: f.Get("phone"), Role: f.Get("role"), Over: over})
	}
	if err == nil {
		u, err := rq.app.opt.Accounts.UserOf(rq.Context(), f.Get("login"))
		if err != nil {
			return err
		}
		rq.toast("edit.made")
		return rq.see(rq.at("/users/" + string(u.ID)))
	}
	text, ok := rq.sentence(err)
	if !ok {
		return err
	}
	p := rq.newUserPage(f)
	p.Error = text
	return rq.again("user-new", p)
}

func (rq *request) adminDesk() *admin.Desk {
	return &admin.Desk{E: rq.app.opt.Engine, As: rq.session.User.Login}
}

// placeTyped finds the place that somebody typed, in that of the page or the page's own.
func (rq *request) placeTyped(text string) (id string, err error) {
	if schema.NormalizeName(text) == rq.place.Name {
		return rq.place.ID, nil
	}
	err = rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		p, err := rq.clerk(tx).FindPlace(text)
		id = p.ID
		return err
	})
	return id, err
}

func (rq *request) userPage(whole bool) (*userPage, error) {
	at := rq.at("/users/" + string(rq.row.ID))
	p := &userPage{frame: frame{Nav: "users", Back: rq.at("/users")}, Do: at + "/do", Roles: rq.roleChoices(), Over: rq.place.Name, Self: string(rq.row.ID) == string(rq.user())}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		if p.editor, err = rq.readEditor(tx, at, whole); err != nil {
			return err
		}
		a := &roster.Account{ID: syncproto.UserID(rq.row.ID)}
		if _, err := tx.One(`SELECT COALESCE(login, ''), COALESCE(name, ''), COALESCE(post, ''), COALESCE(place, ''), COALESCE(ended, '') FROM "user" WHERE id = ?`, []any{string(rq.row.ID)}, &a.Login, &a.Name, &a.Post, &a.Home, &a.Ended); err != nil {
			return err
		}
		if err := roster.Accounts(tx, []*roster.Account{a}, rq.today()); err != nil {
			return err
		}
		p.User, p.Title, p.Sub = rq.userRow(a), a.Name, a.Login
		p.Above, err = rq.beyond(tx, a)
		return err
	})
	return p, err
}

// beyond tells whether somebody holds a role over a place where the caller is no administrator: then he decides nothing about that one's
// access, or he would gain what he has not been given.
func (rq *request) beyond(tx *store.Tx, a *roster.Account) (bool, error) {
	for _, r := range a.Roles {
		if r.Ended {
			continue
		}
		p, err := placeOf(tx, r.PlaceID)
		if errors.Is(err, errNotFound) {
			continue // the place is gone, and the role with it
		}
		if err != nil {
			return false, err
		}
		if !slices.Contains(rq.rights.Roles(tx.Now(), p.Above), schema.RoleAdmin) {
			return true, nil
		}
	}
	return false, nil
}

// doUser changes what somebody may: roles, access, a link to sign in by.
func doUser(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.userPage(false)
	if err != nil {
		return err
	}
	do, said := f.Get("do"), ""
	switch {
	case do == "role":
		if p.Over = f.Get("over"); true {
			var over string
			if over, err = rq.placeTyped(f.Get("over")); err == nil {
				_, err = rq.adminDesk().AddUser(rq.Context(), admin.NewUser{Login: p.User.Login, Name: p.User.Name, Role: f.Get("role"), Over: over})
			}
		}
		if text, ok := rq.sentence(err); ok && err != nil {
			p.RoleBad = text
			return rq.again("user", p)
		}
		said = "users.did.role"
	case do == "back":
		for _, r := range p.User.Roles {
			if string(r.ID) == f.Get("role") {
				err, said = rq.endRole(r.ID), "users.did.back"
			}
		}
	case p.Self || p.Above: // the page offers neither
	case do == "end":
		err, said = rq.adminDesk().EndUser(rq.Context(), p.User.Login, strings.TrimSpace(f.Get("on"))), "users.did.end"
		if text, ok := rq.sentence(err); ok && err != nil {
			p.EndBad = text
			return rq.again("user", p)
		}
	case do == "link":
		var link *admin.SignInLink
		if link, err = rq.adminDesk().LinkFor(rq.Context(), rq.app.opt.Accounts, rq.user(), syncproto.UserID(rq.row.ID), f.Get("forget") == "1"); err == nil {
			scheme := "http://"
			if rq.secure() {
				scheme = "https://"
			}
			p.Link, p.LinkEnds = scheme+rq.Host+"/link/"+link.Code, link.Until
			return rq.show("user", p)
		}
	}
	if err != nil {
		return err
	}
	if said != "" {
		rq.toast(said)
	}
	return rq.see(rq.at("/users/" + string(rq.row.ID)))
}

// endRole takes a role back: yesterday was its last day.
func (rq *request) endRole(id syncproto.RowID) error {
	last := rq.now.AddDate(0, 0, -1).Format(time.DateOnly)
	return rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		return submitted(rq.app.opt.Engine.Judge.SubmitIn(tx, rq.user(), draftOf("role", id, "until", schema.Text(last))))
	})
}
