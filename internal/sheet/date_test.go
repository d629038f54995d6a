package sheet

import (
	"strings"
	"testing"
)

func TestParseDate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"2026-11-23", "2026-11-23"}, {"2026/11/23", "2026-11-23"}, {"2026.11.23", "2026-11-23"}, {"20261123", "2026-11-23"},
		{"2026年11月23日", "2026-11-23"}, {"2026 年 1 月 3 日", "2026-01-03"}, {"2026-1-3", "2026-01-03"}, {"2026、1、3", "2026-01-03"},
		{"２０２６－１１－２３", "2026-11-23"}, {"２０２６／１１／２３", "2026-11-23"}, {"２０２６年１１月２３日", "2026-11-23"}, {"2026 11 23", "2026-11-23"},
		{"二〇二六年十一月二十三日", "2026-11-23"}, {"一九八五年十月十日", "1985-10-10"}, {"一九八五年三月二十日", "1985-03-20"}, {"一九八五年一月三十一日", "1985-01-31"},
		{"2026-11-23 08:30", "2026-11-23"}, {"2026-11-23T08:30:00Z", "2026-11-23"}, {"20261123083000", "2026-11-23"}, {"2026年11月23日 星期一", "2026-11-23"},
		{"2026年11月23日(周一)", "2026-11-23"}, {"46349", "2026-11-23"}, {"46349.5", "2026-11-23"}, {"23/11/2026", "2026-11-23"},
		{"11/23/2026", "2026-11-23"}, {"3.3.1985", "1985-03-03"}, {"1850-01-01", "1850-01-01"}, {"2000-02-29", "2000-02-29"},
	} {
		if got, wrong := parseDate(c.in, false); got != c.want || wrong.ZH != "" {
			t.Errorf("parseDate(%q) = %q, %q; want %q", c.in, got, wrong.ZH, c.want)
		}
	}
	for _, c := range []struct{ in, words string }{
		{"2026-02-30", "没有这一天"}, {"1900-02-29", "没有这一天"}, {"20261323", "没有这一天"}, {"1849-12-31", "没有这一天"}, {"2200-01-01", "没有这一天"},
		{"1985", "没有日"}, {"1985年", "没有日"}, {"1985.03", "没有日"}, {"1985年3月", "没有日"}, {"198503", "没有日"},
		{"85-3-4", "四位"}, {"'85.3.4", "四位"}, {"03/04/1985", "分不清"},
		{"五月初五", "看不出"}, {"不详", "看不出"}, {"-", "看不出"}, {"9999", "没有日"}, {"12345678901", "看不出"}, {"999999", "看不出"}, {"2026-11", "没有日"},
		{"三十岁", "看不出"}, {"20岁", "看不出"},
	} {
		if got, wrong := parseDate(c.in, false); got != "" || !strings.Contains(wrong.ZH, c.words) {
			t.Errorf("parseDate(%q) = %q, %q; want %q", c.in, got, wrong.ZH, c.words)
		}
	}
}

func TestSerialDate(t *testing.T) {
	for _, c := range []struct {
		serial float64
		base   bool
		want   string
	}{
		{1, false, "1900-01-01"}, {59, false, "1900-02-28"}, {60, false, ""}, {61, false, "1900-03-01"}, {46349, false, "2026-11-23"},
		{46349.25, false, "2026-11-23 06:00:00"}, {44887, true, "2026-11-23"}, {0, false, ""}, {-5, false, ""}, {2958465, false, ""},
	} {
		if got := serialDate(c.serial, c.base); got != c.want {
			t.Errorf("serialDate(%v, %v) = %q, want %q", c.serial, c.base, got, c.want)
		}
	}
}

func TestNumberFormats(t *testing.T) {
	for _, c := range []struct {
		code string
		want style
	}{
		{"General", style{}}, {"G/通用格式", style{}}, {"0.00", style{}}, {"@", style{}}, {"0.00E+00", style{}}, {`0"年"`, style{}}, {`[Red]0`, style{}},
		{"yyyy/m/d", style{date: true}}, {`yyyy"年"m"月"d"日"`, style{date: true}}, {`[$-804]yyyy\-mm\-dd;@`, style{date: true}}, {"mmm", style{date: true}},
		{"h:mm", style{clock: true}}, {"[h]:mm:ss", style{clock: true}}, {"yyyy-mm-dd hh:mm", style{date: true}}, {"0000", style{zeros: 4}}, {"0", style{}},
		{`#,##0_);(#,##0)`, style{}}, {`"d"0`, style{}}, {`0\d`, style{}},
	} {
		if got := codeStyle(c.code); got != c.want {
			t.Errorf("codeStyle(%q) = %+v, want %+v", c.code, got, c.want)
		}
	}
}

func TestShowNumber(t *testing.T) {
	for _, c := range []struct {
		raw  string
		s    style
		want string
		lost bool
	}{
		{"12800005621", style{}, "12800005621", false}, {"1.2800005621E10", style{}, "12800005621", false}, {"13.0", style{}, "13", false},
		{"1.10101199003E+17", style{}, "110101199003000000", true}, {"110101199003070011", style{}, "110101199003070011", false},
		{"110101199003070000", style{}, "110101199003070000", true}, {"0.30000000000000004", style{}, "0.3", false}, {"-7", style{}, "-7", false},
		{"12", style{zeros: 4}, "0012", false}, {"46349", style{date: true}, "2026-11-23", false}, {"0.5", style{clock: true}, "12:00:00", false},
		{"20261123", style{date: true}, "20261123", false}, {"1e999", style{}, "1e999", false}, {"NaN", style{}, "NaN", false},
	} {
		if got, lost := showNumber(c.raw, c.s, false); got != c.want || lost != c.lost {
			t.Errorf("showNumber(%q, %+v) = %q, %v; want %q, %v", c.raw, c.s, got, lost, c.want, c.lost)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a_x000D_b": "a\rb", "_x005F_x000D_": "_x000D_", "_xD842__xDFB7_": "\U00020BB7", "_x12": "_x12", "_xZZZZ_": "_xZZZZ_", "_x_x0041_": "_xA", "_xD842_": "\uFFFD",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
