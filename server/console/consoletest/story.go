package consoletest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"minqing/server/admin"
	"minqing/server/store"
	"minqing/syncproto"
)

// cast is everybody: short name, login, name, post, role, and the place of the role. The second village has its own, to be foreign.
var cast = []struct{ Key, Login, Name, Post, Role, Over string }{
	{"secretary", "zhoudewang", "周德旺", "支部书记", "secretary", "village"},
	{"township", "qinyuemei", "秦月梅", "镇民情专员", "township", "town"},
	{"city", "lugang", "陆刚", "市民情办", "city", "city"},
	{"handler", "panshuili", "潘立水", "水利站站长", "handler", "village"},
	{"mediator", "shixin", "石信", "调解员", "mediator", "village"},
	{"cadre", "chenxiulan", "陈秀兰", "村妇联主席", "cadre", "village"},
	{"cadre2", "zhaojianguo", "赵建国", "柳河镇农业办", "cadre", "village"},
	{"cadre3", "hanlijun", "韩立军", "村委委员", "cadre", "village"},
	{"otheradmin", "guanlide", "关立德", "镇管理员", "admin", "othertown"},
	{"othersecretary", "liangfeng", "梁峰", "支部书记", "secretary", "other"},
	{"othercadre", "baihe", "白荷", "村委委员", "cadre", "other"},
}

// longName is as long as names get.
const longName = "古丽巴哈尔·阿布都克里木江·买买提伊明尼亚孜"

// poison breaks out of elements, attributes, text areas and addresses where nobody escapes it.
const poison = `</textarea></title><script>top.owned=1</script><img src=x onerror="top.owned=1">'"onfocus=top.owned=1 x="javascript:top.owned=1`

// text is a text of the story as the state wants it; most bounds it in characters.
func (c *City) text(s string, most int) string {
	switch c.State {
	case Long:
		s = strings.Repeat(s, 1+most/max(1, len([]rune(s))))
	case Hostile:
		s = poison
	}
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return s
}

func (c *City) name(s string) string {
	if c.State == Long {
		return longName
	}
	return c.text(s, 60)
}

// tell makes the city, and what happened in it.
func (c *City) tell(ctx context.Context) error {
	if err := (&admin.Desk{E: c.Engine}).Found(ctx, founding); err != nil {
		return err
	}
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		var place string
		if _, err := tx.One("SELECT id FROM place WHERE parent IS NULL", nil, &place); err != nil {
			return err
		}
		c.Places["city"] = place
		var user syncproto.UserID
		_, err := tx.One(`SELECT id FROM "user"`, nil, &user)
		c.Users["admin"] = user
		return err
	}); err != nil {
		return err
	}
	for _, p := range [][4]string{{"town", "city", "township", "柳河镇"}, {"othertown", "city", "township", "枫桥镇"}, {"village", "town", "village", "石桥村"}, {"other", "othertown", "village", "枫林村"},
		{"group7", "village", "group", "7组 上湾"}, {"group8", "village", "group", "8组 下湾"}, {"othergroup", "other", "group", "1组 庙前"}} {
		id, err := c.Create(ctx, "admin", "place", Vals{"parent": c.Places[p[1]], "level": p[2], "name": c.name(p[3]), "code": fmt.Sprintf("9901%02d", len(c.Places))})
		if err != nil {
			return err
		}
		c.Places[p[0]] = string(id)
	}
	if _, err := c.Create(ctx, "admin", "team_quota", Vals{"place": c.Places["city"], "team": "member", "visits": "1"}); err != nil { // the story counts by it
		return err
	}
	for _, m := range cast {
		id, err := c.Create(ctx, "admin", "user", Vals{"place": c.Places[m.Over], "login": m.Login, "name": c.name(m.Name), "post": c.text(m.Post, 60), "phone": "12800002206"})
		if err != nil {
			return err
		}
		c.Users[m.Key] = syncproto.UserID(id)
		if _, err := c.Create(ctx, "admin", "role", Vals{"user": string(id), "role": m.Role, "place": c.Places[m.Over]}); err != nil {
			return err
		}
	}
	if c.State == Empty {
		return nil
	}
	if err := c.live(ctx); err != nil {
		return err
	}
	if err := c.cards(ctx); err != nil {
		return err
	}
	if err := c.orders(ctx); err != nil {
		return err
	}
	if err := c.files(ctx); err != nil {
		return err
	}
	switch c.State {
	case Crowd:
		return c.thousands(ctx)
	case Knots:
		return c.knots(ctx)
	}
	return nil
}

