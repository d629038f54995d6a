package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/schema"
)

func TestTextMerges(t *testing.T) {
	for _, c := range []struct {
		name, base, first, second string
		want                      string // "!" for overlap
	}{
		{"one side only", "甲。乙。", "甲。乙。丙。", "甲。乙。", "甲。乙。丙。"},
		{"same change once", "甲。乙。", "甲。丙。", "甲。丙。", "甲。丙。"},
		{"one change alike, one not", "甲。乙。丙。丁。", "子。乙。丙。戊。", "子。乙。己。丙。丁。", "子。乙。己。丙。戊。"},
		{"two sentences", "甲。乙。丙。", "子。乙。丙。", "甲。乙。丑。", "子。乙。丑。"},
		{"neighbouring sentences", "甲。乙。", "子。乙。", "甲。丑。", "子。丑。"},
		{"one sentence twice", "家中三口人。", "家中四口人。", "家中五口人。", "!"},
		{"both append sentences", "甲。", "甲。子。", "甲。丑。", "甲。子。丑。"},
		{"both append lines", "独居", "独居\n听力差", "独居\n行动不便", "独居\n听力差\n行动不便"},
		{"one finishes, one appends a line", "独居", "独居。听力差。", "独居\n行动不便", "独居。听力差。\n行动不便"},
		{"unfinished before finished: the other way round", "甲。\n", "甲。\n未完", "甲。\n说完了。", "甲。\n说完了。未完"},
		{"two unfinished in one place", "甲。\n", "甲。\n未完", "甲。\n没完", "!"},
		{"both insert, one more than the other", "甲。\n", "甲。\n子。\n", "甲。\n子。\n丑。\n", "甲。\n子。\n丑。\n"},
		{"both insert alike, then differ", "甲", "甲\n同。\n子", "甲\n同。\n丑", "甲\n同。\n子\n丑"},
		{"delete beside change", "甲。乙。", "甲。", "甲。丙。", "!"},
		{"deletes that overlap", "甲。乙。丙。丁。", "丙。丁。", "甲。丁。", "丁。"},
		{"insert into what the other rewrote", "甲。乙。", "子。丑。", "甲。中。乙。", "!"},
		{"insert into a paragraph rewritten line by line", "甲\n乙\n", "子\n丑\n", "甲\n中。\n乙\n", "!"},
		{"insert before what the other rewrote", "甲。乙。", "子。丑。", "前。甲。乙。", "前。子。丑。"},
		{"empty base, two texts", "", "甲。", "乙。", "甲。乙。"},
		{"empty base, two unfinished texts", "", "甲", "乙", "!"},
		{"cleared beside untouched", "甲。", "", "甲。", ""},
		{"cleared beside appended", "甲。", "", "甲。乙。", "乙。"},
		{"quotation belongs to its sentence", "他说：“好。”然后走了。", "他说：“好。”然后走了。又回来。", "他说：“不好。”然后走了。", "他说：“不好。”然后走了。又回来。"},
		{"carriage returns", "甲。\r\n乙。\r\n", "甲。\r\n乙。\r\n丙。\r\n", "零。\r\n甲。\r\n乙。\r\n", "零。\r\n甲。\r\n乙。\r\n丙。\r\n"},
		{"one of equal lines deleted by each", "同\n同\n同\n", "同\n同\n", "同\n同\n", "同\n同\n"},
		{"one of equal lines deleted, a line added", "同\n同\n", "同\n", "同\n同\n新\n", "同\n新\n"},
	} {
		got, ok := mergeTexts(c.base, c.first, c.second)
		if !ok {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// textLaws are what must hold for any three texts.
func textLaws(tb failer, base, x, y string) {
	xy, ok := mergeTexts(base, x, y)
	yx, swapped := mergeTexts(base, y, x)
	if ok != swapped {
		tb.Fatalf("Text(%q, %q, %q) merges %v, with the sides swapped %v", base, x, y, ok, swapped)
	}
	if !ok {
		if base == x || base == y || x == y {
			tb.Fatalf("Text(%q, %q, %q): overlap where one side changed nothing, or both the same", base, x, y)
		}
		return
	}
	a, b := units(xy), units(yx)
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		tb.Fatalf("Text(%q, %q, %q): %q, with the sides swapped %q", base, x, y, xy, yx)
	}
	if x != y && base != x && base != y {
		for _, u := range units(xy) {
			if !slices.Contains(units(x), u) && !slices.Contains(units(y), u) {
				tb.Fatalf("Text(%q, %q, %q) = %q: nobody wrote %q", base, x, y, xy, u)
			}
		}
	}
	// Idempotent: who merges what was merged already changes nothing.
	for _, side := range []string{x, y} {
		if again, ok := mergeTexts(side, xy, side); !ok || again != xy {
			tb.Fatalf("Text(%q, %q, itself) = %q", side, xy, again)
		}
	}
}

// TestTextKeepsEveryWord merges texts of sentences that all differ: what either side inserted is there, what either deleted is
// gone, the rest stays in order; and changes that do not meet never overlap.
func TestTextKeepsEveryWord(t *testing.T) {
	merged := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var base []string
		for i := range 1 + r.IntN(12) {
			base = append(base, fmt.Sprintf("基%d。", i))
			if r.IntN(3) == 0 {
				base = append(base, "\n")
			}
		}
		touched := [2][]bool{make([]bool, len(base)+1), make([]bool, len(base)+1)}
		var sides [2][]string
		inserted := map[string]bool{}
		gone := map[int]bool{}
		for s := range sides {
			for i := 0; i <= len(base); i++ {
				if r.IntN(8) == 0 {
					u := fmt.Sprintf("插%d之%d。", s, i)
					sides[s] = append(sides[s], u)
					inserted[u] = true
					touched[s][i] = true
				}
				if i == len(base) {
					break
				}
				if base[i] != "\n" && r.IntN(8) == 0 {
					gone[i] = true
					touched[s][i] = true
					continue
				}
				sides[s] = append(sides[s], base[i])
			}
		}
		meet := false
		for i := range touched[0] {
			for _, k := range []int{max(0, i-2), max(0, i-1), i} {
				meet = meet || touched[0][i] && touched[1][k] || touched[1][i] && touched[0][k]
			}
		}
		out, ok := mergeTexts(strings.Join(base, ""), strings.Join(sides[0], ""), strings.Join(sides[1], ""))
		if !ok {
			if !meet {
				t.Fatalf("seed %d: overlap between changes that do not meet: %q %q %q", seed, base, sides[0], sides[1])
			}
			continue
		}
		merged++
		var want []string
		for i, u := range base {
			if !gone[i] && u != "\n" {
				want = append(want, u)
			}
		}
		var kept []string
		for _, u := range units(out) {
			if inserted[u] {
				delete(inserted, u)
			} else if u != "\n" {
				kept = append(kept, u)
			}
		}
		if len(inserted) > 0 || !slices.Equal(kept, want) {
			t.Fatalf("seed %d: %q %q %q\nmerged: %q\nlost: %v, kept %q of %q", seed, base, sides[0], sides[1], out, inserted, kept, want)
		}
	}
	if merged < 1500 {
		t.Errorf("only %d merges", merged)
	}
}

// mergeThree merges three texts made from one base in each grouping of each order. What overlaps is "!".
func mergeThree(base string, texts [3]string) map[string]string {
	out := map[string]string{}
	merge := func(x, y string) string {
		if x == "!" || y == "!" {
			return "!"
		}
		if merged, ok := mergeTexts(base, x, y); ok {
			return merged
		}
		return "!"
	}
	for _, p := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		a, b, c := texts[p[0]], texts[p[1]], texts[p[2]]
		out[fmt.Sprintf("(%d+%d)+%d", p[0], p[1], p[2])] = merge(merge(a, b), c)
		out[fmt.Sprintf("%d+(%d+%d)", p[0], p[1], p[2])] = merge(a, merge(b, c))
	}
	return out
}

