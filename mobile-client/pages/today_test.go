package pages_test

import (
	"slices"
	"strings"
	"testing"

	"minqing/mobile-client/pages/pagetest"
)

func TestTodayTellsWhoIsDueAndWhy(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/").Want(200)
	if p.Path != "/today" {
		t.Errorf("the first page is %s", p.Path)
	}
	p.Has(".sum", "20 户中已走访 18 户")
	p.Has(".sum", "本月还有 7 天")
	if on, all := len(p.All(".ticks .on")), len(p.All(".ticks i")); on != 18 || all != 20 {
		t.Errorf("%d of %d ticks are filled", on, all)
	}
	p.Has(".where", "3 条未上传")
	p.Has(".tabs a[aria-current=page]", "今天")
	p.Has(".tabs .badge", "1")
	want := []string{"第7组 上湾", "第8组 下湾"}
	if got := p.Texts(".sec h2"); !slices.Equal(got, want) {
		t.Errorf("groups %q, want %q", got, want)
	}
	rows := p.Texts(".row")
	for i, words := range [][]string{{"王桂芬家", "老供销社后排东起第3户", "约好今天上门，11月9日定的", "走访"}, {"吴吉祥家", "水渠边", "有答复要送：水渠已修好", "送答复"},
		{"欧阳诗雅家", "日志退回：请写明差多少钱", "补写"}, {"李犇家", "本月还没去，上次 10月2日", "走访"}, {"古丽巴哈尔·阿布都克里木家", "本月还没去，上次 10月19日"}} {
		for _, w := range words {
			if i >= len(rows) || !strings.Contains(rows[i], w) {
				t.Errorf("row %d lacks %q: %q", i, w, rows)
			}
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestTodayWithNothingToDo(t *testing.T) {
	p := pagetest.MustOpen(t, pagetest.Done).Get("/today").Want(200)
	p.Has(".blank h2", "今天没有要办的")
	p.Has(".blank p", "下一户约在 11月30日 周一。")
	p.Has(".where", "都已上传")
	p.Has(".sum", "20 户中已走访 20 户")
}

func TestTodayOnAnEmptyPhone(t *testing.T) {
	p := pagetest.MustOpen(t, pagetest.Empty).Get("/today").Want(200)
	p.Has(".blank h2", "还没有分到联系户")
	if len(p.All(".ticks")) > 0 {
		t.Error("ticks of no households")
	}
}

func TestTodayWithAThousandHouseholdsStaysShort(t *testing.T) {
	p := pagetest.MustOpen(t, pagetest.Many).Get("/today").Want(200)
	if n := len(p.All(".row")); n != 40 {
		t.Errorf("%d rows", n)
	}
	p.Has(".foot a", "户，到联系户里看")
	if len(p.All("meter")) != 1 || len(p.All(".ticks")) != 0 {
		t.Error("a thousand ticks cannot be counted")
	}
}

// What the branch reminds of stands on Today and at the household until the cadre has been there; what is for somebody else does not.
func TestTodayTellsOfReminders(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Reminded)
	p := b.Get("/today").Want(200)
	if rows := strings.Join(p.Texts(".row"), "|"); !strings.Contains(rows, "孙志强提醒：本月务必去一次") || strings.Count(rows, "提醒") != 1 || strings.Contains(rows, "给别人的") {
		t.Errorf("the rows are %s", rows)
	}
	b.Get("/h/{li}").Want(200).Has(".note.act", "孙志强 11月20日提醒：本月务必去一次，问清低保材料。")
	if got := strings.Join(b.Get("/h/{home}").Want(200).Texts(".note"), "|"); strings.Contains(got, "提醒") {
		t.Errorf("a reminder answered by a visit, or of somebody else, stands there: %s", got)
	}
}

// What a household said by its card stands on Today until somebody looked, at the household, and in the story of the matter it is about.
func TestTodayTellsOfAHouseholdsOwnWords(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Reminded)
	row := func() string { return strings.Join(b.Get("/today").Want(200).Texts(".row"), "|") }
	if got := row(); !strings.Contains(got, "王桂芬家") || !strings.Contains(got, "这户来话：老李又摔了，能来看看吗？") {
		t.Errorf("today says %s", got)
	}
	p := b.Get("/h/{home}").Want(200)
	if got := strings.Join(p.Texts("#words li"), "|"); !strings.Contains(got, "老李又摔了，能来看看吗？|") || !strings.Contains(got, "基本满意。水还是慢。") || !strings.Contains(got, "门前水渠堵塞") {
		t.Errorf("the household says %s", got)
	}
	b.Get("/m/{matter}").Want(200).Has(".story", "群众本人（联系卡）")
	b.Get("/m/{matter}").Has(".story", "基本满意。水还是慢。")
	p.Send("#words form", nil).Want(200)
	if got := row(); strings.Contains(got, "来话") {
		t.Errorf("looked at, today says %s", got)
	}
	if p = b.Get("/h/{home}").Want(200); len(p.All("#words form")) != 0 || len(p.All("#words li")) != 2 {
		t.Errorf("looked at, the household says %q", p.Texts("#words"))
	}
}
