package register

import (
	"fmt"

	"minqing/internal/sheet"
	"minqing/schema"
)

// LineWords names a row as people find it in their spreadsheet program; several tells that the file has more than one sheet.
func LineWords(row sheet.Row, several bool) schema.Label {
	if several && row.Sheet != "" {
		return schema.Label{ZH: fmt.Sprintf("“%s”第 %d 行", row.Sheet, row.Line), EN: fmt.Sprintf("row %d of “%s”", row.Line, row.Sheet)}
	}
	return schema.Label{ZH: fmt.Sprintf("第 %d 行", row.Line), EN: fmt.Sprintf("row %d", row.Line)}
}
