package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"minqing/mobile-client/pages"
	"minqing/mobile-client/replica"
)

type serveCmd struct {
	Port int  `help:"端口，默认随机 / the port, a random one by default"`
	Open bool `help:"只打印地址 / print the address and nothing else"`
}

// Run serves the pages of the field app to this machine alone, until it is interrupted.
func (c *serveCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		served, err := pages.New(pages.Options{Replica: r, Settings: a.File + ".settings", Now: time.Now, Zone: time.Local, Rand: rand.Reader,
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
		if err != nil {
			return err
		}
		return served.Serve(a.ctx, l, func(link string) {
			if c.Open {
				fmt.Fprintln(a.out, link)
				return
			}
			a.say("在浏览器里打开（只能用一次）：%s", "Open in a browser (good for one use): %s", link)
		})
	})
}
