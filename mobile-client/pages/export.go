package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	workbook "minqing/internal/sheet"
	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// exportPage warns before one's own records leave the phone's lock.
type exportPage struct {
	frame
	N    int
	Last string // the last time this was done, "" if never
}

var exportRoutes = []route{
	{pattern: "GET " + mePath + "/export", do: showExport},
	{pattern: "POST " + mePath + "/export", do: exportOwn},
}

// exportedKey keeps when one's own records were last taken out: every export leaves a note.
const exportedKey = "exported"

var exportWords = words{
	"export.title": {ZH: "导出我写的", EN: "Export what I wrote"},
	"export.n":     {ZH: "这部手机上有您自己写的 {0} 条：走访、日志、事项、答复和更正。会存成一个表格（.xlsx）。", EN: "This phone has {0} record that you wrote: visits, journals, matters, answers and corrections. It becomes one table (.xlsx).|This phone has {0} records that you wrote: visits, journals, matters, answers and corrections. They become one table (.xlsx)."},
	"export.warn":  {ZH: "这个表格<b>没有加密</b>，里面有群众的姓名和情况，谁拿到都能看。", EN: "The table is <b>not encrypted</b>. It has names and circumstances of people in it, and whoever gets it can read it."},
	"export.where": {ZH: "它会存进浏览器的“下载”。用完请删掉，不要发到群里。", EN: "It goes to the browser’s downloads. Delete it after use, and post it nowhere."},
	"export.last":  {ZH: "上次导出：{0}", EN: "Last export: {0}"},
	"export.noted": {ZH: "每次导出都会记下：谁、哪天、几条。联网后服务器上也有这条记录。", EN: "Each export is put on record: who, when, how many rows; the server has it with the next sync."},
	"export.none":  {ZH: "还没有您写的记录，没有可导出的。", EN: "You have written nothing yet; there is nothing to export."},
	"export.go":    {ZH: "知道了，导出", EN: "Export, I understand"},
	"export.day":   {ZH: "日期", EN: "Day"},
	"export.kind":  {ZH: "是什么", EN: "What"},
	"export.home":  {ZH: "户", EN: "Household"},
	"export.code":  {ZH: "户编号", EN: "Code"},
	"export.text":  {ZH: "写的", EN: "Written"},
	"export.more":  {ZH: "还有", EN: "More"},
	"export.state": {ZH: "到哪一步", EN: "State"},
	"export.fix":   {ZH: "更正", EN: "Correction"},
}

// ownRow is one line of the table.
type ownRow struct{ day, what, home, code, text, more, state string }

func (rq *request) ownRows() (out []ownRow, err error) {
	me, err := rq.me()
	if err != nil {
		return nil, err
	}
	entries, err := rq.replica.Entries(rq.Context())
	if err != nil {
		return nil, err
	}
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := field.OwnRecords(v, me)
		if err != nil {
			return err
		}
		for _, o := range list {
			out = append(out, rq.ownRow(o))
		}
		for _, e := range entries {
			title, err := rq.changeTitle(v, e)
			if err != nil {
				return err
			}
			home, _, _ := strings.Cut(title, " · ")
			for _, edit := range e.Change.Edits {
				if edit.Table != "household" && edit.Table != "resident" {
					continue
				}
				row := ownRow{day: time.UnixMilli(e.Change.At).In(rq.app.opt.Zone).Format(time.DateOnly), what: rq.words.say("export.fix"), home: home}
				var said []string
				for _, c := range edit.Cells {
					for _, line := range rq.cellLines(edit, c, replica.Record{}) {
						said = append(said, line.Label+"："+line.Mine)
					}
				}
				if row.text = strings.Join(said, "；"); row.text != "" {
					out = append(out, row)
				}
			}
		}
		return nil
	})
	return out, err
}

