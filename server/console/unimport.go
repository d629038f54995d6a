package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/intake"
	"minqing/server/console/takeback"
	"minqing/server/store"
)

// backView is the taking back of an import: what it would do, how far it is, or what it did.
type backView struct {
	Path                  string
	Seen                  bool // what it would do was found out
	Busy, Taken, Halted   bool
	Midway                bool // it broke off amid doing
	Moved                 bool
	By, When              string
	Done, Parts           int
	Sums                  []backSum
	Gone, Conflicts, Left int
	Any                   bool // there is something to take back
	Digest, Stop          string
	Lines                 []leftLine
	More, First           string
}

// backSum is a line of figures: rows made that are deleted and left, cells changed that go back and are left.
type backSum struct {
	Label                    string
	Rows, Kept, Cells, Stand int
}

// leftLine is a row that is left, and why.
type leftLine struct {
	Path, Who, Table, Cells string
	Rows                    int
	Whys                    []string
}

var unimportWords = words{
	"import.is.weighing":   {ZH: "在看撤回会怎样", EN: "being weighed"},
	"import.is.taking":     {ZH: "在撤回", EN: "being taken back"},
	"import.is.taken":      {ZH: "撤回了", EN: "taken back"},
	"import.is.halted":     {ZH: "撤回停了", EN: "taking back stopped"},
	"unimport":             {ZH: "撤回这次导入", EN: "Take the import back"},
	"unimport.did":         {ZH: "这次导入撤回了", EN: "The import was taken back"},
	"unimport.t":           {ZH: "新建的删掉，改过的回到原来；后来有人动过的一律留着，列在下面。手机下次联网跟着变，手机上还没交的交上来照样算数。", EN: "What it made is deleted, what it changed goes back. Whatever anybody touched since is left and listed. Phones follow at their next contact; what they have not sent yet counts when it comes."},
	"unimport.look":        {ZH: "看看撤回会怎样", EN: "See what taking it back would do"},
	"unimport.look.t":      {ZH: "只看，不动。看完再定。", EN: "Nothing is done until you say so."},
	"unimport.look.again":  {ZH: "再看一遍", EN: "Look again"},
	"unimport.do":          {ZH: "撤回", EN: "Take it back"},
	"unimport.goon":        {ZH: "接着撤", EN: "Go on taking it back"},
	"unimport.by":          {ZH: "{0} {1} 撤回的", EN: "by {0}, {1}"},
	"unimport.again":       {ZH: "要恢复，把同一个文件再导入一次：删掉的重新建，改回的重新改。改动记录里两次都在。", EN: "To have it again, import the same file once more: what was deleted is made anew, what went back is changed anew. Both stand in the history."},
	"unimport.busy.look":   {ZH: "在看撤回会怎样：{0} / {1}", EN: "Finding out what taking it back would do: {0} of {1}"},
	"unimport.busy.do":     {ZH: "在撤回：{0} / {1}", EN: "Taking it back: {0} of {1}"},
	"unimport.col.rows":    {ZH: "新建的 删掉", EN: "made: deleted"},
	"unimport.col.kept":    {ZH: "新建的 留着", EN: "made: left"},
	"unimport.col.cells":   {ZH: "改过的 改回", EN: "changed: back"},
	"unimport.col.stand":   {ZH: "改过的 留着", EN: "changed: left"},
	"unimport.gone":        {ZH: "另有 {0} 条新建的，后来已经有人删了。", EN: "{0} more that it made was deleted by somebody since.|{0} more that it made were deleted by somebody since."},
	"unimport.none":        {ZH: "没有能撤回的：要么已经没有了，要么后来有人动过。", EN: "There is nothing to take back: it is gone already, or somebody touched it since."},
	"unimport.conflicts":   {ZH: "{0} 条正好有人在改，在冲突处理里等着定。", EN: "{0} met what somebody was writing; it waits on the conflict desk.|{0} met what somebody was writing; they wait on the conflict desk."},
	"unimport.left":        {ZH: "{0} 处留着", EN: "{0} left as it is|{0} left as they are"},
	"unimport.left.t":      {ZH: "后来有人动过，谁写的都不丢。", EN: "Somebody touched them since; nothing that anybody wrote is lost."},
	"unimport.left.what":   {ZH: "留着什么", EN: "What is left"},
	"unimport.left.why":    {ZH: "为什么", EN: "Why"},
	"unimport.left.rows":   {ZH: "{1}和一起建的，共 {0} 条", EN: "{1} with what was made along: {0} row|{1} with what was made along: {0} rows"},
	"unimport.left.cells":  {ZH: "{0}：{1}", EN: "{0}: {1}"},
	"unimport.stopped":     {ZH: "中间停了，撤回的都算数，接着撤就行。", EN: "It stopped midway; what was taken back stays, and it can be gone on with."},
	"unimport.stopped.one": {ZH: "没看完就停了，什么也没动。", EN: "It stopped before it was through; nothing was done."},
}

