package consoletest

import (
	"context"
	"fmt"
	"time"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// affair is something that happened to a matter: it was raised (home is set), a step was noted, or its cells were written. The matter is named
// by key.
type affair struct {
	month                 time.Month
	day                   int
	key, who              string
	home, kind, title     string
	step, text            string // kind of a step, and its words
	state, due, wroteMore string
}

// affairs are what was raised in the village before November's end, in the order of days.
var affairs = []affair{
	{month: 8, day: 31, key: "matter.wall", who: "cadre2", home: "jiang", kind: "dispute", title: "和隔壁争院墙界线"},
	{month: 9, day: 1, key: "matter.wall", who: "cadre2", step: "handle", text: "两家都在场，照老地契量了，界石重新埋好。", state: "handled"},
	{month: 9, day: 2, key: "matter.wall", who: "cadre2", step: "answer", text: "界石的位置画了图，两家各留一份。", state: "answered"},
	{month: 9, day: 2, key: "matter.wall", who: "cadre2", step: "word", text: "满意"},
	{month: 9, day: 3, key: "matter", who: "cadre", home: "wang", kind: "difficulty", title: "上湾门前水渠堵塞，雨天三户进水"},
	{month: 9, day: 5, key: "matter", who: "cadre", wroteMore: "雨天三户进水，最深到膝盖。渠底有淤泥，盖板断了两块。"},
	{month: 9, day: 20, key: "matter", who: "secretary", step: "discuss", text: "动到路基，不在村的职权内，上报镇里。", state: "discussing"},
	{month: 9, day: 20, key: "matter", who: "secretary", state: "referred"},
	{month: 9, day: 25, key: "matter", who: "township", step: "discuss", text: "交水利站潘立水：清淤、加盖板，期限 10月20日。", state: "discussing", due: "2026-10-20"},
	{month: 9, day: 25, key: "matter", who: "township", state: "assigned"},
	{month: 10, day: 9, key: "matter", who: "handler", step: "handle", text: "开工，告知三户工期一个月。", state: "handling"},
	{month: 10, day: 21, key: "matter.light", who: "cadre", home: "gu", kind: "opinion", title: "磨坊后路灯不亮"},
	{month: 10, day: 22, key: "matter.light", who: "secretary", step: "discuss", text: "村里自己修，交韩立军。", state: "discussing"},
	{month: 10, day: 22, key: "matter.light", who: "secretary", state: "assigned"},
	{month: 10, day: 23, key: "matter.dirt", who: "cadre3", home: "he", kind: "request", title: "老街口垃圾没人收"},
	{month: 10, day: 24, key: "matter.dirt", who: "secretary", step: "discuss", text: "联系保洁公司，每周收两次。", state: "discussing", due: "2026-11-10"},
	{month: 10, day: 24, key: "matter.dirt", who: "secretary", state: "assigned"},
	{month: 10, day: 30, key: "matter.light", who: "secretary", step: "handle", text: "换了灯头和线，四盏都亮了。", state: "handling"},
	{month: 11, day: 1, key: "matter.light", who: "secretary", state: "handled"},
	{month: 11, day: 2, key: "matter.light", who: "cadre", step: "answer", text: "上门告诉她路灯修好了，坏了打村里电话。", state: "answered"},
	{month: 11, day: 2, key: "matter.light", who: "cadre", step: "word", text: "基本满意。灯能不能再亮点？"},
	{month: 11, day: 18, key: "matter", who: "handler", step: "handle", text: "完工，水渠改道 86 米，周德旺到场验收。", state: "handled"},
}

// affairsUntil lets happen what happened before a moment and has not yet.
func (c *City) affairsUntil(ctx context.Context, when time.Time) error {
	for ; c.told < len(affairs); c.told++ {
		a := affairs[c.told]
		at := time.Date(2026, a.month, a.day, 10, 30, 0, 0, zone)
		if !at.Before(when) {
			break
		}
		c.SetNow(at)
		if err := c.happen(ctx, a); err != nil {
			return fmt.Errorf("%s on %d-%d: %w", a.key, a.month, a.day, err)
		}
	}
	c.SetNow(when)
	return nil
}

func (c *City) happen(ctx context.Context, a affair) error {
	if a.home != "" {
		id, err := c.Create(ctx, a.who, "matter", Vals{"household": string(c.Rows[a.home]), "author": string(c.Users[a.who]), "kind": a.kind, "title": c.text(a.title, 40), "urgency": "1", "raised_by": c.name("户主")})
		if err != nil {
			return err
		}
		c.Rows[a.key], a.step, a.text = id, "record", "走访时记下。"
	}
	id := c.Rows[a.key]
	if a.step != "" {
		if _, err := c.Create(ctx, a.who, "matter_step", Vals{"matter": string(id), "author": string(c.Users[a.who]), "kind": a.step, "day": c.Now().Format(time.DateOnly), "text": c.text(a.text, 4000)}); err != nil {
			return err
		}
	}
	v := Vals{}
	if a.state != "" {
		v["state"] = a.state
	}
	if a.due != "" {
		v["due"] = a.due
	}
	if a.wroteMore != "" {
		v["detail"] = c.text(a.wroteMore, 20000)
	}
	if len(v) == 0 {
		return nil
	}
	base, err := c.Base(ctx, id)
	if err != nil {
		return err
	}
	return c.Update(ctx, a.who, "matter", id, base, v)
}

// manyAffairs adds a thousand matters to a home of the story’s village.
func (c *City) manyAffairs(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		var drafts []judge.Draft
		author := string(c.Users["cadre3"])
		for i := range 1000 {
			m, err := c.creation(tx, "matter", Vals{"household": string(c.Rows["he"]), "author": author, "kind": []string{"opinion", "request", "difficulty", "dispute"}[i%4], "title": fmt.Sprintf("第 %d 处要修的路面", i+1)})
			if err != nil {
				return err
			}
			s, err := c.creation(tx, "matter_step", Vals{"matter": string(m.Row), "author": author, "kind": "record", "day": fmt.Sprintf("2026-%02d-%02d", 1+i%11, 1+i%20), "text": "记下了。"})
			if err != nil {
				return err
			}
			drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{m, s}})
		}
		out, err := c.Engine.Judge.SubmitIn(tx, c.Users["cadre3"], drafts...)
		if err != nil {
			return err
		}
		for _, v := range out.Verdicts {
			if v.Status == syncproto.Refused {
				return fmt.Errorf("a matter of many: %s", v.Message)
			}
		}
		return nil
	})
}
