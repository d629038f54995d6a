package pages_test

import (
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

// What a page may weigh, gzip-compressed: with its style and script, and by itself once the browser has those.
const (
	maxWhole  = 60 << 10
	maxAlone  = 15 << 10
	maxScript = 10 << 10 // of our own, not compressed
)

func TestPageWeight(t *testing.T) {
	for _, state := range []pagetest.State{pagetest.Full, pagetest.Many} {
		b := pagetest.MustOpen(t, state)
		p := b.Get("/today").Want(200)
		assets := 0
		for _, n := range p.All("link[rel=stylesheet], script") {
			assets += b.Weight(reader.Attr(n, "href") + reader.Attr(n, "src"))
		}
		if n := len(b.Get(reader.Attr(p.One("script"), "src")).Raw); n > maxScript {
			t.Errorf("the script has %d bytes", n)
		}
		for _, s := range pagetest.Screens {
			if s.State != state || s.Post != nil || s.Want != 0 {
				continue
			}
			alone := b.Weight(b.At(s.Path))
			t.Logf("%-20s %6d bytes alone, %6d with style and script", s.Name, alone, alone+assets)
			if alone > maxAlone || alone+assets > maxWhole {
				t.Errorf("%s weighs %d bytes, %d with style and script", s.Name, alone, alone+assets)
			}
		}
	}
}
