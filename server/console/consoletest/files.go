package consoletest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"minqing/server/console/intake"
	"minqing/server/store"
	"minqing/syncproto"
)

// files are what administrators brought to be imported: a register with rows that cannot be taken, one that is none, and one of the other
// village. They were looked through, and nobody has said yet what becomes of them.
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
	for _, x := range []struct{ key, place, who, what, name, text string }{
		{"file", "village", "admin", intake.Register, name, csv.String()},
		{"file.stopped", "village", "admin", intake.Register, "会议纪要.csv", "会议纪要\r\n到会三人\r\n"},
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
	return nil
}
