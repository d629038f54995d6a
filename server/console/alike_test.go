package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/server/console/consoletest"
	"minqing/syncproto"
)

func TestConflictsAlike(t *testing.T) { both(t, alike) }

// alike decides conflicts of the same people about the same cell in one go: by the words of one, by those of both where each can hold them, and never
// by what is written anew. They are found behind however many of other people.
func alike(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	n := 0
	apart := func(cell, one, other, mine, theirs string) (row, item string) {
		t.Helper()
		n++
		id, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["group8"], "code": fmt.Sprintf("0814-9%02d", n), "head": fmt.Sprint("郁", n), "note": "没有来过。"})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := city.Base(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2]string{{one, mine}, {other, theirs}} {
			city.SetNow(city.Now().Add(time.Second)) // or which of them wrote first would be left to chance
			if err := city.Update(t.Context(), x[0], "household", id, seen, consoletest.Vals{cell: x[1]}); err != nil {
				t.Fatal(err)
			}
		}
		return string(id), textOf(t, city, "SELECT id FROM mq_item WHERE closed_ms = 0 AND row_id = '"+string(id)+"'")
	}
	second, err := city.Create(t.Context(), "admin", "user", consoletest.Vals{"place": city.Places["town"], "login": "fangyuan", "name": "方圆", "post": "镇党政办"})
	if err != nil {
		t.Fatal(err)
	}
	city.Users["second"] = syncproto.UserID(second)
	if _, err := city.Create(t.Context(), "admin", "role", consoletest.Vals{"user": string(second), "role": "admin", "place": city.Places["town"]}); err != nil {
		t.Fatal(err)
	}
	b := city.NewBrowser(t, base, "admin")
	note := func(row string) string { return columnOf(t, city, "household", "note", row) }

	// Both are kept in each; one that cannot hold the words of both is left, and that is said.
	first, item := apart("note", "secretary", "admin", "水管 9月换的。", "水管 10月换的。")
	like, _ := apart("note", "secretary", "admin", "屋后塌方。", "屋后要砌墙。")
	long, longItem := apart("note", "secretary", "admin", strings.Repeat("长", 2500), strings.Repeat("短", 2500))
	p := b.Get("/at/{place}/conflicts/" + item + "?pick=both").Want(200)
	if got := strings.Join(p.Texts(".confirm label"), ""); !strings.Contains(got, "同样的还有 2 件") {
		t.Errorf("alike: %q", got)
	}
	p = p.Send(".decide form", url.Values{"alike": {"1"}, "why": {"两边都对"}}).Want(200)
	if note(first) != "水管 9月换的。\n水管 10月换的。" || note(like) != "屋后塌方。\n屋后要砌墙。" || note(long) != "没有来过。" {
		t.Errorf("both kept alike: %q, %q and %q", note(first), note(like), note(long))
	}
	if got := strings.Join(p.Texts(".said"), ""); !strings.Contains(got, "等 2 件，两者都留。有 1 件没有一并定") {
		t.Errorf("what was done is told so: %q", got)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms > 0 AND outcome LIKE '%两边都对%'"); n != 2 {
		t.Errorf("%d decisions are on record, each with its reason", n)
	}
	b.Get("/at/{place}/conflicts/" + longItem + "?pick=1").Want(200)

	// Behind more items of others than a part of the inbox holds.
	for range 25 {
		apart("low_income", "secretary", "admin", "none", "ended")
	}
	mine, item := apart("low_income", "second", "admin", "none", "ended")
	like, _ = apart("low_income", "second", "admin", "none", "applied")
	path := "/at/{place}/conflicts/" + item
	p = b.Get(path + "?pick=1").Want(200)
	if got := strings.Join(p.Texts(".confirm label"), ""); !strings.Contains(got, "同样的还有 1 件") {
		t.Errorf("behind those of others: %q", got)
	}

	// What is written anew decides this one alone: the page offers nothing else, and a tick from elsewhere is told so and loses nothing.
	p = b.Get(path + "?pick=third").Want(200)
	if got := strings.Join(p.Texts(".confirm"), ""); len(p.All(".confirm input")) != 0 || !strings.Contains(got, "另写的只定这一件") {
		t.Errorf("a third alike: %q", got)
	}
	p = p.Send(".decide form", url.Values{"alike": {"1"}, "write.low_income": {"applied"}, "why": {"问过本人"}}).Want(422)
	if got := p.Fields(".decide form"); got.Get("write.low_income") != "applied" || got.Get("why") != "问过本人" || got.Get("alike") != "" {
		t.Errorf("the form holds %v", got)
	}
	if got := strings.Join(p.Texts(".err"), ""); !strings.Contains(got, "另写的不能一并用到别的件上") || columnOf(t, city, "household", "low_income", mine) != "" {
		t.Errorf("told %q", got)
	}
	p.Send(".decide form", nil).Want(200)
	if got := columnOf(t, city, "household", "low_income", mine); got != "applied" {
		t.Errorf("a third: %q", got)
	}
	if got := columnOf(t, city, "household", "low_income", like); got != "" {
		t.Errorf("one alike was decided: %q", got)
	}

	// Of more than one decision reaches, the page says that these are the least there are.
	p = b.Get("/at/{place}/conflicts/" + textOf(t, city, "SELECT id FROM mq_item WHERE closed_ms = 0 AND cell = 'low_income' ORDER BY opened_ms DESC, id LIMIT 1 OFFSET 5") + "?pick=2").Want(200)
	if got := strings.Join(p.Texts(".confirm label"), ""); !strings.Contains(got, "同样的至少还有 20 件（同样的人、同一栏），这 20 件一并这样定") {
		t.Errorf("of many: %q", got)
	}
}

// TestConflictsAlikeAmongMany: how far is looked for items alike is bounded; where that ends before the items do, the page says that there may be more.
func TestConflictsAlikeAmongMany(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Crowd})
	p := city.NewBrowser(t, base, "admin").Get("/at/{place}/conflicts/{item.low_income}?pick=1").Want(200)
	if got := strings.Join(p.Texts(".confirm label"), ""); !strings.Contains(got, "同样的至少还有 1 件") {
		t.Errorf("among a thousand of others: %q", got)
	}
}