// TestTextsThatDoNotMeetAreAssociative: three edits of one text that touch different places of it, each sentence of which is there once,
// merge to the text with all three, in any grouping and order.
func TestTextsThatDoNotMeetAreAssociative(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		var base, want []string
		var sides [3][]string
		for i := range 4 + r.IntN(20) {
			unit := fmt.Sprintf("基%d。", i)
			if i%4 == 3 {
				unit = "\n"
			}
			base = append(base, unit)
			author, made := r.IntN(6), []string{unit}
			if i%3 == 0 && unit != "\n" { // the two units between two edits keep them apart
				made = [][]string{{}, {fmt.Sprintf("改%d。", i)}, {fmt.Sprintf("插%d。", i), unit}}[r.IntN(3)]
			} else {
				author = len(sides)
			}
			for s := range sides {
				if s == author {
					sides[s] = append(sides[s], made...)
				} else {
					sides[s] = append(sides[s], unit)
				}
			}
			if author >= len(sides) {
				made = []string{unit}
			}
			want = append(want, made...)
		}
		text := func(list []string) string { return strings.Join(list, "") }
		for grouping, got := range mergeThree(text(base), [3]string{text(sides[0]), text(sides[1]), text(sides[2])}) {
			if got != text(want) {
				t.Fatalf("seed %d: %q by %q is %s = %q, want %q", seed, base, sides, grouping, got, text(want))
			}
		}
	}
}

