package console

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/intake"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// importPage takes a file, and lists those that were brought lately.
type importPage struct {
	frame
	Village bool        // the place is one, and a register can be imported into it
	Below   []placeLink // else: where to go with one
	Kinds   []importKind
	Post    string
	Error   string
	Jobs    []jobLine

	More, First string
}

// importKind is what a file may be: a register, or a list of places, of users or of assignments.
type importKind struct {
	Value  string
	Titles []string // columns that are known
	On     bool
}

type jobLine struct {
	Path, Name, By string
	What           string
	At             time.Time
	State          string
	Bad            int
}

// jobPage is one file: how far it is, what it would do, which rows would not be taken.
type jobPage struct {
	frame
	Job     jobLine
	Report  register.Report
	Wrote   bool // the figures are of what was done, not of what would be
	Changed bool // and there is something that changed, or would
	Moved   bool // things changed since the preview, and nothing was done
	Users   *admin.UsersBrought
	Plan    *planView
	Order   string // where what was done can be taken back
	Undo    *backView
	Links   string // where first sign-in links are made
	Busy    bool
	Broken  bool   // the import stopped, and can be gone on with
	Forget  bool   // there is something to be forgotten of the file
	Stop    string // why it stopped
	Bad     []badLine
	Notes   []badLine
	More    string
	Post    string
	File    string // of the rows that were not taken, "" for whoever did not bring them
	Again   string
	Sheets  []string
}

type badLine struct {
	Where, Who string
	Why        []string
}

var importHandlers = map[string]handler{
	"GET /at/{place}/import":           showImports,
	"POST /at/{place}/import":          bringFile,
	"GET /at/{place}/import/{row}":     showJob,
	"POST /at/{place}/import/{row}":    doJob,
	"GET /at/{place}/import/{row}/bad": sendBad,

	"POST /at/{place}/import/{row}/links": sendLinks,
	"POST /at/{place}/import/{row}/undo":  undoImport,
}

