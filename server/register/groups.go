package register

import (
	"strings"
	"unicode"

	"minqing/schema"
)

// groupName is the name that a group gets which a register mentions: a bare number becomes “3组”.
func groupName(text string) string {
	name := schema.NormalizeName(text)
	if digits := schema.NormalizeCode(name); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return strings.TrimLeft(digits, "0") + "组"
	}
	return name
}

// groupLevel guesses the level from how people name such places.
func groupLevel(name string) string {
	for _, end := range []struct{ suffixes, level string }{
		{"栋楼幢座", "building"}, {"街巷路弄里", "street"}, {"屯寨庄", "natural"}} {
		for _, s := range end.suffixes {
			if strings.HasSuffix(name, string(s)) {
				return end.level
			}
		}
	}
	if strings.HasSuffix(name, "自然村") {
		return "natural"
	}
	return levelGroup
}

// FoldGroup brings the ways in which people write one group into one form: 第三村民小组, 三组, 3组 and 3 are the same.
func FoldGroup(name string) string {
	s := schema.NormalizeCode(groupName(name))
	s = strings.TrimPrefix(s, "第")
	for _, suffix := range []string{"村民小组", "小组", "组"} {
		if rest, ok := strings.CutSuffix(s, suffix); ok && rest != "" {
			s = rest + "组"
			break
		}
	}
	if rest, ok := strings.CutSuffix(s, "组"); ok {
		if n, ok := chineseNumber(rest); ok {
			return n + "组"
		}
	}
	return strings.ToLower(s)
}

// SameGroup tells whether two names are one group's.
func SameGroup(a, b string) bool { return FoldGroup(a) == FoldGroup(b) }

// chineseNumber reads 三, 十, 十五, 二十一 or 15 as digits.
func chineseNumber(s string) (string, bool) {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) || r > '9' }) < 0 {
		return strings.TrimLeft(s, "0"), true
	}
	const digits = "〇一二三四五六七八九"
	value := func(r rune) int {
		for i, d := range []rune(digits) {
			if d == r || (d == '〇' && r == '零') || (i == 2 && r == '两') {
				return i
			}
		}
		return -1
	}
	tens, ones, ok := 0, 0, s != ""
	before, after, has := strings.Cut(s, "十")
	if has {
		tens = 1
		if before != "" {
			r := []rune(before)
			tens = value(r[0])
			ok = ok && len(r) == 1 && tens > 0
		}
		s = after
	}
	if s != "" {
		r := []rune(s)
		ones = value(r[0])
		ok = ok && len(r) == 1 && ones >= 0
	}
	if !ok {
		return "", false
	}
	return strings.TrimLeft(string(rune('0'+tens))+string(rune('0'+ones)), "0"), true
}
