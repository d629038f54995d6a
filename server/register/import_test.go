package register_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"minqing/internal/sheet"
	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// city is a database with one village and an administrator who imports.
type city struct {
	t     testing.TB
	store *store.Store
	judge *judge.Judge
	now   int64
	admin syncproto.UserID
	place register.Place
	other register.Place
	// what the last import told, as line and reason
	bad, notes []string
	rows       *sheet.BadRows
}

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, c *city)) {
	t.Run("sqlite", func(t *testing.T) { test(t, mustCity(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")})) })
	t.Run("postgres", func(t *testing.T) { test(t, mustCity(t, store.Options{DSN: testenv.MustRelaxedPostgres(t)})) })
}

func onSQLite(t testing.TB) *city {
	return mustCity(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")})
}

func mustCity(t testing.TB, opt store.Options) *city {
	t.Helper()
	c := &city{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, zone).UnixMilli()}
	if opt.Book == nil {
		opt.Book = schema.Minqing()
	}
	opt.Now, opt.Rand = func() int64 { c.now++; return c.now }, rand.NewChaCha8([32]byte{1})
	s, err := store.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c.store, c.judge = s, judge.New(s, judge.Options{Zone: zone})
	top := c.make("place", "level", "city", "name", "临江市", "code", "990000")
	town := c.make("place", "parent", top, "level", "township", "name", "白鹭镇", "code", "990102")
	c.place = register.Place{ID: c.make("place", "parent", town, "level", "village", "name", "青石村", "code", "990102003004"), Name: "青石村", Code: "990102003004"}
	c.other = register.Place{ID: c.make("place", "parent", town, "level", "village", "name", "白石村", "code", "990102003005"), Name: "白石村", Code: "990102003005"}
	c.admin = syncproto.UserID(c.make("user", "place", top, "login", "admin", "name", "何婉清"))
	c.make("role", "user", string(c.admin), "role", "admin", "place", top)
	return c
}

// make makes a row by the server's own hand.
func (c *city) make(table string, pairs ...string) string {
	c.t.Helper()
	var id string
	if err := c.store.Write(c.t.Context(), func(tx *store.Tx) (err error) {
		if id, err = tx.NewID(); err != nil {
			return err
		}
		e := syncproto.Edit{Table: table, Row: syncproto.RowID(id), Op: syncproto.OpCreate}
		for i := 0; i < len(pairs); i += 2 {
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: pairs[i], Value: schema.Text(pairs[i+1])})
		}
		return applied(c.judge.SubmitIn(tx, "", judge.Draft{Edits: []syncproto.Edit{e}}))
	}); err != nil {
		c.t.Fatal(err)
	}
	return id
}

func applied(out *judge.Outcome, err error) error {
	if err == nil && out.Verdicts[0].Status != syncproto.Applied {
		err = fmt.Errorf("%+v", out.Verdicts[0])
	}
	return err
}

func (c *city) importer() register.Import {
	c.bad, c.notes = nil, nil
	return register.Import{Store: c.store, Judge: c.judge, Zone: zone, User: c.admin, Village: c.place,
		Bad: func(row sheet.Row, why []schema.Label) error {
			for _, w := range why {
				c.bad = append(c.bad, fmt.Sprintf("%d %s", row.Line, w.ZH))
			}
			if c.rows != nil {
				return c.rows.Add(row, why...)
			}
			return nil
		},
		Note: func(row sheet.Row, notes []schema.Label) error {
			for _, n := range notes {
				c.notes = append(c.notes, fmt.Sprintf("%d %s", row.Line, n.ZH))
			}
			return nil
		}}
}

func (c *city) run(i register.Import, name string, content []byte) (*register.Report, error) {
	return i.Run(c.t.Context(), name, bytes.NewReader(content), int64(len(content)))
}

// take imports a CSV given line by line, cells parted by spaces, “-” for blank.
func (c *city) take(lines ...string) *register.Report {
	c.t.Helper()
	rep, err := c.run(c.importer(), "register.csv", csvOf(lines...))
	if err != nil {
		c.t.Fatal(err)
	}
	return rep
}

func csvOf(lines ...string) []byte {
	var b strings.Builder
	for _, l := range lines {
		cells := strings.Fields(l)
		for i := range cells {
			if cells[i] == "-" {
				cells[i] = ""
			}
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return []byte(b.String())
}

// wants holds a report to the counts that matter: new and changed households and people, bad and noted rows.
func (c *city) wants(rep *register.Report, newHouses, newPeople, changedHouses, changedPeople, bad, notes int) {
	c.t.Helper()
	got := [6]int{rep.NewHouseholds, rep.NewResidents, rep.ChangedHouse, rep.ChangedPeople, rep.Bad, rep.Noted}
	if want := [6]int{newHouses, newPeople, changedHouses, changedPeople, bad, notes}; got != want {
		c.t.Errorf("households, people: new %d %d, changed %d %d; bad %d, noted %d; want %v\nbad: %s\nnotes: %s", got[0], got[1], got[2], got[3], got[4], got[5], want,
			strings.Join(c.bad, "\n     "), strings.Join(c.notes, "\n     "))
	}
}

// told wants one line of those told to say something.
func told(t testing.TB, lines []string, line int, says string) {
	t.Helper()
	for _, l := range lines {
		if strings.HasPrefix(l, fmt.Sprint(line)+" ") && strings.Contains(l, says) {
			return
		}
	}
	t.Errorf("row %d does not say %q; told was:\n%s", line, says, strings.Join(lines, "\n"))
}

// find gives a column of the rows of a table where another column has a text.
func (c *city) find(table, by, text, column string) []string {
	c.t.Helper()
	var out []string
	if err := c.store.Read(c.t.Context(), func(tx *store.Tx) error {
		return tx.Each(func(scan func(...any) error) error {
			var s *string
			if err := scan(&s); err != nil {
				return err
			}
			if s == nil {
				s = new(string)
			}
			out = append(out, *s)
			return nil
		}, `SELECT "`+column+`" FROM "`+table+`" WHERE "`+by+`" = ? ORDER BY id`, text)
	}); err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *city) one(table, by, text, column, want string) {
	c.t.Helper()
	if got := c.find(table, by, text, column); len(got) != 1 || got[0] != want {
		c.t.Errorf("%s where %s is %s: %s is %q, want %q", table, by, text, column, got, want)
	}
}

func TestRegisterOfResidents(t *testing.T) {
	onBoth(t, func(t *testing.T, c *city) {
		lines := []string{"户号 小组 户主 姓名 与户主关系 性别 出生日期 身份证号 电话 户电话 户标签 党员 参保 技能 经度 纬度",
			"QS-001 1组 张三 张三 户主 男 1956-03-02 - 13800000001 13800000009 困难户、残疾 是 医保、养老 木工、泥瓦 113.1234567 23.5",
			"QS-001 1组 张三 李四 配偶 女 1958-03-04 - 13800000002 - - 否 - - - -",
			"QS-002 第二村民小组 王五 王五 户主 男 1970-01-01 001234197013011233 - - - - - - - -"}
		c.wants(c.take(lines...), 2, 3, 0, 0, 0, 0)
		c.one("household", "code", "QS-001", "head", "张三")
		c.one("household", "code", "QS-001", "phone", "13800000009")
		c.one("household", "code", "QS-001", "tags", `["disabled","hardship"]`)
		c.one("resident", "name", "张三", "phone", "13800000001")
		c.one("resident", "name", "张三", "skills", `["木工","泥瓦"]`)
		c.one("resident", "name", "王五", "id_masked", "0****************3")
		c.one("place", "name", "1组", "level", "group")
		if lon := c.count("household", "lon = 1131234567 AND lat = 235000000"); lon != 1 {
			t.Errorf("the position was not kept")
		}
		rep := c.take(lines...)
		c.wants(rep, 0, 0, 0, 0, 0, 0)
		if rep.Changed() {
			t.Errorf("importing again changed %+v", rep)
		}
		before := c.changes()
		c.take(lines...)
		if after := c.changes(); after != before {
			t.Errorf("importing again wrote %d changes", after-before)
		}
	})
}

func (c *city) count(table, where string) (n int) {
	c.t.Helper()
	if err := c.store.Read(c.t.Context(), func(tx *store.Tx) error {
		_, err := tx.One(`SELECT COUNT(*) FROM "`+table+`" WHERE `+where, nil, &n)
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *city) changes() int { return c.count("mq_change", "1 = 1") }

func TestRegisterOfHouseholds(t *testing.T) {
	c := onSQLite(t)
	lines := []string{"户编号 组别 户主姓名 地址 联系电话 户类别 低保", "A1 3 张三 河边路1号 139-0000-0001 五保户 享受", "A2 12栋 李四 - - - -", "A1 三组 张三 河边路1号 13900000001 五保户 享受"}
	rep := c.take(lines...)
	c.wants(rep, 2, 0, 0, 0, 0, 0)
	if rep.People {
		t.Error("taken for a register of residents")
	}
	c.one("household", "code", "A1", "phone", "13900000001")
	c.one("household", "code", "A1", "low_income", "granted")
	c.one("place", "name", "3组", "level", "group")
	c.one("place", "name", "12栋", "level", "building")
	if n := c.count("place", "parent = '"+c.place.ID+"'"); n != 2 {
		t.Errorf("%d groups, want 2: 3 and 三组 are one", n)
	}
	c.wants(c.take(lines...), 0, 0, 0, 0, 0, 0)
}

func TestPlainMeaningIsTaken(t *testing.T) {
	c := onSQLite(t)
	rep := c.take("户号　 小组 姓名 出生日期 身份证号 联系电话",
		"ＱＳ－００１ １组 张三 １９７０．０１．０１ ００１２３４１９７０１３０１１２３３ １３８０００００００1",
		"QS-001 1组 李四 1971年3月4日 - +86-138-0000-0002", // the country stays
		"QS-002 1组 王五 19720506 001234700506112 -",    // 15 digits
		"QS-002 1组 赵六 1973/7/8 - -")
	c.wants(rep, 2, 4, 0, 0, 0, 1)
	c.one("household", "code", "QS-001", "code", "QS-001")
	c.one("resident", "name", "张三", "birth", "1970-01-01")
	c.one("resident", "name", "张三", "phone", "13800000001")
	c.one("resident", "name", "李四", "birth", "1971-03-04")
	c.one("resident", "name", "王五", "birth", "1972-05-06")
	c.one("resident", "name", "赵六", "birth", "1973-07-08")
	if got := c.find("identity", "id_number", "001234197005061122", "resident"); len(got) > 1 {
		t.Errorf("the 15-digit number was taken as %v", got)
	}
	if n := c.count("identity", "id_number LIKE '00123419700506112_'"); n != 1 {
		t.Error("the 15-digit number was not expanded")
	}
	told(t, c.notes, 4, "出生日期 1972-05-06 和身份证号里的 1970-05-06 不一样")
}

func TestBadRowsAreNamed(t *testing.T) {
	c := onSQLite(t)
	rep := c.take("户号 小组 姓名 与户主关系 性别 出生日期 身份证号 电话 户标签 党员",
		"A1 1组 张三 户主 男 1970-01-01 001234197013011231 - - -",         // 2 check digit
		"A1 1组 - 户主 男 1970-01-01 - - - -",                           // 3 name
		"- 1组 李四 户主 男 1970-01-01 - - - -",                           // 4 code
		"A1 1组 李四 第3个 男 1970-01-01 - - - -",                         // 5 relation
		"A1 1组 李四 户主 雄 1970-13-01 - 12 懒人 也许",                       // 6 five faults
		"A1 1组 李四 户主 男 2030-01-01 - - - -",                          // 7 not born yet
		"A1 1组 王五 户主 男 1970-01-01 001234197013011233 - - -",         // 8 good
		"A2 1组 王六 户主 男 1970-01-01 001234197013011233 - - -",         // 9 the same number
		"A2 1组 赵七 户主 男 1970-01-01 - - - -",                          // 10 good
		"A2 1组 赵七 户主 男 1970-01-01 - - - -",                          // 11 repeated
		"A2 1组 赵七 户主 男 1970-01-01 00123419701301 - - -",             // 12 too short
		"A2 1组 赵八 户主 男 1970-01-01 1.10101E+17 - - -",                // 13 a number once
		"A3 2组 "+strings.Repeat("长", 61)+" 户主 男 1970-01-01 - - - -") // 14 too long
	c.wants(rep, 2, 2, 0, 0, 11, 0)
	for line, says := range map[int]string{2: "最后一位对不上", 3: "“姓名”没有填", 4: "“户号”没有填", 5: "看不出是什么关系", 7: "在今天之后", 9: "和第 8 行是同一个身份证号",
		11: "和第 10 行同户、同名", 12: "应有 18 位，现在是 14 位", 13: "被表格当成了数字", 14: "最多 60 个字"} {
		told(t, c.bad, line, says)
	}
	for _, says := range []string{"“性别”只能是", "“出生日期”", "“电话”只能是", "“户标签”里只能有", "“党员”"} {
		told(t, c.bad, 6, says) // all that is wrong with a row, at once
	}
	if got := c.find("place", "name", "2组", "id"); len(got) != 0 {
		t.Error("a group came to be for a row that was not taken")
	}
}

// workbook makes a real .xlsx.
func workbook(t testing.TB, fill func(f *excelize.File, sheet string)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f, f.GetSheetName(0))
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func setRows(t testing.TB, f *excelize.File, sheet string, top int, rows ...[]any) {
	t.Helper()
	for i, r := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", top+i), &r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMergedCells(t *testing.T) {
	c := onSQLite(t)
	content := workbook(t, func(f *excelize.File, s string) {
		setRows(t, f, s, 1, []any{"青石村人口花名册（2026年）"}, []any{"户信息", nil, nil, "个人信息", nil, nil}, []any{"户号", "组", "户主", "姓名", "出生日期", "身份证号"},
			[]any{"A1", "1组", "张三", "张三", time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), nil}, []any{nil, nil, nil, "李四", 26299, nil}, []any{"A2", "1组", "王五", "王五", "1980.5.6", "001234197013011233"})
		for _, m := range [][2]string{{"A1", "F1"}, {"A2", "C2"}, {"D2", "F2"}, {"A4", "A5"}, {"B4", "B5"}, {"C4", "C5"}} {
			if err := f.MergeCell(s, m[0], m[1]); err != nil {
				t.Fatal(err)
			}
		}
	})
	rep, err := c.run(c.importer(), "r.xlsx", content)
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 2, 3, 0, 0, 0, 0)
	c.one("resident", "name", "李四", "birth", "1972-01-01")
	if got := c.find("resident", "name", "李四", "household"); len(got) != 1 || got[0] != c.find("household", "code", "A1", "id")[0] {
		t.Error("the merged code did not count for the second row")
	}
}

func TestFilesThatCannotBeImported(t *testing.T) {
	c := onSQLite(t)
	bomb := workbook(t, func(f *excelize.File, s string) {
		setRows(t, f, s, 1, []any{"户号", "姓名"})
		for i := range 200 {
			setRows(t, f, s, i+2, []any{fmt.Sprint(i) + strings.Repeat("A", 32000), "张三"})
		}
	})
	for name, file := range map[string]struct {
		content []byte
		limits  sheet.Limits
		code    syncproto.Code
		says    string
	}{
		"missing columns": {csvOf("编号 名字", "1 张三"), sheet.Limits{}, syncproto.CodeInvalid, "“户号”“姓名”"},
		"one missing":     {csvOf("组 姓名 性别", "1 张三 男"), sheet.Limits{}, syncproto.CodeInvalid, "缺少这些列：“户号”"},
		"old workbook":    {append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 4096)...), sheet.Limits{}, syncproto.CodeInvalid, ".xls"},
		"zip bomb":        {bomb, sheet.Limits{Unpacked: 1 << 20}, syncproto.CodeTooLarge, ""},
		"empty":           {nil, sheet.Limits{}, syncproto.CodeInvalid, "空"},
		"a web page":      {[]byte("<html><table></table></html>"), sheet.Limits{}, syncproto.CodeInvalid, "网页"},
		"cut short":       {bomb[:len(bomb)/2], sheet.Limits{}, syncproto.CodeInvalid, ""},
	} {
		i := c.importer()
		i.Limits = file.limits
		_, err := c.run(i, name, file.content)
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != file.code || !strings.Contains(e.Message, file.says) || e.Hint == "" {
			t.Errorf("%s: %v, want %s with %q and a hint", name, err, file.code, file.says)
		}
	}
	if n := c.count("household", "1 = 1"); n != 0 {
		t.Errorf("%d households came of them", n)
	}
}

func TestEncodingsAndRareCharacters(t *testing.T) {
	c := onSQLite(t)
	text := "户号,小组,姓名\nA1,1组,𠮷田𬭚\nA1,1组,㐂贵\nA1,1组,买买提•艾力\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := c.run(c.importer(), "r.csv", []byte(gb))
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 1, 3, 0, 0, 0, 0)
	if rep.Info.Encoding != "GB18030" {
		t.Errorf("read as %s", rep.Info.Encoding)
	}
	rep, err = c.run(c.importer(), "r.csv", []byte("\uFEFF"+text+"A1,1组,\uE863某\n")) // the same in UTF-8, and a character of one's own
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 0, 1, 0, 0, 0, 0)
	for _, name := range []string{"𠮷田𬭚", "㐂贵", "买买提·艾力", "\uE863某"} {
		c.one("resident", "name", name, "name", name)
	}
}