var importWords = words{
	"nav.import":                {ZH: "导入", EN: "Import"},
	"import.sub":                {ZH: "花名册、地方、人员、分派", EN: "registers, places, users, assignments"},
	"import.what":               {ZH: "表里是什么", EN: "What the file holds"},
	"import.what.register":      {ZH: "花名册", EN: "A register"},
	"import.what.places":        {ZH: "地方", EN: "Places"},
	"import.what.users":         {ZH: "人员", EN: "Users"},
	"import.what.assignments":   {ZH: "分派", EN: "Assignments"},
	"import.what.table":         {ZH: "表格（命令行）", EN: "A table (command line)"},
	"import.what.register.t":    {ZH: "一行一人，或者一行一户。", EN: "One row a person, or one row a household."},
	"import.what.places.t":      {ZH: "一行一个地方：级别、名称、代码（可不填）、上级（名称或代码；不写就是这里）。次序不要紧。重名的上级像“白鹭镇/青石村”这样写。一份最多 20,000 行。", EN: "One row a place: level, name, code (optional), and the place above by name or code; without one it lies right here. Their order does not matter. Where several have its name, write those above before it, with strokes (/) between. A file has at most 20,000 rows."},
	"import.what.users.t":       {ZH: "一行一个角色。范围不写就是这里；写的地方都要在这里或下面。不带密码，导入后出一张首次登录链接的表。", EN: "One row a role. Without a place the role is over this one; places lie here or below. There are no passwords: a workbook of first sign-in links follows."},
	"import.what.assignments.t": {ZH: "一行一户一支队伍：户号（或住址）、登录名（或姓名）、队伍。一户在一支队伍里只有一个联系人，换人也这样写。一份最多 20,000 行，更多的按乡镇分成几份。", EN: "One row a household and team: code (or address), login (or name), team. A household has one contact of each team, so this hands over as well. A file has at most 20,000 rows; make one for each township of a larger list."},
	"import.file":               {ZH: "表格（.xlsx，或 CSV）", EN: "The file (.xlsx or CSV)"},
	"import.file.t":             {ZH: "CSV 用 UTF-8、GB18030 都行，最大 64 MB", EN: "CSV in UTF-8 or GB18030; at most 64 MB"},
	"import.places.made":        {ZH: "新的地方", EN: "New places"},
	"import.places.coded":       {ZH: "补上代码", EN: "Codes filled in"},
	"import.rows.made":          {ZH: "新建", EN: "New rows"},
	"import.rows.changed":       {ZH: "更改", EN: "Changed rows"},
	"import.users.made":         {ZH: "新账号", EN: "New accounts"},
	"import.users.roles":        {ZH: "新角色", EN: "New roles"},
	"import.users.filled":       {ZH: "补上电话、职务", EN: "Phone or post filled in"},
	"import.links":              {ZH: "首次登录链接", EN: "First sign-in links"},
	"import.links.t":            {ZH: "给表里还没登录过的人每人一个一次性链接，3 天内有效，当面交给本人，由他自己定密码。再出一次，前面的就作废。", EN: "A one-time link for everybody in the file who has never signed in, good for 3 days, to be handed to him in person; he sets his own password. Making them again voids the ones before."},
	"import.links.do":           {ZH: "出一张链接表", EN: "Make the workbook of links"},
	"import.links.none":         {ZH: "表里的人都登录过了，不用链接。", EN: "Everybody in the file has signed in already; no link is needed."},
	"import.links.link":         {ZH: "登录链接（只能用一次）", EN: "Sign-in link (good once)"},
	"import.links.until":        {ZH: "有效到", EN: "Good until"},
	"import.order":              {ZH: "看看，或者撤回", EN: "See it, or take it back"},
	"import.moved":              {ZH: "您看过以后情况变了，还没有动。下面是现在会怎样，请再看一遍。", EN: "Things changed since you looked, and nothing was done. This is what it would do now; look again."},
	"import.do":                 {ZH: "先看看", EN: "Look through it"},
	"import.do.t":               {ZH: "只看，不写。看完再定。", EN: "Nothing is written until you say so."},
	"import.none":               {ZH: "请选一个文件。", EN: "Choose a file."},
	"import.titles":             {ZH: "认得的栏目", EN: "Columns that are known"},
	"import.titles.t":           {ZH: "栏目的次序不要紧，别的叫法大多也认得；多出来的不读。同一份再导一次，什么也不变。", EN: "Their order does not matter, and most other names are known too; further columns are not read. Importing the same again changes nothing."},
	"import.jobs":               {ZH: "最近的文件", EN: "Files lately"},
	"import.jobs.t":             {ZH: "文件留一星期，离开这一页照样往下做。导入过的一直列着，好撤回。", EN: "Files are kept for a week, and worked on whether you stay or not. What was imported stays listed, so that it can be taken back."},
	"import.is.checking":        {ZH: "在看", EN: "being looked through"},
	"import.is.checked":         {ZH: "等您定", EN: "waits for you"},
	"import.is.importing":       {ZH: "在导入", EN: "being imported"},
	"import.is.done":            {ZH: "已导入", EN: "imported"},
	"import.is.stopped":         {ZH: "停了", EN: "stopped"},
	"import.choose":             {ZH: "选一个村", EN: "Choose a village"},
	"import.choose.t":           {ZH: "花名册一个村一份，请到村里导入。", EN: "Registers are of one village each; import them there."},
	"import.read":               {ZH: "读了 {0} 行", EN: "{0} row read|{0} rows read"},
	"import.busy":               {ZH: "这一页两秒更新一次；也可以先去做别的。", EN: "This page follows every two seconds; you may leave it."},
	"import.refresh":            {ZH: "现在看", EN: "Look now"},
	"import.would":              {ZH: "会怎样", EN: "What it would do"},
	"import.did":                {ZH: "做了什么", EN: "What it did"},
	"import.homes":              {ZH: "户", EN: "Households"},
	"import.people":             {ZH: "人", EN: "People"},
	"import.new":                {ZH: "新建", EN: "new"},
	"import.changed":            {ZH: "更改", EN: "changed"},
	"import.groups":             {ZH: "新的组 {0} 个", EN: "{0} new group|{0} new groups"},
	"import.conflicts":          {ZH: "{0} 户和别人写的不一样，在冲突处理里等着定。", EN: "{0} household met what others wrote; it waits on the conflict desk.|{0} households met what others wrote; they wait on the conflict desk."},
	"import.nothing":            {ZH: "系统里本来就是这样，什么也不会变。", EN: "All of it is there already; nothing would change."},
	"import.nothing.did":        {ZH: "系统里本来就是这样，什么也没有变。", EN: "All of it was there already; nothing changed."},
	"import.bad":                {ZH: "{0} 行不能导入", EN: "{0} row cannot be taken|{0} rows cannot be taken"},
	"import.bad.none":           {ZH: "每一行都能导入", EN: "Every row can be taken"},
	"import.bad.where":          {ZH: "哪一行", EN: "Row"},
	"import.bad.who":            {ZH: "谁", EN: "Who"},
	"import.bad.why":            {ZH: "为什么，怎么改", EN: "Why, and what to do"},
	"import.bad.file":           {ZH: "只有这些行的表格", EN: "A workbook of just these"},
	"import.bad.t":              {ZH: "在表格里改好，再导入它就行。", EN: "Mend them in the workbook and import it."},
	"import.bad.theirs":         {ZH: "只有这些行的表格里证件号、电话是全的，只有导入的人（{0}）能取。", EN: "A workbook of just these holds ID numbers and telephones whole; {0}, who brought the file, can have it."},
	"import.bad.more":           {ZH: "后面的", EN: "More"},
	"import.notes":              {ZH: "{0} 行导入了，请再看看", EN: "{0} row is taken and should be looked at|{0} rows are taken and should be looked at"},
	"import.unread":             {ZH: "没有用到的栏目：{0}", EN: "Columns not read: {0}"},
	"import.skipped":            {ZH: "没有读的工作表：{0}（{1}）", EN: "Sheet not read: {0} ({1})"},
	"import.go":                 {ZH: "导入能导入的", EN: "Import what can be taken"},
	"import.goon":               {ZH: "接着做", EN: "Go on"},
	"import.drop":               {ZH: "不要这份", EN: "Drop it"},
	"import.dropped":            {ZH: "已删掉这份文件。", EN: "The file is gone."},
	"import.forget":             {ZH: "删掉没导入的行", EN: "Forget the rows not taken"},
	"import.stopped":            {ZH: "中间停了，做好的都留着，接着做就行。", EN: "It stopped midway; what was done stays, and it can be gone on with."},
	"import.back":               {ZH: "再导入一份", EN: "Import another"},
}

