package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/intake"
	"minqing/server/console/takeback"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// undoing are the words by which an import is taken back.
func (c *importCmd) undoing(id string) string {
	words := "minqing import"
	if c.Kind != "register" {
		words += " --kind " + c.Kind
	}
	if c.Kind == "register" {
		words += " --village " + c.Village
	} else if c.Place != "" {
		words += " --place " + c.Place
	}
	return words + " --undo " + id
}

// unable says why an import is not taken back.
func unable(zh, en, hintZH, hintEN string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import: undo", Message: syncproto.Both(zh, en), Hint: syncproto.Both(hintZH, hintEN)}
}

func noFile() error {
	return unable("撤回不用写文件。", "Taking an import back needs no file.", "去掉文件名。", "Leave the file out.")
}

// begin finds who imports and where, and keeps what the import writes, so that it can be taken back by an id.
func (c *importCmd) begin(r *room, at string) (by syncproto.UserID, place, id string, wrote func(*store.Tx, []syncproto.Identity) error, err error) {
	if by, place, err = r.desk().Importer(r.ctx, at); err != nil {
		return "", "", "", nil, err
	}
	if id, err = syncproto.NewID(r.engine.Now(), rand.Reader); err != nil {
		return "", "", "", nil, err
	}
	return by, place, id, intake.Record(id, place, c.Kind, filepath.Base(c.File), by), nil
}

// recorded keeps with the record what the import did, and says how it is taken back. An import that changed nothing has no record.
func (c *importCmd) recorded(r *room, place, id string, rep *register.Report, users *admin.UsersBrought) error {
	there := false
	err := r.engine.Store.Write(r.ctx, func(tx *store.Tx) (err error) {
		there, err = intake.Recorded(tx, place, id, rep, users)
		return err
	})
	if err == nil && there {
		r.say("要撤回："+c.undoing(id), "That takes it back.")
	}
	return err
}

// takeBack takes back what an import of a register, of places, of users or of a table did, after saying what that does and what is left, because somebody touched it since.
func (c *importCmd) takeBack(r *room) error {
	if c.File != "" {
		return noFile()
	}
	at, word := c.Place, schema.Label{ZH: "人员", EN: "users"}
	switch c.Kind {
	case "register":
		at, word = c.Village, schema.Label{ZH: "花名册", EN: "a register"}
	case "places":
		word = schema.Label{ZH: "地方", EN: "places"}
	case "table":
		word = schema.Label{ZH: "表格", EN: "a table"}
	}
	by, place, err := r.desk().Importer(r.ctx, at)
	if err != nil {
		return err
	}
	var was *intake.Job
	if err := r.engine.Store.Read(r.ctx, func(tx *store.Tx) (err error) {
		if c.Undo == "last" {
			was, err = intake.Newest(tx, place, c.Kind)
			return err
		}
		was, err = intake.Read(tx, place, c.Undo)
		return err
	}); err != nil {
		return err
	}
	missing := unable("这里没有这次"+word.ZH+"导入。", "There is no such import of "+word.EN+" here.", "导入时说过编号；写 last 是最近一次。花名册用 --village 写明是哪个村；别的不是全市的，用 --place 写明地方。",
		"The import told its id; “last” is the newest. Name the village of a register with --village, and the place of a list with --place unless it is the city's.")
	switch {
	case was == nil || was.What != c.Kind:
		return missing
	case was.State == intake.Taken:
		r.say("已经撤回过了。", "It has been taken back already.")
		return nil
	}
	j, err := intake.NewWorker(r.engine, slog.New(slog.DiscardHandler)).TakeBack(r.ctx, place, was.ID, by, c.Preview)
	switch {
	case err != nil:
		r.say("中间停了，撤回的都算数；再执行一次，会接着撤完。", "It broke off; what was taken back stays. Run it again to go on.")
		return err
	case j == nil:
		return missing
	}
	if err := r.tellBack(j); err != nil {
		return err
	}
	if !c.Preview && j.State != intake.Taken {
		return unable("刚才情况变了，什么也没动。", "Things changed just now, and nothing was done.", "再执行一次。", "Run it again.")
	}
	did, would := c.previewed()
	sum := j.Back.Tally.Total()
	r.say(fmt.Sprintf("撤回 %s 的%s导入：新建的删掉 %d 条，改过的改回 %d 处，留着 %d 条、%d 处。%s", time.UnixMilli(j.At).In(r.engine.Zone).Format("2006-01-02 15:04"), word.ZH, sum.Rows, sum.Cells, sum.Kept, sum.Stand, did),
		fmt.Sprintf("Taken back: %d rows that it made are deleted, %d cells go back; %d rows and %d cells are left.%s", sum.Rows, sum.Cells, sum.Kept, sum.Stand, would))
	return nil
}

