package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"minqing/mobile-client/pages"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/shell"
	"minqing/schema"
)

type serveCmd struct {
	Port  int  `help:"端口，默认随机 / the port, a random one by default"`
	Open  bool `help:"只打印地址 / print the address and nothing else"`
	Shell bool `help:"由安卓外壳启动：用 JSON 行说话 / started by the Android shell: talk in JSON lines"`
}

// Run serves the pages of the field app to this machine alone, until it is interrupted or its shell goes away.
func (c *serveCmd) Run(a *app) error {
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	opt := phone.Options{File: a.File, PIN: a.PIN, Transport: transport(), Now: nowMS, Zone: schema.CityZone, After: time.After, Rand: rand.Reader, Client: client(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var talk *shell.Shell
	names := &shell.Names{}
	if c.Shell {
		var first shell.Start
		var err error
		if talk, first, err = shell.Open(a.in, a.out); err != nil {
			return err
		}
		opt.Secret = first.Secret
		through := transport().(*http.Transport)
		through.DialContext = names.Dialer().DialContext
		opt.Transport = through
		opt.Busy = func(running bool) { tell(opt.Log, talk, running, a.label(busyWords)) }
		said := func(say func() error) func() {
			return func() {
				if err := say(); err != nil {
					opt.Log.Warn("the shell does not listen", "err", err)
				}
			}
		}
		opt.Wiped, opt.Taken = said(talk.Wiped), said(talk.Taken)
		opt.Package = phone.Package{Version: first.Version, Path: first.Package, Folder: first.Share, Install: talk.Install}
		opt.Share = func(name string, file []byte) error {
			path := filepath.Join(first.Share, filepath.Base(name))
			if err := os.WriteFile(path, file, 0o600); err != nil {
				return err
			}
			return talk.Share(path)
		}
	}
	p, err := phone.New(ctx, opt)
	if err != nil {
		return err
	}
	err = c.serve(ctx, a, p, opt.Log, func(more func(to string) (string, error)) {
		if talk == nil {
			return
		}
		go func() {
			defer stop() // the shell is gone, or talks nonsense
			if err := talk.Run(ctx, heard(ctx, p, talk, names, opt.Log, more)); err != nil && ctx.Err() == nil {
				opt.Log.Error("the talk with the shell ended", "err", err)
			}
		}()
	})
	return errors.Join(err, p.Close())
}

func (c *serveCmd) serve(ctx context.Context, a *app, p *phone.Phone, log *slog.Logger, opened func(more func(to string) (string, error))) error {
	served, err := pages.New(pages.Options{Phone: p, Practice: a.File + ".practice", Version: version, Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Free: func() (int64, error) { return freeSpace(filepath.Dir(a.File)) }, Settings: a.File + ".settings", Now: time.Now, Zone: schema.CityZone, Rand: rand.Reader, Log: log})
	if err != nil {
		return err
	}
	var loopback net.ListenConfig
	l, err := loopback.Listen(a.ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		return err
	}
	return served.Serve(ctx, l, func(link string, more func(to string) (string, error)) {
		switch {
		case c.Shell: // the shell asks for a link of its own
		case c.Open:
			fmt.Fprintln(a.out, link)
		default:
			a.say("在浏览器里打开（只能用一次）：%s", "Open in a browser (good for one use): %s", link)
		}
		opened(more)
	})
}

func tell(log *slog.Logger, talk *shell.Shell, running bool, text string) {
	err := talk.Idle
	if running {
		err = func() error { return talk.Busy(text) }
	}
	if err := err(); err != nil {
		log.Warn("the shell does not listen", "err", err)
	}
}

// heard is what the program does when the shell says something.
func heard(ctx context.Context, p *phone.Phone, talk *shell.Shell, names *shell.Names, log *slog.Logger, more func(to string) (string, error)) shell.Heard {
	return shell.Heard{
		Link: func(code string) (string, error) { return more(pages.Start(code)) },
		Network: func(n shell.Network) {
			names.Use(n.DNS)
			p.Network(n.State)
		},
		Looked: p.Looked,
		Bundle: func(path string) {
			took, err := p.Carry(ctx, path)
			if err != nil {
				log.Warn("a shared file was not taken", "err", err)
			}
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				log.Warn("a shared file stays", "name", filepath.Base(path), "err", err)
			}
			link, err := more(pages.Carried(took, err))
			if err == nil {
				err = talk.Open(link)
			}
			if err != nil {
				log.Warn("the shell does not listen", "err", err)
			}
		},
	}
}
