package syncproto_test

import (
	"crypto/rand"
	"testing"

	"github.com/google/uuid"

	"minqing/syncproto"
)

func TestNewIDIsAUUIDv7OfItsTime(t *testing.T) {
	const at = 1764000000123
	s, err := syncproto.NewID(at, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := uuid.Parse(s)
	if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 || id.String() != s {
		t.Fatalf("%s: version %d, variant %v, %v", s, id.Version(), id.Variant(), err)
	}
	later, err := syncproto.NewID(at+1, rand.Reader)
	if err != nil || later <= s {
		t.Fatalf("%s does not sort before %s (%v)", s, later, err)
	}
}
