package merge_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"minqing/syncproto/merge"
)

// FuzzParseState: whatever the text, a state is read from it just as encoding/json reads it, or neither reads one; and it is written just as
// encoding/json writes it.
func FuzzParseState(f *testing.F) {
	for _, text := range []string{"", "{}", "null", `{"t":7}`, `{"h":[{"i":"a0","s":3,"l":[{"Epoch":"e1","Rev":2}],"c":["name","."]}],"t":2}`,
		`{"h":[{"i":"a0","s":3,"l":[{"Epoch":"e1","Rev":2},{"Epoch":"e2","Rev":18446744073709551615}],"c":["name"]},{"i":"b","s":4,"l":null,"c":null}],"o":["."],"d":true,"t":2,"a":["x"]}`,
		`{"h":[{"i":"a\u00e9","s":03,"l":[],"c":[]}]}`, `{"h":[{"i":"a","s":1,"l":[{"Epoch":"e","Rev":1}],"c":["n"]}]}`, `{"h":[{"i":"a","s":1,"l":[{"Epoch":"e","Rev":1}],"c":["n"]}],}`,
		`{"h":[{"i":"<a>","s":1,"l":[{"Epoch":"&","Rev":1}],"c":["a\\\"b","走"]}]}`, `{"h":[]}`, `{"t":1} `, `{"t":1}{`, `{"t":-1}`, `{"t":1.5}`, "{\"h\":[{\"i\":\"\xff\",\"s\":1,\"l\":[{\"Epoch\":\"走\",\"Rev\":1}],\"c\":[\"\\n\"]}],\"t\":1}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want merge.State
		failed := json.Unmarshal([]byte(text), &want)
		got, err := merge.ParseState(text)
		if (err == nil) != (failed == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q reads as %+v (%v), want %+v (%v)", text, got, err, want, failed)
		}
		if err != nil {
			return
		}
		written, err := json.Marshal(want)
		if format, failed := got.Format(); err != nil || failed != nil || format != string(written) {
			t.Errorf("%+v is written as %q (%v), want %q (%v)", got, format, failed, written, err)
		}
	})
}
