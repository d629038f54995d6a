package admin

import (
	"cmp"
	"context"
	"io"
	"slices"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/engine"
	"minqing/server/entitle"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// UserList brings in who works in a place, in the name of an administrator: accounts with their roles, one a row. Nobody is given a role over a
// place that the administrator has no right over, and no password is made: who is new signs in by a one-time link (see SignInLink).
type UserList struct {
	register.Lines
	E       *engine.Engine
	By      syncproto.UserID
	Place   string // all places named lie in it or below it
	Preview bool
	// Wrote hears, inside the transaction of each piece that changes anything, of the changes that it made. May be nil.
	Wrote func(tx *store.Tx, changes []syncproto.Identity) error
}

// UsersBrought is what came of it, or in a preview would.
type UsersBrought struct {
	NewUsers, NewRoles, Filled int
	Users                      []syncproto.UserID // whom the list names, new or not; of a preview, those who are there
}

// Changed tells whether anything was written.
func (u *UsersBrought) Changed() bool { return u.NewUsers+u.NewRoles+u.Filled > 0 }

// Keys of the columns of the list.
const (
	keyLogin, keyName, keyRole, keyOver, keyHome, keyPost, keyPhone = "login", "name", "role", "over", "home", "post", "phone"
)

// listPiece is how many rows share a transaction.
const listPiece = 200

// roleNames are how people call roles beside the rule book's labels.
var roleNames = map[string]schema.Role{
	"干部": schema.RoleCadre, "包户党员": schema.RoleCadre, "包户干部/包户党员": schema.RoleCadre, "联系人": schema.RoleCadre, "书记": schema.RoleSecretary, "村主任": schema.RoleSecretary,
	"乡镇专员": schema.RoleTownship, "街道专员": schema.RoleTownship, "专员": schema.RoleTownship, "市调度员": schema.RoleCity, "调度员": schema.RoleCity,
	"站所": schema.RoleHandler, "部门": schema.RoleHandler, "管理员": schema.RoleAdmin,
}

func userHeaders(b *schema.Book) []sheet.Header {
	of := func(key, table, column string, kind sheet.Kind, required bool, names ...string) sheet.Header {
		h := sheet.HeaderOf(b.Table(table).Column(column))
		h.Key, h.Kind, h.Required = key, kind, required
		h.Names = append(h.Names, names...)
		return h
	}
	home := sheet.Header{Key: keyHome, Kind: sheet.Name, Names: []string{"所属", "所属地方", "Home place", "单位所在"}}
	over := sheet.Header{Key: keyOver, Kind: sheet.Name, Names: []string{"范围", "管哪里", "负责范围", "Over"}}
	return []sheet.Header{of(keyName, "user", "name", sheet.Name, true), of(keyLogin, "user", "login", sheet.Code, true, "账号", "用户名"),
		of(keyRole, "role", "role", sheet.Name, true, "身份"), over, home, of(keyPost, "user", "post", sheet.Text, false), of(keyPhone, "user", "phone", sheet.Code, false, "手机", "手机号", "联系电话")}
}

// UserTitles are the titles of the columns that the list has, in a language.
func UserTitles(b *schema.Book, lang schema.Lang) []string {
	return register.TitlesOf(userHeaders(b), lang)
}

// userLine is one row, read.
type userLine struct {
	*register.Line
	login, name string
	role        schema.Role
	cells       map[string]schema.Value // of the account, beside its name
}

// userEdits is the change that a row is part of: all that the piece says of one account.
type userEdits struct {
	draft         judge.Draft
	lines         []*userLine
	made, id      syncproto.RowID // the account that is made, or that is there
	roles, filled int
	at            int  // of the drafts
	again         bool // an earlier piece would have made the account
	name          string
}

// userRun is one import.
type userRun struct {
	UserList
	out    UsersBrought
	lines  map[*register.Line]*userLine
	names  map[string]string    // by login, as the file has it so far
	seen   map[string]*userLine // login, role and place
	ground *ground
}

// Run brings a list in. An error stops it; what was taken by then stays, and bringing the file again goes on.
func (u UserList) Run(ctx context.Context, name string, r io.ReaderAt, size int64) (*register.Report, *UsersBrought, error) {
	run := &userRun{UserList: u, lines: map[*register.Line]*userLine{}, names: map[string]string{}, seen: map[string]*userLine{}}
	rep, err := u.Lines.Run(ctx, name, r, size, userHeaders(u.E.Book), listPiece, run.read, run.take)
	return rep, &run.out, err
}

// read judges a row by itself.
func (u *userRun) read(l *register.Line) {
	x := &userLine{Line: l, cells: map[string]schema.Value{}}
	u.lines[l] = x
	t := u.E.Book.Table("user")
	value := func(key string) schema.Value {
		v, err := t.Column(key).Normalize(l.Text(key))
		if err != nil {
			l.RefuseFor(err)
		}
		return v
	}
	if x.login = schema.NormalizeCode(l.Text(keyLogin)); x.login == "" {
		l.Refuse("“登录名”没有填，请补上。", "The login is missing; fill it in.")
	}
	if x.name = schema.NormalizeName(l.Text(keyName)); x.name == "" {
		l.Refuse("“姓名”没有填，请补上。", "The name is missing; fill it in.")
	}
	value(keyLogin)
	for _, key := range []string{keyPost, keyPhone} {
		x.cells[key] = value(key)
	}
	x.readRole(u.E.Book)
}

func (x *userLine) readRole(b *schema.Book) {
	text := x.Text(keyRole)
	if r, known := roleNames[schema.NormalizeName(text)]; known {
		x.role = r
		return
	}
	v, err := b.Table("role").Column("role").Normalize(text)
	if err == nil && !v.IsNull() {
		x.role = schema.Role(v.Str())
		return
	}
	var known schema.Label
	for _, r := range schema.Roles {
		l := schema.RoleLabel(r)
		known.ZH, known.EN = known.ZH+"、"+l.ZH, known.EN+", "+l.EN
	}
	x.Refuse("没有“"+text+"”这个角色；请写"+known.ZH[len("、"):]+"中的一个。", "There is no role “"+text+"”; write one of "+known.EN[2:]+".")
}

// take plans a piece and writes it in one transaction.
func (u *userRun) take(ctx context.Context, piece []*register.Line) error {
	var plan []*userEdits
	work := func(tx *store.Tx) (err error) {
		register.Again(piece)
		if !u.Preview {
			if err := tx.LockPush(syncproto.DeviceID("import " + u.Place)); err != nil {
				return err
			}
		}
		if u.ground, err = groundOf(tx, u.By, u.Place); err != nil {
			return err
		}
		if plan, err = u.plan(tx, piece); err != nil || u.Preview {
			return err
		}
		return u.submit(tx, plan)
	}
	run := u.E.Store.Write
	if u.Preview {
		run = u.E.Store.Read
	}
	if err := run(ctx, work); err != nil {
		return err
	}
	for _, p := range plan {
		if !slices.ContainsFunc(p.lines, func(x *userLine) bool { return x.Good() }) {
			continue
		}
		if p.made != "" {
			u.out.NewUsers++
		}
		if id := cmp.Or(p.made, p.id); id != "" && !slices.Contains(u.out.Users, syncproto.UserID(id)) && !(u.Preview && p.made != "") {
			u.out.Users = append(u.out.Users, syncproto.UserID(id))
		}
		u.out.NewRoles += p.roles
		u.out.Filled += p.filled
	}
	for _, l := range piece {
		if x := u.lines[l]; x.Good() {
			u.names[x.login] = x.name
		}
		delete(u.lines, l)
	}
	return nil
}

// submit writes the changes of a piece; the rows of one that is refused are not taken.
func (u *userRun) submit(tx *store.Tx, plan []*userEdits) error {
	var drafts []judge.Draft
	for _, p := range plan {
		if p.at = -1; len(p.draft.Edits) > 0 {
			p.at, drafts = len(drafts), append(drafts, p.draft)
		}
	}
	if len(drafts) == 0 {
		return nil
	}
	out, err := u.E.Judge.SubmitIn(tx, u.By, drafts...)
	if err != nil {
		return err
	}
	var wrote []syncproto.Identity
	for _, p := range plan {
		if p.at < 0 {
			continue
		}
		if v := out.Verdicts[p.at]; v.Status != syncproto.Refused {
			wrote = append(wrote, v.Identity)
			continue
		}
		said := schema.ReadBoth(out.Verdicts[p.at].Message)
		for _, x := range p.lines {
			x.Refuse(said.ZH, said.EN)
		}
	}
	if u.Wrote == nil || len(wrote) == 0 {
		return nil
	}
	return u.Wrote(tx, wrote)
}

// ground is the place that a list is about, what lies around it, and what the importer may there.
type ground struct {
	byID   map[string]register.Place // the place and all below it
	above  []string                  // and those above it, nearest first
	rights *entitle.Rights
	now    int64
}

func groundOf(tx *store.Tx, by syncproto.UserID, place string) (*ground, error) {
	g := &ground{byID: map[string]register.Place{}, now: tx.Now()}
	beneath, err := register.Beneath(tx, place)
	if err != nil {
		return nil, err
	}
	for _, p := range beneath {
		g.byID[p.ID] = p
	}
	if g.above, err = groundAbove(tx, place); err != nil {
		return nil, err
	}
	g.rights, err = entitle.For(tx, by)
	return g, err
}

// chain are a place of the ground and those above it.
func (g *ground) chain(place string) []string {
	var out []string
	for at := place; len(out) <= len(g.byID); at = g.byID[at].Parent {
		if len(g.above) > 0 && at == g.above[0] {
			break
		}
		if _, in := g.byID[at]; !in {
			return g.above[max(0, slices.Index(g.above, place)):]
		}
		out = append(out, at)
	}
	return append(out, g.above...)
}

// administers tells whether the importer is an administrator over a place.
func (g *ground) administers(place string) bool {
	return slices.Contains(g.rights.Roles(g.now, g.chain(place)), schema.RoleAdmin)
}

// around tells whether a place is the ground's, or above it.
func (g *ground) around(place string) bool {
	_, in := g.byID[place]
	return in || slices.Contains(g.above, place)
}

// find finds a place of the ground by code or name. Others look like none.
func (g *ground) find(l *register.Line, text, whole string) string {
	if text == "" {
		return whole
	}
	code, name := schema.NormalizeCode(text), schema.NormalizeName(text)
	var byCode, byName []string
	for id, p := range g.byID {
		if p.Code != "" && p.Code == code || id == code {
			byCode = append(byCode, id)
		}
		if p.Name == name {
			byName = append(byName, id)
		}
	}
	found := byCode
	if len(found) == 0 {
		found = byName
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		l.Refuse("这里没有“"+text+"”这个地方；请写这里或下面的名称或代码。", "There is no place “"+text+"” here; write the name or code of one here or below.")
	default:
		l.Refuse("这里不止一个地方叫“"+text+"”；请写它的代码。", "Several places here are called “"+text+"”; write its code.")
	}
	return ""
}
