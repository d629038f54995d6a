package e2e_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// wrongs are the ways in which a faulty client writes a request, of the lines that it should have sent and the request before.
var wrongs = map[string]func(rng *rand.Rand, lines [][]byte, old []byte) []byte{
	"cut at a line": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		return bytes.Join(lines[:rng.IntN(len(lines))], nil)
	},
	"cut in a line": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		whole := bytes.Join(lines, nil)
		return whole[:1+rng.IntN(len(whole)-2)]
	},
	"a line left out": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		i := rng.IntN(len(lines))
		return bytes.Join(slices.Delete(lines, i, i+1), nil)
	},
	"a line repeated": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		i := rng.IntN(len(lines))
		return bytes.Join(slices.Insert(lines, i, lines[i]), nil)
	},
	"a line repeated later": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		i := rng.IntN(len(lines))
		return bytes.Join(slices.Insert(lines, i+rng.IntN(len(lines)-i), lines[i]), nil)
	},
	"two lines swapped": func(rng *rand.Rand, lines [][]byte, _ []byte) []byte {
		i := rng.IntN(len(lines))
		j := (i + 1 + rng.IntN(len(lines)-1)) % len(lines)
		lines[i], lines[j] = lines[j], lines[i]
		return bytes.Join(lines, nil)
	},
	"its changes the other way round": func(_ *rand.Rand, lines [][]byte, _ []byte) []byte {
		slices.Reverse(lines[1 : len(lines)-1])
		return bytes.Join(lines, nil)
	},
	"twice in one body":         func(_ *rand.Rand, lines [][]byte, _ []byte) []byte { return bytes.Repeat(bytes.Join(lines, nil), 2) },
	"an older one in its place": func(_ *rand.Rand, _ [][]byte, old []byte) []byte { return old },
	"an older one before it": func(_ *rand.Rand, lines [][]byte, old []byte) []byte {
		return append(bytes.Clone(old), bytes.Join(lines, nil)...)
	},
}

// A faulty client writes its request wrongly and signs what it wrote with its own key, so that nothing is wrong with the signature. Whatever the
// server takes of it, nothing is lost and nothing counts twice; the next honest sync completes and both sides are equal.
func TestFaultsSignedBentBodies(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	f := &faulty{t: t, rng: rand.New(rand.NewPCG(11, 11)), met: map[int]int{}}
	id := p.matter("每天积水")
	p.through("the beginning")
	count := 0
	for range full(3, 20) {
		for _, name := range slices.Sorted(maps.Keys(wrongs)) {
			for _, counted := range []bool{false, true} {
				for range 3 { // each builds on the one before
					p.support(id)
				}
				p.matter(noise(f.rng, 100))
				me, err := p.Device(t.Context())
				must(t, err)
				f.key = ed25519.NewKeyFromSeed(me.Seed) // who sends what it sent before is taken for an old copy of its file, and enrols anew
				p.fresh(&bent{via: p.via, bend: f.write(wrongs[name], counted)})
				if _, err := p.sync.Sync(t.Context()); err != nil {
					var e *syncproto.Error
					if !errors.As(err, &e) || e.Code == syncproto.CodeInternal || e.Message == "" {
						t.Fatalf("%s, counted %t: an error that helps nobody: %v", name, counted, err)
					}
				}
				p.fresh(p.via)
				p.through(name)
				count++
			}
		}
		p.once()
	}
	if f.met[http.StatusOK] == 0 || f.met[http.StatusUnprocessableEntity] == 0 {
		t.Errorf("answers by status: %v: none was taken, or none refused", f.met)
	}
	t.Logf("bent=%d kinds=%d answers=%v", count, len(wrongs), f.met)
}

// faulty is a client that holds its key and writes wrongly.
type faulty struct {
	t   *testing.T
	key ed25519.PrivateKey
	rng *rand.Rand
	old []byte      // the request that it should have sent the last time
	met map[int]int // answers by status
}

// write gives what becomes of a request on its way out. Counted, its end counts the lines that are there, not those that should be.
func (f *faulty) write(wrong func(*rand.Rand, [][]byte, []byte) []byte, counted bool) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
	return func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
		raw, err := plainOf(r, body)
		if err != nil {
			return nil, err
		}
		lines := bytes.SplitAfter(raw, []byte("\n"))
		lines = lines[:len(lines)-1] // behind the last end of a line there is nothing
		if len(lines) < 6 || !bytes.HasPrefix(lines[0], []byte(`{"hello"`)) || !bytes.HasPrefix(lines[len(lines)-1], []byte(`{"end"`)) {
			f.t.Errorf("no hello, four changes and an end:\n%s", raw)
		}
		if f.old == nil {
			f.old = raw
		}
		written, encoding := wrong(f.rng, lines, f.old), codec.EncodingPlain
		f.old = raw
		if counted {
			if cut := bytes.LastIndex(written, []byte(`{"end"`)); cut >= 0 {
				written = fmt.Appendf(written[:cut:cut], `{"end":{"frames":%d}}`+"\n", bytes.Count(written[:cut], []byte("\n")))
			}
		}
		if f.rng.IntN(3) == 0 {
			encoding = codec.EncodingZstd
			if written, err = f.pack(written); err != nil {
				return nil, err
			}
		}
		out := with(r, written)
		out.Header.Set("Content-Encoding", encoding)
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), "Bearer ")
		out.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(f.key, r.Method, r.URL.RequestURI(), token, written))
		resp, err := via.RoundTrip(out)
		if err != nil {
			return nil, err
		}
		answer, err := answered(resp)
		if err != nil {
			return nil, err
		}
		f.met[resp.StatusCode]++
		if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode >= http.StatusInternalServerError || bytes.Contains(answer, []byte(`"code":"internal"`)) {
			f.t.Errorf("%s to\n%s\n%s", resp.Status, written, answer)
		}
		return plainAnswer(resp, answer), nil
	}
}

// pack compresses a body; every other time what comes out is cut.
func (f *faulty) pack(written []byte) ([]byte, error) {
	var packed bytes.Buffer
	z, err := codec.Compress(codec.EncodingZstd, &packed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(written); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if f.rng.IntN(2) == 0 {
		return packed.Bytes()[:f.rng.IntN(packed.Len())], nil
	}
	return packed.Bytes(), nil
}
