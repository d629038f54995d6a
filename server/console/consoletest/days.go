package consoletest

import (
	"context"
	"fmt"
	"time"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// live is what happened till the morning of the pictures.
func (c *City) live(ctx context.Context) error {
	for _, h := range []struct {
		key, group, code, head, address, tags string
		contacts                              []string
	}{
		{"ou", "group7", "0714-008", "欧阳诗雅", "第7组上湾粮站家属院1栋2单元", "困难户、困难党员", []string{"cadre", "cadre2", "cadre3"}},
		{"wang", "group7", "0714-032", "王桂芬", "第7组上湾老供销社后排东起第3户", "空巢老人、低保户、重点联系", []string{"cadre", "cadre2"}},
		{"ding", "group7", "0714-041", "丁有田", "第7组上湾水渠边", "", []string{"cadre"}},
		{"jiang", "group8", "0814-003", "蒋大毛", "第8组下湾晒谷场东3号", "低保户", []string{"cadre2"}},
		{"gu", "group8", "0814-011", "古丽巴哈尔·阿布都克里木", "第8组下湾磨坊后", "", []string{"cadre"}},
		{"he", "group8", "0814-020", "贺长庚", "第8组下湾老街17号", "", []string{"cadre3"}},
		{"nobody", "group8", "0814-031", "冯颐", "第8组枫林头第1户", "空巢老人", nil},
		{"foreign", "othergroup", "0101-001", "白立春", "枫林村1组庙前", "", []string{"othercadre"}},
	} {
		if err := c.home(ctx, h.key, h.group, h.code, h.head, h.address, h.tags, h.contacts...); err != nil {
			return err
		}
	}
	if err := c.formerly(ctx); err != nil {
		return err
	}
	if err := c.journals(ctx); err != nil {
		return err
	}
	if err := c.refusals(ctx); err != nil {
		return err
	}
	if c.State == Crowd {
		return c.manyHomes(ctx)
	}
	if c.State == Many {
		if err := c.many(ctx); err != nil {
			return err
		}
		if err := c.manyHomes(ctx); err != nil {
			return err
		}
		if err := c.manyAffairs(ctx); err != nil {
			return err
		}
	}
	return nil
}

// apart is the step of journals before which two people write apart.
const apart = 8

// journals are the visits and what was written about them.
func (c *City) journals(ctx context.Context) (err error) {
	steps := []struct {
		at                         func()
		key, home, who, text, task string
		state                      string
	}{
		{func() { c.at(8, 31, 9, 0) }, "", "jiang", "cadre2", "家里都好。", "listen", "accepted"},
		{func() { c.at(10, 21, 9, 0) }, "", "ou", "cadre2", "水渠动工，告诉她工期一个月。", "policy", "accepted"},
		{func() { c.at(10, 22, 9, 0) }, "", "ding", "cadre", "看了屋顶，记下要修的地方。", "listen", "accepted"},
		{func() { c.at(10, 23, 9, 0) }, "", "he", "cadre3", "送秋收政策单。", "policy", "accepted"},
		{func() { c.at(10, 24, 9, 0) }, "", "wang", "cadre", "送医保缴费通知。", "policy", "accepted"},
		{func() { c.at(11, 2, 15, 0) }, "", "ou", "cadre", "送秋季助学政策，两个孩子的材料都交了。", "policy", "accepted"},
		{func() { c.at(11, 6, 10, 0) }, "", "ou", "cadre2", "核对困难户台账，母亲术后能扶着走。", "listen", "accepted"},
		{func() { c.at(11, 20, 16, 20) }, "returned", "ou", "cadre", "已送医保缴费通知。欧阳诗雅的母亲欧阳素琴 9 月在县医院做了膝盖手术，花了不少钱，还差一些。家里两个孩子上学，丈夫在杭州打工，暂时周转不开。她问能不能申请临时救助，要哪些材料。我答应 12月5日前给她回话。", "policy、listen", "submitted"},
		{func() { c.at(11, 21, 8, 52) }, "", "he", "cadre3", "听他说了秋收，约了下次。", "listen", "submitted"},
		{func() { c.at(11, 22, 9, 15) }, "urgent", "ding", "cadre", "屋顶漏雨，西屋成了危房，夜里不敢住人。", "listen、relieve", "submitted"},
		{func() { c.at(11, 22, 10, 40) }, "long", "jiang", "cadre2", "隔了快三个月才去，家里添了小孙子。", "listen", "submitted"},
		{func() { c.at(11, 22, 15, 0) }, "first", "gu", "cadre", "第一次上门，认了门，孩子上学的事问清楚了。", "policy、listen", "submitted"},
		{func() { c.at(11, 22, 16, 0) }, "", "wang", "cadre2", "送水电政策单。", "policy", "submitted"},
		{func() { c.at(11, 22, 17, 0) }, "draft", "wang", "cadre", "还没写完。", "listen", "draft"},
	}
	for i, s := range steps {
		if i == apart {
			if err := c.conflicts(ctx); err != nil {
				return err
			}
		}
		s.at()
		if err := c.affairsUntil(ctx, c.Now()); err != nil {
			return err
		}
		j, err := c.visit(ctx, s.home, s.who, s.text, s.task, s.state)
		if err != nil {
			return err
		}
		if s.key != "" {
			c.Rows["journal."+s.key] = j
		}
		if s.key == "urgent" {
			if c.Rows["photo"], err = c.photo(ctx, s.who, j); err != nil {
				return err
			}
		}
	}
	if c.Rows["journal.foreign"], err = c.visit(ctx, "foreign", "othercadre", "枫林村的事。", "listen", "submitted"); err != nil {
		return err
	}
	if c.Rows["photo.foreign"], err = c.photo(ctx, "othercadre", c.Rows["journal.foreign"]); err != nil {
		return err
	}
	for _, m := range [][4]string{{"ding", "cadre", "屋顶漏雨，危房", "3"}, {"ou", "cadre", "申请临时救助", "1"}, {"ou", "cadre2", "院墙开裂", "1"}} {
		if err := c.matter(ctx, m[0], m[1], m[2], m[3]); err != nil {
			return err
		}
	}
	returned := c.Rows["journal.returned"]
	c.at(11, 20, 16, 25)
	blurred, err := c.photo(ctx, "cadre", returned)
	if err != nil {
		return err
	}
	c.at(11, 21, 20, 5)
	if err := c.review(ctx, "secretary", returned, "return", "请写明差多少钱，家里每月收入多少。", "returned"); err != nil {
		return err
	}
	c.at(11, 23, 8, 14)
	if err := c.Delete(ctx, "cadre", "attachment", blurred); err != nil {
		return err
	}
	c.at(11, 23, 8, 15)
	if _, err := c.photo(ctx, "cadre", returned); err != nil {
		return err
	}
	if err := c.retitle(ctx, "cadre", "ou", "申请临时救助", "申请临时救助 6,460 元"); err != nil {
		return err
	}
	c.at(11, 23, 8, 20)
	return c.Update(ctx, "cadre", "journal", returned, syncproto.Base{}, Vals{"text": c.text("已送医保缴费通知。欧阳诗雅的母亲欧阳素琴 9 月在县医院做了膝盖手术，总共花了 18,400 元，医保报了 11,940 元，自己还差 6,460 元。家里两个孩子上学，丈夫在杭州打工，每月寄回 3,000 元左右，暂时周转不开。她问能不能申请临时救助，要哪些材料。我答应 12月5日前给她回话。", 4000), "state": "submitted"})
}

// retitle writes over the title of a matter that somebody recorded.
func (c *City) retitle(ctx context.Context, who, home, was, title string) error {
	var matter string
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.One("SELECT id FROM matter WHERE household = ? AND author = ? AND title = ?", []any{string(c.Rows[home]), string(c.Users[who]), c.text(was, 40)}, &matter)
		return err
	}); err != nil {
		return err
	}
	return c.Update(ctx, who, "matter", syncproto.RowID(matter), syncproto.Base{}, Vals{"title": c.text(title, 40)})
}