// home makes a household with its contacts.
func (c *City) home(ctx context.Context, key, group, code, head, address, tags string, contacts ...string) error {
	id, err := c.Create(ctx, "admin", "household", Vals{"place": c.Places[group], "code": code, "head": c.name(head), "address": c.text(address, 200), "phone": "13500007702", "tags": tags,
		"low_income": "granted", "note": c.text("老两口在家，儿子在东莞打工。享受低保，每月 820 元。老李腿脚不便。", 4000)})
	if err != nil {
		return err
	}
	c.Rows[key] = id
	for i, who := range contacts {
		team := []string{"member", "cadre", "leading"}[i%3]
		if _, err := c.Create(ctx, "admin", "assignment", Vals{"household": string(id), "user": string(c.Users[who]), "team": team, "since": "2026-01-05"}); err != nil {
			return err
		}
	}
	for i, n := range []string{head, head[:len(head)-3] + "素琴", head[:3] + "小军"} {
		v := Vals{"household": string(id), "name": c.name(n), "sex": []string{"f", "m"}[i%2], "birth": fmt.Sprintf("19%d-03-02", 55+i*12), "relation": []string{"户主", "配偶", "子女"}[i]}
		if i == 2 {
			v["away"] = c.text("东莞", 100)
		}
		r, err := c.Create(ctx, "admin", "resident", v)
		if err != nil {
			return err
		}
		c.Rows[key+fmt.Sprint(".", i)] = r
	}
	return nil
}

// at moves the clock to a day and time of 2026.
func (c *City) at(month time.Month, day, hour, minute int) {
	c.SetNow(time.Date(2026, month, day, hour, minute, 0, 0, zone))
}

// visit makes a visit with its journal on the day that the clock stands at.
func (c *City) visit(ctx context.Context, home, who, text, tasks, state string) (journal syncproto.RowID, err error) {
	day := c.Now().Format(time.DateOnly)
	v, err := c.Create(ctx, who, "visit", Vals{"household": string(c.Rows[home]), "author": string(c.Users[who]), "day": day, "met": c.text("户主", 200), "tasks": tasks})
	if err != nil {
		return "", err
	}
	j, err := c.Create(ctx, who, "journal", Vals{"visit": string(v), "author": string(c.Users[who]), "text": c.text(text, 4000)})
	if err == nil && state != "draft" {
		err = c.Update(ctx, who, "journal", j, syncproto.Base{}, Vals{"state": "submitted"})
	}
	if err == nil && state != "draft" && state != "submitted" {
		kind := map[string]string{"accepted": "accept", "returned": "return"}[state]
		err = c.review(ctx, "secretary", j, kind, "", state)
	}
	return j, err
}

func (c *City) review(ctx context.Context, who string, journal syncproto.RowID, kind, comment, state string) error {
	if _, err := c.Create(ctx, who, "review", Vals{"journal": string(journal), "author": string(c.Users[who]), "kind": kind, "comment": c.text(comment, 4000)}); err != nil {
		return err
	}
	return c.Update(ctx, who, "journal", journal, syncproto.Base{}, Vals{"state": state})
}

func (c *City) matter(ctx context.Context, home, who, title, urgency string) error {
	id, err := c.Create(ctx, who, "matter", Vals{"household": string(c.Rows[home]), "author": string(c.Users[who]), "kind": "difficulty", "title": c.text(title, 40), "urgency": urgency, "raised_by": c.name("户主")})
	if err != nil {
		return err
	}
	_, err = c.Create(ctx, who, "matter_step", Vals{"matter": string(id), "author": string(c.Users[who]), "kind": "record", "day": c.Now().Format(time.DateOnly), "text": c.text("记下了。", 4000)})
	return err
}
