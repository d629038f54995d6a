package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// bodyRoom is what server/api gives out for bodies and what is decoded of them.
const bodyRoom = 160 << 20

// bomb is a body that unpacks to a lot of spaces behind a hello.
func bomb(t testing.TB, encoding string, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch encoding {
	case codec.EncodingGzip:
		w, err = gzip.NewWriterLevel(&out, gzip.BestCompression)
	case codec.EncodingZstd: // not the project's writer, which would not make so wide a window
		w, err = zstd.NewWriter(&out, zstd.WithWindowSize(zstd.MaxWindowSize), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	must(t, err)
	_, err = io.WriteString(w, `{"hello":{"protocol":1,"schema":1,"client":"`)
	must(t, err)
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range size >> 20 {
		_, err = w.Write(block)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// A body that unpacks to gigabytes is refused with a reason, whatever its compression, and the server's memory stays under 256 MiB in all, as the
// kernel counts it, however many come one after another. However many come at once, those for whom there is no room are told when to come again,
// and what the server holds over what it held before is bounded by what its gate gives out and the garbage of a fifth of all that lives. The
// next honest sync goes through.
func TestHostileBombs(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	id := p.matter("每天积水")
	p.through("before the bombs")
	floor := w.server.peak(t)
	f := mustForger(t, p.Replica, p.via)
	bombs := map[string][]byte{}
	for _, encoding := range []string{codec.EncodingGzip, codec.EncodingZstd} {
		body := bomb(t, encoding, 1<<30)
		if len(body) > syncproto.MaxBodyBytes {
			t.Fatalf("the bomb has %d bytes", len(body))
		}
		for range 3 {
			if got := f.refused(encoding+" bomb", body, encoding); got.Code != syncproto.CodeTooLarge && got.Code != syncproto.CodeInvalid {
				t.Fatalf("%s bomb: %+v", encoding, got)
			}
		}
		bombs[encoding] = body
	}
	alone := w.server.peak(t)
	if alone > 256<<20 {
		t.Errorf("the bombs cost %d MiB", alone>>20)
	}
	const each = 40
	var refused, turned atomic.Int64
	var all sync.WaitGroup
	for encoding, body := range bombs {
		for range each {
			all.Go(func() {
				status, answer, err := f.sync(body, encoding)
				var got problem
				switch {
				case err != nil:
					t.Error(err)
				case json.Unmarshal(answer, &got) != nil || got.Title == "" || got.Hint == "":
					t.Errorf("%s bomb: status %d: %s", encoding, status, answer)
				case status == http.StatusTooManyRequests:
					turned.Add(1)
				case got.Code == syncproto.CodeTooLarge || got.Code == syncproto.CodeInvalid:
					refused.Add(1)
				default:
					t.Errorf("%s bomb: status %d: %s", encoding, status, answer)
				}
			})
		}
	}
	all.Wait()
	peak := w.server.peak(t)
	if most := floor + bodyRoom + (floor+bodyRoom)/5; peak > most {
		t.Errorf("the bombs cost %d MiB at once, over %d before", (peak-floor)>>20, floor>>20)
	}
	p.support(id)
	p.through("after the bombs")
	p.once()
	t.Logf("gzip=%dKiB zstd=%dKiB at once=%d refused=%d turned=%d peak=%dMiB then %dMiB over %dMiB", len(bombs[codec.EncodingGzip])>>10, len(bombs[codec.EncodingZstd])>>10, 2*each,
		refused.Load(), turned.Load(), alone>>20, peak>>20, floor>>20)
}

// Many clients send the largest bodies at once, and slowly. Those for whom there is no room are told at once when to come again; memory
// stays bounded, and once they are gone an honest sync goes through.
func TestHostileCrowd(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	id := p.matter("每天积水")
	p.through("before the crowd")
	floor := w.server.peak(t)
	const many = 120
	half := bytes.Repeat([]byte{0xa5}, syncproto.MaxBodyBytes/2)
	var turned, taken atomic.Int64
	var crowd sync.WaitGroup
	release := make(chan struct{})
	for range many {
		crowd.Go(func() {
			body, in := io.Pipe()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.server.address+"/v1/sync", body)
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = syncproto.MaxBodyBytes
			go func() {
				_, _ = in.Write(half) // whoever is turned away does not read it
				<-release
				_, _ = in.Write(half)
				_ = in.Close() // of a pipe, it never fails
			}()
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				turned.Add(1) // the server answered and closed while the body was still being written
				return
			}
			defer res.Body.Close()
			switch res.StatusCode {
			case http.StatusTooManyRequests:
				if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || n < 1 {
					t.Errorf("429 with Retry-After %q", res.Header.Get("Retry-After"))
				}
				turned.Add(1)
			case http.StatusUnauthorized: // it was let in and signed nothing
				taken.Add(1)
			default:
				t.Errorf("status %s", res.Status)
			}
		})
	}
	const room = bodyRoom / syncproto.MaxBodyBytes
	for deadline := time.Now().Add(patience); turned.Load() < many-room; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d were turned away", turned.Load(), many)
		}
	}
	peak := w.server.peak(t)
	close(release)
	crowd.Wait()
	if taken.Load() == 0 || taken.Load() > room {
		t.Errorf("%d were taken, %d turned away", taken.Load(), turned.Load())
	}
	full := w.server.peak(t)
	if full > floor+256<<20 {
		t.Errorf("the crowd cost %d MiB over %d", (full-floor)>>20, floor>>20)
	}
	p.support(id)
	p.through("after the crowd")
	p.once()
	t.Logf("taken=%d turned=%d peak=%dMiB then %dMiB", taken.Load(), turned.Load(), peak>>20, full>>20)
}