// photo adds the row of a photo, whose content is still on its way, to the visit of a journal.
func (c *City) photo(ctx context.Context, who string, journal syncproto.RowID) (syncproto.RowID, error) {
	var visit string
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.One("SELECT visit FROM journal WHERE id = ?", []any{string(journal)}, &visit)
		return err
	}); err != nil {
		return "", err
	}
	return c.Create(ctx, who, "attachment", Vals{"visit": visit, "author": string(c.Users[who]), "hash": fmt.Sprintf("%064x", len(visit)), "media": "image/jpeg", "bytes": "120000"})
}

// many adds a thousand journals that wait.
func (c *City) many(ctx context.Context) error {
	c.at(11, 21, 9, 0)
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		var drafts []judge.Draft
		author := string(c.Users["cadre"])
		for i := range 1000 {
			v, err := c.creation(tx, "visit", Vals{"household": string(c.Rows["wang"]), "author": author, "day": "2026-11-21", "met": fmt.Sprint("户主 ", i), "tasks": "listen"})
			if err != nil {
				return err
			}
			j, err := c.creation(tx, "journal", Vals{"visit": string(v.Row), "author": author, "text": fmt.Sprintf("第 %d 回走访，家里都好。", i+1), "state": "draft"})
			if err != nil {
				return err
			}
			drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{v, j}})
		}
		if _, err := c.Engine.Judge.SubmitIn(tx, c.Users["cadre"], drafts...); err != nil {
			return err
		}
		drafts = drafts[:0]
		var ids []string
		if err := tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}, "SELECT j.id FROM journal j JOIN visit v ON v.id = j.visit WHERE v.met LIKE '户主 %' ORDER BY j.id"); err != nil {
			return err
		}
		for _, id := range ids {
			cs, err := cells(tx.Book(), "journal", Vals{"state": "submitted"})
			if err != nil {
				return err
			}
			drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{{Table: "journal", Row: syncproto.RowID(id), Op: syncproto.OpUpdate, Cells: cs}}})
		}
		_, err := c.Engine.Judge.SubmitIn(tx, c.Users["cadre"], drafts...)
		return err
	})
}

