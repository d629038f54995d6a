package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/schema"
	"minqing/server/console/consoletest"
	judging "minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestRefusedIsLetIn goes through what is refused of each kind: let in, mended and let in, returned with words, or told why that cannot be.
func TestRefusedIsLetIn(t *testing.T) { both(t, lettingIn) }

func lettingIn(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	list := func() int { return len(b.Get("/at/{place}/refused").Want(200).All("tbody tr")) }

	// What its author had no right to: two steps from the list, with a look at whose phones get it, on record with both names.
	forbidden := "/at/{place}/refused/{change.forbidden}"
	p := b.Get(forbidden).Want(200)
	says(t, p, ".decide", "记下是您替陈秀兰收的")
	says(t, p, ".sees", "手机上会收到这些内容")
	stale := p
	p = p.Send(".decide form.letin", url.Values{"do": {"take"}, "why": {"镇里同意提前"}}).Want(200)
	says(t, p, ".said", "替陈秀兰收下了")
	if got := columnOf(t, city, "matter", "due", string(city.Rows["matter"])); got != "2026-11-30" {
		t.Errorf("let in, the deadline is %q", got)
	}
	if n := list(); n != 3 {
		t.Errorf("%d are refused still, want 3", n)
	}
	p = b.Get(forbidden).Want(200)
	says(t, p, ".note", "何婉清看过，替陈秀兰收下了")
	says(t, p, ".note", "镇里同意提前")
	if len(p.All("main form")) != 1 || len(p.All("[value=undo]")) != 1 {
		t.Error("what was let in can be decided again, or not taken back")
	}
	says(t, stale.Send(".decide form.letin", url.Values{"do": {"return"}}).Want(422), ".note", "何婉清看过，替陈秀兰收下了") // a page that was open since before
	says(t, b.Get("/at/{place}/audit?kind=changed").Want(200), "tbody", "替陈秀兰收下")

	// It is taken back, and let in again: two ways back, from its page and from the sentence about it.
	p = b.Get(forbidden).Want(200).Send(".decide form", url.Values{"do": {"undo"}}).Want(200)
	says(t, p, ".said", "还是未通过")
	if got := columnOf(t, city, "matter", "due", string(city.Rows["matter"])); got != "2026-10-20" || list() != 4 {
		t.Errorf("taken back, the deadline is %q", got)
	}
	p = b.Get(forbidden).Want(200).Send(".decide form.letin", url.Values{"do": {"return"}, "why": {"等镇里定"}}).Want(200)
	says(t, p, ".said", "退回给陈秀兰")
	p = p.Send(".said form", nil).Want(200)
	says(t, p, ".said", "不算退给陈秀兰了")
	says(t, b.Get(forbidden).Want(200).Send(".decide form.letin", url.Values{"do": {"take"}}).Want(200), ".said", "替陈秀兰收下了")

	// A value that is none: its field says so, and holds what was written; mended, the rest comes in as it was written.
	invalid := "/at/{place}/refused/{change}"
	p = b.Get(invalid).Want(200)
	says(t, p, ".field.bad .err", "最多")
	if got := reader.Text(p.One("[name='write.0.note']")); !strings.Contains(got, "春节回来") {
		t.Errorf("the form holds %q", got)
	}
	again := p.Send(".decide form.letin", url.Values{"do": {"take"}, "why": {"问过他"}, "write.0.note": {"春节回来。"}}).Want(422)
	if got := reader.Text(again.One("[name='write.0.note']")); got != "春节回来。" || reader.Attr(again.One("[name=why]"), "value") != "问过他" {
		t.Errorf("what was typed is gone: %q", got)
	}
	says(t, again, ".field.bad .err", "最多")
	says(t, again.Send(".decide form.letin", url.Values{"do": {"take"}, "write.0.note": {"春节回来。"}, "write.1.head": {"古丽巴哈尔"}}).Want(200), ".said", "替陈秀兰收下了")
	if head, note := columnOf(t, city, "household", "head", string(city.Rows["gu"])), columnOf(t, city, "household", "note", string(city.Rows["ou"])); head != "古丽巴哈尔" || note != "春节回来。" {
		t.Errorf("mended and let in: %q, %q", head, note)
	}

	// What waits, and what nobody here knows: no way to let it in, and why; it goes back with words, and stays on the list.
	waits := "/at/{place}/refused/{change.waits}"
	p = b.Get(waits).Want(200)
	says(t, p, ".cannot", "还没有它要改的那条记录")
	if len(p.All("[value=take]")) != 0 {
		t.Error("what waits can be let in")
	}
	says(t, p.Send(".decide form.letin", url.Values{"do": {"take"}}).Want(422), ".err", "还没有它要改的那条记录")
	says(t, p.Send(".decide form.letin", url.Values{"do": {"return"}, "why": {"这篇没有走访"}}).Want(200), ".said", "退回给陈秀兰")
	b.Post(waits, url.Values{"do": {"return"}}).Want(422)
	p = b.Get("/at/{place}/refused").Want(200)
	says(t, p, "tbody .tag", "已退回")
	says(t, b.Get(waits).Want(200), ".note", "这篇没有走访")
	city.Rows["change.unknown"] = refuse(t, city, "cadre", "device", syncproto.CodeUnknown, syncproto.Edit{Table: "tomorrow", Row: "01935555-6666-7666-8666-666666666677", Op: syncproto.OpCreate,
		Cells: []syncproto.CellEdit{{Cell: "a", Value: schema.Text("b")}}})
	p = b.Get("/at/{place}/refused/{change.unknown}").Want(200)
	says(t, p, ".cannot", "升级服务器以后会自动重新处理")
	if len(p.All("[value=return]")) != 1 {
		t.Error("what is unknown cannot be returned")
	}

	b.Do("POST", "/settings", url.Values{"lang": {"en"}, "to": {"/"}}).Want(303)
	p = b.Get(waits).Want(200)
	says(t, p, ".cannot", "The row that it changes is not on the server yet")
	says(t, p, ".note", "has looked and returned it")
	if report, err := city.Engine.Judge.VerifyChain(t.Context()); err != nil || len(report.Broken) > 0 {
		t.Errorf("the chain: %+v, %v", report, err)
	}
}

