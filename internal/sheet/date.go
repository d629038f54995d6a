package sheet

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
)

// Dates lie between these years: the oldest people alive were born after the one, beyond the other lies a slip of a key. They are
// the bounds of the schema.
const firstYear, lastYear = 1850, 2199

// firstSerial is the smallest bare number taken for a spreadsheet's day (18 May 1927): what has fewer digits is a year, or a slip.
const firstSerial = 10000

var (
	wrongDate  = label("看不出是哪一天，请写成 2026-11-23 这样。", "is no day; write it like 2026-11-23.")
	noDay      = label("只有年月，没有日，请写成 2026-11-23 这样。", "has no day of the month; write it like 2026-11-23.")
	noYear     = label("年份要写四位，请写成 2026-11-23 这样。", "needs a year of four digits; write it like 2026-11-23.")
	whichOrder = label("分不清哪个是月、哪个是日，请写成 2026-11-23 这样。", "does not tell the month from the day; write it like 2026-11-23.")
	noSuchDay  = label("日历上没有这一天，请核对。", "is not on the calendar; check it.")
)

// The forms of dates, on folded text. A tail is a time of day, a weekday, a zone.
var (
	yearFirst  = regexp.MustCompile(`^(\d{4})\s*[-/.年、—–\s]\s*(\d{1,2})\s*[-/.月、—–\s]\s*(\d{1,2})\s*[日号]?(?:[\st(周星].*)?$`)
	compact    = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(?:\d{6}|[\st].*)?$`)
	yearLast   = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:\s.*)?$`)
	dayNumber  = regexp.MustCompile(`^(\d{5})(?:\.\d+)?$`)
	yearMonth  = regexp.MustCompile(`^(?:\d{4}年?|\d{4}\s*[-/.年]\s*\d{1,2}\s*月?|(?:18|19|20|21)\d{2}(?:0[1-9]|1[0-2]))$`)
	shortYear  = regexp.MustCompile(`^'?\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?$`)
	chineseDay = regexp.MustCompile(`^[〇零一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}[日号]$`)
)

// parseDate reads a day in the forms that people and spreadsheets write it; a time of day behind it is dropped. The second value
// says what is wrong, the zero Label if nothing is.
func parseDate(s string, base1904 bool) (string, schema.Label) {
	s = foldDate(s)
	if m := yearFirst.FindStringSubmatch(s); m != nil {
		return calendar(m[1], m[2], m[3])
	}
	if m := compact.FindStringSubmatch(s); m != nil {
		return calendar(m[1], m[2], m[3])
	}
	if m := yearLast.FindStringSubmatch(s); m != nil { // the order of other countries, where it can be told
		switch a, b := atoi(m[1]), atoi(m[2]); {
		case a > 12:
			return calendar(m[3], m[2], m[1])
		case b > 12 || a == b:
			return calendar(m[3], m[1], m[2])
		}
		return "", whichOrder
	}
	if m := dayNumber.FindStringSubmatch(s); m != nil && atoi(m[1]) >= firstSerial {
		if day := serialDate(float64(atoi(m[1])), base1904); day != "" {
			return day, schema.Label{}
		}
	}
	switch {
	case yearMonth.MatchString(s):
		return "", noDay
	case shortYear.MatchString(s):
		return "", noYear
	}
	return "", wrongDate
}

// foldDate makes full-width and Chinese digits plain.
func foldDate(s string) string {
	s = strings.ToLower(schema.NormalizeText(strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)))
	if chineseDay.MatchString(s) {
		return chineseNumber(s)
	}
	return s
}

// chineseNumber reads 二〇二六 digit by digit and 二十三 by its tens; other characters stay.
func chineseNumber(s string) string {
	digits := map[rune]string{'〇': "0", '零': "0", '一': "1", '二': "2", '三': "3", '四': "4", '五': "5", '六': "6", '七': "7", '八': "8", '九': "9"}
	r := []rune(s)
	var b strings.Builder
	for i, c := range r {
		switch d, ok := digits[c]; {
		case ok:
			b.WriteString(d)
		case c == '十':
			before := i > 0 && digits[r[i-1]] != ""
			after := i+1 < len(r) && digits[r[i+1]] != ""
			switch {
			case !before && !after:
				b.WriteString("10")
			case !before:
				b.WriteString("1")
			case !after:
				b.WriteString("0")
			}
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func calendar(year, month, day string) (string, schema.Label) {
	y, m, d := atoi(year), atoi(month), atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Year() != y || int(t.Month()) != m || t.Day() != d || y < firstYear || y > lastYear {
		return "", noSuchDay
	}
	return t.Format(time.DateOnly), schema.Label{}
}

// atoi reads digits; what is too long to be part of a date is no part of one.
func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
