package thumb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The screen of a small phone in CSS pixels.
const (
	Width  = 360
	Height = 640
)

// patience bounds every wait: a cold browser on a busy machine is slow. breath is how often a wait looks.
const (
	patience = time.Minute
	breath   = 10 * time.Millisecond
)

// Screen is one tab. It belongs to one goroutine.
type Screen struct {
	// Taps and Keys count what the thumb did since the caller last set them.
	Taps, Keys int

	ctx  context.Context
	stop func()
}

// Open starts a browser that keeps to itself, with a profile in a folder.
func Open(ctx context.Context, profile string) (*Screen, error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("lang", "zh-CN"), chromedp.Env("LANGUAGE=zh_CN", "LANG=zh_CN.UTF-8"))
	allocated, end := chromedp.NewExecAllocator(ctx, opts...)
	tab, shut := chromedp.NewContext(allocated)
	s := &Screen{ctx: tab, stop: func() { shut(); end() }}
	if err := s.Turn(Width, Height); err != nil {
		s.stop()
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	return s, nil
}

// Tab opens another tab of the same browser.
func (s *Screen) Tab() (*Screen, error) {
	tab, shut := chromedp.NewContext(s.ctx)
	t := &Screen{ctx: tab, stop: shut}
	return t, t.Turn(Width, Height)
}

// Context ends with the tab.
func (s *Screen) Context() context.Context { return s.ctx }

// Close closes the tab, and the browser with its first one.
func (s *Screen) Close() { s.stop() }

// Turn gives the screen another size, as turning the phone does.
func (s *Screen) Turn(width, height int64) error {
	return chromedp.Do(s.ctx, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// Slow makes the processor look so many times slower to the pages.
func (s *Screen) Slow(times float64) error {
	return call(s, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: times})
}

// Prefer sets media features, in pairs: prefers-color-scheme, dark.
func (s *Screen) Prefer(pairs ...string) error {
	var p emulation.SetEmulatedMediaParams
	for i := 0; i+1 < len(pairs); i += 2 {
		p.Features = append(p.Features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
	}
	return call(s, emulation.SetEmulatedMedia, p)
}

// Enlarge makes text so many times larger, as the phone's own setting does.
func (s *Screen) Enlarge(times float64) error {
	const standard, fixed = 16, 13
	return call(s, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: int64(standard * times), Fixed: int64(fixed * times)}})
}

func call[P any](s *Screen, cmd cdp.Command[P, cdp.Empty], params P) error {
	return s.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	}))
}

func (s *Screen) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Ask evaluates an expression in the page. A promise is waited for.
func Ask[T any](s *Screen, script string) (T, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		err = fmt.Errorf("%.200s: %w", script, err)
	}
	return v, err
}

// Go opens an address and waits until its page, or the one to which that leads, is whole and has an element.
func (s *Screen) Go(url, want string) error {
	if err := s.do(chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("open %s: %w", url, err)
	}
	return s.Wait(whole + one(want))
}

// Back is the phone's back button. The page that it leads to may be one that the browser had put aside, and must have an element.
func (s *Screen) Back(want string) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	entries, err := chromedp.Run(ctx, chromedp.NavigationEntries())
	if err != nil {
		return err
	}
	if entries.CurrentIndex == 0 {
		return errors.New("there is no page to go back to")
	}
	before := entries.Entries[entries.CurrentIndex-1]
	if err := call(s, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID}); err != nil {
		return err
	}
	return s.Wait("location.href === " + quote(before.URL) + " && " + whole + one(want))
}

// Wait waits until an expression is true of the page.
func (s *Screen) Wait(script string) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	var last error
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+script+")"))
		if ok && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err // the page was going
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited in vain for %s; the page says %.600q", script, s.words()), last)
		case <-time.After(breath):
		}
	}
}

// WaitFor waits until the page has an element.
func (s *Screen) WaitFor(selector string) error { return s.Wait(one(selector)) }

// Text is the text of what a selector finds first, as it is shown.
func (s *Screen) Text(selector string) (string, error) {
	return Ask[string](s, "("+one(selector)+"?.innerText ?? '')")
}

// words are what stands on the screen, for a mistake to tell.
func (s *Screen) words() string {
	text, err := Ask[string](s, `location.pathname + " " + document.body.innerText`)
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// whole is the script that tells that everything of the page is there; more follows.
const whole = `document.readyState === "complete" && `

// one is the script that finds an element.
func one(selector string) string { return "document.querySelector(" + quote(selector) + ")" }

func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a form
	}
	return string(raw)
}

// Desk makes the screen one of a desk: no touch, one pixel to a pixel.
func (s *Screen) Desk(width, height int64) error {
	return chromedp.Do(s.ctx, chromedp.EmulateViewport(width, height))
}
