package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"minqing/internal/sheet"
	"minqing/server/admin"
	"minqing/syncproto"
)

type historyCmd struct {
	Table string `arg:"" help:"表：household 或 户。 The table."`
	ID    string `arg:"" help:"记录编号；户写户号、用户写登录名、地方写代码也行。 The row's id; or a household's code, a user's login, a place's code."`
	Whole bool   `help:"身份证号和电话写全（会留下记录）。 ID and phone numbers in full; this is put on record."`
}

// Run tells what became of a row.
func (c *historyCmd) Run(r *room) error {
	name, entries, err := r.desk().History(r.ctx, c.Table, c.ID, c.Whole)
	if err != nil {
		return err
	}
	r.say(name+fmt.Sprintf("：共 %d 次改动。", len(entries)), fmt.Sprintf("%d changes.", len(entries)))
	for _, e := range entries {
		line := fmt.Sprintf("%d. %s  %s（%s）%s", e.Label, e.When.Format(time.DateTime), e.Who, e.Device, e.Does)
		if e.Does != "新建" {
			line += fmt.Sprintf("，依据第 %d 版", e.Base)
		}
		if e.Undoes != "" {
			line += "，撤回 " + string(e.Undoes)
		}
		if e.Decided != "" {
			line += "（" + e.Decided + "）"
		}
		if _, err := fmt.Fprintln(r.out, line+"  "+string(e.Change)); err != nil {
			return err
		}
		for _, cell := range e.Cells {
			from := ""
			if cell.From != "" {
				from = cell.From + " → "
			}
			if _, err := fmt.Fprintf(r.out, "     %s：%s%s  [%s]\n", cell.Cell, from, cell.To, cell.Rule); err != nil {
				return err
			}
		}
	}
	return nil
}

type verifyCmd struct {
	Rebuild bool `help:"再从历史重算每条记录，和现状对照。 Also make every row anew from the history and compare."`
}

// Run proves that nothing was altered behind the judge's back.
func (c *verifyCmd) Run(r *room) error {
	p, err := r.desk().Verify(r.ctx, c.Rebuild)
	if err != nil {
		return err
	}
	for _, b := range p.Broken {
		r.say(fmt.Sprintf("链 %s 第 %d 条被动过：%s %s", b.Stream, b.Pos, b.Why, b.Identity), "")
	}
	for _, m := range p.Missing {
		r.say("不在任何链上："+m, "Stands in no chain.")
	}
	for _, d := range p.Differences {
		r.say(fmt.Sprintf("%s：现在是 %s，按历史应是 %s", d.Where, d.Is, d.Should), "")
	}
	if !p.Sound() {
		return &syncproto.Error{Code: syncproto.CodeConflict, Op: "verify", Message: syncproto.Both("数据被动过，见上。", "The data was altered, see above."),
			Hint: syncproto.Both("把这份数据原样留好，从备份恢复到另一个文件夹对照。", "Keep it as it is, and restore a backup elsewhere to compare.")}
	}
	r.say(fmt.Sprintf("历史完好：%d 条链、%d 条记录逐条验过，另有 %d 条查阅记录。", p.Chains.Streams, p.Chains.Records, p.Disclosed),
		fmt.Sprintf("All chains verify: %d chains, %d records, and %d records of disclosure.", p.Chains.Streams, p.Chains.Records, p.Disclosed))
	if p.Chains.Erased > 0 {
		r.say(fmt.Sprintf("其中 %d 条的内容已依法抹除。", p.Chains.Erased), "Some were erased by law.")
	}
	if c.Rebuild {
		r.say("从历史重算的每条记录、每个摘要都和现状相同。", "Every row and digest made anew from the history equals the state.")
	}
	return nil
}

type statsCmd struct{}

