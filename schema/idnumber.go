package schema

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// IDNumber is what a resident ID number 公民身份号码 says (GB 11643-1999): six digits of region, eight of birth date, three of
// sequence (odd for men), one check character.
//
// Numbers whose region begins with 00 are invented: no province has that code, and none will, so data made for tests and
// demonstrations can carry a right check digit and still be nobody's. They are imported like others. Other regions are not looked
// up: codes were abolished and merged for decades, and a list in a program would refuse people their own number.
type IDNumber struct {
	Number   string // 18 characters, X upper case
	Birth    string // YYYY-MM-DD; "" in an invented number whose date does not exist
	Sex      string // m or f, the options of resident.sex
	Expanded bool   // it was written in the 15-digit form of before 2000; Number is the 18-character form
	Invented bool   // region 00: nobody's number
}

const inventedRegion = "00"

// idWeights and idChecks are the ISO 7064 MOD 11-2 table as GB 11643 prints it: the weights 2^(17-i) mod 11 of the first seventeen
// digits, and the check character by the weighted sum mod 11.
var idWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

const idChecks = "10X98765432"

// CheckIDNumber reads an ID number as people and spreadsheets write it: full-width digits, spaces, hyphens, a spreadsheet's text
// mark and a lower-case x are taken for what they mean, and a 15-digit number is expanded. The error is a *Problem. That the birth
// date is not in the future is for the caller to see, who knows the day.
func CheckIDNumber(s string) (IDNumber, error) {
	s = foldIDNumber(s)
	if s == "" {
		return IDNumber{}, idProblem("没有填。", "请按证件补上。", "is missing.", "Fill it in from the document.")
	}
	if strings.ContainsAny(s, ".E+") {
		return IDNumber{}, idProblem("被表格当成了数字，后几位已经丢了。", "请把这一列设为文本，再按证件重新填。",
			"was stored as a number by the spreadsheet, which lost its last digits.", "Format the column as text and enter it anew.")
	}
	n := utf8.RuneCountInString(s)
	expanded := n == 15
	if !expanded && n != 18 {
		return IDNumber{}, idProblem(fmt.Sprintf("应有 18 位，现在是 %d 位。", n), "请按证件核对。",
			fmt.Sprintf("has %d characters where 18 are due.", n), "Check it against the document.")
	}
	for i, r := range s { // all before the first stranger is one byte long, so i counts characters
		if (r < '0' || r > '9') && (i != 17 || r != 'X') {
			return IDNumber{}, idProblem(fmt.Sprintf("第 %d 位应是数字。", i+1), "请按证件核对。",
				fmt.Sprintf("has something other than a digit at place %d.", i+1), "Check it against the document.")
		}
	}
	if expanded {
		// Sequences 996 to 999 were kept for people who had turned a hundred, so the century of their two-digit year is not plain.
		if s[12:] >= "996" {
			return IDNumber{}, idProblem("是 15 位老号，看不出是哪个世纪出生的。", "请填 18 位新号。",
				"is an old 15-digit one that does not tell the century of birth.", "Enter the 18-digit one.")
		}
		s = s[:6] + "19" + s[6:]
		s += string(IDCheckDigit(s))
	}
	return parseIDNumber(s, expanded)
}

// parseIDNumber judges what eighteen well-formed characters mean.
func parseIDNumber(s string, expanded bool) (IDNumber, error) {
	if want := IDCheckDigit(s[:17]); s[17] != want {
		return IDNumber{}, idProblem(fmt.Sprintf("最后一位对不上，按前 17 位应为 %c。", want), "多半有一位抄错了，请按证件核对。",
			fmt.Sprintf("ends in the wrong check digit; by the first 17 it would be %c.", want), "One digit is probably miscopied; check it against the document.")
	}
	id := IDNumber{Number: s, Sex: "f", Expanded: expanded, Invented: strings.HasPrefix(s, inventedRegion)}
	if (s[16]-'0')%2 == 1 {
		id.Sex = "m"
	}
	day, err := time.Parse("20060102", s[6:14])
	year := day.Year()
	if err == nil && year >= firstYear && year <= lastYear {
		id.Birth = day.Format(time.DateOnly)
	} else if !id.Invented {
		return IDNumber{}, idProblem("中间的出生日期（第 7 到 14 位）不是一个日子。", "请按证件核对。",
			"holds a birth date (places 7 to 14) that is no day.", "Check it against the document.")
	}
	return id, nil
}

// IDCheckDigit computes the check character of the first seventeen digits of an ID number. It panics on fewer: they are program
// input, never a person's.
func IDCheckDigit(first17 string) byte {
	sum := 0
	for i, weight := range idWeights {
		sum += weight * int(first17[i]-'0')
	}
	return idChecks[sum%11]
}

func idProblem(zh, zhDo, en, enDo string) error {
	return &Problem{Text: Label{"身份证号" + zh + zhDo, "The ID number " + en + " " + enDo}}
}

// foldIDNumber brings an ID number into one form. The multiplication sign is what some input methods give for the X.
func foldIDNumber(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '\'', '‘', '’', '`':
			return -1
		case 'x', '×':
			return 'X'
		case 'e':
			return 'E'
		}
		return r
	}, NormalizeCode(s))
}

// MaskIDNumber shows the first and the last character and as many stars as there are between. It hides region, sequence and
// all but one digit of the rest on purpose: birth date and sex stand in the row beside it and the region is the county's, so the
// usual six and four would give the whole number away.
func MaskIDNumber(s string) string {
	const least = 8 // shorter texts are no ID numbers; two shown characters would be much of them
	r := []rune(s)
	if len(r) < least {
		return strings.Repeat("*", len(r))
	}
	return string(r[0]) + strings.Repeat("*", len(r)-2) + string(r[len(r)-1])
}

// MaskPhone hides at least four digits of a phone number: 128****5621 for a mobile one, the head of shorter ones, all of the
// shortest.
func MaskPhone(s string) string {
	r := []rune(s)
	hidden := min(len(r), max(4, len(r)-7))
	head := max(0, len(r)-hidden-4)
	return string(r[:head]) + strings.Repeat("*", hidden) + string(r[head+hidden:])
}
