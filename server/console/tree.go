package console

import (
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/roster"
	"minqing/server/console/shift"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// treePage lists what lies right under a place, and makes more of it.
type treePage struct {
	frame
	Rows   []treeRow
	Base   string
	Post   string
	Levels []choice
	Level  string
	Name   string // typed
	Code   string
	Error  string
	Last   []shiftLine
}

type treeRow struct {
	*roster.Place
	Word string
	Open string // address of the same page there
	Self bool
}

type treeOnePage struct {
	frame
	editor
	Move, Remove string
}

// teamsPage says what each team owes here.
type teamsPage struct {
	frame
	Post  string
	Rows  []teamRow
	Error string
}

type teamRow struct {
	*roster.Team
	Word  string
	Typed string
	From  string
}

var onePlace = oneRow[*treeOnePage]{"tree-one", "/tree/", (*request).treeOnePage}

var treeHandlers = map[string]handler{
	"GET /at/{place}/tree":        showTree,
	"POST /at/{place}/tree":       makePlace,
	"GET /at/{place}/tree/{row}":  onePlace.show,
	"POST /at/{place}/tree/{row}": onePlace.save,
	"GET /at/{place}/teams":       showTeams,
	"POST /at/{place}/teams":      saveTeams,
}

var treeWords = words{
	"nav.tree":      {ZH: "村和组", EN: "Places"},
	"nav.teams":     {ZH: "队伍", EN: "Teams"},
	"tree.name":     {ZH: "名称", EN: "Name"},
	"tree.code":     {ZH: "代码", EN: "Code"},
	"tree.level":    {ZH: "级别", EN: "Level"},
	"tree.homes":    {ZH: "直属户", EN: "Households right in it"},
	"tree.open":     {ZH: "下级", EN: "Below"},
	"tree.new":      {ZH: "在{0}下面建一个", EN: "Make a place under {0}"},
	"tree.code.t":   {ZH: "可不填", EN: "optional"},
	"tree.none":     {ZH: "下面还没有地方", EN: "Nothing lies below it yet"},
	"teams.team":    {ZH: "队伍", EN: "Team"},
	"teams.visits":  {ZH: "每户每月走访几次", EN: "Visits a month to each household"},
	"teams.from":    {ZH: "哪里定的", EN: "Set by"},
	"teams.usual":   {ZH: "通常的数", EN: "the usual number"},
	"teams.here":    {ZH: "这里定的", EN: "this place"},
	"teams.people":  {ZH: "人", EN: "People"},
	"teams.homes":   {ZH: "户", EN: "Households"},
	"teams.each":    {ZH: "每人几户", EN: "Households each"},
	"teams.bad":     {ZH: "次数写 0 到 31 的整数。", EN: "Write a whole number from 0 to 31."},
	"teams.drop":    {ZH: "不在这里定", EN: "Do not set it here"},
	"teams.dropped": {ZH: "不在这里定了，跟上一级。", EN: "Not set here any more: it follows the place above."},
	"teams.t":       {ZH: "改了的数在{0}和下面都算，手机下次联网就知道。", EN: "A number changed here holds in {0} and below; phones learn it at their next contact."},
}

func (rq *request) treePage() (*treePage, error) {
	p := &treePage{frame: frame{Title: rq.words.say("nav.tree"), Nav: "tree", Sub: rq.place.Name}, Base: rq.at("/tree/"), Post: rq.at("/tree")}
	level := rq.app.opt.Engine.Book.Table("place").Column("level")
	for _, l := range admin.LevelsBelow(rq.place.Level) {
		p.Levels = append(p.Levels, choice{l, level.Option(l).Label.In(schema.Lang(rq.words))})
	}
	if len(p.Levels) > 0 {
		p.Level = p.Levels[0].Value
	}
	return p, rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		list, err := roster.Places(tx, rq.place.ID)
		if err != nil {
			return err
		}
		p.Last, err = rq.lastShifts(tx)
		p.Rows = nil
		for _, x := range list {
			p.Rows = append(p.Rows, treeRow{Place: x, Word: level.Show(schema.Text(x.Level), schema.Lang(rq.words), nil), Open: "/at/" + x.ID + "/tree", Self: x.ID == rq.place.ID})
		}
		return err
	})
}

func showTree(rq *request) error {
	p, err := rq.treePage()
	if err != nil {
		return err
	}
	return rq.show("tree", p)
}