func TestBadRowsCanBeMendedInTheirWorkbook(t *testing.T) {
	c := onSQLite(t)
	var mended bytes.Buffer
	c.rows = sheet.NewBadRows(&mended, "")
	c.wants(c.take("户号 小组 姓名 备用 身份证号", "A1 1组 张三 甲 001234197013011231", "A2 1组 李四 乙 -"), 1, 1, 0, 0, 1, 0)
	if err := c.rows.Close(); err != nil {
		t.Fatal(err)
	}
	c.rows = nil
	f, err := excelize.OpenReader(&mended)
	if err != nil {
		t.Fatal(err)
	}
	name := f.GetSheetName(0)
	rows, err := f.GetRows(name)
	if err != nil || len(rows) != 2 || !strings.Contains(rows[1][0], "最后一位对不上") || rows[1][1] != "2" || rows[1][5] != "甲" {
		t.Fatalf("the workbook of bad rows holds %q, %v", rows, err)
	}
	if err := f.SetCellValue(name, "G2", "001234197013011233"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	rep, err := c.run(c.importer(), "bad.xlsx", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 1, 1, 0, 0, 0, 0)
}

func TestPreviewWritesNothing(t *testing.T) {
	c := onSQLite(t)
	before := c.changes()
	i := c.importer()
	i.Preview = true
	rep, err := c.run(i, "r.csv", csvOf("户号 小组 姓名", "A1 1组 张三", "A1 1组 -", "A2 2组 李四"))
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 2, 2, 0, 0, 0, 0)
	if c.changes() != before {
		t.Error("a preview wrote")
	}
}

func TestABrokenImportGoesOn(t *testing.T) {
	c := onSQLite(t)
	var lines []string
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("A%04d %d组 人%d 1970-01-01", i/3, i%15+1, i))
	}
	content := csvOf(append([]string{"户号 小组 姓名 出生日期"}, lines...)...)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	i := c.importer()
	i.Progress = func(r register.Report) {
		if r.Rows > 1000 {
			stop()
		}
	}
	if _, err := i.Run(ctx, "r.csv", bytes.NewReader(content), int64(len(content))); err == nil {
		t.Fatal("the import did not break")
	}
	some := c.count("resident", "1 = 1")
	if some == 0 || some == 5000 {
		t.Fatalf("%d people were taken before it broke", some)
	}
	rep, err := c.run(c.importer(), "r.csv", content)
	if err != nil {
		t.Fatal(err)
	}
	if n := c.count("resident", "1 = 1"); n != 5000 || rep.NewResidents != 5000-some {
		t.Errorf("%d people, %d of them new, after %d", n, rep.NewResidents, some)
	}
}
