package assign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/work"
	"minqing/server/engine"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Listing brings in who contacts which household, one a row, in the name of an administrator. A household has one contact of each team: whom the
// list does not name stops calling on it in that team. What is done stands in mq_work as any order does, with the same preview, and the same
// way back.
type Listing struct {
	register.Lines
	E       *engine.Engine
	By      syncproto.UserID
	As      string // his login
	Place   string // all households named lie in it or below it
	ID      string // of what is done, "" for a new one; bringing the file again goes on with it
	Preview bool
	Shown   string // the digest of the preview that was agreed to; "" where nobody was asked
}

// mostRows is how many rows a list may have: what a township has, and more. The page says so before a file is chosen (import.what.assignments.t).
const mostRows = 20000

// ErrChanged says that a list would not do any more what was shown.
var ErrChanged = errors.New("assign: things have changed since the preview")

// Keys of the columns.
const (
	keyCode, keyAddress, keyGroup, keyLogin, keyName, keyTeam, keySince = "code", "address", "group", "login", "name", "team", "since"
)

// listPiece is how many rows share a transaction.
const listPiece = 400

func listHeaders(b *schema.Book) []sheet.Header {
	of := func(table, column, key string, kind sheet.Kind, names ...string) sheet.Header {
		h := sheet.HeaderOf(b.Table(table).Column(column))
		h.Key, h.Kind, h.Required, h.Names = key, kind, false, append(h.Names, names...)
		return h
	}
	code := of("household", "code", keyCode, sheet.Code, "户口编号", "家庭编号", "户序号")
	address := of("household", "address", keyAddress, sheet.Text, "现住址", "居住地址")
	team := of("assignment", "team", keyTeam, sheet.Name, "类型", "联系类型")
	since := of("assignment", "since", keySince, sheet.Date, "开始日期", "从哪天")
	team.Required = true
	return []sheet.Header{code, address, {Key: keyGroup, Kind: sheet.Name, Names: []string{"组", "小组", "村民小组", "Group"}},
		{Key: keyLogin, Kind: sheet.Code, Names: []string{"登录名", "联系人登录名", "账号", "Login"}}, {Key: keyName, Kind: sheet.Name, Names: []string{"联系人", "联系人姓名", "干部", "包户干部", "Contact"}}, team, since}
}

// ListTitles are the titles of the columns that a list has, in a language.
func ListTitles(b *schema.Book, lang schema.Lang) []string {
	return register.TitlesOf(listHeaders(b), lang)
}

// wish is a row: somebody is to contact a household, he alone of his team.
type wish struct {
	line        *register.Line
	home        syncproto.RowID
	user        syncproto.UserID
	name        string
	team, since string
	ends        []running
	there       bool // he does already
}

// lister is one run.
type lister struct {
	Listing
	teams  map[*register.Line]*wish
	seen   map[string]*wish // by household and team
	wishes []*wish
	today  string
}

// Run brings a list in, or in a preview finds out what that would do. The plan is of all of it; where things have changed since the preview the
// error is ErrChanged, and nothing was done.
func (l Listing) Run(ctx context.Context, name string, r io.ReaderAt, size int64) (*register.Report, *Plan, error) {
	l.Limits.Rows = mostRows
	first := l
	if !l.Preview { // what would be done now, without a word about its rows
		first.Lines = register.Lines{Limits: l.Limits}
	}
	run := first.lister()
	rep, err := first.Lines.Run(ctx, name, r, size, listHeaders(l.E.Book), listPiece, run.read, func(ctx context.Context, piece []*register.Line) error {
		return l.E.Store.Read(ctx, func(tx *store.Tx) error {
			register.Again(piece)
			return run.resolve(tx, piece)
		})
	})
	if err != nil {
		return rep, nil, err
	}
	var plan *Plan
	begun := false // what it did itself is no change
	if err := l.E.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if l.ID == "" {
			if l.ID, err = tx.NewID(); err != nil {
				return err
			}
		}
		d, err := Read(tx, l.Place, l.ID)
		if begun = d != nil; err != nil {
			return err
		}
		plan, err = run.plan(tx)
		return err
	}); err != nil || l.Preview {
		return rep, plan, err
	}
	if l.Shown != "" && !begun && plan.Digest != l.Shown {
		return rep, plan, ErrChanged
	}
	run = l.lister()
	rep, err = l.Lines.Run(ctx, name, r, size, listHeaders(l.E.Book), listPiece, run.read, run.take)
	return rep, plan, err
}

