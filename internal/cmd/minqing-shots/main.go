// Command minqing-shots draws every screen of the field app as a phone of 360x640 shows it, and of the consoles at 1440x900 and 390x844,
// from invented data, into a folder.
//
//	minqing-shots [-out docs/screenshots] [-only today] [-lang zh] [-big] [-scheme dark] [-text 2]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"minqing/mobile-client/pages/pagetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var o options
	flag.StringVar(&o.out, "out", "docs/screenshots", "the folder to draw into")
	flag.StringVar(&o.only, "only", "", "draw only screens whose name begins so")
	flag.StringVar(&o.lang, "lang", "zh", "zh or en")
	flag.StringVar(&o.scheme, "scheme", "light", "light or dark")
	flag.BoolVar(&o.big, "big", false, "large text")
	flag.Float64Var(&o.text, "text", 1, "the phone's own setting makes text so many `times` as large")
	flag.Parse()
	n, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "minqing-shots:", err)
		os.Exit(1)
	}
	fmt.Printf("screenshots: %d screens in %s\n", n, o.out)
}

type options struct {
	out, only, lang, scheme string
	big                     bool
	text                    float64
}

func run(ctx context.Context, o options) (n int, err error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "minqing-shots")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := startBrowser(ctx, filepath.Join(dir, "profile"))
	if err != nil {
		return 0, err
	}
	defer w.Close()
	for _, state := range pagetest.States {
		drawn, err := drawState(w, o, dir, state)
		n += drawn
		if err != nil {
			return n, fmt.Errorf("state %s: %w", state, err)
		}
	}
	drawn, err := drawConsoles(w, o, dir)
	return n + drawn, err
}

// drawState draws the screens of one state over one phone.
func drawState(w *browser, o options, dir string, state pagetest.State) (n int, err error) {
	var screens []pagetest.Screen
	for _, s := range pagetest.Screens {
		if s.State == state && strings.HasPrefix(s.Name, o.only) {
			screens = append(screens, s)
		}
	}
	if len(screens) == 0 {
		return 0, nil
	}
	home := filepath.Join(dir, string(state))
	if err := os.Mkdir(home, 0o700); err != nil {
		return 0, err
	}
	p, err := pagetest.Open(w.ctx, home, state)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	ctx, stop := context.WithCancel(w.ctx)
	link, ended, err := p.Serve(ctx)
	if err != nil {
		stop()
		return 0, err
	}
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	if err := w.enter(link, o); err != nil {
		return 0, err
	}
	for _, s := range screens {
		png, err := w.draw(p.At(s.Path), s)
		if err == nil {
			err = os.WriteFile(filepath.Join(o.out, s.Name+".png"), png, 0o644) // #nosec G306 -- pictures for everybody
		}
		if err != nil {
			return n, fmt.Errorf("screen %s: %w", s.Name, err)
		}
		n++
	}
	return n, nil
}
