package register

import (
	"errors"
	"io"
	"slices"

	"minqing/internal/sheet"
	"minqing/schema"
)

// ReadCodes reads the household codes of a workbook or CSV, each once, in the order of the file: whatever else stands beside them.
func ReadCodes(b *schema.Book, name string, r io.ReaderAt, size int64, limits sheet.Limits) ([]string, error) {
	h, _ := headerOf(b, tableHousehold, "code")
	in, err := sheet.Open(name, r, size, []sheet.Header{h}, limits)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out []string
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if c := schema.NormalizeCode(row.Cells[keyCode]); c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
}

// Titles are the titles of the columns that an import knows, in a language.
func Titles(b *schema.Book, lang schema.Lang) []string { return TitlesOf(registerHeaders(b), lang) }

// TitlesOf are the titles of some columns, in a language.
func TitlesOf(headers []sheet.Header, lang schema.Lang) []string {
	var out []string
	for _, h := range headers {
		title := h.Names[0]
		if lang == schema.EN {
			if i := slices.IndexFunc(h.Names, func(n string) bool { return n != "" && n[0] < 0x80 }); i >= 0 {
				title = h.Names[i]
			}
		}
		out = append(out, title)
	}
	return out
}
