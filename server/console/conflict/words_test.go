package conflict

import (
	"fmt"
	"slices"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
)

// TestFirstEdits: the first edits of a change are read as they are of the whole, whatever its texts hold, and counted all.
func TestFirstEdits(t *testing.T) {
	book, name := schema.Minqing(), syncproto.Name{Number: 1}
	texts := []string{"平常", `引号"和]}，还有"edits":[{}]`, `反斜线\`, `}]},{"at":1`, "", "𠮷\n[", `\"]`}
	for n := 1; n < 9; n++ {
		c := syncproto.Change{Name: name, First: name, At: 7}
		for i := range n {
			c.Edits = append(c.Edits, syncproto.Edit{Table: "household", Row: syncproto.RowID(fmt.Sprintf("01935b7e-0000-7000-8000-%012d", i)), Op: syncproto.OpUpdate,
				Cells: []syncproto.CellEdit{{Cell: "note", Value: schema.Text(texts[i%len(texts)])}, {Cell: "tags", Add: []string{"old_member"}}}})
		}
		if err := c.Seal(); err != nil {
			t.Fatal(err)
		}
		whole, err := syncproto.ParseContent(book, name, name, string(c.Content))
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{1, 4, 8, 9} {
			head, rows := firstEdits(whole.Content, most)
			got, err := syncproto.ParseContent(book, name, name, head)
			if err != nil || rows != n {
				t.Fatalf("%d of %d: %d rows, %v: %s", most, n, rows, err, head)
			}
			same := func(a, b syncproto.Edit) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
			if !slices.EqualFunc(got.Edits, whole.Edits[:min(most, n)], same) || got.At != whole.At {
				t.Errorf("%d of %d are %v, want %v", most, n, got.Edits, whole.Edits[:min(most, n)])
			}
		}
	}
	for _, odd := range []string{"{}", `{"at":1}`, `{"edits":[`, `{"edits":[{"a":"]"`} {
		if head, rows := firstEdits([]byte(odd), 1); head != odd || rows != 0 {
			t.Errorf("of %s: %s %d", odd, head, rows)
		}
	}
}
