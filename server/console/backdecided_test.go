package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestDecisionsTakenBackOnTheDesk(t *testing.T) { both(t, takingBack) }

// secondAdmin is another administrator of the place.
func secondAdmin(t *testing.T, city *consoletest.City, base string) *consoletest.Browser {
	t.Helper()
	id, err := city.Create(t.Context(), "admin", "user", consoletest.Vals{"place": city.Places["town"], "login": "fangyuan", "name": "方圆", "post": "镇党政办"})
	if err != nil {
		t.Fatal(err)
	}
	city.Users["second"] = syncproto.UserID(id)
	if _, err := city.Create(t.Context(), "admin", "role", consoletest.Vals{"user": string(id), "role": "admin", "place": city.Places["town"]}); err != nil {
		t.Fatal(err)
	}
	return city.NewBrowser(t, base, "second")
}

func takingBack(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b, other := city.NewBrowser(t, base, "admin"), secondAdmin(t, city, base)
	item := "/at/{place}/conflicts/{item.low_income}"
	low := func(want string) {
		t.Helper()
		if got := columnOf(t, city, "household", "low_income", string(city.Rows["wang"])); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
	has := func(what string, texts []string, want ...string) {
		t.Helper()
		for _, x := range want {
			if got := strings.Join(texts, " "); !strings.Contains(got, x) {
				t.Errorf("%s: %q is not in %s", what, x, got)
			}
		}
	}
	b.Get(item+"?pick=2").Want(200).Send(".decide form", url.Values{"why": {"村里核过了"}}).Want(200)
	low("applied")
	stale := b.Get(item + "?pick=1").Want(200)
	// The other decides once more: his decision stands, and offers the way back to the first.
	p := other.Get(item+"?pick=1").Want(200).Send(".decide form", url.Values{"why": {"又问过本人"}}).Want(200)
	toast := p
	low("ended")
	p = b.Get(item).Want(200)
	has("decided once more", p.Texts(".note"), "方圆已经定了这件事", "采用了陈秀兰写的")
	has("decided once more", p.Texts(".note"), "何婉清的理由：村里核过了", "后来方圆又定了一次，理由：又问过本人")
	has("decided once more", p.Texts("form[action$='/undo']"), "回到何婉清先前定的")
	// A page that is not of now takes nothing back, and decides nothing.
	q := stale.Send("form[action$='/undo']", nil).Want(422)
	has("a stale page", q.Texts(".err"), "您看的时候别人改了这个决定，没有撤")
	q = stale.Send(".decide form", nil).Want(422)
	has("a stale page decides", q.Texts(".err"), "别人改了这个决定，您的没有生效")
	low("ended")
	// Back, step by step: to the first decision, with who made it; then the item is open.
	p = toast.Send(".said form", nil).Want(200)
	has("the second taken back", p.Texts(".said"), "回到何婉清先前定的")
	has("the second taken back", p.Texts(".note"), "何婉清已经定了这件事", "采用了赵建国写的", "理由：村里核过了", "（方圆的理由：又问过本人，那个决定撤回了）")
	has("what happened", p.Texts(".story"), "方圆 撤回 低保")
	low("applied")
	stale = other.Get(item + "?pick=1").Want(200)
	p = b.Get(item).Want(200).Send("form[action$='/undo']", nil).Want(200)
	has("the first taken back", p.Texts(".said"), "这件事又等着定")
	has("the first taken back", p.Texts(".note"), "何婉清撤回了先前的决定")
	low("granted")
	listed := ""
	for _, x := range b.Get("/at/{place}/conflicts").Want(200).All("tbody tr") {
		if strings.Contains(reader.Text(x), "王桂芬家 · 低保") {
			listed = hrefIn(x)
		}
	}
	if !strings.HasSuffix(listed, string(city.Rows["item.low_income"])) {
		t.Errorf("it is not listed as open: %q", b.Get("/at/{place}/conflicts").Texts("tbody tr"))
	}
	// Who decides once more what somebody has opened again is told, and what he chose stands before him.
	q = stale.Send(".decide form", url.Values{"why": {"还是这样"}}).Want(422)
	has("what is open again", q.Texts(".err"), "别人", "撤回了决定")
	if got := q.Fields(".decide form").Get("why"); got != "还是这样" {
		t.Errorf("what was typed is gone: %q", got)
	}
	low("granted")
	q.Send(".decide form", nil).Want(200)
	low("ended")
	if p := b.Get(item + "?pick=1"); len(p.Texts(".oneside .chip")) == 0 {
		t.Error("nobody is told how it ended")
	}
	// In English, and by the command line.
	desk := &admin.Desk{E: city.Engine, As: "hewanqing"}
	it, err := desk.UndoDecision(t.Context(), string(city.Rows["item.low_income"]))
	if err != nil || it.Closed != 0 {
		t.Errorf("by the command line: %+v, %v", it, err)
	}
	low("granted")
	if _, err := desk.UndoDecision(t.Context(), string(city.Rows["item.low_income"])); err == nil {
		t.Error("taken back once too often")
	}
	if proof, err := desk.Verify(t.Context(), false); err != nil || !proof.Sound() {
		t.Errorf("the chain: %+v, %v", proof, err)
	}
	has("the audit page", b.Get("/at/{place}/audit").Want(200).Texts("tbody tr"), "改 王桂芬家：低保（撤回先前的）", "（方圆撤回）", "（何婉清撤回）")
}

// What was decided alike is taken back in one go, save what somebody else has changed since.
func TestDecidedAlikeTakenBack(t *testing.T) { both(t, takingBackAlike) }

func takingBackAlike(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b, other := city.NewBrowser(t, base, "admin"), secondAdmin(t, city, base)
	p := b.Get("/at/{place}/conflicts/{item.low_income}?pick=2").Want(200).Send(".decide form", url.Values{"alike": {"1"}}).Want(200)
	alike := ""
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT id FROM mq_item WHERE row_id = ? AND cell = 'low_income'", []any{string(city.Rows["ou"])}, &alike)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	other.Get("/at/{place}/conflicts/"+alike+"?pick=1").Want(200).Send(".decide form", nil).Want(200)
	was := columnOf(t, city, "household", "low_income", string(city.Rows["ou"]))
	p = p.Send(".said form", nil).Want(200)
	if got := strings.Join(p.Texts(".said"), ""); !strings.Contains(got, "有 1 件没有撤：后来又有人改过") {
		t.Errorf("what was left: %q", got)
	}
	if wang, ou := columnOf(t, city, "household", "low_income", string(city.Rows["wang"])), columnOf(t, city, "household", "low_income", string(city.Rows["ou"])); wang != "granted" || ou != was {
		t.Errorf("taken back: %s and %s, the second was %s", wang, ou, was)
	}
}

// Late work that was taken, or returned, is taken back where that was decided: by the sentence about it, by its page, and by the command line.
func TestLateDecisionsTakenBack(t *testing.T) { both(t, takingLateBack) }

func takingLateBack(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b, other := city.NewBrowser(t, base, "admin"), secondAdmin(t, city, base)
	late := "/at/{place}/refused/{change.toolate}"
	note := func(taken bool) {
		t.Helper()
		if got := columnOf(t, city, "household", "note", string(city.Rows["nobody"])); strings.Contains(got, "摔了一跤") != taken {
			t.Errorf("the note is %q", got)
		}
	}
	has := func(what string, texts []string, want string) {
		t.Helper()
		if got := strings.Join(texts, " "); !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in %s", what, want, got)
		}
	}
	p := b.Get(late).Want(200).Send(".decide form", url.Values{"do": {"take"}}).Want(200)
	note(true)
	p = p.Send(".said form", nil).Want(200)
	note(false)
	has("taken back", p.Texts(".said"), "陈秀兰写的现在不算数，又等着定")
	has("taken back", p.Texts(".note"), "何婉清撤回了先前的决定")
	has("listed as late", b.Get("/at/{place}/refused?list=late").Want(200).Texts("tbody tr"), "收下过，后来撤回了，现在不算数")
	// Once more, by the page; another administrator's page of before is told.
	b.Get(late).Want(200).Send(".decide form", url.Values{"do": {"take"}}).Want(200)
	note(true)
	stale := other.Get(late).Want(200)
	if got := stale.Texts(".decide button"); len(got) != 1 || !strings.Contains(got[0], "撤回收下") {
		t.Errorf("the ways are %q", got)
	}
	b.Get(late).Want(200).Send(".decide form", url.Values{"do": {"undo"}}).Want(200)
	note(false)
	has("a stale page", stale.Send(".decide form", url.Values{"do": {"undo"}}).Want(422).Texts(".err"), "已经有人定了，或者不用定")
	// Returned, and the return withdrawn.
	b.Get(late).Want(200).Send(".decide form", url.Values{"do": {"return"}}).Want(200)
	p = other.Get(late).Want(200)
	has("returned", p.Texts(".note"), "何婉清看过，没有收")
	p = p.Send(".decide form", url.Values{"do": {"undo"}}).Want(200)
	has("withdrawn", p.Texts(".said"), "不退给陈秀兰了，又等着定")
	has("withdrawn", p.Texts(".note"), "方圆撤回了先前的决定")
	note(false)
	has("the audit page", b.Get("/at/{place}/audit").Want(200).Texts("tbody tr"), "冯颐家：备注（何婉清收下，何婉清撤回，何婉清收下，何婉清撤回，何婉清退回，方圆撤回） 晚到")
	// The same at the conflict desk, and by the command line.
	desk := &admin.Desk{E: city.Engine, As: "hewanqing"}
	b.Get(late).Want(200).Send(".decide form", url.Values{"do": {"take"}}).Want(200)
	it, err := desk.UndoLate(t.Context(), string(city.Rows["change.toolate"])[:12])
	if err != nil || it.Closed != 0 {
		t.Errorf("by the command line: %+v, %v", it, err)
	}
	note(false)
	b.Get("/at/{place}/conflicts/"+it.ID+"?pick=take").Want(200).Send(".decide form", nil).Want(200)
	note(true)
	b.Get("/at/{place}/conflicts/"+it.ID).Want(200).Send("form[action$='/undo']", nil).Want(200)
	note(false)
	if _, err := desk.UndoLate(t.Context(), string(city.Rows["change"])); err == nil {
		t.Error("a decision that nobody made is taken back")
	}
	if proof, err := desk.Verify(t.Context(), false); err != nil || !proof.Sound() {
		t.Errorf("the chain: %+v, %v", proof, err)
	}
}