// manyHomes adds a thousand households to a group, every third with a contact.
func (c *City) manyHomes(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		var drafts []judge.Draft
		for i := range 1000 {
			h, err := c.creation(tx, "household", Vals{"place": c.Places["group8"], "code": fmt.Sprintf("0814-%d", 100+i), "head": fmt.Sprint("户主", i), "address": fmt.Sprintf("第8组下湾%d号", i)})
			if err != nil {
				return err
			}
			edits := []syncproto.Edit{h}
			if i%3 == 0 {
				a, err := c.creation(tx, "assignment", Vals{"household": string(h.Row), "user": string(c.Users["cadre3"]), "team": "cadre", "since": []string{"2026-11-01", "2026-01-05"}[i%2]})
				if err != nil {
					return err
				}
				edits = append(edits, a)
			}
			drafts = append(drafts, judge.Draft{Edits: edits})
		}
		out, err := c.Engine.Judge.SubmitIn(tx, c.Users["admin"], drafts...)
		if err != nil {
			return err
		}
		for _, v := range out.Verdicts {
			if v.Status == syncproto.Refused {
				return fmt.Errorf("a household of many: %s", v.Message)
			}
		}
		return nil
	})
}

// conflicts are what two people wrote apart: in the story's village and in the other.
func (c *City) conflicts(ctx context.Context) error {
	c.at(11, 20, 18, 0)
	first, err := c.phone(ctx, "cadre", "红米 12C", 2000)
	if err != nil {
		return err
	}
	second, err := c.phone(ctx, "cadre2", "荣耀畅玩 50", -3*60*60*1000)
	if err != nil {
		return err
	}
	c.Rows["device"], c.Rows["device.second"] = syncproto.RowID(first), syncproto.RowID(second)
	foreign, err := c.phone(ctx, "othercadre", "旧手机", 0)
	if err != nil {
		return err
	}
	c.Rows["device.foreign"] = syncproto.RowID(foreign)
	for _, x := range []struct {
		home, cell, mine, theirs string
	}{
		{"wang", "note", "老两口在家，儿子在东莞打工。低保 11月起停了。老李腿脚不便，住院花了 5,200 元。", "老两口在家，儿子在东莞打工。享受低保，每月 860 元，续到 2027年10月。老李腿脚不便。"},
		{"wang", "low_income", "ended", "applied"},
		{"ou", "head", "欧阳诗雅", "欧阳素琴"},
		{"ou", "low_income", "none", "ended"},
	} {
		base, err := c.Base(ctx, c.Rows[x.home])
		if err != nil {
			return err
		}
		for i, text := range []string{x.mine, x.theirs} {
			dev, who := first, "cadre"
			if i == 1 {
				dev, who = second, "cadre2"
			}
			c.SetNow(c.Now().Add(13 * time.Minute))
			if x.cell == "note" {
				if text = c.text(text, 3999); c.State == Long || c.State == Hostile {
					text += []string{"。", "！"}[i] // or both would have written the same
				}
			}
			if x.cell == "head" {
				text = c.text(text+fmt.Sprint(i), 60)
			}
			cs, err := cells(c.Engine.Book, "household", Vals{x.cell: text})
			if err != nil {
				return err
			}
			at, offset := c.Now().Add(-2*time.Hour), time.Duration(0)
			if dev == second { // its clock is fast, and it knows
				at, offset = at.Add(3*time.Hour), -3*time.Hour
			}
			v, err := c.push(ctx, who, dev, at, offset, syncproto.Edit{Table: "household", Row: c.Rows[x.home], Op: syncproto.OpUpdate, Base: base, Cells: cs})
			if err != nil {
				return err
			}
			if v.Status == syncproto.Refused {
				return fmt.Errorf("%s of %s: %s", x.cell, x.home, v.Message)
			}
		}
	}
	if err := c.foreignConflict(ctx, foreign); err != nil {
		return err
	}
	if err := c.deleted(ctx, first); err != nil {
		return err
	}
	return c.nameItems(ctx)
}