// Many phones, or whoever has stolen one, send small bodies at once that each unpack to the most that is allowed. The server takes as many
// as it has room for, tells the others when to come again, and its memory stays bounded; each is read when it comes again.
func TestHostileCrowdOfSmallBodies(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	p.through("before the crowd")
	floor := w.server.peak(t)
	f := mustForger(t, p.Replica, p.via)
	var plain, body bytes.Buffer
	plain.WriteString(`{"hello":{"protocol":1,"schema":1}}` + "\n")
	for n := 1; plain.Len() < syncproto.MaxRequestBytes-(64<<10); n++ { // no end: all is read, and nothing taken
		fmt.Fprintf(&plain, `{"change":{"number":%d,"content":{"at":1,"edits":[{"cells":{"note":"%s"},"op":"update","row":"01935b7e-0000-7000-8000-000000000001","table":"household"}]}}}`+"\n",
			n, strings.Repeat("长", 8000))
	}
	z, err := codec.Compress(codec.EncodingZstd, &body)
	must(t, err)
	_, err = z.Write(plain.Bytes())
	must(t, err)
	must(t, z.Close())
	// There is room for one that is unpacked to the most. All come at once, and again at once while nobody was turned away yet: on a machine that
	// were to take them one after another nothing would be shown.
	var turned, read atomic.Int64
	var crowd sync.WaitGroup
	deadline := time.Now().Add(patience)
	for range 60 {
		crowd.Go(func() {
			for first := true; first || turned.Load() == 0 && time.Now().Before(deadline); first = false {
				status, answer, err := f.sync(body.Bytes(), codec.EncodingZstd)
				switch {
				case err != nil:
					t.Error(err)
				case status == http.StatusTooManyRequests:
					turned.Add(1)
				case status == http.StatusUnprocessableEntity:
					read.Add(1)
				default:
					t.Errorf("status %d: %s", status, answer)
				}
			}
		})
	}
	crowd.Wait()
	peak := w.server.peak(t)
	if peak > floor+256<<20 {
		t.Errorf("the crowd cost %d MiB over %d", (peak-floor)>>20, floor>>20)
	}
	if turned.Load() == 0 {
		t.Error("nobody was turned away")
	}
	// Whoever was turned away comes again when the others are gone, and is read.
	if got := f.refused("a small body after the crowd", body.Bytes(), codec.EncodingZstd); got.Code != syncproto.CodeInvalid {
		t.Errorf("after the crowd: %+v", got)
	}
	p.matter("每天积水")
	p.through("after the crowd")
	t.Logf("body=%dKiB unpacked=%dMiB read=%d turned=%d peak=%dMiB over %dMiB", body.Len()>>10, plain.Len()>>20, read.Load(), turned.Load(), peak>>20, floor>>20)
}