// toldAtOnce is how many lines of what is left are read at once.
const toldAtOnce = 200

// tellBack tells what becomes of each table, and of every row that is left why.
func (r *room) tellBack(j *intake.Job) error {
	for _, t := range r.engine.Book.Tables() {
		if s := j.Back.Tally[t.Name]; s != nil {
			r.say(fmt.Sprintf("%s：新建的删掉 %d 条，留着 %d 条，早已有人删了 %d 条；改过的改回 %d 处，留着 %d 处。", t.Label.ZH, s.Rows, s.Kept, s.Gone, s.Cells, s.Stand),
				fmt.Sprintf("%s: made: %d deleted, %d left, %d gone before; changed: %d back, %d left.", t.Label.EN, s.Rows, s.Kept, s.Gone, s.Cells, s.Stand))
		}
	}
	for after := 0; ; after += toldAtOnce {
		var lines []takeback.Line
		if err := r.engine.Store.Read(r.ctx, func(tx *store.Tx) error {
			list, err := intake.LeftOf(tx, j.ID, after, toldAtOnce)
			if err == nil {
				lines, err = takeback.Lines(tx, r.engine.Zone, list)
			}
			return err
		}); err != nil {
			return err
		}
		for _, l := range lines {
			t := r.engine.Book.Table(l.Table).Label
			what := schema.Label{ZH: t.ZH, EN: t.EN}
			if l.Titles.ZH != "" {
				what = schema.Label{ZH: t.ZH + "的" + l.Titles.ZH, EN: t.EN + ", " + l.Titles.EN}
			} else if l.Rows > 1 {
				what = schema.Label{ZH: fmt.Sprintf("%s连同一起建的 %d 条", t.ZH, l.Rows), EN: fmt.Sprintf("%s with what was made along, %d rows", t.EN, l.Rows)}
			}
			for _, w := range l.Words {
				r.say("留着："+l.Who+"（"+what.ZH+"）："+w.ZH+"。", "Left: "+l.Who+" ("+what.EN+"): "+w.EN+".")
			}
		}
		if len(lines) < toldAtOnce {
			return nil
		}
	}
}

// undo takes back what an import of assignments did, after saying what each phone gains and loses by that. What of it somebody changed since stands
// beside it, and waits for a decision where the two differ.
func (c *importCmd) undo(r *room) error {
	if c.File != "" {
		return noFile()
	}
	by, place, err := r.desk().Importer(r.ctx, c.Place)
	if err != nil {
		return err
	}
	var d *assign.Done
	var back *assign.Back
	today := ""
	if err := r.engine.Store.Read(r.ctx, func(tx *store.Tx) (err error) {
		today = time.UnixMilli(tx.Now()).In(r.engine.Zone).Format(time.DateOnly)
		if c.Undo != "last" {
			d, err = assign.Read(tx, place, c.Undo)
		} else if d, err = assign.Newest(tx, place); err != nil {
			return err
		}
		if err != nil || d == nil || d.Undone() {
			return err
		}
		back, err = assign.PreviewBack(tx, today, d)
		return err
	}); err != nil {
		return err
	}
	switch {
	case d == nil || !d.Listed():
		return unable("这里没有这次分派导入。", "There is no such import of assignments here.", "导入时说过编号；写 last 是最近一次。不是全市的，用 --place 写明地方。", "The import told its id; “last” is the newest. Name the place with --place unless it is the city's.")
	case d.Undone():
		r.say("已经撤回过了。", "It has been taken back already.")
		return nil
	}
	r.tellEffects(back.Plan)
	if back.Touched > 0 {
		r.say(fmt.Sprintf("其中 %d 条后来有人改过，两边不一样的等管理员定：minqing inbox list。", back.Touched), fmt.Sprintf("%d of it somebody changed since; where both differ it waits in minqing inbox list.", back.Touched))
	}
	did, would := c.previewed()
	if !c.Preview {
		done, _, err := assign.UndoAll(r.ctx, r.engine.Store, r.engine.Judge, by, today, place, d.ID, back.Digest)
		if err != nil {
			r.say("中间停了，撤回的都算数；再执行一次，会接着撤完。", "It broke off; what was taken back stays. Run it again to go on.")
			return err
		}
		if !done {
			return unable("刚才情况变了，什么也没动。", "Things changed just now, and nothing was done.", "再执行一次。", "Run it again.")
		}
	}
	r.say(fmt.Sprintf("撤回 %s 的分派导入：%d 户回到原来的联系人。%s", time.UnixMilli(d.At).In(r.engine.Zone).Format("2006-01-02 15:04"), len(back.Homes), did),
		fmt.Sprintf("Taken back: %d households are with whom they were.%s", len(back.Homes), would))
	return nil
}