// importPage lists what was brought here.
func (rq *request) importPage() (*importPage, error) {
	p := &importPage{frame: frame{Title: rq.words.say("nav.import"), Sub: rq.words.say("import.sub"), Nav: "import"}, Village: rq.place.Level == "village", Post: rq.at("/import")}
	book, lang := rq.app.opt.Engine.Book, schema.Lang(rq.words)
	titles := map[string][]string{intake.Register: register.Titles(book, lang), intake.Places: admin.PlaceTitles(book, lang), intake.Users: admin.UserTitles(book, lang), intake.Assignments: assign.ListTitles(book, lang)}
	for _, k := range intake.Kinds {
		if rq.imports(k) {
			p.Kinds = append(p.Kinds, importKind{Value: k, Titles: titles[k], On: len(p.Kinds) == 0})
		}
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		p.Jobs, p.Below, p.More, p.First = nil, nil, "", ""
		before := rq.URL.Query().Get("before")
		jobs, more, err := intake.List(tx, rq.place.ID, before)
		if err != nil {
			return err
		}
		if more {
			p.More = p.Post + "?before=" + jobs[len(jobs)-1].ID
		}
		if before != "" {
			p.First = p.Post
		}
		for _, j := range jobs {
			p.Jobs = append(p.Jobs, rq.jobLine(j))
		}
		if p.Village {
			return nil
		}
		return tx.Each(func(scan func(...any) error) error {
			var id string
			var b placeLink
			err := scan(&id, &b.Name)
			b.Path = "/at/" + id + "/import"
			p.Below = append(p.Below, b)
			return err
		}, "SELECT id, COALESCE(name, '') FROM place WHERE parent = ? AND level IN ('township', 'district', 'village') ORDER BY code, name, id", rq.place.ID)
	})
	return p, err
}

// imports tells whether a kind of file can be imported here: a register is a village's, and in some places lies no other.
func (rq *request) imports(kind string) bool {
	switch kind {
	case intake.Register:
		return rq.place.Level == "village"
	case intake.Places:
		return len(admin.LevelsBelow(rq.place.Level)) > 0
	}
	return slices.Contains(intake.Kinds, kind)
}

func (rq *request) jobLine(j *intake.Job) jobLine {
	return jobLine{Path: rq.at("/import/" + j.ID), Name: j.Name, What: j.What, By: j.ByName, At: time.UnixMilli(j.At).In(rq.app.zone), State: j.State, Bad: j.Report.Bad}
}