// TestTextsThatMeetAreMergedInOneOrder: where edits meet, the groupings of a three-way merge do not agree: what two made of a place is one
// difference to the third. So the heads are always merged in the order of their identities, and results are never merged again: whatever
// the order of arrival, the row is the same (TestLawsOfTheRules holds random edits to it; this is one of which every order is told).
func TestTextsThatMeetAreMergedInOneOrder(t *testing.T) {
	base := "甲。\n乙。\n丙。\n"
	texts := [3]string{"甲。\n丙。\n", "甲。句。\n乙。\n丙。\n", "甲。\n行\n乙。\n丙。\n"}
	results := map[string]bool{}
	for _, text := range mergeThree(base, texts) {
		results[text] = true
	}
	if len(results) < 2 {
		t.Fatalf("the groupings agree: %v", results)
	}
	s := created(t, set1("note", base))
	p := s.pulled()
	var list []RowVersion
	for i, text := range texts {
		list = append(list, p.edit(fmt.Sprint("edit", i), 10, set1("note", text)))
	}
	r := sameInAllOrders(t, s, list...)
	slices.SortFunc(list, func(a, b RowVersion) int { return strings.Compare(string(a.ID), string(b.ID)) })
	merged, ok := mergeTexts(base, list[0].Cells[0].Value.Str(), list[1].Cells[0].Value.Str())
	if ok {
		merged, ok = mergeTexts(base, merged, list[2].Cells[0].Value.Str())
	}
	if !ok {
		t.Fatal("these are to merge")
	}
	wantCell(t, r, "note", schema.Text(merged), "")
}