func makePlace(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	err = rq.adminDesk().AddPlace(rq.Context(), admin.NewPlace{Under: rq.place.ID, Level: f.Get("level"), Code: f.Get("code"), Name: f.Get("name")})
	if err == nil {
		rq.toast("edit.made")
		return rq.see(rq.at("/tree"))
	}
	text, ok := rq.sentence(err)
	if !ok {
		return err
	}
	p, err := rq.treePage()
	if err != nil {
		return err
	}
	p.Level, p.Name, p.Code, p.Error = f.Get("level"), f.Get("name"), f.Get("code"), text
	return rq.again("tree", p)
}

func (rq *request) treeOnePage(whole bool) (*treeOnePage, error) {
	at := rq.at("/tree/" + string(rq.row.ID))
	p := &treeOnePage{frame: frame{Nav: "tree", Back: rq.at("/tree")}, Remove: at + "/delete"}
	if string(rq.row.ID) != rq.place.ID {
		p.Move = at + "/move"
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		if p.editor, err = rq.readEditor(tx, at, whole); err != nil {
			return err
		}
		_, err = tx.One("SELECT COALESCE(name, '') FROM place WHERE id = ?", []any{string(rq.row.ID)}, &p.Title)
		return err
	})
	return p, err
}

func (rq *request) teamsPage() (*teamsPage, error) {
	p := &teamsPage{frame: frame{Title: rq.words.say("nav.teams"), Nav: "teams", Sub: rq.place.Name}, Post: rq.at("/teams")}
	return p, rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		list, err := roster.Teams(tx, rq.place.Above, rq.today())
		p.Rows = nil
		for _, t := range list {
			r := teamRow{Team: t, Word: rq.teamWord(t.Team), Typed: strconv.Itoa(t.Visits), From: t.From}
			if t.Own {
				r.From = rq.words.say("teams.here")
			} else if t.From == "" {
				r.From = rq.words.say("teams.usual")
			}
			p.Rows = append(p.Rows, r)
		}
		return err
	})
}

// Each is how many households somebody of the team has, about.
func (r teamRow) Each() string {
	if r.People == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(r.Homes)/float64(r.People), 'f', 1, 64)
}

func showTeams(rq *request) error {
	p, err := rq.teamsPage()
	if err != nil {
		return err
	}
	return rq.show("teams", p)
}

// saveTeams sets the numbers that differ from those that were shown.
func saveTeams(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	if team := f.Get("drop"); team != "" {
		return rq.dropQuota(team)
	}
	p, err := rq.teamsPage()
	if err != nil {
		return err
	}
	changed := false
	for i := range p.Rows {
		r := &p.Rows[i]
		typed := strings.TrimSpace(f.Get("visits." + r.Team.Team))
		if typed == "" || typed == f.Get("was."+r.Team.Team) {
			continue
		}
		r.Typed = typed
		n, err := strconv.Atoi(schema.NormalizeCode(typed))
		if err != nil || n < 0 || n > 31 {
			p.Error = rq.words.say("teams.bad")
			continue
		}
		if err := rq.adminDesk().SetQuota(rq.Context(), rq.place.ID, r.Team.Team, n); err != nil {
			return err
		}
		changed = true
	}
	if p.Error != "" {
		return rq.again("teams", p)
	}
	if changed {
		rq.toast("edit.saved")
	} else {
		rq.toast("edit.same")
	}
	return rq.see(rq.at("/teams"))
}

// dropQuota takes away the number that this place has set for a team: what the place above has set holds again.
func (rq *request) dropQuota(team string) error {
	id := ""
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		row := syncproto.RowID("")
		id = ""
		if found, err := tx.One("SELECT id FROM team_quota WHERE place = ? AND team = ? ORDER BY id DESC LIMIT 1", []any{rq.place.ID, team}, &row); err != nil || !found {
			return err
		}
		r, err := shift.PreviewRemoval(tx, "team_quota", row)
		if err != nil {
			return err
		}
		id, err = shift.RemoveIn(tx, rq.app.opt.Engine.Judge, shift.Order{By: rq.user(), Root: rq.place.ID, Table: "team_quota", Row: row,
			Name: rq.words.say("setting.quota.of", rq.teamWord(team)), Why: rq.words.say("teams.dropped"), Shown: r.Digest})
		return err
	}); err != nil {
		return err
	}
	if id != "" {
		rq.said(toast{Text: rq.words.say("teams.dropped"), Undo: rq.at("/shifts/" + id + "/undo")})
	}
	return rq.see(rq.at("/teams"))
}

// draftOf is a change of one cell, on what stands.
func draftOf(table string, id syncproto.RowID, cell string, v schema.Value) judge.Draft {
	return judge.Draft{Edits: []syncproto.Edit{{Table: table, Row: id, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: cell, Value: v}}}}}
}
