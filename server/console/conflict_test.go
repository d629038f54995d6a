package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// columnOf is what a row says now.
func columnOf(t *testing.T, c *consoletest.City, table, column, row string) (s string) {
	t.Helper()
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT COALESCE("+column+", '') FROM "+table+" WHERE id = ?", []any{row}, &s)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConflictDesk(t *testing.T) { both(t, deciding) }

func deciding(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	p := b.Get("/at/{place}/conflicts").Want(200)
	if n := len(p.All("tbody tr")); n != 6 || strings.Contains(p.Raw, "白立春") {
		t.Fatalf("%d items are listed, want 6 of this village: %q", n, p.Texts("tbody tr"))
	}
	if n := len(b.Get("/at/{city}/conflicts").All("tbody tr")); n != 7 {
		t.Errorf("%d items in the city, want 7", n)
	}
	if n := len(city.NewBrowser(t, base, "otheradmin").Get("/at/{other}/conflicts").All("tbody tr")); n != 1 {
		t.Errorf("%d items in the other village, want 1", n)
	}

	// One field, three actions: open, choose, confirm. What was not chosen is said to its author, and alike items go the same way.
	item := "/at/{place}/conflicts/{item.low_income}"
	p = b.Get(item).Want(200)
	if got := strings.Join(p.Texts(".ways a"), " "); got != "采用甲1 采用乙2 另写3" {
		t.Errorf("the ways are %q", got)
	}
	if got := strings.Join(p.Texts(".oneside .c-act"), " "); got != "快 3 小时，已校正" {
		t.Errorf("clocks: %q", p.Texts(".oneside dd"))
	}
	p = b.Get(item + "?pick=2").Want(200)
	if got := strings.Join(p.Texts(".sees tr"), "|"); !strings.Contains(got, "低保采用了赵建国写的，您写的留着，点开能看") || !strings.Contains(got, "采用了您写的") {
		t.Errorf("who will see what: %s", got)
	} else if !strings.Contains(got, "周德旺 支部书记") {
		t.Errorf("the secretary has no line: %s", got)
	}
	p = p.Send(".decide form", url.Values{"alike": {"1"}, "why": {"村里核过了"}}).Want(200)
	if got := strings.Join(b.Get(item).Want(200).Texts("main"), ""); !strings.Contains(got, "理由：村里核过了") {
		t.Errorf("the reason is gone: %s", got)
	}
	if wang, ou := columnOf(t, city, "household", "low_income", string(city.Rows["wang"])), columnOf(t, city, "household", "low_income", string(city.Rows["ou"])); wang != "applied" || ou != "ended" {
		t.Errorf("decided alike: %s and %s", wang, ou)
	}
	if n := len(b.Get("/at/{place}/conflicts").All("tbody tr")); n != 4 {
		t.Errorf("%d items are left, want 4", n)
	}
	// Undone with one press, both of them: what showed before the decision shows again, and all that was written is history.
	p.Send(".said form", nil).Want(200)
	if wang, ou := columnOf(t, city, "household", "low_income", string(city.Rows["wang"])), columnOf(t, city, "household", "low_income", string(city.Rows["ou"])); wang != "granted" || ou != "granted" {
		t.Errorf("undone: %s and %s", wang, ou)
	}

	// A long text: both can be kept, or a third written.
	note := "/at/{place}/conflicts/{item.note}"
	p = b.Get(note + "?pick=both").Want(200)
	p.Send(".decide form", nil).Want(200)
	if got := columnOf(t, city, "household", "note", string(city.Rows["wang"])); !strings.Contains(got, "11月起停了") || !strings.Contains(got, "续到 2027年10月") {
		t.Errorf("both kept: %q", got)
	}
	// Two administrators on one item: the second is told, and can take it back.
	second := city.NewBrowser(t, base, "admin")
	late := second.Get(note).Want(200)
	if !strings.Contains(strings.Join(late.Texts(".note"), ""), "何婉清已经定了这件事") {
		t.Errorf("who comes second is told %q", late.Texts("main"))
	}
	second.Post(note, url.Values{"pick": {"1"}, "base": {"{}"}}).Want(422)
	late.Send("form[action$='/undo']", nil).Want(200)
	if got := columnOf(t, city, "household", "note", string(city.Rows["wang"])); !strings.Contains(got, "每月 820 元") {
		t.Errorf("taken back, the note is %q", got)
	}

	// What was taken back can be decided once more.
	second.Get(note+"?pick=2").Want(200).Send(".decide form", nil).Want(200)
	if got := columnOf(t, city, "household", "note", string(city.Rows["wang"])); !strings.Contains(got, "续到 2027年10月") || strings.Contains(got, "起停了") {
		t.Errorf("decided once more: %q", got)
	}

	// A third: what is wrong stays typed, what is right is written.
	b = second // to sign in by a link ends the sessions before
	p = b.Get("/at/{place}/conflicts/{item.head}?pick=third").Send(".decide form", url.Values{"write.head": {strings.Repeat("长", 61)}}).Want(422)
	if got := p.Fields(".decide form").Get("write.head"); got != strings.Repeat("长", 61) || len(p.All(".err")) != 1 {
		t.Errorf("a name too long: the form holds %q", got)
	}
	p.Send(".decide form", url.Values{"write.head": {"欧阳素"}}).Want(200)
	if got := columnOf(t, city, "household", "head", string(city.Rows["ou"])); got != "欧阳素" {
		t.Errorf("a third: %q", got)
	}

	// A deletion beside an edit.
	p = b.Get("/at/{place}/conflicts/{item.delete}?pick=keep").Want(200)
	if !strings.Contains(strings.Join(p.Texts(".stake"), ""), "一边删、一边改") {
		t.Errorf("the stake is %q", p.Texts(".stake"))
	}
	p.Send(".decide form", nil).Want(200)
	if got := columnOf(t, city, "resident", "phone", string(city.Rows["ou.2"])); got != "13900001111" {
		t.Errorf("kept, the phone is %q", got)
	}

	// What was decided once more keeps its reason, beside the first; what minqing verify finds when somebody puts other words there.
	b.Get(note+"?pick=1").Want(200).Send(".decide form", url.Values{"why": {"他本人来说过"}}).Want(200)
	if got := strings.Join(b.Get(note).Texts("main"), ""); !strings.Contains(got, "后来何婉清又定了一次，理由：他本人来说过") {
		t.Errorf("decided once more, the reason is gone: %s", got)
	}
	desk := &admin.Desk{E: city.Engine}
	if proof, err := desk.Verify(t.Context(), false); err != nil || !proof.Sound() {
		t.Errorf("the chain: %+v, %v", proof, err)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE mq_item SET outcome = REPLACE(outcome, '村里核过了', '村里没核') WHERE id = ?", string(city.Rows["item.low_income"]))
	}); err != nil {
		t.Fatal(err)
	}
	if proof, err := desk.Verify(t.Context(), false); err != nil || len(proof.Broken) != 1 || !strings.Contains(proof.Broken[0].Why, "reason") {
		t.Errorf("an altered reason: %+v, %v", proof.Broken, err)
	}
}
