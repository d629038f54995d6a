package register_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"minqing/internal/register"
	"minqing/schema"
)

// The bench compares the wire with a CSV of the same rows; text that compressed like a template would flatter both.
func TestVisitTextCompressesLikeWhatPeopleWrite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all strings.Builder
	for range 10_000 {
		all.WriteString(register.VisitText(rng))
		all.WriteByte('\n')
	}
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression} {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level))
		if err != nil {
			t.Fatal(err)
		}
		packed := len(e.EncodeAll([]byte(all.String()), nil))
		ratio := float64(all.Len()) / float64(packed)
		t.Logf("%s: %d bytes, %.2f to one", level, all.Len(), ratio)
		if level != zstd.SpeedBetterCompression && ratio > 3 {
			t.Errorf("%s: %.2f to one, more than 3", level, ratio)
		}
	}
}

func TestVisitText(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[string]bool{}
	shortest, longest, total := 1<<30, 0, 0
	for range 5000 {
		s := register.VisitText(rng)
		n := utf8.RuneCountInString(s)
		shortest, longest, total = min(shortest, n), max(longest, n), total+n
		if seen[s] || !strings.HasSuffix(s, "。") || strings.Contains(s, "。。") || schema.NormalizeText(s) != s {
			t.Errorf("text %q", s)
		}
		seen[s] = true
	}
	t.Logf("%d to %d characters, %d on average", shortest, longest, total/5000)
	if shortest < 40 || longest > 260 {
		t.Errorf("%d to %d characters", shortest, longest)
	}
	t.Logf("such as: %s", register.VisitText(rng))
	a, b := register.VisitText(rand.New(rand.NewPCG(5, 6))), register.VisitText(rand.New(rand.NewPCG(5, 6)))
	if a != b {
		t.Errorf("one seed, two texts: %q and %q", a, b)
	}
}

func TestMatterText(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	matter := schema.Minqing().Table("matter")
	kinds := map[string]bool{}
	for range 2000 {
		kind, title, detail := register.MatterText(rng)
		kinds[kind] = true
		for column, text := range map[string]string{"kind": kind, "title": title, "detail": detail} {
			if err := matter.Column(column).Check(schema.Text(text)); err != nil {
				t.Errorf("%s %q: %v", column, text, err)
			}
		}
	}
	if len(kinds) != len(matter.Column("kind").Options) {
		t.Errorf("kinds %v", kinds)
	}
}
