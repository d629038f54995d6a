package main

import (
	"context"
	"strings"

	"minqing/internal/thumb"
	"minqing/mobile-client/pages/pagetest"
)

// browser is the screen of a small phone, at the app that serves its pages.
type browser struct {
	*thumb.Screen
	ctx  context.Context
	base string
}

func startBrowser(ctx context.Context, profile string) (*browser, error) {
	s, err := thumb.Open(ctx, profile)
	return &browser{Screen: s, ctx: ctx}, err
}

// enter opens a launch link and makes the choices.
func (b *browser) enter(link string, o options) error {
	b.base, _, _ = strings.Cut(link, "/enter")
	form := map[string][]string{"lang": {o.lang}, "size": {""}}
	if o.big {
		form["size"] = []string{"big"}
	}
	if err := b.Prefer("prefers-color-scheme", o.scheme, "prefers-reduced-motion", "reduce"); err != nil {
		return err
	}
	if err := b.Enlarge(o.text); err != nil {
		return err
	}
	if err := b.Go(link, "main"); err != nil {
		return err
	}
	if err := b.Go(b.base+"/me", "main form"); err != nil {
		return err
	}
	return b.Send("main form", form, ".toast")
}

// settled waits until pictures on the page are there.
const settled = `[...document.images].every(i => i.complete)`

// draw gives the picture of a screen.
func (b *browser) draw(path string, s pagetest.Screen) ([]byte, error) {
	if err := b.Go(b.base+path, "main"); err != nil {
		return nil, err
	}
	if s.Post != nil {
		if err := b.Send("main form", s.Post, "main"); err != nil {
			return nil, err
		}
	}
	if err := b.Wait(settled); err != nil {
		return nil, err
	}
	if !s.Tall {
		return b.Picture()
	}
	tall, err := thumb.Ask[int64](b.Screen, `document.documentElement.scrollHeight`)
	if err == nil {
		err = b.Turn(thumb.Width, max(tall, thumb.Height))
	}
	if err != nil {
		return nil, err
	}
	png, err := b.Picture()
	if err == nil {
		err = b.Turn(thumb.Width, thumb.Height)
	}
	return png, err
}
