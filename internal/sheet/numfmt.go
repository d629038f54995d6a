package sheet

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"time"
)

// style is what a cell's number format makes of a number.
type style struct {
	date  bool
	clock bool // a time of day without a date
	zeros int  // a code with leading zeros: "0000"
}

// builtinStyles are the number formats that files name by number alone; 27 to 36 and 50 to 58 are dates in Chinese, Japanese and
// Korean programs only, and unused elsewhere.
func builtinStyle(id int) style {
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return style{date: true}
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47, id == 55, id == 56:
		return style{clock: true}
	}
	return style{}
}

// codeStyle reads a number format by its code: dates have a year or a day in them, outside quotes, brackets and escapes.
func codeStyle(code string) style {
	code, _, _ = strings.Cut(bareFormat(code), ";") // the first section is that of positive numbers
	code = strings.ToLower(strings.TrimSpace(code))
	switch {
	case code == "" || strings.Contains(code, "general"):
		return style{}
	case strings.ContainsAny(code, "yd") || strings.Contains(code, "m") && !strings.ContainsAny(code, "hs"):
		return style{date: true}
	case strings.ContainsAny(code, "hs"):
		return style{clock: true}
	case strings.Trim(code, "0") == "" && len(code) > 1:
		return style{zeros: len(code)}
	}
	return style{}
}

// bareFormat drops what a format code only prints.
func bareFormat(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return b.String()
			}
			i += end + 1
		case '[': // a colour, a condition, a locale; but [h] is hours
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return b.String()
			}
			if inner := strings.ToLower(code[i+1 : i+end]); strings.Trim(inner, "hms") == "" {
				b.WriteString(inner)
			}
			i += end
		case '\\', '_', '*': // the next character is printed, left blank, or repeated
			i++
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// styles reads the number formats of a workbook, by the index that cells name.
func (p *parts) styles(name string) ([]style, error) {
	var out []style
	codes := map[int]string{}
	inXfs := false
	err := p.each(name, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if id, err := strconv.Atoi(attr(e, "numFmtId")); err == nil {
				codes[id] = attr(e, "formatCode")
			}
		case "cellXfs":
			inXfs = true
		case "cellStyles", "dxfs", "tableStyles", "cellStyleXfs":
			inXfs = false
		case "xf":
			if !inXfs {
				return nil
			}
			id, err := strconv.Atoi(attr(e, "numFmtId"))
			if err != nil {
				id = 0 // a style that names no format is General
			}
			s := builtinStyle(id)
			if code, ok := codes[id]; ok {
				s = codeStyle(code)
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// Excel's day 1 is 1 January 1900, and it counts a 29 February 1900 that never was; so from day 61 on days count from 30 December
// 1899. Old Macintosh workbooks count from 1 January 1904.
var excelEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

const (
	epoch1904Days = 1462
	lastSerial    = 109574 // 31 December 2199, the last date that the register takes
	leapBugSerial = 60
)

// serialDate gives the date of a serial number, and the time of day when there is one, "" when it is out of range.
func serialDate(serial float64, base1904 bool) string {
	if base1904 {
		serial += epoch1904Days
	}
	days := math.Floor(serial)
	if days < 1 || days > lastSerial || days == leapBugSerial {
		return ""
	}
	if days < leapBugSerial {
		days++
	}
	day := excelEpoch.AddDate(0, 0, int(days))
	if clock := serialClock(serial); clock != "00:00:00" {
		return day.Format(time.DateOnly) + " " + clock
	}
	return day.Format(time.DateOnly)
}

// serialClock gives the time of day of a serial number, to the second.
func serialClock(serial float64) string {
	seconds := int(math.Round((serial - math.Floor(serial)) * 86400))
	return time.Unix(int64(min(seconds, 86399)), 0).UTC().Format(time.TimeOnly)
}

// keptDigits is how many digits of a number spreadsheet programs keep.
const keptDigits = 15

// showNumber gives a number as people read it, and whether digits were lost: spreadsheets keep fifteen, an ID number has eighteen.
func showNumber(raw string, s style, base1904 bool) (text string, lost bool) {
	digits := strings.TrimPrefix(raw, "-")
	if strings.Trim(digits, "0123456789") == "" && digits != "" && !s.date && !s.clock {
		// Written out whole by a program that keeps every digit, unless all beyond the fifteenth are zeros.
		return padded(raw, s.zeros), len(digits) > keptDigits && strings.Trim(digits[keptDigits:], "0") == ""
	}
	x, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return raw, false
	}
	if s.date {
		if day := serialDate(x, base1904); day != "" {
			return day, false
		}
	}
	if s.clock && x >= 0 && x < 1 {
		return serialClock(x), false
	}
	if x == math.Trunc(x) && math.Abs(x) < 1e21 {
		return padded(strconv.FormatFloat(x, 'f', 0, 64), s.zeros), math.Abs(x) >= 1e15
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64) // what spreadsheets show of 0.30000000000000004
	if err != nil {
		return raw, false
	}
	return strconv.FormatFloat(short, 'f', -1, 64), false
}

func padded(digits string, zeros int) string {
	return strings.Repeat("0", max(0, zeros-len(digits))) + digits
}
