package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"minqing/mobile-client/pages/pagetest"
)

// browser is a headless Chromium that keeps to itself.
type browser struct {
	ctx  context.Context
	stop func()
	base string
}

// The screen of a small phone, in CSS pixels, at two device pixels each.
const (
	width, height = 360, 640
	scale         = 2
)

func startBrowser(ctx context.Context, profile string) (*browser, error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("lang", "zh-CN"), chromedp.Env("LANGUAGE=zh_CN", "LANG=zh_CN.UTF-8"))
	allocated, end := chromedp.NewExecAllocator(ctx, opts...)
	tab, shut := chromedp.NewContext(allocated)
	b := &browser{ctx: tab, stop: func() { shut(); end() }}
	if err := chromedp.Do(tab, viewport(height)); err != nil {
		b.stop()
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	return b, nil
}

func viewport(height int64) chromedp.Action[chromedp.Void] {
	return chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale), chromedp.EmulateMobile)
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// enter opens a launch link and makes the choices.
func (b *browser) enter(link string, o options) error {
	b.base = link[:strings.Index(link, "/enter")]
	form := url.Values{"lang": {o.lang}, "size": {""}}
	if o.big {
		form.Set("size", "big")
	}
	media := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: o.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
	return b.do(media, chromedp.Navigate(link), chromedp.WaitReady(chromedp.CSS("nav.tabs")), chromedp.Navigate(b.base+"/me"),
		submit("main form", form), chromedp.WaitReady(chromedp.CSS(".toast")))
}

// submit fills fields in and sends a form, as a thumb does.
func submit(selector string, fields url.Values) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		raw, err := json.Marshal(fields)
		if err != nil {
			return none, err
		}
		_, err = chromedp.Evaluate[bool](`(function(form, fields) {
		for (const name in fields) for (const el of form.querySelectorAll('[name="' + name + '"]')) {
			if (el.type === 'radio' || el.type === 'checkbox') el.checked = fields[name].includes(el.value);
			else el.value = fields[name][0];
		}
		form.noValidate = true;
		setTimeout(function() { form.requestSubmit(); }); // after this call was answered: the page that answers it goes
		return true;
	})(document.querySelector(`+fmt.Sprintf("%q", selector)+`), `+string(raw)+`)`)(ctx, t)
		return none, err
	}
}

// draw gives the picture of a screen.
func (b *browser) draw(path string, s pagetest.Screen) ([]byte, error) {
	if err := b.do(chromedp.Navigate(b.base+path), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if s.Post != nil {
		if _, err := chromedp.RunResponse(ctx, submit("main form", s.Post)); err != nil {
			return nil, err
		}
	}
	if s.Tall {
		tall, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
		if err == nil {
			err = chromedp.Do(ctx, viewport(max(tall, height)))
		}
		if err != nil {
			return nil, err
		}
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil && s.Tall {
		err = chromedp.Do(ctx, viewport(height))
	}
	return png, err
}
