package syncproto_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"minqing/syncproto"
)

func TestCardSerial(t *testing.T) {
	serial, err := syncproto.NewCardSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{serial, strings.ToLower(serial), strings.ReplaceAll(serial, "-", ""), " " + strings.ReplaceAll(serial, "0", "o") + " "} {
		if got, ok := syncproto.CardSerial(typed); !ok || got != serial {
			t.Errorf("%q gave %q, %v; want %q", typed, got, ok, serial)
		}
	}
	for _, bad := range []string{"", "7K4M-2Q9X", serial + "0", serial[1:], strings.Repeat("7K4M2Q9X", 5), "7K4M-2Q9X-8HTD-W3NU", "7K4M-2Q9X-8HTD-W3\x00C", "民情民情民"} {
		if got, ok := syncproto.CardSerial(bad); ok {
			t.Errorf("%q is taken as the serial %q", bad, got)
		}
	}
	// Every one of the 80 bits is in it.
	seen := map[string]bool{}
	for bit := range 80 {
		var raw [10]byte
		raw[bit/8] = 1 << (bit % 8)
		s, err := syncproto.NewCardSerial(bytes.NewReader(raw[:]))
		if err != nil || seen[s] {
			t.Fatalf("bit %d is lost: %s, %v", bit, s, err)
		}
		seen[s] = true
	}
	if _, err := syncproto.NewCardSerial(bytes.NewReader(make([]byte, 9))); err == nil {
		t.Error("a serial of 72 bits")
	}
}