func showImports(rq *request) error {
	p, err := rq.importPage()
	if err != nil {
		return err
	}
	return rq.show("import", p)
}

// bringFile keeps a file and has it looked through.
func bringFile(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	id, what := "", f.Get("what")
	if what == "" {
		what = intake.Register
	}
	if rq.imports(what) && rq.MultipartForm != nil && len(rq.MultipartForm.File["file"]) > 0 && rq.MultipartForm.File["file"][0].Size > 0 {
		head := rq.MultipartForm.File["file"][0]
		if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
			in, err := head.Open() // anew, should the transaction run again
			if err != nil {
				return err
			}
			defer in.Close() // reading is over: nothing is lost by its error
			id, err = intake.Save(tx, rq.user(), rq.place.ID, what, clipName(head.Filename), head.Size, in)
			return err
		}); err != nil {
			return err
		}
	}
	if id == "" {
		p, err := rq.importPage()
		if err != nil {
			return err
		}
		for i := range p.Kinds {
			if p.Kinds[i].On = p.Kinds[i].Value == what; !rq.imports(what) {
				p.Kinds[i].On = i == 0
			}
		}
		p.Error = rq.words.say("import.none")
		return rq.again("import", p)
	}
	rq.app.intake.Wake()
	return rq.see(rq.at("/import/" + id))
}

// clipName keeps the name of a file fit to be shown.
func clipName(name string) string {
	const most = 80
	name = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, name)
	if r := []rune(name); len(r) > most {
		return "…" + string(r[len(r)-most:])
	}
	return name
}

// badListed is how many rows not taken a page lists.
const badListed = 100

// jobPage reads the file that the address names.
func (rq *request) jobPage() (*jobPage, error) {
	after, err := strconv.Atoi(rq.URL.Query().Get("after"))
	if err != nil || after < 0 {
		after = 0
	}
	p := &jobPage{frame: frame{Nav: "import", Back: rq.at("/import")}, Again: rq.at("/import")}
	return p, rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		j, err := rq.oneJob(tx)
		if err != nil {
			return err
		}
		p.Job, p.Title, p.Report, p.Wrote = rq.jobLine(j), j.Name, j.Report, j.Wrote
		p.Busy, p.Broken = j.Busy(), j.Broken()
		if p.Undo, err = rq.backView(tx, j); err != nil {
			return err
		}
		p.Users, p.Plan, p.Order, p.Links, p.Moved, p.Changed = j.Users, nil, "", "", j.Moved, j.Report.Changed()
		switch {
		case j.What == intake.Users && j.Users != nil:
			if p.Changed = j.Users.Changed(); j.Wrote && len(j.Users.Users) > 0 {
				p.Links = p.Job.Path + "/links"
			}
		case j.What == intake.Assignments && j.Plan != nil:
			if p.Changed = j.Plan.Count > 0; p.Changed {
				p.Plan = rq.planView(j.Plan)
			}
			if j.Order != "" {
				p.Order = rq.at("/assign/" + j.Order)
			}
		}
		p.Post, p.File, p.Stop, p.More = p.Job.Path, "", "", ""
		if j.By == rq.user() {
			p.File = p.Job.Path + "/bad"
		}
		if p.Broken {
			if p.Stop = rq.words.say("import.stopped"); j.Error != "" {
				p.Stop = strings.TrimSpace(rq.words.of(j.Error) + " " + rq.words.of(j.Hint))
			}
		}
		bad, err := intake.Bad(tx, j.ID, after, badListed+1)
		if err != nil {
			return err
		}
		if len(bad) > badListed {
			bad = bad[:badListed]
			p.More = p.Job.Path + "?after=" + strconv.Itoa(bad[len(bad)-1].N)
		}
		notes, err := intake.Notes(tx, j.ID, 0, badListed)
		p.Bad, p.Notes = rq.badLines(bad, j.Report), rq.badLines(notes, j.Report)
		p.Forget = p.Undo == nil || len(bad)+len(notes) > 0
		return err
	})
}

