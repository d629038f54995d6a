package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/register"
	"minqing/syncproto"
)

type importCmd struct {
	Kind    string `enum:"register,places,users,assignments,table" default:"register" help:"表里是什么：register 花名册、places 地方、users 人员、assignments 分派、table 别的任何一张表（用 --table 写明）。 What the file holds; table is any other, named by --table."`
	Table   string `help:"和 --kind table 一起：哪张表，写名称，列和 minqing export 导出的一样。 With --kind table: which table, by name; its columns are those of an export."`
	Village string `help:"花名册是哪个村的：代码或名称。 The village of a register, by code or name."`
	Place   string `help:"地方、人员、分派和别的表是哪个地方的，默认全市。 The place that a list is about; default the city."`
	Links   string `type:"path" placeholder:"FILE.xlsx" help:"和 --kind users 一起：给还没登录过的人出首次登录链接，写到这个表里，当面交给本人。 With --kind users: write first sign-in links to this workbook."`
	Bad     string `type:"path" placeholder:"FILE.xlsx" help:"把没导入的行连同原因写到这个表里。 Write the rows not taken, with reasons, to this workbook."`
	Preview bool   `help:"只看会怎样，什么也不写。 Only show what would happen."`
	Undo    string `placeholder:"ID" help:"撤回一次导入，写它的编号，或写 last 撤回最近一次；加 --preview 只看会怎样。 Take back what an import did, by its id, or “last”; with --preview only see what that would do."`
	File    string `arg:"" optional:"" type:"path" help:"表格：.xlsx 或 CSV。 The file."`
}

// Run imports a file and tells of every row that was not taken.
func (c *importCmd) Run(r *room) (err error) {
	if c.Kind == "register" && c.Village == "" && c.Undo == "" {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import", Message: syncproto.Both("没有写明是哪个村的花名册。", "It does not say of which village the register is."),
			Hint: syncproto.Both("用 --village 写明代码或名称。", "Name it with --village.")}
	}
	if c.Kind == "table" && c.Table == "" && c.Undo == "" {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import", Message: syncproto.Both("没有写明是哪张表。", "It does not say which table the file is of."),
			Hint: syncproto.Both("用 --table 写明名称，像 --table 走访。", "Name it with --table.")}
	}
	if c.Undo != "" && c.Kind == "assignments" {
		return c.undo(r)
	}
	if c.Undo != "" {
		return c.takeBack(r)
	}
	if c.File == "" {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import", Message: syncproto.Both("没有写明导入哪个文件。", "It does not say which file to import."), Hint: syncproto.Both("把文件名写在后面。", "Name the file.")}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "import", Message: syncproto.Both("打不开文件 "+c.File+"。", "The file cannot be opened."), Hint: fileHint(err), Err: err}
	}
	defer f.Close() // reading is over: nothing is lost by its error
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bad, err := newBadFile(c.Bad)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bad.close(err == nil)) }()
	lines := register.Lines{
		Bad: func(row sheet.Row, why []schema.Label) error {
			for _, w := range why {
				r.sayRow("", row, w)
			}
			return bad.add(row, why)
		},
		Note: func(row sheet.Row, notes []schema.Label) error {
			for _, n := range notes {
				r.sayRow("（注意）", row, n)
			}
			return nil
		},
		Progress: r.progress(),
	}
	switch c.Kind {
	case "places":
		return c.places(r, lines, f, info.Size())
	case "users":
		return c.users(r, lines, f, info.Size())
	case "assignments":
		return c.assignments(r, lines, f, info.Size())
	case "table":
		return c.table(r, lines, f, info.Size())
	}
	_, village, id, wrote, err := c.begin(r, c.Village)
	if err != nil {
		return err
	}
	report, err := r.desk().Import(r.ctx, c.Village, c.File, f, info.Size(), c.Preview, register.Import{Bad: lines.Bad, Note: lines.Note, Progress: lines.Progress, Wrote: wrote})
	if report != nil {
		r.tellImport(c, report, err)
		err = errors.Join(err, c.recorded(r, village, id, report, nil))
	}
	return err
}

func (r *room) sayRow(mark string, row sheet.Row, what schema.Label) {
	at := register.LineWords(row, false)
	if r.cli.Lang == "en" {
		r.say("", at.EN+": "+what.EN)
		return
	}
	r.say(mark+at.ZH+"："+what.ZH, what.EN)
}

