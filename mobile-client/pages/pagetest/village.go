package pagetest

import (
	"context"
	"fmt"
	"strings"

	"minqing/internal/register"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// people are the places and users that every phone knows.
func (p *Phone) people() {
	c, r := p.cloud, p.Rows
	city := c.Add("place", vals{"level": "city", "name": "临川市"})
	c.Add("team_quota", vals{"place": city, "team": "member", "visits": 1}) // the stories below count by it
	r["town"] = c.Add("place", vals{"level": "township", "name": "柳河镇", "parent": city})
	r["village"] = c.Add("place", vals{"level": "village", "name": "石桥村", "parent": r["town"]})
	for i, natural := range []string{"上湾", "下湾"} {
		n := c.Add("place", vals{"level": "natural", "name": natural, "parent": r["village"]})
		r[fmt.Sprint("group", i)] = c.Add("place", vals{"level": "group", "name": fmt.Sprintf("第%d组", 7+i), "parent": n, "code": fmt.Sprintf("%02d", 7+i)})
	}
	r["me"] = c.Put("user", syncproto.RowID(p.Me), vals{"place": r["village"], "login": "chen", "name": "陈秀兰", "post": "村妇联主席", "phone": "12800002206"})
	r["zhao"] = c.Add("user", vals{"place": r["town"], "login": "zhao", "name": "赵建国", "post": "柳河镇农业办", "phone": "12900007718"})
	r["liu"] = c.Add("user", vals{"place": city, "login": "liu", "name": "刘敏", "post": "市水利局副局长", "phone": "05006334410"})
	r["sun"] = c.Add("user", vals{"place": r["village"], "login": "sun", "name": "孙志强", "post": "村支部书记", "phone": "12800001123"})
	c.Add("role", vals{"user": r["me"], "role": "cadre", "place": r["village"]})
}

// home makes a household with its contacts.
func (p *Phone) home(code, group, head, address string, v vals, people ...vals) syncproto.RowID {
	c, r := p.cloud, p.Rows
	row := vals{"place": r[group], "code": code, "head": head, "address": address}
	for k, x := range v {
		row[k] = x
	}
	id := c.Add("household", row)
	for _, person := range people {
		person["household"] = id
		c.Add("resident", person)
	}
	c.Add("assignment", vals{"household": id, "user": r["me"], "team": "member", "since": "2026-01-01"})
	return id
}

// visit makes a visit with its journal.
func (p *Phone) visit(home syncproto.RowID, by, day, text, state string, more vals) (visit, journal syncproto.RowID) {
	c, r := p.cloud, p.Rows
	v := vals{"household": home, "author": r[by], "day": day, "met": "户主", "tasks": []string{"listen"}}
	for k, x := range more {
		v[k] = x
	}
	visit = c.Put("visit", p.idOn(day), v)
	if text != "" {
		journal = c.Put("journal", p.idOn(day), vals{"visit": visit, "author": r[by], "text": text, "state": state})
	}
	return visit, journal
}

// village is an ordinary one: some households of the story, the others as they are invented.
func (p *Phone) village(n int) {
	c, r := p.cloud, p.Rows
	done := p.State == Done || p.State == Reminded
	r["home"] = p.home("SQ07-003", "group0", "王桂芬", "柳河镇石桥村第7组上湾自然村老供销社后排东起第3户（原粮站家属院2栋1单元）", vals{"phone": "12800005621",
		"tags": []string{"empty_nest", "low_income", "key"}, "low_income": "granted"},
		vals{"name": "王桂芬", "sex": "f", "birth": "1955-03-02", "relation": "户主", "phone": "12800005621", "id_masked": "9****************4"},
		vals{"name": "李大山", "sex": "m", "birth": "1952-01-19", "relation": "丈夫", "phone": "13600000917", "disability": "残疾二级"},
		vals{"name": "李国梁", "sex": "m", "birth": "1980-06-11", "relation": "儿子", "phone": "15900003340", "away": "东莞"},
		vals{"name": "李沐阳", "sex": "m", "birth": "2017-03-14", "relation": "孙子", "away": "东莞"})
	for _, row := range c.List {
		if row.Table == "resident" && c.Get(row, "name").Str() == "王桂芬" {
			r["resident"] = row.ID
		}
	}
	c.Add("assignment", vals{"household": r["home"], "user": r["zhao"], "team": "cadre", "since": "2026-01-01"})
	c.Add("assignment", vals{"household": r["home"], "user": r["liu"], "team": "leading", "since": "2026-03-01"})
	c.Add("contact_card", vals{"household": r["home"], "serial": "7K4M-2Q9X", "issued": "2026-03-01", "contacts": "陈秀兰、赵建国、刘敏"})
	p.visit(r["home"], "me", "2026-10-21", "水渠动工，告诉她工期一个月。", "submitted", nil)
	checked, j := p.visit(r["home"], "zhao", "2026-11-04", "核实低保，材料齐。", "accepted", nil)
	r["theirs"] = j
	r["photo"] = c.Add("attachment", vals{"visit": checked, "author": r["zhao"], "hash": strings.Repeat("0a", 32), "media": "image/jpeg", "bytes": 4})
	c.Add("review", vals{"journal": j, "author": r["sun"], "kind": "accept"})
	promise := vals{"next_day": "2026-11-23"}
	if done {
		promise = vals{"next_day": "2026-11-30"}
	}
	_, j = p.visit(r["home"], "me", "2026-11-09", "送医保缴费通知。她说腿疼，约了11月23日再来。", "accepted", promise)
	c.Add("review", vals{"journal": j, "author": r["sun"], "kind": "accept", "comment": "好。"})
	r["journal"] = j
	state := "handled"
	if done {
		state = "answered"
	}
	r["matter"] = c.Add("matter", vals{"household": r["home"], "author": r["zhao"], "kind": "difficulty", "title": "门前水渠堵塞，雨天进水", "detail": "一下大雨，水就漫进院子。",
		"raised_by": "王桂芬", "urgency": 1, "state": state})
	for _, s := range [][2]string{{"record", "2026-08-12"}, {"discuss", "2026-09-30"}, {"handle", "2026-11-18"}} {
		text := map[string]string{"record": "记下了。", "discuss": "市里定了，由水利站改道。", "handle": "水渠改道 86 米，11月18日完工。"}[s[0]]
		c.Add("matter_step", vals{"matter": r["matter"], "author": r["sun"], "kind": s[0], "day": s[1], "text": text})
	}

	wu := p.home("SQ07-005", "group0", "吴吉祥", "柳河镇石桥村第7组上湾水渠边", vals{"phone": "12800003311"}, vals{"name": "吴吉祥", "sex": "m", "birth": "1961-05-05", "relation": "户主"})
	p.visit(wu, "me", "2026-11-12", "看了新修的水渠。", "accepted", nil)
	c.Add("matter", vals{"household": wu, "author": r["me"], "kind": "request", "title": "水渠已修好", "raised_by": "吴吉祥", "state": state})
	ou := p.home("SQ07-008", "group0", "欧阳诗雅", "柳河镇石桥村第7组上湾粮站家属院", nil, vals{"name": "欧阳诗雅", "sex": "f", "birth": "1990-02-01", "relation": "户主"})
	r["ou"] = ou
	back := "returned"
	if done {
		back = "accepted"
	}
	_, j = p.visit(ou, "me", "2026-11-15", "住院费报销还差一些。", back, nil)
	c.Add("review", vals{"journal": j, "author": r["sun"], "kind": "return", "comment": "请写明差多少钱"})
	r["returned"] = j
	li := p.home("SQ08-002", "group1", "李犇", "柳河镇石桥村第8组下湾晒谷场东", nil, vals{"name": "李犇", "sex": "m", "birth": "1975-09-01", "relation": "户主"})
	r["li"] = li
	p.visit(li, "me", "2026-10-02", "家里都好。", "accepted", nil)
	gu := p.home("SQ08-004", "group1", "古丽巴哈尔·阿布都克里木", "柳河镇石桥村第8组下湾磨坊后", nil,
		vals{"name": "古丽巴哈尔·阿布都克里木", "sex": "f", "birth": "1988-12-24", "relation": "户主"})
	p.visit(gu, "me", "2026-10-19", "孩子上学的事问清楚了。", "accepted", nil)
	if done {
		p.visit(li, "me", "2026-11-02", "家里都好。", "accepted", nil)
		p.visit(gu, "me", "2026-11-18", "家里都好。", "accepted", nil)
	}
	invented, err := register.Generate(23, register.Size{Groups: 2, Households: n - 5, People: 3 * (n - 5), Odd: -1})
	if err != nil {
		panic(err) // the size is a constant
	}
	for i, h := range invented.Households {
		id := p.family(h, fmt.Sprintf("SQ%02d-%03d", 7+i%2, 20+i), fmt.Sprint("group", i%2))
		p.visit(id, "me", fmt.Sprintf("2026-11-%02d", 1+i), register.VisitText(p.dice()), "accepted", nil)
	}
}

// reminders are words of the branch: one that waits, one that a visit has answered, one for somebody else.
func (p *Phone) reminders() {
	for _, x := range [][4]string{{"li", "me", "2026-11-20", "本月务必去一次，问清低保材料。"}, {"home", "me", "2026-11-05", "去看看水渠。"}, {"home", "zhao", "2026-11-20", "给别人的"}} {
		p.cloud.Put("reminder", p.idOn(x[2]), vals{"household": p.Rows[x[0]], "author": p.Rows["sun"], "user": p.Rows[x[1]], "day": x[2], "text": x[3]})
	}
}

// words are what the household of the story said by its card: of an answer, and a message.
func (p *Phone) words() {
	card := p.cloud.Add("contact_card", vals{"household": p.Rows["home"], "serial": "7K4M-2Q9X-8HTD-W3NC", "issued": "2026-03-02"})
	p.cloud.Put("household_word", p.idOn("2026-11-21"), vals{"household": p.Rows["home"], "provenance": "resident", "card": card, "matter": p.Rows["matter"], "mark": "fair", "day": "2026-11-21", "text": "水还是慢。"})
	p.cloud.Put("household_word", p.idOn("2026-11-22"), vals{"household": p.Rows["home"], "provenance": "resident", "card": card, "day": "2026-11-22", "text": "老李又摔了，能来看看吗？"})
}

// family makes a household as the register invents it.
func (p *Phone) family(h register.Household, code, group string) syncproto.RowID {
	var people []vals
	for _, x := range h.People {
		v := vals{"name": x.Name, "sex": x.Sex, "birth": x.Birth, "relation": x.Relation}
		for column, text := range map[string]string{"phone": x.Phone, "schooling": x.Schooling, "away": x.Away} {
			if text != "" {
				v[column] = text
			}
		}
		people = append(people, v)
	}
	more := vals{}
	if tags := tagValues(h.Tags); len(tags) > 0 {
		more["tags"] = tags
	}
	address := h.Address
	if name := p.cloud.Get(p.cloud.Row(p.Rows[group]), "name").Str(); name != h.Group { // the register counts its own groups from one
		address = strings.Replace(address, h.Group, name, 1)
	}
	return p.home(code, group, h.People[0].Name, address, more, people...)
}

func tagValues(labels []string) (out []string) {
	for _, o := range schema.Minqing().Table("household").Column("tags").Options {
		for _, l := range labels {
			if o.Label.ZH == l {
				out = append(out, o.Value)
			}
		}
	}
	return out
}

// longVillage has the longest of everything.
func (p *Phone) longVillage() {
	c, r := p.cloud, p.Rows
	name := "阿卜杜热合曼·买买提依明·吐尔逊尼亚孜·古丽巴哈尔"
	address := "柳河镇石桥村第7组上湾自然村" + strings.Repeat("老供销社后排东起第三户原粮站家属院二栋一单元", 5)
	tags := []string{}
	for _, o := range schema.Minqing().Table("household").Column("tags").Options {
		tags = append(tags, o.Value)
	}
	person := vals{"name": name, "sex": "f", "birth": "1955-03-02", "relation": "户主", "phone": "12800005621", "away": strings.Repeat("很远的地方", 10),
		"work": strings.Repeat("在一家很大的工厂里上班", 8), "disability": "残疾二级", "skills": []string{"木工", "泥瓦", "养殖"}}
	r["home"] = p.home("SQ07-003", "group0", name, address, vals{"phone": "12800005621", "tags": tags, "note": strings.Repeat("备注很长。", 100)}, person)
	for _, row := range c.List {
		if row.Table == "resident" {
			r["resident"] = row.ID
		}
	}
	for i := range 8 {
		other := p.home(fmt.Sprintf("SQ08-%03d", i), "group1", name, address, nil)
		p.visit(other, "me", "2026-10-02", strings.Repeat("说了很多很多话。", 40), "accepted", nil)
	}
	_, r["journal"] = p.visit(r["home"], "me", "2026-11-09", strings.Repeat("一句很长很长没有停顿的话", 30), "returned", vals{"next_day": "2026-11-20"})
	r["returned"] = r["journal"]
	c.Add("review", vals{"journal": r["journal"], "author": r["sun"], "kind": "return", "comment": strings.Repeat("请把差多少钱写明白，", 20)})
	r["matter"] = c.Add("matter", vals{"household": r["home"], "author": r["me"], "kind": "difficulty", "title": strings.Repeat("门前水渠堵塞雨天进水", 4),
		"detail": strings.Repeat("一下大雨水就漫进院子。", 50), "raised_by": name, "urgency": 3, "state": "handled"})
	visit, theirs := p.visit(r["home"], "zhao", "2026-10-01", strings.Repeat("别人也写了很长很长的一句话", 30), "accepted", nil)
	r["theirs"] = theirs
	r["photo"] = c.Add("attachment", vals{"visit": visit, "author": r["zhao"], "hash": strings.Repeat("0a", 32), "media": "image/jpeg", "bytes": 4})
	c.Add("contact_card", vals{"household": r["home"], "serial": strings.Repeat("7K4M2Q9X", 5), "issued": "2026-03-01"})
}

// bigVillage is more than any cadre contacts.
func (p *Phone) bigVillage(households, people int) error {
	invented, err := register.Generate(24, register.Size{Groups: 15, Households: households, People: people, Odd: -1})
	if err != nil {
		return err
	}
	for i, g := range invented.Groups {
		p.Rows["big"+g] = p.cloud.Add("place", vals{"level": "group", "name": g, "parent": p.Rows["village"], "code": fmt.Sprintf("%02d", i+1)})
	}
	for i, h := range invented.Households {
		id := p.family(h, h.Code, "big"+h.Group)
		if i == 0 {
			p.Rows["home"] = id
		}
		if i%3 != 0 {
			p.visit(id, "me", fmt.Sprintf("2026-%02d-%02d", 10+i%2, 1+i%21), register.VisitText(p.dice()), "accepted", nil)
		}
	}
	return nil
}

// fillUp adds visits of the past year until the phone holds so many rows.
func (p *Phone) fillUp(rows int) {
	var homes []syncproto.RowID
	for _, r := range p.cloud.List {
		if r.Table == "household" {
			homes = append(homes, r.ID)
		}
	}
	for i := 0; len(p.cloud.List) < rows; i++ {
		p.visit(homes[i%len(homes)], "me", fmt.Sprintf("2026-%02d-%02d", 1+i%10, 1+i%28), register.VisitText(p.dice()), "accepted", nil)
	}
}

// many gives one household a thousand visits, for lists that grow.
func (p *Phone) many() {
	for i := range 1000 {
		_, p.Rows["journal"] = p.visit(p.Rows["home"], "me", fmt.Sprintf("2026-%02d-%02d", 1+i%10, 1+i%28), "家里都好。", "accepted", nil)
		if i < 200 {
			p.Rows["matter"] = p.cloud.Add("matter", vals{"household": p.Rows["home"], "author": p.Rows["me"], "kind": "opinion", "title": fmt.Sprintf("第 %d 件", i+1)})
		}
	}
}

// unsent is what was written today and has not gone up: two visits and a correction.
func (p *Phone) unsent(ctx context.Context) error {
	for i := range 2 {
		if _, err := p.write(ctx, func(tx *replica.Tx, id syncproto.RowID) error {
			return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(p.Rows["home"])), "author": schema.Text(string(p.Me)),
				"day": schema.Text(fmt.Sprintf("2026-11-0%d", 2+i)), "met": schema.Text("户主")})
		}); err != nil {
			return err
		}
	}
	_, err := p.edit(ctx, "household", p.Rows["home"], map[string]schema.Value{"note": schema.Text("腿疼，走路不便。")})
	return err
}

func (p *Phone) write(ctx context.Context, f func(tx *replica.Tx, id syncproto.RowID) error) (*syncproto.Change, error) {
	return p.Replica.Write(ctx, func(tx *replica.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		return f(tx, id)
	})
}

func (p *Phone) edit(ctx context.Context, table string, row syncproto.RowID, v map[string]schema.Value) (*syncproto.Change, error) {
	return p.Replica.Write(ctx, func(tx *replica.Tx) error {
		f, err := tx.Form(table, row)
		if err != nil {
			return err
		}
		return tx.Update(f, v)
	})
}