// Run counts.
func (statsCmd) Run(r *room) error {
	s, err := r.desk().Stats(r.ctx)
	if err != nil {
		return err
	}
	lines := []string{}
	for _, t := range s.Tables {
		lines = append(lines, fmt.Sprintf("%s %s %d", t.Name, t.Label, t.N))
	}
	for _, status := range []syncproto.Status{syncproto.Applied, syncproto.Merged, syncproto.Conflicted, syncproto.Refused} {
		lines = append(lines, fmt.Sprintf("changes.%s %s %d", status, statusWords[status], s.Changes[string(status)]))
	}
	database := "sqlite"
	if s.Postgres {
		database = "postgres"
	}
	lines = append(lines, fmt.Sprintf("devices 设备 %d", s.Devices), fmt.Sprintf("devices.revoked 已停用 %d", s.Revoked), fmt.Sprintf("inbox.open 待定 %d", s.OpenItems),
		fmt.Sprintf("disclosures 查阅记录 %d", s.Disclosures), fmt.Sprintf("streams 流 %d", s.Streams), fmt.Sprintf("epochs 纪元 %d", s.Epochs),
		"epoch "+string(s.Epoch), fmt.Sprintf("schema %d", s.Schema), "database "+database)
	_, err = fmt.Fprintln(r.out, strings.Join(lines, "\n"))
	return err
}

var statusWords = map[syncproto.Status]string{syncproto.Applied: "已生效", syncproto.Merged: "已合并", syncproto.Conflicted: "待定过", syncproto.Refused: "被退"}

type exportCmd struct {
	Table  string `arg:"" default:"register" help:"register（花名册）或一张表的名字。 The register, or a table."`
	Within string `placeholder:"PLACE" help:"哪个地方：代码或名称；花名册必须写村。 Of which place; a register needs its village."`
	Out    string `required:"" type:"path" placeholder:"FILE" help:"写到哪里，.xlsx 或 .csv。 Where to, .xlsx or .csv."`
	Whole  bool   `help:"身份证号和电话写全（会留下记录）。 ID and phone numbers in full; this is put on record."`
}

// Run exports.
func (c *exportCmd) Run(r *room) error {
	format, ok := map[string]sheet.Format{".xlsx": sheet.XLSX, ".csv": sheet.CSV}[strings.ToLower(filepath.Ext(c.Out))]
	if !ok {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "export", Message: syncproto.Both("只能写 .xlsx 或 .csv。", "Only .xlsx and .csv are written."), Hint: syncproto.Both("给 --out 一个这样的文件名。", "Name such a file with --out.")}
	}
	var rows int
	err := writeFile(c.Out, func(f *os.File) (err error) {
		rows, err = r.desk().Export(r.ctx, f, admin.ExportWhat{Table: c.Table, Within: c.Within, Whole: c.Whole, Format: format})
		return err
	})
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("已导出 %d 行到 %s；已记入查阅记录。", rows, c.Out), fmt.Sprintf("%d rows exported; it is on record.", rows))
	if !c.Whole && admin.Masked(r.engine.Book, c.Table) {
		r.say("身份证号和电话是遮住的；要写全，加 --whole。", "ID and phone numbers are masked; --whole writes them in full.")
	}
	return nil
}

// writeFile writes a file beside its place and moves it there when it is whole and on disk: what was there stays until then.
func writeFile(path string, fill func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".minqing-*")
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "write file", Message: syncproto.Both("不能写到 "+path+"。", "Cannot write there."), Hint: syncproto.Both("核对文件夹是否存在、能不能写。", "Check that the folder is there and can be written to."), Err: err}
	}
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

type eraseCmd struct {
	Table  string `arg:"" help:"表：resident 或 人。 The table."`
	ID     string `arg:"" help:"记录编号；户写户号也行。 The row's id, or a household's code."`
	Reason string `required:"" help:"依据和申请人，会留下记录。 The ground and who asked; it is put on record."`
	Yes    bool   `help:"确认抹除；不写只说会抹什么。 Do it; without, only say what would be erased."`
}

// Run erases a row by law.
func (c *eraseCmd) Run(r *room) error {
	if !c.Yes {
		name, entries, err := r.desk().History(r.ctx, c.Table, c.ID, false)
		if err != nil {
			return err
		}
		r.say(fmt.Sprintf("将抹除“%s”、它下面的一切和以前并进来的，连同 %d 次改动的内容，不能恢复。确认请加 --yes。", name, len(entries)),
			"This, all beneath it and what was merged into it would be erased for ever; confirm with --yes.")
		return nil
	}
	e, err := r.desk().Erase(r.ctx, c.Table, c.ID, c.Reason)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("已抹除“%s”：%d 条记录，%d 个改动里的内容。手机下次同步时也会删掉。", e.Name, e.Rows, e.Changes), "Erased; devices drop it at their next sync.")
	r.say("以前做的备份里还有它；别处文字里提到的也要另行处理。", "Backups made before still hold it; so may free texts elsewhere.")
	return nil
}