func (l Listing) lister() *lister {
	return &lister{Listing: l, teams: map[*register.Line]*wish{}, seen: map[string]*wish{}}
}

// read judges a row by itself.
func (l *lister) read(line *register.Line) {
	w := &wish{line: line}
	l.teams[line] = w
	if line.Text(keyCode) == "" && line.Text(keyAddress) == "" {
		line.Refuse("户号和住址都没有填，不知道是哪一户；请填户号。", "Neither code nor address is given, so the household is not known; fill in its code.")
	}
	if line.Text(keyLogin) == "" && line.Text(keyName) == "" {
		line.Refuse("没有写明由谁联系；请填登录名。", "It does not say who; fill in the login.")
	}
	t := l.E.Book.Table("assignment")
	team, err := t.Column("team").Normalize(line.Text(keyTeam))
	if err != nil || team.IsNull() {
		var zh, en string
		for _, o := range t.Column("team").Options {
			zh, en = zh+"、"+o.Label.ZH, en+", "+o.Label.EN
		}
		line.Refuse("“队伍”看不懂；请写"+zh[len("、"):]+"中的一个。", "The team is none; write one of "+en[2:]+".")
	}
	since, err := t.Column("since").Normalize(line.Text(keySince))
	if err != nil {
		line.RefuseFor(err)
	}
	w.team, w.since = team.Str(), since.Str()
}

// resolve finds out whom and which household each row of a piece means, and what it would change.
func (l *lister) resolve(tx *store.Tx, piece []*register.Line) error {
	l.today = l.dayOf(tx)
	again := map[*register.Line]bool{} // of a transaction that ran before
	for _, line := range piece {
		again[line] = true
	}
	for key, w := range l.seen {
		if again[w.line] {
			delete(l.seen, key)
		}
	}
	l.wishes = slices.DeleteFunc(l.wishes, func(w *wish) bool { return again[w.line] })
	f, err := newFinder(tx, l, piece)
	if err != nil {
		return err
	}
	var homes []string
	for _, line := range piece {
		if w := l.teams[line]; line.Good() {
			f.find(w)
			if line.Good() {
				homes = append(homes, string(w.home))
			}
		}
	}
	p, err := plannerOf(tx, l.Place, l.today, homes)
	if err != nil {
		return err
	}
	for _, line := range piece {
		if w := l.teams[line]; line.Good() {
			l.compare(p, w)
		}
	}
	return nil
}

// compare holds a row against the rows before it and against who contacts the household now.
func (l *lister) compare(p *planner, w *wish) {
	h := p.byID[w.home]
	key := string(w.home) + " " + w.team
	if first := l.seen[key]; first != nil {
		at := register.LineWords(first.line.Row, first.line.Row.Sheet != w.line.Row.Sheet)
		if first.user == w.user {
			w.line.Refuse("和"+at.ZH+"是同一件事，只要一行，请删掉这一行。", "It repeats "+at.EN+"; delete this row.")
		} else {
			w.line.Refuse(at.ZH+"已经把这一户派给"+first.name+"；一户在一支队伍里只有一个联系人，请删掉一行。", at.EN+" gives the household to "+first.name+"; it has one contact of each team, so delete one of the two.")
		}
		return
	}
	l.seen[key] = w
	w.ends, w.there = nil, false
	for _, r := range h.running {
		switch {
		case r.team != w.team:
		case r.user == string(w.user):
			w.there = true
		case !r.ended:
			w.ends = append(w.ends, r)
		}
	}
	l.wishes = append(l.wishes, w)
}