// foreignConflict is one in the other village.
func (c *City) foreignConflict(ctx context.Context, dev syncproto.DeviceID) error {
	base, err := c.Base(ctx, c.Rows["foreign"])
	if err != nil {
		return err
	}
	if err := c.Update(ctx, "othersecretary", "household", c.Rows["foreign"], base, Vals{"low_income": "none"}); err != nil {
		return err
	}
	cs, err := cells(c.Engine.Book, "household", Vals{"low_income": "ended"})
	if err != nil {
		return err
	}
	_, err = c.push(ctx, "othercadre", dev, c.Now(), 0, syncproto.Edit{Table: "household", Row: c.Rows["foreign"], Op: syncproto.OpUpdate, Base: base, Cells: cs})
	return err
}

// deleted is a person whom one deletes while another writes about him.
func (c *City) deleted(ctx context.Context, dev syncproto.DeviceID) error {
	id := c.Rows["ou.2"]
	base, err := c.Base(ctx, id)
	if err != nil {
		return err
	}
	if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		return c.submit(tx, "secretary", syncproto.Edit{Table: "resident", Row: id, Op: syncproto.OpDelete, Base: base})
	}); err != nil {
		return err
	}
	cs, err := cells(c.Engine.Book, "resident", Vals{"phone": "13900001111"})
	if err != nil {
		return err
	}
	_, err = c.push(ctx, "cadre", dev, c.Now(), 0, syncproto.Edit{Table: "resident", Row: id, Op: syncproto.OpUpdate, Base: base, Cells: cs})
	return err
}

// nameItems gives the items of the inbox short names: of 王桂芬's home by their cell.
func (c *City) nameItems(ctx context.Context) error {
	return c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		items, err := tx.Items("closed_ms = 0 ORDER BY opened_ms, id")
		for _, it := range items {
			key := "item." + it.Cell
			if it.Kind == syncproto.ItemDelete {
				key = "item.delete"
			}
			if it.Row == c.Rows["foreign"] {
				key = "item.foreign"
			}
			if _, have := c.Rows[key]; !have || it.Row == c.Rows["wang"] {
				c.Rows[key] = syncproto.RowID(it.ID)
			}
		}
		return err
	})
}
