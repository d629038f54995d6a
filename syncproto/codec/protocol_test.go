package codec_test

import (
	"os"
	"strings"
	"testing"

	"minqing/schema/schematest"
	"minqing/syncproto"
)

// The examples of PROTOCOL.md are what the reader takes and the writer writes.
func TestExamplesOfTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../PROTOCOL.md")
	must(t, err)
	blocks := strings.Split(string(doc), "```ndjson ")
	if len(blocks) < 4 {
		t.Fatalf("%d examples", len(blocks)-1)
	}
	for _, b := range blocks[1:] {
		kind, rest, _ := strings.Cut(b, "\n")
		lines, _, _ := strings.Cut(rest, "```")
		frames, err := read(strings.NewReader(lines), schematest.Book())
		if err != nil {
			t.Errorf("%v\n%s", err, lines)
			continue
		}
		_, request := frames[0].(syncproto.Hello)
		if request != (kind == "request") {
			t.Errorf("an example is called %s\n%s", kind, lines)
		}
		for _, f := range frames {
			if c, ok := f.(*syncproto.Change); ok && c.Defect != nil {
				t.Errorf("%v\n%s", c.Defect, lines)
			}
		}
		// A change travels as its author wrote it, but in canonical form: that line alone may differ.
		got := strings.Split(string(write(t, frames)), "\n")
		for i, line := range strings.Split(lines, "\n") {
			if !strings.HasPrefix(line, `{"change"`) && got[i] != line {
				t.Errorf("written again it is\n%s\nnot\n%s", got[i], line)
			}
		}
	}
}