func fileHint(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return syncproto.Both("没有这个文件，请核对名字和文件夹。", "There is no such file; check its name and folder.")
	}
	return syncproto.Both("请核对文件的读权限。", "Check who may read it.")
}

// progress tells of long imports every so often.
func (r *room) progress() func(register.Report) {
	const every = 20000
	next := every
	return func(rep register.Report) {
		if rep.Rows >= next {
			next = rep.Rows + every
			r.say(fmt.Sprintf("…… 已读 %d 行", rep.Rows), fmt.Sprintf("%d rows so far", rep.Rows))
		}
	}
}

func (r *room) tellImport(c *importCmd, rep *register.Report, err error) {
	r.tellUnread(rep)
	people := ""
	if rep.People {
		people = fmt.Sprintf("、%d 人", rep.Residents)
	}
	r.say(fmt.Sprintf("读了 %d 行：%d 户%s。", rep.Rows, rep.Households, people), fmt.Sprintf("%d rows read: %d households, %d people.", rep.Rows, rep.Households, rep.Residents))
	did, would := "", ""
	if c.Preview {
		did, would = "（预览，什么也没写）", " (preview, nothing was written)"
	}
	if !rep.Changed() {
		r.say("没有变化，系统里本来就是这样。"+did, "Nothing changed: all of it was there."+would)
	} else {
		r.say(fmt.Sprintf("新建 %d 个小组、%d 户、%d 人；更改 %d 户、%d 人。%s", rep.NewPlaces, rep.NewHouseholds, rep.NewResidents, rep.ChangedHouse, rep.ChangedPeople, did),
			fmt.Sprintf("New: %d groups, %d households, %d people; changed: %d households, %d people.%s", rep.NewPlaces, rep.NewHouseholds, rep.NewResidents, rep.ChangedHouse, rep.ChangedPeople, would))
	}
	if rep.Conflicts > 0 {
		r.say(fmt.Sprintf("有 %d 户和别人写的不一致，等管理员定：minqing inbox list。", rep.Conflicts), "Some met what others wrote; see minqing inbox list.")
	}
	c.tellBad(r, rep)
	if err != nil {
		r.say("导入中断了；已导入的都留着，排除下面的问题后再导入同一个文件，会接着做完。", "The import broke off; what was taken stays. Import the file again to go on.")
	}
}

// tellUnread tells what of the file was not read.
func (r *room) tellUnread(rep *register.Report) {
	for _, s := range rep.Info.Skipped {
		r.say("（注意）工作表“"+s.Sheet+"”没有读："+s.Why.ZH, "This sheet was not read: "+s.Why.EN)
	}
	if len(rep.Info.Unread) > 0 {
		r.say("（注意）这些列没有用到："+strings.Join(rep.Info.Unread, "、"), "These columns are of no use here.")
	}
}

func (c *importCmd) tellBad(r *room, rep *register.Report) {
	if rep.Bad > 0 {
		where := "改好后再导入一次就行。"
		if c.Bad != "" {
			where = "也写到了 " + c.Bad + "，在那里改好再导入它就行。"
		}
		r.say(fmt.Sprintf("有 %d 行没有导入，理由见上；%s", rep.Bad, where), fmt.Sprintf("%d rows were not taken, for the reasons above; mend them and import again.", rep.Bad))
	}
}

// badFile is the workbook of rows not taken. It comes to be when the import is over, so that a broken one leaves the last whole.
type badFile struct {
	path string
	tmp  *os.File
	rows *sheet.BadRows
}

func newBadFile(path string) (*badFile, error) {
	if path == "" {
		return &badFile{}, nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".minqing-bad-*")
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "bad rows", Message: syncproto.Both("不能写到 "+path+"。", "Cannot write there."), Hint: syncproto.Both("请核对 --bad 的文件夹。", "Check the folder of --bad."), Err: err}
	}
	return &badFile{path: path, tmp: tmp, rows: sheet.NewBadRows(tmp, "")}, nil
}

func (b *badFile) add(row sheet.Row, why []schema.Label) error {
	if b.rows == nil {
		return nil
	}
	return b.rows.Add(row, why...)
}

func (b *badFile) close(whole bool) error {
	if b.rows == nil {
		return nil
	}
	err := errors.Join(b.rows.Close(), b.tmp.Close())
	if err != nil || !whole {
		return errors.Join(err, os.Remove(b.tmp.Name()))
	}
	return os.Rename(b.tmp.Name(), b.path)
}
