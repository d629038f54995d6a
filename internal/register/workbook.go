package register

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// The titles of the columns.
const (
	titleCode     = "户号"
	titleGroup    = "小组"
	titleHead     = "户主"
	titleRelation = "与户主关系"
	titleName     = "姓名"
	titleSex      = "性别"
	titleBirth    = "出生日期"
	titleID       = "身份证号"
	titlePhone    = "联系电话"
	titleAddress  = "家庭住址"
	titleTags     = "户标签"
)

// columns are the columns of the workbook, with their widths.
var columns = []struct {
	title string
	width float64
}{{titleCode, 11}, {titleGroup, 9}, {titleHead, 10}, {titleRelation, 11}, {titleName, 10}, {titleSex, 6}, {titleBirth, 12}, {titleID, 21}, {titlePhone, 14},
	{titleAddress, 44}, {titleTags, 24}, {"文化程度", 10}, {"外出", 10}, {"党员", 6}}

// headLines are the rows above the first person: a title over all columns, who keeps the register, the titles of the columns.
const headLines = 3

// cell gives what is written in a column of a row.
func (l *line) cell(title string) any {
	if v, ok := l.cells[title]; ok {
		return v
	}
	p := &l.person
	switch title {
	case titleCode:
		return l.household.Code
	case titleGroup:
		return l.household.Group
	case titleHead:
		return l.household.People[0].Name
	case titleRelation:
		return p.Relation
	case titleName:
		return p.Name
	case titleSex:
		return map[string]string{"m": "男", "f": "女"}[p.Sex]
	case titleBirth:
		if day, err := time.Parse(time.DateOnly, p.Birth); err == nil && day.Year() >= 1900 {
			return day // spreadsheets have no days before 1900
		}
		return p.Birth
	case titleID:
		return p.ID
	case titlePhone:
		return p.Phone
	case titleAddress:
		return l.household.Address
	case titleTags:
		return strings.Join(l.household.Tags, "、")
	case "文化程度":
		return p.Schooling
	case "外出":
		return p.Away
	default: // 党员
		return map[bool]string{true: "是", false: "否"}[p.Party]
	}
}

// Rows is how many rows of people the workbook has, odd ones included.
func (r *Register) Rows() int { return len(r.lines) }

// WriteWorkbook writes the register as an .xlsx file, one row a resident, as a village office does it: titles on
// top, dates as dates, numbers as text.
func (r *Register) WriteWorkbook(w io.Writer) error {
	f := excelize.NewFile()
	err := r.fill(f)
	if err == nil {
		err = f.Write(w)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// styles are the cell styles of the workbook.
type styles struct{ title, head, date, text int }

func (r *Register) fill(f *excelize.File) error {
	const name = "人口基础数据"
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	var st styles
	for _, style := range []struct {
		id *int
		is excelize.Style
	}{
		{&st.title, excelize.Style{Font: &excelize.Font{Bold: true, Size: 16}, Alignment: &excelize.Alignment{Horizontal: "center"}}},
		{&st.head, excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{Horizontal: "center"}}},
		{&st.date, excelize.Style{NumFmt: 14}},
		{&st.text, excelize.Style{NumFmt: 49}},
	} {
		id, err := f.NewStyle(&style.is)
		if err != nil {
			return err
		}
		*style.id = id
	}
	s, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, c := range columns {
		if err := s.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	if err := r.fillHead(s, st); err != nil {
		return err
	}
	for i := range r.lines {
		cells := make([]any, len(columns))
		for j, c := range columns {
			style := st.text
			v := r.lines[i].cell(c.title)
			if _, ok := v.(time.Time); ok {
				style = st.date
			}
			if v != "" {
				cells[j] = excelize.Cell{StyleID: style, Value: v}
			}
		}
		if err := s.SetRow(fmt.Sprintf("A%d", i+1+headLines), cells); err != nil {
			return err
		}
	}
	return s.Flush()
}

func (r *Register) fillHead(s *excelize.StreamWriter, st styles) error {
	last, err := excelize.CoordinatesToCellName(len(columns), 1)
	if err != nil {
		return err
	}
	if err := s.MergeCell("A1", last); err != nil {
		return err
	}
	if err := s.SetRow("A1", []any{excelize.Cell{StyleID: st.title, Value: r.Township + r.Village + "人口基础数据"}}); err != nil {
		return err
	}
	if err := s.SetRow("A2", []any{fmt.Sprintf("填表单位：%s村民委员会　　共 %d 个小组、%d 户", r.Village, len(r.Groups), len(r.Households))}); err != nil {
		return err
	}
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = excelize.Cell{StyleID: st.head, Value: c.title}
	}
	return s.SetRow("A3", head)
}
