package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"minqing/internal/thumb"
	"minqing/server/console/consoletest"
)

// The sizes at which the consoles are drawn: a desk, and the phone of somebody who looks in between.
const (
	deskWidth, deskHeight   = 1440, 900
	paperWidth, paperHeight = 390, 844
)

// drawConsoles draws the screens of the consoles, each at both sizes, as desk-NAME.png and desk-NAME-390.png.
func drawConsoles(w *browser, o options, dir string) (n int, err error) {
	for _, state := range consoletest.States {
		var screens []consoletest.Screen
		for _, s := range consoletest.Screens {
			if s.State == state && strings.HasPrefix("desk-"+s.Name, o.only) {
				screens = append(screens, s)
			}
		}
		if len(screens) == 0 {
			continue
		}
		home := filepath.Join(dir, "city-"+string(state))
		if err := os.Mkdir(home, 0o700); err != nil {
			return n, err
		}
		drawn, err := drawCity(w, o, home, state, screens)
		n += drawn
		if err != nil {
			return n, fmt.Errorf("consoles, state %s: %w", state, err)
		}
	}
	return n, nil
}

func drawCity(w *browser, o options, home string, state consoletest.State, screens []consoletest.Screen) (n int, err error) {
	city, err := consoletest.Open(w.ctx, consoletest.Options{Dir: home, State: state})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, city.Engine.Close()) }()
	ctx, stop := context.WithCancel(w.ctx)
	base, ended, err := city.Serve(ctx)
	if err != nil {
		stop()
		return 0, err
	}
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	who := "?"
	for _, s := range screens {
		if s.As != who {
			if err := enterAs(w.Screen, city, base, s.As, o); err != nil {
				return n, err
			}
			who = s.As
		}
		for _, size := range [][2]int64{{deskWidth, deskHeight}, {paperWidth, paperHeight}} {
			name := "desk-" + s.Name
			if err := w.Desk(size[0], size[1]); err != nil {
				return n, err
			}
			if size[0] == paperWidth {
				name += "-390"
			}
			if err := w.Go(base+city.At(s.Path), "main"); err != nil {
				return n, err
			}
			if s.Post != "" {
				if err := w.Send(`form[action="`+city.At(s.Post)+`"]`, s.Fields, "main"); err != nil {
					return n, err
				}
			}
			png, err := w.Picture()
			if err == nil {
				err = os.WriteFile(filepath.Join(o.out, name+".png"), png, 0o644) // #nosec G306 -- pictures for everybody
			}
			if err != nil {
				return n, fmt.Errorf("screen %s: %w", s.Name, err)
			}
			n++
		}
	}
	return n, nil
}

// enterAs signs somebody in by a one-time link, or nobody.
func enterAs(s *thumb.Screen, city *consoletest.City, base, who string, o options) error {
	if err := s.Prefer("prefers-color-scheme", o.scheme, "prefers-reduced-motion", "reduce"); err != nil {
		return err
	}
	if who == "" {
		if err := s.Go(base+"/signin", "main"); err != nil {
			return err
		}
		return speak(s, o.lang)
	}
	code, err := city.Link(s.Context(), who)
	if err != nil {
		return err
	}
	if err := s.Go(base+"/link/"+code, "#password"); err != nil {
		return err
	}
	city.SetNow(city.Now().Add(time.Second))
	if err := s.Send("main form", map[string][]string{"password": {consoletest.Password}}, ".rail"); err != nil {
		return err
	}
	if err := s.Go(base+"/me", ".picksform"); err != nil {
		return err
	}
	return speak(s, o.lang)
}

// speak chooses the language of a browser, by the button for it on the page that it is at.
func speak(s *thumb.Screen, lang string) error {
	if now, err := thumb.Ask[string](s, `document.documentElement.lang.slice(0, 2)`); err != nil || now == lang {
		return err
	}
	return s.Follow(`button[name=lang][value=`+lang+`]`, `html[lang^=`+lang+`]`)
}