// plan reckons what all good rows would do together.
func (l *lister) plan(tx *store.Tx) (*Plan, error) {
	var homes []string
	for _, w := range l.wishes {
		homes = append(homes, string(w.home))
	}
	slices.Sort(homes)
	p, err := plannerOf(tx, l.Place, l.dayOf(tx), slices.Compact(homes))
	if err != nil {
		return nil, err
	}
	out, s, mark := &Plan{Order: Order{Way: listed}}, step{}, sha256.New()
	moved := map[*Home]bool{}
	for _, w := range l.wishes {
		h := p.byID[w.home]
		if h == nil {
			continue // gone since its piece was read: it is said when the piece is taken
		}
		if w.there && len(w.ends) == 0 {
			out.Left++
			continue
		}
		if !moved[h] {
			moved[h] = true
			out.Homes = append(out.Homes, h)
		}
		for _, r := range w.ends {
			s.ends = append(s.ends, change{h, r})
		}
		if !w.there {
			s.begins = append(s.begins, change{h, running{user: string(w.user), team: w.team}})
		}
		fmt.Fprintln(mark, w.home, w.user, w.team, w.since, w.there)
		for _, r := range w.ends {
			fmt.Fprintln(mark, r.id)
		}
	}
	slices.SortFunc(out.Homes, inOrder)
	out.Digest = hex.EncodeToString(mark.Sum(nil))
	return out, p.effects(out, s)
}

// take does what a piece says, in one transaction with the record of it.
func (l *lister) take(ctx context.Context, piece []*register.Line) error {
	return l.E.Store.Write(ctx, func(tx *store.Tx) error {
		register.Again(piece)
		if err := tx.LockPush(syncproto.DeviceID("import " + l.Place)); err != nil {
			return err
		}
		if err := l.resolve(tx, piece); err != nil {
			return err
		}
		var todo []admin.Reassignment
		var homes []syncproto.RowID
		at := map[string]int{}
		add := func(a admin.Reassignment, home syncproto.RowID) {
			key := string(a.From) + " " + string(a.To) + " " + a.Team + " " + a.Since
			if _, have := at[key]; !have {
				at[key] = len(todo)
				todo = append(todo, a)
			}
			todo[at[key]].Households = append(todo[at[key]].Households, home)
		}
		for _, line := range piece {
			w := l.teams[line]
			if !line.Good() || w.there && len(w.ends) == 0 {
				continue
			}
			homes = append(homes, w.home)
			for _, r := range w.ends {
				line.Note("这一户原来还有别人联系，换成"+w.name+"了。", "Somebody else contacted the household till now; it is "+w.name+" instead.")
				add(admin.Reassignment{From: syncproto.UserID(r.user), Team: w.team, Since: w.since}, w.home)
			}
			if !w.there {
				add(admin.Reassignment{To: w.user, Team: w.team, Since: w.since}, w.home)
			}
		}
		if len(todo) == 0 {
			return nil
		}
		what, err := (&admin.Desk{E: l.E, As: l.As}).Reassign(tx, l.By, todo...)
		if err != nil {
			return err
		}
		return l.keep(tx, homes, what)
	})
}

// keep adds what was done to the record of the order.
func (l *lister) keep(tx *store.Tx, homes []syncproto.RowID, what *admin.Reassigned) error {
	d, err := Read(tx, l.Place, l.ID)
	if err != nil {
		return err
	}
	fresh := d == nil
	if fresh {
		d = &Done{Order: Order{Way: listed}}
	}
	have := map[syncproto.RowID]bool{}
	for _, h := range d.Homes {
		have[h] = true
	}
	for _, h := range homes {
		if !have[h] {
			have[h], d.Homes = true, append(d.Homes, h)
		}
	}
	d.What.Changes = append(d.What.Changes, what.Changes...)
	d.What.Made, d.What.Ended = append(d.What.Made, what.Made...), append(d.What.Ended, what.Ended...)
	d.What.Cards += what.Cards
	if fresh {
		return work.Add(tx, kindWork, l.ID, l.Place, l.By, work.Done, d)
	}
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE mq_work SET body = ? WHERE id = ?", string(body), l.ID)
}

// IDFor is the id of what is done by a file that another record of mq_work keeps: the same whenever it is asked.
func IDFor(work string) string {
	sum := sha256.Sum256([]byte("assign " + work))
	return work[:24] + hex.EncodeToString(sum[:6])
}
