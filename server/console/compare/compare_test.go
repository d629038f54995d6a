package compare_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"minqing/server/console/compare"
)

func show(parts []compare.Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.Gone():
			b.WriteString("[-" + p.Text + "]")
		case p.New():
			b.WriteString("[+" + p.Text + "]")
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestTexts(t *testing.T) {
	for _, c := range [][3]string{
		{"", "", ""},
		{"一样", "一样", "一样"},
		{"", "新的", "[+新的]"},
		{"每月 820 元，够用。", "每月 860 元，够用。", "每月 [-820][+860] 元，够用。"},
		{"花了不少钱，还差一些。", "总共花了 18,400 元，还差一些。", "[+总共]花了[-不少钱][+ 18,400 元]，还差一些。"},
		{"老李腿脚不便。", "老李腿脚不便，住院了。", "老李腿脚不便[+，住院了]。"},
	} {
		if got := show(compare.Texts(c[0], c[1])); got != c[2] {
			t.Errorf("%q and %q: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	for _, c := range [][3]string{{"", "12345", "[+12345]"}, {"13500007702", "13556787702", "135[-0000][+5678]7702"}, {"123", "123", "123"}, {"1112", "112", "11[-1]2"}} {
		if got := show(compare.Numbers(c[0], c[1])); got != c[2] {
			t.Errorf("%q and %q: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	if n := compare.Edits(compare.Texts("甲说一二三四，乙说五六七八。", "甲说二三四，乙说五六七八九。")); n != 2 {
		t.Errorf("%d edits, want 2", n)
	}
}

// The parts give back both texts, whatever they are.
func TestPartsGiveTheTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.SampledFrom([]rune("甲乙丙 ab1,。\n")), 0, 40, -1)
		old, now := letters.Draw(t, "old"), letters.Draw(t, "now")
		for _, parts := range [][]compare.Part{compare.Texts(old, now), compare.Numbers(old, now)} {
			var a, b string
			for _, p := range parts {
				if !p.New() {
					a += p.Text
				}
				if !p.Gone() {
					b += p.Text
				}
			}
			if a != old || b != now {
				t.Fatalf("%q and %q give %q and %q", old, now, a, b)
			}
		}
	})
}
