package thumb

import (
	"context"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Paper shows pages as they are printed, or again as on a screen.
func (s *Screen) Paper(on bool) error {
	p := emulation.SetEmulatedMediaParams{}
	if on {
		p.Media = "print"
	}
	return call(s, emulation.SetEmulatedMedia, p)
}

// Print prints the page that stands on A4, or on the paper that its style sheet names, as PDF.
func (s *Screen) Print() ([]byte, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize()))
}

// Cookie hands the browser a cookie as a site that it trusts would set it, without its pages being walked through.
func (s *Screen) Cookie(url, name, value string) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	yes := true
	return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url, Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax})
		return err
	}))
}

// Script tells whether pages may run scripts.
func (s *Screen) Script(on bool) error {
	return call(s, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Shot is the picture of an element, larger than it is shown, as a camera held near it takes it.
func (s *Screen) Shot(selector string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.ScreenshotScale(chromedp.CSS(selector), 2))
}

// Other opens a browser that shares nothing with this one: another person's.
func (s *Screen) Other() (*Screen, error) {
	tab, shut := chromedp.NewContext(s.ctx, chromedp.WithNewBrowserContext())
	t := &Screen{ctx: tab, stop: shut}
	return t, t.Turn(Width, Height)
}

// Downloads has what the browser is given to keep put into a folder, under its name. It holds for the tabs of the browser that was opened first.
func (s *Screen) Downloads(dir string) error {
	return s.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
		return err
	}))
}
