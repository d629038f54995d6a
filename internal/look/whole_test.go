package look

import (
	"io/fs"
	"strings"
	"testing"
)

// TestSheetsAreWhole: a block that is not closed takes all sheets after it along, as they are joined into one.
func TestSheetsAreWhole(t *testing.T) {
	names, err := fs.Glob(files, "css/*.css")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d style sheets, %v", len(names), err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if open, closed := strings.Count(string(text), "{"), strings.Count(string(text), "}"); open != closed {
			t.Errorf("%s opens %d blocks and closes %d", name, open, closed)
		}
	}
}