func (rq *request) ownRow(o field.Own) ownRow {
	lang := schema.Lang(rq.words)
	t := rq.replica.Book().Table(o.Table)
	row := ownRow{day: o.Day, what: t.Label.In(lang), home: rq.words.home(o.Home), code: o.Home.Code, text: o.Text, more: o.More}
	if row.day == "" {
		row.day = rq.bornOn(o.ID)
	}
	option := func(column, value string) string {
		if c := t.Column(column); c != nil && c.Option(value) != nil {
			return c.Option(value).Label.In(lang)
		}
		return ""
	}
	if kind := option("kind", o.Kind); kind != "" {
		row.what += " " + kind
	}
	if c := t.FlowColumn(); c != nil {
		row.state = c.Show(schema.Text(o.State), lang, nil)
	}
	if o.Table == "visit" {
		var did []string
		for _, task := range t.Column("tasks").Options {
			if hasElement(o.Tasks, task.Value) {
				did = append(did, task.Label.In(lang))
			}
		}
		row.text = strings.Join(did, "、")
		if o.More != "" {
			row.more = rq.words.say("home.met", o.More)
		}
		if o.Next != "" {
			row.more = strings.TrimSpace(row.more + " " + rq.words.say("visit.next") + " " + o.Next)
		}
	}
	return row
}

func showExport(rq *request) error {
	rows, err := rq.ownRows()
	if err != nil {
		return err
	}
	p := &exportPage{frame: frame{Title: rq.words.say("export.title"), Back: mePath, Form: true}, N: len(rows)}
	var raw []byte
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		raw, err = v.Local(exportedKey)
		return err
	}); err != nil {
		return err
	}
	if ms, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		p.Last = rq.words.moment(time.UnixMilli(ms).In(rq.app.opt.Zone), rq.now)
	}
	return rq.show("export", p)
}

// exportOwn writes the table in memory: no file of ours holds it.
func exportOwn(rq *request) error {
	rows, err := rq.ownRows()
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return rq.see(mePath + "/export")
	}
	l := rq.words
	var file bytes.Buffer
	w, err := workbook.NewWriter(&file, workbook.XLSX, l.say("export.title"), workbook.Column{Title: l.say("export.day"), Width: 12}, workbook.Column{Title: l.say("export.kind"), Width: 18},
		workbook.Column{Title: l.say("export.home"), Width: 14}, workbook.Column{Title: l.say("export.code"), Width: 14}, workbook.Column{Title: l.say("export.text"), Width: 60},
		workbook.Column{Title: l.say("export.more"), Width: 30}, workbook.Column{Title: l.say("export.state"), Width: 12})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.Row(r.day, r.what, r.home, r.code, r.text, r.more, r.state); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := rq.noteExport(len(rows), file.Bytes()); err != nil {
		return err
	}
	return rq.download("minqing-"+rq.today()+".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", file.Bytes())
}

// noteExport puts on record that so many rows leave as a file, before they do: here, and for the server's history with what goes up next.
func (rq *request) noteExport(rows int, file []byte) error {
	me, err := rq.me()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(file)
	_, err = rq.replica.Write(rq.Context(), func(tx *replica.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := tx.Create("own_export", id, map[string]schema.Value{"user": schema.Text(string(me)), "day": schema.Text(rq.today()), "rows": schema.Int(int64(rows)),
			"hash": schema.Text(hex.EncodeToString(sum[:]))}); err != nil {
			return err
		}
		return tx.PutLocal(exportedKey, strconv.AppendInt(nil, rq.now.UnixMilli(), 10))
	})
	return err
}

// download answers with a file to be saved. A WebView saves none: there the file goes to another app, and the page shows again.
func (rq *request) download(name, media string, content []byte) error {
	switch shared, err := rq.phone.Share(name, content); {
	case err != nil:
		return err
	case shared:
		rq.toast("download.shared")
		return rq.see(rq.URL.Path)
	}
	h := rq.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err := rq.w.Write(content)
	rq.lost(err)
	return nil
}

// deviceNumber is what people read out of a device's id: its random end.
func deviceNumber(id syncproto.DeviceID) string {
	const group = 4
	s := strings.ToUpper(strings.ReplaceAll(string(id), "-", ""))
	if len(s) < 2*group {
		return s
	}
	return s[len(s)-2*group:len(s)-group] + "-" + s[len(s)-group:]
}