// staysListed is how many lines of what is left a page has.
const staysListed = 100

// backView is what a page says about taking an import back; nil when there is nothing to say.
func (rq *request) backView(tx *store.Tx, j *intake.Job) (*backView, error) {
	made, err := intake.Made(tx, j.ID)
	if err != nil || !made {
		return nil, err
	}
	v := &backView{Path: rq.at("/import/" + j.ID + "/undo")}
	b := j.Back
	if b == nil {
		return v, nil
	}
	v.Busy, v.Taken, v.Halted, v.Midway = j.Busy(), j.State == intake.Taken, j.Halts(), b.Begun
	v.Seen = v.Taken || v.Midway || j.State == intake.Weighed
	v.Moved, v.By, v.When, v.Done, v.Parts, v.Digest = b.Moved, b.ByName, rq.words.moment(time.UnixMilli(b.At).In(rq.app.zone), rq.now), b.Done, b.Parts, b.Digest
	v.Conflicts, v.Left = b.Conflicts, b.Left
	for _, t := range tx.Book().Tables() {
		if s := b.Tally[t.Name]; s != nil {
			v.Sums = append(v.Sums, backSum{t.Label.In(schema.Lang(rq.words)), s.Rows, s.Kept, s.Cells, s.Stand})
		}
	}
	total := b.Tally.Total()
	v.Gone, v.Any = total.Gone, total.Rows+total.Cells > 0
	if v.Halted {
		key := "unimport.stopped.one"
		if v.Midway {
			key = "unimport.stopped"
		}
		if v.Stop = rq.words.say(key); b.Error != "" {
			v.Stop = strings.TrimSpace(v.Stop + " " + rq.words.of(b.Error) + " " + rq.words.of(b.Hint))
		}
	}
	if !v.Seen {
		return v, nil
	}
	return v, rq.leftLines(tx, j, v)
}

// leftLines lists what is left.
func (rq *request) leftLines(tx *store.Tx, j *intake.Job, v *backView) error {
	after, err := strconv.Atoi(rq.URL.Query().Get("left"))
	if err != nil || after < 0 {
		after = 0
	}
	list, err := intake.LeftOf(tx, j.ID, after, staysListed+1)
	if err != nil {
		return err
	}
	page := rq.at("/import/" + j.ID)
	if v.More = ""; len(list) > staysListed {
		list = list[:staysListed]
		v.More = page + "?left=" + strconv.Itoa(after+staysListed) + "#left"
	}
	if after > 0 {
		v.First = page + "#left"
	}
	lines, err := takeback.Lines(tx, rq.app.zone, list)
	if err != nil {
		return err
	}
	lang := schema.Lang(rq.words)
	at := map[string]string{"household": "/homes/", "resident": "/persons/", "user": "/users/", "place": "/tree/"}
	for _, l := range lines {
		x := leftLine{Who: l.Who, Table: tx.Book().Table(l.Table).Label.In(lang), Cells: l.Titles.In(lang), Rows: l.Rows}
		gone := slices.ContainsFunc(l.Whys, func(w takeback.Why) bool { return w.Gone() })
		if at[l.Table] != "" && !gone {
			x.Path = rq.at(at[l.Table] + string(l.Row))
		}
		for _, w := range l.Words {
			x.Whys = append(x.Whys, w.In(lang))
		}
		v.Lines = append(v.Lines, x)
	}
	return nil
}

// undoImport finds out what taking an import back would do, or has it done. Pressed twice, and by two, it is done once.
func undoImport(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	held := true
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		j, err := rq.oneJob(tx)
		if err != nil {
			return err
		}
		held = true
		switch f.Get("do") {
		case "look":
			_, err = intake.Weigh(tx, rq.place.ID, j.ID, rq.user())
		case "take":
			held, err = intake.Take(tx, rq.place.ID, j.ID, rq.user(), f.Get("shown"))
		}
		return err
	}); err != nil {
		return err
	}
	if !held { // somebody looked again meanwhile: what he was shown is shown
		p, err := rq.jobPage()
		if err != nil {
			return err
		}
		if p.Undo != nil {
			p.Undo.Moved = p.Undo.Seen && !p.Undo.Taken
		}
		return rq.again("import-one", p)
	}
	rq.app.intake.Wake()
	return rq.see(rq.at("/import/" + rq.PathValue("row")))
}
