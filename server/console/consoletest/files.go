package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"minqing/server/console/intake"
	"minqing/server/console/takeback"
	"minqing/server/console/work"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// files are what administrators brought to be imported: a register with rows that cannot be taken, one that is none, one of the other village, and
// lists. They were looked through, and nobody has said yet what becomes of them.
func (c *City) files(ctx context.Context) error {
	var csv strings.Builder
	csv.WriteString("户号,组,姓名,与户主关系,身份证号,备注说明,鞋码\r\n")
	for _, r := range [][]string{
		{"0714-050", "7组 上湾", "舒克勤", "户主", ""}, {"0714-050", "7组 上湾", "龚爱莲", "配偶", ""}, {"0714-051", "9组", "苗水生", "户主", ""},
		{"0714-051", "9组", "", "子女", ""}, {"0714-051", "9组", "苗小满", "？？", "110101199001011230"}, {"", "9组", "苗望", "子女", ""},
	} {
		if r[2] != "" {
			r[2] = strings.NewReplacer(",", "，", `"`, "").Replace(c.name(r[2]))
		}
		csv.WriteString(strings.Join(r, ",") + ",,38\r\n")
	}
	if c.State == Many {
		for i := range 1000 {
			fmt.Fprintf(&csv, "0814-%d,,,子女,,,\r\n", 2000+i)
		}
	}
	name := c.text("石桥村花名册.csv", 80)
	users := "姓名,登录名,角色,范围,职务\r\n" + c.name("文静") + ",wenjing,包户干部,,村文书\r\n左明,zuoming,市长,,\r\n易天,yitian,包户干部,枫林村,\r\n"
	contacts := "户号,登录名,队伍\r\n0714-041,hanlijun,无职党员分片帮户\r\n0814-011,hanlijun,无职党员分片帮户\r\n0714-041,chenxiulan,无职党员分片帮户\r\n9999,baihe,亲戚\r\n"
	places := "级别,名称,代码,上级\r\n村民小组," + c.name("9组 山后") + ",,\r\n自然村,安置点,,\r\n楼栋,1栋,,安置点\r\n村民小组,10组,,没有的自然村\r\n片,11组,,\r\n"
	for _, x := range []struct{ key, place, who, what, name, text string }{
		{"file", "village", "admin", intake.Register, name, csv.String()},
		{"file.stopped", "village", "admin", intake.Register, "会议纪要.csv", "会议纪要\r\n到会三人\r\n"},
		{"file.places", "village", "admin", intake.Places, "石桥村小组.csv", places},
		{"file.users", "village", "admin", intake.Users, "石桥村人员.csv", users},
		{"file.assignments", "village", "admin", intake.Assignments, "石桥村分派.csv", contacts},
		{"file.foreign", "other", "otheradmin", intake.Register, "枫林村.csv", "户号,姓名,与户主关系\r\n0101-009,白立夏,户主\r\n"},
	} {
		if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
			id, err := intake.Save(tx, c.Users[x.who], c.Places[x.place], x.what, x.name, int64(len(x.text)), strings.NewReader(x.text))
			c.Rows[x.key] = syncproto.RowID(id)
			return err
		}); err != nil {
			return err
		}
	}
	intake.NewWorker(c.Engine, slog.New(slog.DiscardHandler)).Drain(ctx)
	return c.backs(ctx)
}

// backs are imports of long ago: of one it was found out what taking it back would do, and another was taken back. What they made and changed is told
// of rows of the story.
func (c *City) backs(ctx context.Context) error {
	const day = 24 * 60 * 60 * 1000
	at := c.Now().UnixMilli()
	left := []takeback.Left{
		{Table: "household", Row: c.Rows["wang"], Rows: 4, Whys: []takeback.Why{{What: "edited", By: c.Users["cadre"], At: at - 3*day}, {What: "under", Table: "visit", N: 2}, {What: "under", Table: "matter", N: 1}}},
		{Table: "household", Row: c.Rows["gu"], Cells: []string{"address", "phone"}, Whys: []takeback.Why{{What: "edited", By: c.Users["secretary"], At: at - 2*day}}},
		{Table: "resident", Row: c.Rows["ding.1"], Rows: 1, Whys: []takeback.Why{{What: "item"}}},
		{Table: "place", Row: syncproto.RowID(c.Places["group7"]), Rows: 1, Whys: []takeback.Why{{What: "under", Table: "household", N: 1}}},
	}
	if c.State == Many {
		for range 1000 {
			left = append(left, left[0])
		}
	}
	for _, x := range []struct{ key, state, name string }{{"file.back", intake.Weighed, "石桥村 10 月花名册.xlsx"}, {"file.taken", intake.Taken, "石桥村 9 月花名册.xlsx"}} {
		if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			c.Rows[x.key] = syncproto.RowID(id)
			report := register.Report{People: true, Rows: 412, Households: 120, NewHouseholds: 118, ChangedHouse: 2, Residents: 405, NewResidents: 405, NewPlaces: 2}
			if err := work.Add(tx, "import", id, c.Places["village"], c.Users["admin"], x.state, intake.Body{Name: c.text(x.name, 80), What: intake.Register, Wrote: true, Report: report,
				Back: &intake.Back{By: c.Users["admin"], ByName: c.name("何婉清"), At: at - day, Digest: "seen", Parts: 3, Done: 3, Left: len(left), Tally: takeback.Tally{
					"place": {Rows: 1, Kept: 1}, "household": {Rows: 117, Kept: 1, Cells: 5, Stand: 2}, "resident": {Rows: 399, Kept: 4, Gone: 2}, "identity": {Rows: 388}}}}); err != nil {
				return err
			}
			parts := [][2]any{{"made", []string{}}}
			for _, l := range left {
				parts = append(parts, [2]any{"left", l})
			}
			for n, part := range parts {
				raw, err := json.Marshal(part[1])
				if err != nil {
					return err
				}
				if err := tx.Exec("INSERT INTO mq_work_part (work, kind, n, body) VALUES (?, ?, ?, ?)", id, part[0], int64(n), raw); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
