package register_test

import (
	"bytes"
	"strings"
	"testing"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// phone is the device of a cadre who contacts a household.
type phone struct {
	c      *city
	id     syncproto.DeviceID
	user   syncproto.UserID
	number uint64
}

func (c *city) phone(household string) *phone {
	c.t.Helper()
	p := &phone{c: c, user: syncproto.UserID(c.make("user", "place", c.place.ID, "login", "liyi", "name", "李一"))}
	c.make("role", "user", string(p.user), "role", "cadre", "place", c.place.ID)
	c.make("assignment", "household", household, "user", string(p.user), "team", "cadre", "since", "2026-01-01")
	if err := c.store.Write(c.t.Context(), func(tx *store.Tx) error {
		id, err := tx.NewID()
		p.id = syncproto.DeviceID(id)
		if err != nil {
			return err
		}
		return tx.SaveDevice(store.Device{ID: p.id, User: p.user, Next: 1})
	}); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// edit pushes an edit of a row as it stands now.
func (p *phone) edit(table, row string, cells ...syncproto.CellEdit) {
	c := p.c
	c.t.Helper()
	p.number++
	change := &syncproto.Change{Name: syncproto.Name{Device: p.id, Number: p.number}, At: c.now,
		Edits: []syncproto.Edit{{Table: table, Row: syncproto.RowID(row), Op: syncproto.OpUpdate, Base: c.label(row), Cells: cells}}}
	if err := change.Seal(); err != nil {
		c.t.Fatal(err)
	}
	if err := applied(c.judge.Push(c.t.Context(), judge.Author{Device: p.id, User: p.user}, []*syncproto.Change{change})); err != nil {
		c.t.Fatal(err)
	}
}

func (c *city) label(row string) (base syncproto.Base) {
	c.t.Helper()
	if err := c.store.Read(c.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{row})
		if err == nil {
			base = syncproto.Base{Epoch: rows[0].Label.Epoch, Rev: rows[0].Label.Rev}
		}
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
	return base
}

func text(cell, value string) syncproto.CellEdit {
	return syncproto.CellEdit{Cell: cell, Value: schema.Text(value)}
}

const head = "户号 小组 户主 住址 户电话 户标签 姓名 出生日期 身份证号 电话 文化程度"

func TestCorrectionsAreNotWrittenOver(t *testing.T) {
	onBoth(t, func(t *testing.T, c *city) {
		old := "A1 1组 张三 河边路1号 13900000001 困难户、残疾 张三 1970-01-01 - 13800000001 小学"
		c.wants(c.take(head, old), 1, 1, 0, 0, 0, 0)
		house, person := c.find("household", "code", "A1", "id")[0], c.find("resident", "name", "张三", "id")[0]
		p := c.phone(house)
		p.edit("household", house, text("phone", "13900000009"), syncproto.CellEdit{Cell: "tags", Add: []string{"empty_nest"}, Del: []string{"disabled"}})
		p.edit("resident", person, text("phone", "13800000009"))

		// The same file again: an old word does not come back, and the row is reported.
		c.wants(c.take(head, old), 0, 0, 0, 0, 0, 1)
		told(t, c.notes, 2, "“电话”在系统里后来改过")
		c.one("household", "code", "A1", "phone", "13900000009")
		c.one("household", "code", "A1", "tags", `["empty_nest","hardship"]`)
		c.one("resident", "name", "张三", "phone", "13800000009")

		// New words where nobody corrected are taken, also what the office itself takes back; new words beside a correction meet it.
		rep := c.take(head, "A1 1组 张三 河边路8号 13900000005 五保户、残疾 张三 1970-01-01 - 13800000001 初中")
		c.wants(rep, 0, 0, 1, 1, 0, 1)
		if rep.Conflicts != 1 {
			t.Errorf("%d conflicts, want the household's phone number", rep.Conflicts)
		}
		c.one("household", "code", "A1", "address", "河边路8号")
		c.one("household", "code", "A1", "phone", "13900000001") // what both had seen shows until somebody decides
		c.one("household", "code", "A1", "tags", `["empty_nest","five_guarantee"]`)
		c.one("resident", "name", "张三", "schooling", "初中")
		c.one("resident", "name", "张三", "phone", "13800000009")
		if n := c.count("mq_item", "closed_ms = 0 AND kind = 'cell' AND cell = 'phone'"); n != 1 {
			t.Errorf("%d items about the phone number", n)
		}

		// Blank cells say nothing.
		c.wants(c.take(head, "A1 1组 - - - - 张三 1970-01-01 - - -"), 0, 0, 0, 0, 0, 0)
		c.one("household", "code", "A1", "address", "河边路8号")
	})
}

func TestPeopleAreFoundAgain(t *testing.T) {
	c := onSQLite(t)
	head := "户号 小组 姓名 出生日期 身份证号 与户主关系"
	c.wants(c.take(head, "A1 1组 张三 1970-01-01 001234197013011233 户主", "A1 1组 李四 1971-01-01 - 配偶", "A2 1组 王五 1972-01-01 - 户主"), 2, 3, 0, 0, 0, 0)
	// by the number, though name and household were written otherwise: he moved within the village
	c.wants(c.take(head, "A2 1组 张三丰 1970-01-01 001234197013011233 女婿"), 0, 0, 0, 1, 0, 0)
	c.one("resident", "name", "张三丰", "household", c.find("household", "code", "A2", "id")[0])
	// by name and birth date; the number is added
	c.wants(c.take(head, "A1 1组 李四 1971-01-01 001234197101011225 配偶"), 0, 0, 0, 1, 0, 0)
	c.one("resident", "name", "李四", "id_masked", "0****************5")
	// a number that was wrong is put right
	c.wants(c.take(head, "A1 1组 李四 1971-01-01 001234197101011241 配偶"), 0, 0, 0, 1, 0, 0)
	if n := c.count("identity", "1 = 1"); n != 2 {
		t.Errorf("%d ID numbers, want 2", n)
	}
	// a namesake born on another day is somebody else
	c.wants(c.take(head, "A1 1组 李四 1991-01-01 - 儿子"), 0, 1, 0, 0, 0, 0)
	// what is registered in another village is not this village's to change
	i := c.importer()
	i.Village = c.other
	rep, err := c.run(i, "r.csv", csvOf(head, "B1 1组 张三丰 1970-01-01 001234197013011233 户主", "B1 1组 赵六 1970-01-01 - 配偶"))
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 1, 1, 0, 0, 1, 0)
	told(t, c.bad, 2, "已经登记在别的村")
	// codes count within a village
	rep, err = c.run(i, "r.csv", csvOf(head, "A1 1组 钱七 1970-01-01 - 户主"))
	if err != nil {
		t.Fatal(err)
	}
	c.wants(rep, 1, 1, 0, 0, 0, 0)
	// and a file of another village is found out by its own words
	rep = c.take("村 户号 小组 姓名", "白石村 A9 1组 孙八", "青石 A9 1组 周九")
	c.wants(rep, 1, 1, 0, 0, 1, 0)
	told(t, c.bad, 2, "这一行写的村是“白石村”")
}

func TestWhatDiffersWithinAHousehold(t *testing.T) {
	c := onSQLite(t)
	rep := c.take("户号 小组 户主 姓名 与户主关系 住址", "A1 1组 张三 张三 户主 甲路1号", "A1 2组 张三 李四 配偶 甲路2号", "A2 1组 - 王五 户主 -")
	c.wants(rep, 2, 3, 0, 0, 0, 1)
	told(t, c.notes, 3, "“住址”前后写得不一样，用了第 2 行的")
	told(t, c.notes, 3, "“小组”前后写得不一样")
	c.one("household", "code", "A1", "address", "甲路1号")
	c.one("household", "code", "A2", "head", "王五") // from the relation
}

func TestExportImportsToNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, c *city) {
		c.wants(c.take("户号 小组 户主 住址 户电话 户标签 低保 经度 纬度 姓名 性别 出生日期 身份证号 与户主关系 电话 文化程度 党员 参保 技能",
			"QS-010 10组 张三 河边路1号 13900000001 困难户、残疾 享受 113.1234567 23.5 张三 男 1970-01-01 001234197013011233 户主 13800000001 小学 是 医保、养老 木工",
			"QS-010 10组 - - - - - - - 李四 女 1971-01-01 - 配偶 - - - - -", "QS-002 二组 - - - - - - - 王五 男 1971-01-01 001234197101011225 户主 - - 否 - -",
			"QS-003 - - - - - - - - - - - - - - - - - -"), 3, 3, 0, 0, 0, 0)
		for _, whole := range []bool{false, true} {
			for name, format := range map[string]sheet.Format{"r.csv": sheet.CSV, "r.xlsx": sheet.XLSX} {
				out := c.export(t, whole, format)
				if strings.Contains(string(out), "001234197013011233") != (whole && format == sheet.CSV) && format == sheet.CSV {
					t.Errorf("whole %v: the ID number stands in the file: %v", whole, !whole)
				}
				before := c.changes()
				rep, err := c.run(c.importer(), name, out)
				if err != nil {
					t.Fatal(err)
				}
				c.wants(rep, 0, 0, 0, 0, 0, 0)
				if rep.Changed() || c.changes() != before || rep.Rows != 4 {
					t.Errorf("%s, whole %v: %+v", name, whole, rep)
				}
			}
		}
	})
}

func (c *city) export(t *testing.T, whole bool, format sheet.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.store.Read(t.Context(), func(tx *store.Tx) error {
		w, err := sheet.NewWriter(&b, format, "花名册", register.Columns(tx.Book())...)
		if err != nil {
			return err
		}
		if rows, err := (register.Export{Zone: zone, Whole: whole}).Register(tx, w, c.place); err != nil || rows != 4 {
			t.Errorf("%d rows, %v", rows, err)
		}
		return w.Close()
	}); err != nil {
		t.Fatal(err)
	}
	if format == sheet.CSV {
		order := []string{"QS-002", "QS-010", "李四", "QS-003"} // 二组, 10组 with its head first, no group
		at := 0
		for _, word := range order {
			next := bytes.Index(b.Bytes()[at:], []byte(word))
			if next < 0 {
				t.Fatalf("%s is missing or out of order:\n%s", word, b.String())
			}
			at += next
		}
	}
	return b.Bytes()
}