// badLines say which rows, by what people find them, and why. Of the row itself only the name shows.
func (rq *request) badLines(list []intake.Line, rep register.Report) (out []badLine) {
	lang := schema.Lang(rq.words)
	for _, l := range list {
		b := badLine{Where: register.LineWords(l.Row, len(rep.Info.Sheets) > 1).In(lang)}
		for i, title := range l.Row.Titles {
			if (title == "姓名" || title == "名称" || title == "户主" || title == "户号" && b.Who == "" || title == "户主姓名" && b.Who == "") && i < len(l.Row.Raw) {
				b.Who = l.Row.Raw[i]
			}
		}
		for _, w := range l.Why {
			b.Why = append(b.Why, w.In(lang))
		}
		out = append(out, b)
	}
	return out
}

func (rq *request) oneJob(tx *store.Tx) (*intake.Job, error) {
	j, err := intake.Read(tx, rq.place.ID, rq.PathValue("row"))
	if err == nil && j == nil {
		err = errNotFound
	}
	return j, err
}

func showJob(rq *request) error {
	p, err := rq.jobPage()
	if err != nil {
		return err
	}
	if p.Busy { // a page follows without a script
		rq.w.Header().Set("Refresh", "2")
	}
	return rq.show("import-one", p)
}

// doJob imports a file that was looked through, goes on with one that stopped, or drops it.
func doJob(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	drop := f.Get("do") == "drop"
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		j, err := rq.oneJob(tx)
		if err != nil {
			return err
		}
		if drop {
			return intake.Drop(tx, j.ID)
		}
		if f.Get("do") == "go" {
			_, err = intake.Go(tx, j) // pressed twice, it goes once
		}
		return err
	}); err != nil {
		return err
	}
	if drop {
		rq.toast("import.dropped")
		return rq.see(rq.at("/import"))
	}
	rq.app.intake.Wake()
	return rq.see(rq.at("/import/" + rq.PathValue("row")))
}

// sendBad sends the workbook of the rows that were not taken to whoever brought them: it holds ID numbers and telephones whole, as his own file did,
// and nobody else has said why he would see them. That it is taken away is on record before its first byte leaves, and each row says who took it.
func sendBad(rq *request) (err error) {
	tmp, err := os.CreateTemp("", "minqing-bad-*")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.Remove(tmp.Name()); err == nil {
			err = e
		}
	}()
	defer tmp.Close() // reading is over: what was written was read back and sent
	rows := 0
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		j, err := rq.oneJob(tx)
		if err == nil && j.By != rq.user() {
			err = errNotFound
		}
		if err != nil {
			return err
		}
		if err := tmp.Truncate(0); err != nil {
			return err
		}
		if _, err := tmp.Seek(0, 0); err != nil {
			return err
		}
		rows, err = intake.WriteBad(tx, tmp, j.ID, rq.watermark())
		return err
	}); err != nil {
		return err
	}
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		return rq.takeAway(tx, taken{What: "export", Table: "import", Within: rq.place.ID, Rows: rows})
	}); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, 0); err != nil {
		return err
	}
	h := rq.w.Header()
	h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	h.Set("Content-Disposition", `attachment; filename="mend.xlsx"`)
	http.ServeContent(rq.w, rq.Request, "", time.Time{}, tmp)
	return nil
}

// sendLinks makes one-time links for those of a list of users who have never signed in, and sends them as a workbook. That it is taken away is on
// record, as is each link.
func sendLinks(rq *request) error {
	if _, err := rq.form(); err != nil {
		return err
	}
	var users []syncproto.UserID
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		j, err := rq.oneJob(tx)
		if users = nil; err == nil && j.What == intake.Users && j.Wrote && j.Users != nil {
			users = j.Users.Users
		}
		return err
	}); err != nil {
		return err
	}
	links, err := rq.adminDesk().FirstLinks(rq.Context(), rq.app.opt.Accounts, rq.user(), users)
	if err != nil {
		return err
	}
	if len(links) == 0 {
		rq.toast("import.links.none")
		return rq.see(rq.at("/import/" + rq.PathValue("row")))
	}
	scheme := "http://"
	if rq.secure() {
		scheme = "https://"
	}
	var titles []string
	for _, key := range []string{"users.name", "users.login", "users.post", "users.roles", "import.links.link", "import.links.until"} {
		titles = append(titles, rq.words.say(key))
	}
	var rows [][]string
	for _, l := range links {
		rows = append(rows, []string{l.Name, l.Login, l.Post, l.Roles, scheme + rq.Host + "/link/" + l.Code, l.Until.Format("2006-01-02 15:04")})
	}
	return rq.download("import", "xlsx", titles, rows)
}
