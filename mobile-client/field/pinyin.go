package field

import (
	_ "embed"
	"strings"
)

// firstLetters has the first letter of the Mandarin reading of each character from U+4E00 to U+9FFF, “-” where there is none. It is the
// common reading; where a surname is read otherwise, both count.
//
//go:embed initials.txt
var firstLetters string

const firstHan = 0x4E00

// surnames are characters that are read otherwise at the head of a name, with the letter of that reading.
var surnames = map[rune]byte{'曾': 'z', '单': 's', '解': 'x', '仇': 'q', '区': 'o', '查': 'z', '翟': 'z', '种': 'c', '乐': 'y', '折': 's', '召': 's', '宓': 'm', '隗': 'w',
	'秘': 'b', '尉': 'y', '万': 'w', '覃': 'q', '沈': 's', '盖': 'g', '朴': 'p', '缪': 'm', '員': 'y', '哈': 'h', '长': 'c', '重': 'c', '洗': 'x', '晟': 's', '燕': 'y', '宁': 'n'}

// initials are the pinyin initials of a name, as one types them to find it: wgf for 王桂芬; several where the surname has two readings.
// Latin letters stand for themselves, other characters for nothing.
func initials(name string) []string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch at := int(r) - firstHan; {
		case at >= 0 && at < len(firstLetters) && firstLetters[at] != '-':
			b.WriteByte(firstLetters[at])
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		}
	}
	out := b.String()
	if out == "" {
		return nil
	}
	if other, ok := surnames[[]rune(name)[0]]; ok && other != out[0] {
		return []string{out, string(other) + out[1:]}
	}
	return []string{out}
}
