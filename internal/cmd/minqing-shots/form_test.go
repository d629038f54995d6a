package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"minqing/mobile-client/pages/pagetest"
)

// TestVisitInABrowser records a visit with a matter by taps alone: today, the phrase, the matter, its kind, its title, save.
func TestVisitInABrowser(t *testing.T) {
	w, err := startBrowser(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.stop()
	p, err := pagetest.Open(t.Context(), t.TempDir(), pagetest.Full)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	link, ended, err := p.Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := w.enter(link, options{lang: "zh", scheme: "light"}); err != nil {
		t.Fatal(err)
	}
	if err := w.do(chromedp.Navigate(w.base+p.At("/h/{home}/visit")), chromedp.Click(chromedp.CSS(`[data-phrase="家里都好"]`)),
		chromedp.Click(chromedp.CSS(`main button[value=matter]`)), chromedp.WaitReady(chromedp.CSS("#f-title")), chromedp.Click(chromedp.CSS(`[name=kind][value=difficulty]`)),
		chromedp.SendKeys(chromedp.CSS("#f-title"), "路灯坏了"), chromedp.Click(chromedp.CSS(".bar .btn.main")), chromedp.WaitReady(chromedp.CSS(".toast"))); err != nil {
		t.Fatal(err)
	}
	all, err := p.Replica.Entries(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tables := ""
	for _, e := range all[len(all)-1].Change.Edits {
		tables += e.Table + " "
	}
	if tables != "visit journal matter matter_step " {
		t.Errorf("written: %s", tables)
	}
}
