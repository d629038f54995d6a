package pages_test

import (
	"net/url"
	"testing"

	"minqing/mobile-client/pages/pagetest"
	"minqing/schema"
)

func TestReturnedJournalIsCompletedAndSubmittedAgain(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/j/{returned}").Want(200)
	p.Has(".chip", "退回")
	p.Has(".story", "请写明差多少钱")
	p = b.Get("/j/{returned}/edit").Want(200)
	p.Has(".note.act", "请写明差多少钱")
	p = p.Send("main form", url.Values{"text": {"住院费报销还差 1,860 元。"}}).Want(200)
	p.Has(".toast", "重新提交")
	got := shown(t, b, "journal", b.Rows["returned"])
	if got["text"] != schema.Text("住院费报销还差 1,860 元。") || got["state"] != schema.Text("submitted") {
		t.Errorf("the journal is %v", got)
	}
	e := last(t, b).Edits[0]
	if len(e.Cells) != 2 || e.Base.Rev != 1 {
		t.Errorf("written: %+v", e)
	}
	b.Get("/j/{returned}/edit").Send("main form", url.Values{"text": {"住院费报销还差 1,860 元。问二次报销。"}}).Want(200)
	if e := last(t, b).Edits[0]; len(e.Cells) != 1 || e.Cells[0].Cell != "text" {
		t.Errorf("a second edit wrote %+v", e)
	}
	b.Get("/j/{returned}?words=1").Has("p.pre.t2", "住院费报销还差 1,860 元。")
}

func TestGuidanceIsNewUntilItIsLookedAt(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	if n := len(b.Get("/journal").Texts(".tabs .badge")); n != 1 {
		t.Fatalf("%d badges", n)
	}
	b.Get("/journal").Has(".row .why", "退回：请写明差多少钱")
	b.Get("/j/{journal}").Want(200).Has("body", "已阅")
}

func TestAnswerIsDeliveredWithTheHouseholdsWord(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/m/{matter}").Want(200)
	p.Has(".four .now", "一馈")
	p.Has(".note.act", "答复还没送到")
	p = b.Get("/m/{matter}/answer").Send("main form", url.Values{"text": {"水渠修好了。"}, "word": {"good"}, "said": {"下雨不怕了"}}).Want(200)
	p.Has(".toast", "答复送到了")
	p.Has(".story", "满意。“下雨不怕了”")
	if n := len(p.All(".four .done")); n != 4 {
		t.Errorf("%d of four done", n)
	}
	ch := last(t, b)
	if got := made(ch); got["matter_step c"] != 2 || got["matter u"] != 1 || shown(t, b, "matter", b.Rows["matter"])["state"] != schema.Text("answered") {
		t.Errorf("written: %v", got)
	}
	b.Get("/m/{matter}/answer").Want(422)
}

func TestMatterBroughtToOnesDoor(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/matter").Send("main form", url.Values{"kind": {"opinion"}, "title": {"路灯坏了"}, "raised_by": {"王桂芬"}, "how": {"village"}}).Want(200)
	p.Has("main h2", "路灯坏了")
	p.Has(".four .now", "一议")
	p.Has(".chip", "未上传")
	if got := made(last(t, b)); got["matter c"] != 1 || got["matter_step c"] != 1 {
		t.Errorf("written: %v", got)
	}
	p = b.Get("/h/{home}/matter").Send("main form", url.Values{"kind": {"request"}, "title": {"要张表"}, "how": {"spot"}}).Want(200)
	if n := len(p.All(".four .done")); n != 4 {
		t.Errorf("handled on the spot: %d of four done", n)
	}
}
