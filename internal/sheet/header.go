package sheet

import (
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

const (
	// headerRows is how far down the row of headers is looked for, among rows with content: registers open with a title, the
	// village's name, a date, a note on how to fill them in.
	headerRows = 10
	// headerSpan is how many rows a header may take: a group's name merged over the names of its columns.
	headerSpan = 2
)

// layout is where the columns of one sheet are.
type layout struct {
	skip   int        // rows with content up to the last one of the header
	titles []string   // by column, "" where there is none
	own    []string   // the same without the name of their group
	header []int      // column → index of the Header, -1 for none
	names  [][]string // of the headers, folded
}

// candidate is a reading of some rows as the header.
type candidate struct {
	layout
	found     int      // headers that have a column
	missing   []string // required ones that have none
	ambiguous error    // two columns for one header
}

// findHeader reads the first rows of a sheet and finds the header in them: the rows in which most headers have a column.
func findHeader(rows [][]cell, headers []Header) candidate {
	names := make([][]string, len(headers))
	best := candidate{}
	for i, h := range headers {
		for _, name := range h.Names {
			names[i] = append(names[i], foldHeader(name))
		}
		if h.Required {
			best.missing = append(best.missing, h.Names[0])
		}
	}
	rows = rows[:min(len(rows), headerRows)]
	for span := 1; span <= headerSpan; span++ { // one row where it is enough: what stands above is no group
		for top := 0; top+span <= len(rows); top++ {
			c := candidate{layout: readTitles(rows[top : top+span])}
			c.match(headers, names)
			if c.found > best.found {
				c.skip = top + span
				best = c
			}
		}
	}
	if best.found == 0 && len(best.missing) == 0 { // nothing is required, but one column there must be
		for _, h := range headers {
			best.missing = append(best.missing, h.Names[0])
		}
	}
	return best
}

// readTitles gives the titles in one row, or in a row of groups and a row of names. A group reaches right over blank cells, be they
// merged with it or not. A name merged over both rows is no name within a group.
func readTitles(rows [][]cell) layout {
	last := rows[len(rows)-1]
	width := max(len(rows[0]), len(last))
	l := layout{titles: make([]string, width), own: make([]string, width), header: make([]int, width)}
	group := ""
	for i := range width {
		l.header[i] = -1
		name := titleAt(last, i)
		l.titles[i], l.own[i] = name, name
		if len(rows) == 1 {
			continue
		}
		above := titleAt(rows[0], i)
		if above != "" || name == "" {
			group = above
		}
		switch {
		case name == "":
			l.titles[i], l.own[i] = above, above
		case group != name:
			l.titles[i] = group + name
		}
	}
	return l
}

func titleAt(row []cell, i int) string {
	if i >= len(row) {
		return ""
	}
	return schema.NormalizeText(row[i].text)
}

// match gives headers their columns: first by whole titles, then, for those that found none, by names within a group. Of several
// columns the one whose title stands earliest in Header.Names is taken; two with one title leave nothing to choose by.
func (c *candidate) match(headers []Header, names [][]string) {
	c.names = names
	done := make([]bool, len(headers))
	for _, titles := range [][]string{c.titles, c.own} {
		forms := make([][]string, len(titles))
		for i, title := range titles {
			forms[i] = []string{foldHeader(title), foldHeader(withoutNote(title))}
		}
		for h := range headers {
			if done[h] {
				continue
			}
			columns := c.bestColumns(names[h], forms)
			if len(columns) == 0 {
				continue
			}
			done[h] = true
			c.found++
			c.header[columns[0]] = h
			if len(columns) > 1 && c.ambiguous == nil {
				c.ambiguous = twoColumns(headers[h].Names[0], columns)
			}
		}
	}
	for h := range headers {
		if headers[h].Required && !done[h] {
			c.missing = append(c.missing, headers[h].Names[0])
		}
	}
}

// bestColumns lists the free columns that have the earliest of the names that any has.
func (c *candidate) bestColumns(names []string, forms [][]string) []int {
	for _, name := range names {
		var columns []int
		for i := range forms {
			if c.header[i] < 0 && slices.Contains(forms[i], name) {
				columns = append(columns, i)
			}
		}
		if len(columns) > 0 {
			return columns
		}
	}
	return nil
}

// repeats tells whether a row is the header again, as it stands at the top of each printed page.
func (l *layout) repeats(cells []cell) bool {
	same := 0
	for i, h := range l.header {
		if h < 0 || i >= len(cells) || cells[i].text == "" {
			continue
		}
		text := foldHeader(cells[i].text)
		if text != foldHeader(l.own[i]) && text != foldHeader(l.titles[i]) && !slices.Contains(l.names[h], text) {
			return false
		}
		same++
	}
	return same > 0
}

func twoColumns(name string, columns []int) error {
	a, b := columnName(columns[0]), columnName(columns[1])
	return refusal(syncproto.CodeInvalid, "match headers",
		label(fmt.Sprintf("%s 列和 %s 列的标题都是“%s”，不知道用哪一列。", a, b, name), fmt.Sprintf("Columns %s and %s are both titled “%s”; which one to use cannot be told.", a, b, name)),
		label("请改掉其中一列的标题，再导入。", "Rename one of the two and import the file again."))
}

// foldHeader brings what people type for one title into one form.
func foldHeader(s string) string {
	return strings.ToLower(strings.Trim(schema.NormalizeCode(s), "*:"))
}

// withoutNote drops what stands in brackets: 电话（手机）.
func withoutNote(title string) string {
	if i := strings.IndexAny(title, "(（[【"); i > 0 {
		return title[:i]
	}
	return title
}

// notATable says which columns are missing, all of them at once, and what the file has instead.
func (c *candidate) notATable() error {
	has := strings.Join(slices.DeleteFunc(slices.Clone(c.titles), func(t string) bool { return t == "" }), "、")
	missing := "“" + strings.Join(c.missing, "”“") + "”"
	if c.found == 0 {
		return refusal(syncproto.CodeInvalid, "find header",
			label(fmt.Sprintf("前 %d 行里没有找到标题行，应当有这些列：%s。", headerRows, missing), fmt.Sprintf("The first %d rows hold no row of headers; these columns are needed: %s.", headerRows, missing)),
			label("请核对是不是这个文件，或者把标题行补上，再导入。", "Check whether it is the right file, or add the row of headers, and import it again."))
	}
	return refusal(syncproto.CodeInvalid, "find header",
		label(fmt.Sprintf("表里缺少这些列：%s；现有的列是：%s。", missing, has), fmt.Sprintf("These columns are missing: %s; the file has: %s.", missing, has)),
		label("请补上缺少的列，或者把标题改成上面的名字，再导入。", "Add the missing columns, or rename the ones meant, and import the file again."))
}