// TestTextTakesBoundedTime merges the worst texts of the greatest length.
func TestTextTakesBoundedTime(t *testing.T) {
	const most = 20000
	random := func(seed uint64, alphabet int) string {
		r := rand.New(rand.NewPCG(seed, 4))
		var b strings.Builder
		for range most / 2 {
			fmt.Fprintf(&b, "%c。", '一'+rune(r.IntN(alphabet)))
		}
		return b.String()
	}
	for name, texts := range map[string][3]string{
		"two units":       {random(1, 2), random(2, 2), random(3, 2)},
		"few units":       {random(1, 30), random(2, 30), random(3, 30)},
		"many units":      {random(1, 9000), random(2, 9000), random(3, 9000)},
		"newlines only":   {strings.Repeat("\n", most), strings.Repeat("\n", most/2), strings.Repeat("\n", most-1)},
		"one long line":   {strings.Repeat("字", most), strings.Repeat("词", most), strings.Repeat("句", most)},
		"marks only":      {strings.Repeat("。", most), strings.Repeat("！", most), strings.Repeat("？", most)},
		"reversed":        {random(1, 9000), reverse(random(1, 9000)), random(1, 9000) + "完。"},
		"newlines shared": {strings.Repeat("甲\n", most/2), strings.Repeat("乙\n", most/2), strings.Repeat("丙\n", most/2)},
	} {
		took := processorTime(t, func() {
			mergeTexts(texts[0], texts[1], texts[2])
			Diff(texts[0], texts[1])
		})
		if took > bearable {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}

// bearable is what no merge may take of a processor, far above what the worst takes.
const bearable = 10 * time.Second

// processorTime is what something takes of the processors: what else the machine does does not add to it.
func processorTime(t *testing.T, do func()) time.Duration {
	t.Helper()
	before := processor(t)
	do()
	return processor(t) - before
}

func reverse(s string) string {
	list := units(s)
	slices.Reverse(list)
	return strings.Join(list, "")
}

func checkDiff(tb failer, a, b string) {
	var old, new strings.Builder
	var last SpanKind
	for _, s := range Diff(a, b) {
		if s.Text == "" || s.Kind == last {
			tb.Fatalf("Diff(%q, %q): an empty span, or two of a kind: %+v", a, b, Diff(a, b))
		}
		last = s.Kind
		if s.Kind != Added {
			old.WriteString(s.Text)
		}
		if s.Kind != Removed {
			new.WriteString(s.Text)
		}
	}
	if old.String() != a || new.String() != b {
		tb.Fatalf("Diff(%q, %q) gives back %q and %q", a, b, old.String(), new.String())
	}
}

func TestDiffByWord(t *testing.T) {
	got := fmt.Sprint(Diff("电话 0000-1234567，住三组。", "电话 0000-7654321，住四组，独居。"))
	want := fmt.Sprint([]Span{{Same, "电话 0000-"}, {Removed, "1234567"}, {Added, "7654321"}, {Same, "，住"}, {Removed, "三"}, {Added, "四"}, {Same, "组"},
		{Added, "，独居"}, {Same, "。"}})
	if got != want {
		t.Errorf("%v\nwant %v", got, want)
	}
	if got := Diff("", ""); got != nil {
		t.Errorf("nothing differs: %v", got)
	}
	checkDiff(t, "", "甲")
	checkDiff(t, "甲", "")
}

// TestHunksGiveBack: the differences of two sequences of few units, slid and joined, still lead from one to the other.
func TestHunksGiveBack(t *testing.T) {
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 9))
		list := func() []string {
			out := make([]string, r.IntN(14))
			for i := range out {
				out[i] = []string{"甲。", "乙。", "\n", "丙。", fmt.Sprint(r.IntN(9), "。")}[r.IntN(5)]
			}
			return out
		}
		a, b := list(), list()
		for name, hs := range map[string][]hunk{"plain": hunks(a, b), "slid": slide(a, b, hunks(a, b)), "joined": join(a, slide(a, b, hunks(a, b)))} {
			var got []string
			at, bt := 0, 0
			for _, h := range hs {
				if h.a0 < at || h.b0-bt != h.a0-at || h.a0 == h.a1 && h.b0 == h.b1 {
					t.Fatalf("seed %d %s: %q %q %v", seed, name, a, b, hs)
				}
				got = append(append(got, a[at:h.a0]...), b[h.b0:h.b1]...)
				at, bt = h.a1, h.b1
			}
			if got = append(got, a[at:]...); !slices.Equal(got, b) {
				t.Fatalf("seed %d %s: %q %q %v gives %q", seed, name, a, b, hs, got)
			}
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("甲。乙。", "甲。丙。乙。", "子。乙。")
	f.Add("独居", "独居\n听力差", "独居\r\n行动不便")
	f.Add("\n\n。”", "。”\n", "”。\n\n")
	f.Fuzz(func(t *testing.T, base, x, y string) {
		textLaws(t, base, x, y)
		textLaws(t, strings.ReplaceAll(base, "a", "。"), strings.ReplaceAll(x, "a", "。"), strings.ReplaceAll(y, "a", "。"))
		checkDiff(t, base, x)
		if strings.Join(units(base), "") != base {
			t.Fatalf("units of %q: %q", base, units(base))
		}
	})
}

// TestTextLaws holds random short texts of few units to the laws.
func TestTextLaws(t *testing.T) {
	merged := 0
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 5))
		text := func() string {
			s := ""
			for range r.IntN(7) {
				s += []string{"甲", "乙", "丙。", "丁。", "\n", "\n", "”", "\r\n"}[r.IntN(8)]
			}
			return s
		}
		base, x, y := text(), text(), text()
		textLaws(t, base, x, y)
		checkDiff(t, x, y)
		if _, ok := mergeTexts(base, x, y); ok {
			merged++
		}
	}
	if merged < 2000 {
		t.Errorf("only %d merges", merged)
	}
}