// refuse has a phone hand in a change that is refused for a reason.
func refuse(t *testing.T, c *consoletest.City, who, phone string, code syncproto.Code, edit syncproto.Edit) syncproto.RowID {
	t.Helper()
	dev := syncproto.DeviceID(c.Rows[phone])
	change := &syncproto.Change{At: c.Now().UnixMilli(), Edits: []syncproto.Edit{edit}}
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		d, _, err := tx.Device(dev)
		change.Name = syncproto.Name{Device: dev, Number: d.Next}
		rows, e := tx.Rows([]string{string(edit.Row)})
		if e == nil && len(rows) == 1 {
			epoch, err := tx.Epoch()
			change.Edits[0].Base = syncproto.Base{Epoch: epoch.ID, Rev: rows[0].Label.Rev}
			return err
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := change.Seal(); err != nil {
		t.Fatal(err)
	}
	out, err := c.Engine.Judge.Push(t.Context(), judging.Author{Device: dev, User: c.Users[who], Carried: true}, []*syncproto.Change{change})
	if err != nil {
		t.Fatal(err)
	}
	if v := out.Verdicts[0]; v.Code != code {
		t.Fatalf("it is %s %s %s, want %s", v.Status, v.Code, v.Message, code)
	}
	return syncproto.RowID(out.Verdicts[0].Identity)
}

// TestRefusedThatMovedOn: what a state forbade is let in by whoever may; where others have written since, what they wrote is shown beside, and
// can stay; a page from before that lets nothing in.
func TestRefusedThatMovedOn(t *testing.T) { both(t, movedOn) }

func movedOn(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	wall := city.Rows["matter.wall"]
	city.Rows["change.state"] = refuse(t, city, "cadre2", "device.second", syncproto.CodeState, syncproto.Edit{Table: "matter", Row: wall, Op: syncproto.OpUpdate,
		Cells: []syncproto.CellEdit{{Cell: "title", Value: schema.Text("院墙界线已量定")}}})
	path := "/at/{place}/refused/{change.state}"
	before := b.Get(path).Want(200)
	if err := city.Update(t.Context(), "admin", "matter", wall, syncproto.Base{}, consoletest.Vals{"title": "两家院墙"}); err != nil {
		t.Fatal(err)
	}
	p := before.Send(".decide form.letin", url.Values{"do": {"take"}, "why": {"属实"}}).Want(422)
	says(t, p, ".err", "您看的时候这里又有人改了")
	says(t, p, ".decide .picks", "两家院墙")
	says(t, p, "main", "和隔壁争院墙界线") // what he had before him
	if got := columnOf(t, city, "matter", "title", string(wall)); got != "两家院墙" || reader.Attr(p.One("[name=why]"), "value") != "属实" {
		t.Errorf("the title is %q", got)
	}
	says(t, p.Send(".decide form.letin", url.Values{"do": {"take"}, "leave.0.title": {"1"}}).Want(422), ".err", "没有什么可收的")
	p = b.Get(path).Want(200)
	says(t, p.Send(".decide form.letin", url.Values{"do": {"take"}, "leave.0.title": {"0"}}).Want(200), ".said", "收下了")
	if got := columnOf(t, city, "matter", "title", string(wall)); got != "院墙界线已量定" {
		t.Errorf("let in, the title is %q", got)
	}
	says(t, p.Send(".decide form.letin", url.Values{"do": {"take"}}).Want(422), ".note", "何婉清看过")
}

// says wants words in some element of a page.
func says(t *testing.T, p *consoletest.Page, selector, want string) {
	t.Helper()
	got := p.Texts(selector)
	for _, text := range got {
		if strings.Contains(text, want) {
			return
		}
	}
	t.Errorf("no %s says %q; they say %q", selector, want, got)
}
