package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"

	"minqing/internal/thumb"
)

// appPage is a page that is measured.
type appPage struct{ name, path string }

func (a *appRun) base() string {
	origin, err := thumb.Ask[string](a.screen, "location.origin")
	if err != nil {
		return "" // the next step says why
	}
	return origin
}

// all are the pages of the app, on rows of the parish.
func (a *appRun) all() []appPage {
	home, n := "/h/"+string(a.people.homes[1]), a.people.named
	return []appPage{{"today", "/today"}, {"households", "/households"}, {"households-found", "/households?q=w"}, {"household", home}, {"correct", home + "/edit"},
		{"correct-person", "/r/" + string(n["resident"]) + "/edit"}, {"person-new", home + "/add"}, {"card", home + "/card"}, {"visit", home + "/visit"},
		{"visit-matter", home + "/visit?matter=1"}, {"visit-round", home + "/visit/homes?draft=0123456789abcdef"}, {"journals", "/journal"}, {"journal", "/j/" + string(n["journal"])},
		{"journal-complete", "/j/" + string(n["returned"]) + "/edit"}, {"matters", "/matters"}, {"matter", "/m/" + string(n["matter"])}, {"matter-edit", "/m/" + string(n["matter"]) + "/edit"},
		{"matter-new", home + "/matter"}, {"answer", "/m/" + string(n["handled"]) + "/answer"}, {"sync", "/sync"}, {"me", "/me"}, {"pin", "/me/pin"}, {"enrol", "/enrol"},
		{"enrol-first", "/enrol/first"}}
}

// each measures every page: its last byte, and when it could be used beside an empty page.
func (a *appRun) each(ctx context.Context) error {
	base := a.base()
	floor, stop, err := empty(ctx)
	if err != nil {
		return err
	}
	defer stop()
	_, least, err := a.load(floor)
	if err != nil {
		return err
	}
	a.say("empty page: DOMContentLoaded p95 %.1f ms, median %.1f ms", quantile(least, 0.95), median(least))
	a.pages = a.all()
	worst, at := 0.0, ""
	for _, p := range a.pages {
		had, err := a.program.used()
		if err != nil {
			return err
		}
		last, ready, err := a.load(base + p.path)
		if err != nil {
			return err
		}
		now, err := a.program.used()
		if err != nil {
			return err
		}
		p95 := quantile(last, 0.95)
		if p95 > worst {
			worst, at = p95, p.name
		}
		a.tell(p95 <= pageMS, "100", "page %s %.0f ms last-byte-p95 median=%.0f ms dcl-p95=%.0f ms dcl-median=%.0f ms empty-dcl-p95=%.0f ms empty-dcl-median=%.0f ms cpu=%.1f ms", p.name, p95, median(last),
			quantile(ready, 0.95), median(ready), quantile(least, 0.95), median(least), (now-had)/float64(a.loads+1))
	}
	a.tell(worst <= pageMS, "100", "pages %.0f ms last-byte-p95 of the slowest of %d (%s)", worst, len(a.pages), at)
	return nil
}

// load opens an address again and again.
func (a *appRun) load(url string) (last, ready []float64, err error) {
	for range a.loads + 1 {
		if err := a.screen.Go(url, "body"); err != nil {
			return nil, nil, err
		}
		at, err := a.shown()
		if err != nil {
			return nil, nil, err
		}
		last, ready = append(last, at.Last), append(ready, at.Ready)
	}
	return last[1:], ready[1:], nil // the first one brought style and script
}

// empty serves a page with nothing on it.
func empty(ctx context.Context) (url string, stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>1</title><body></body></html>`) // a cut page fails the load
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(l) // a page that is not served fails the load
	}()
	return "http://" + l.Addr().String(), func() {
		if err := srv.Close(); err == nil {
			<-ended
		}
	}, nil
}

// search measures the program's side of the page that answers what was typed.
func (a *appRun) search(ctx context.Context) error {
	r, err := a.reader()
	if err != nil {
		return err
	}
	had, err := a.program.used()
	if err != nil {
		return err
	}
	var all []float64
	for _, q := range []string{"w", "wg", "王", "王芳", "128", "1280000", "第3组", "老党员", "zzz", "号"} {
		var took []float64
		for range a.searches {
			_, t, err := r.get("/households?q="+q, true)
			if err != nil {
				return err
			}
			took = append(took, ms(t))
		}
		a.say("search %s: median %.1f ms", q, median(took))
		all = append(all, took...)
	}
	now, err := a.program.used()
	if err != nil {
		return err
	}
	p95 := quantile(all, 0.95)
	a.tell(p95 <= searchMS, "20", "search p95=%.1f ms median=%.1f ms over %d people cpu=%.1f ms", p95, median(all), a.appSizes.people, (now-had)/float64(len(all)))
	return ctx.Err()
}

func (a *appRun) reader() (*reader, error) {
	link, err := a.program.link()
	if err != nil {
		return nil, err
	}
	return newReader(link)
}

var assets = regexp.MustCompile(`(?:href|src)="(/[^"]+\.(?:css|js)[^"]*)"`)

// weigh measures what pages weigh, compressed, with style and script and without.
func (a *appRun) weigh(context.Context) error {
	r, err := a.reader()
	if err != nil {
		return err
	}
	heaviest, at, shared := 0, "", 0
	for _, p := range a.pages {
		body, _, err := r.get(p.path, false)
		if err != nil {
			return err
		}
		if len(body) > heaviest {
			heaviest, at = len(body), p.name
		}
		a.say("weight of %s: %.1f KB", p.name, float64(len(body))/1024)
		if shared > 0 {
			continue
		}
		page, err := unpack(body)
		if err != nil {
			return err
		}
		for _, m := range assets.FindAllStringSubmatch(page, -1) {
			file, _, err := r.get(m[1], false)
			if err != nil {
				return err
			}
			shared += len(file)
		}
		if shared == 0 {
			return errors.New("the page has neither style nor script")
		}
	}
	a.tell(heaviest+shared <= weightWhole, "60KB", "weight-uncached %.1f KB gzip, the heaviest of %d pages (%s) with style and script", float64(heaviest+shared)/1024, len(a.pages), at)
	a.tell(heaviest <= weightAlone, "15KB", "weight-cached %.1f KB gzip (%s)", float64(heaviest)/1024, at)
	return nil
}

// unpack gives a page as it reads.
func unpack(body []byte) (string, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return string(body), nil // too small to be worth compressing
	}
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	_, err = io.Copy(&out, zip)
	return out.String(), err
}

// resident measures the memory of the program after all that.
func (a *appRun) resident(context.Context) error {
	rss, err := a.program.memory("VmRSS")
	if err != nil {
		return err
	}
	peak, err := a.program.memory("VmHWM")
	if err != nil {
		return err
	}
	const mb = 1 << 20
	a.tell(rss/mb <= residentMB, "60MB", "resident %.1f MB with %d rows, after all pages; at most %.1f MB ever, while the PIN was checked", rss/mb, a.people.rows, peak/mb)
	return nil
}
