package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// mustID invents an ID number with a right check digit.
func mustID(first17 string) string { return first17 + string(IDCheckDigit(first17)) }

func TestCheckIDNumberReads(t *testing.T) {
	// 000101 is a region that does not exist; the check digits were worked out apart, by ISO 7064's recursion.
	for _, c := range []struct {
		name, in string
		want     IDNumber
	}{
		{"as printed", "000101199003070032", IDNumber{"000101199003070032", "1990-03-07", "m", false, true}},
		{"full-width", "０００１０１１９９００３０７００３２", IDNumber{"000101199003070032", "1990-03-07", "m", false, true}},
		{"spaces", " 000101 19900307 0032\u3000", IDNumber{"000101199003070032", "1990-03-07", "m", false, true}},
		{"hyphens and a text mark", "'000101-19900307-0032", IDNumber{"000101199003070032", "1990-03-07", "m", false, true}},
		{"zero-width", "\u200b000101199003070032\ufeff", IDNumber{"000101199003070032", "1990-03-07", "m", false, true}},
		{"lower x", "00010119900307018x", IDNumber{"00010119900307018X", "1990-03-07", "f", false, true}},
		{"full-width x", "00010119900307018ｘ", IDNumber{"00010119900307018X", "1990-03-07", "f", false, true}},
		{"multiplication sign", "00010119900307018×", IDNumber{"00010119900307018X", "1990-03-07", "f", false, true}},
		{"fifteen digits", "000101900307003", IDNumber{"000101199003070032", "1990-03-07", "m", true, true}},
		{"impossible date, invented", mustID("00010119900231002"), IDNumber{mustID("00010119900231002"), "", "f", false, true}},
		{"a region nobody looks up", mustID("98765420000229001"), IDNumber{mustID("98765420000229001"), "2000-02-29", "m", false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := CheckIDNumber(c.in)
			if err != nil || got != c.want {
				t.Errorf("CheckIDNumber(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
			}
		})
	}
}

func TestCheckIDNumberRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, zh, en string }{
		{"nothing", "", "没有填", "missing"},
		{"blanks only", " \u3000", "没有填", "missing"},
		{"wrong check digit", "000101199003070039", "应为 2", "would be 2"},
		{"wrong check digit, X due", "000101199003070181", "应为 X", "would be X"},
		{"seventeen", "00010119900307003", "现在是 17 位", "17 characters"},
		{"a letter inside", "0001011990030700O8", "第 17 位", "place 17"},
		{"X inside", "0001011990X3070032", "第 11 位", "place 11"},
		{"X at the end of fifteen", "00010190030700X", "第 15 位", "place 15"},
		{"as a number", "1.01011990030E+17", "当成了数字", "as a number"},
		{"no such day", mustID("98765420010229001"), "出生日期", "birth date"},
		{"no such century", mustID("98765417990101001"), "出生日期", "birth date"},
		{"century unknown", "987654050307996", "世纪", "century"},
		{"Chinese", "一二三四五六七八九十一二三四五六七八", "第 1 位", "place 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := CheckIDNumber(c.in)
			var p *Problem
			if !errors.As(err, &p) {
				t.Fatalf("CheckIDNumber(%q): %v, want a *Problem", c.in, err)
			}
			if !strings.Contains(p.Text.ZH, c.zh) || !strings.Contains(p.Text.EN, c.en) {
				t.Errorf("CheckIDNumber(%q): %v; want %q and %q in it", c.in, err, c.zh, c.en)
			}
		})
	}
}

// One wrong digit, and two neighbours that changed places, are what the check digit is for.
func TestCheckDigitCatchesSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(drawID(t))
		at := rapid.IntRange(0, 16).Draw(t, "at")
		bad := append([]byte(nil), s...)
		if rapid.Bool().Draw(t, "swap") && at < 16 {
			bad[at], bad[at+1] = bad[at+1], bad[at]
		} else {
			bad[at] = '0' + byte(rapid.IntRange(0, 9).Draw(t, "digit"))
		}
		_, err := CheckIDNumber(string(bad))
		if same := string(bad) == string(s); same != (err == nil) {
			t.Fatalf("from %s: CheckIDNumber(%s) = %v", s, bad, err)
		}
	})
}

func TestCheckIDNumberKeepsItsForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawID(t)
		id, err := CheckIDNumber(s)
		if err != nil || id.Number != s || id.Expanded {
			t.Fatalf("CheckIDNumber(%s) = %+v, %v", s, id, err)
		}
		if id.Birth != s[6:10]+"-"+s[10:12]+"-"+s[12:14] {
			t.Fatalf("%s: birth %s", s, id.Birth)
		}
	})
}

func drawID(t *rapid.T) string {
	day := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 46000).Draw(t, "day"))
	return mustID(fmt.Sprintf("%06d%s%03d", rapid.IntRange(0, 999999).Draw(t, "region"), day.Format("20060102"), rapid.IntRange(0, 999).Draw(t, "sequence")))
}

func TestMasks(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{MaskIDNumber("00010119900307018X"), "0****************X"},
		{MaskIDNumber("0001019"), "*******"},
		{MaskIDNumber(""), ""},
		{MaskPhone("12800005621"), "128****5621"},
		{MaskPhone("+8612800005621"), "+86*******5621"},
		{MaskPhone("05006334410"), "050****4410"},
		{MaskPhone("63344100"), "****4100"},
		{MaskPhone("6334410"), "****410"},
		{MaskPhone("110"), "***"},
		{MaskPhone(""), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

// The row beside a masked number shows birth date and sex; with them, too many numbers must fit the mask for it to tell one.
func TestMaskDoesNotGiveTheNumberAway(t *testing.T) {
	mask, fits := MaskIDNumber("000101199003070032"), 0
	for sequence := 1; sequence < 1000; sequence += 2 {
		if MaskIDNumber(mustID(fmt.Sprintf("00010119900307%03d", sequence))) == mask {
			fits++
		}
	}
	if fits < 40 {
		t.Errorf("only %d numbers of that region, day and sex fit the mask", fits)
	}
}

func TestNormalizeText(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"plain", NormalizeText("王桂芬"), "王桂芬"},
		{"empty", NormalizeText(""), ""},
		{"blanks", NormalizeText(" \u3000\t石桥村\u00a0 3组\r\n第2户 "), "石桥村 3组 第2户"},
		{"invisible", NormalizeText("\ufeff王\u200b桂\u0007芬\u202e"), "王桂芬"},
		{"composed", NormalizeText("e\u0301"), "\u00e9"},
		{"beyond the BMP", NormalizeText("张\U00020BB7\U0002A6D6"), "张\U00020BB7\U0002A6D6"},
		{"compatibility ideographs stay", NormalizeText(" \uFA11\U0002F81A"), "\uFA11\U0002F81A"},
		{"variation selectors stay", NormalizeText("葛\U000E0100"), "葛\U000E0100"},
		{"private use stays", NormalizeText("王\uE863"), "王\uE863"},
		{"radicals of PDF files", NormalizeText("\u2F29\u2F2D"), "小山"},
		{"width stays", NormalizeText("（３组，２户）"), "（３组，２户）"},
		{"not UTF-8 stays", NormalizeText(" a\xff"), " a\xff"},
		{"name aligned", NormalizeName("张　三"), "张三"},
		{"name with a dot", NormalizeName("买买提 • 艾力"), "买买提·艾力"},
		{"name in letters", NormalizeName(" Anna  Lee "), "Anna Lee"},
		{"rare name", NormalizeName("\U00020BB7 三"), "\U00020BB7三"},
		{"code", NormalizeCode("ＳＱ－０３　０１２"), "SQ-03012"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func FuzzNormalizeText(f *testing.F) {
	for _, s := range []string{"", " a ", "张　三", "e\u0301\u200b", "\uFA11\u0301", "\xff", "\u2F29"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, normalize := range []func(string) string{NormalizeText, NormalizeName, NormalizeCode} {
			once := normalize(s)
			if utf8.ValidString(s) && normalize(once) != once {
				t.Errorf("%q became %q, then %q", s, once, normalize(once))
			}
			if utf8.ValidString(s) && strings.TrimSpace(once) != once {
				t.Errorf("%q became %q, with blanks at its ends", s, once)
			}
		}
		if id, err := CheckIDNumber(s); err == nil {
			if again, err := CheckIDNumber(id.Number); err != nil || again.Number != id.Number {
				t.Errorf("%q was read as %s, then %v, %v", s, id.Number, again, err)
			}
		}
	})
}
