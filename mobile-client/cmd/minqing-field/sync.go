package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// transport bounds what a dead network may cost: a phone in a valley finds out within seconds, a first sync may take minutes.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 60 * time.Second
	t.TLSHandshakeTimeout = 15 * time.Second
	return t
}

type enrolCmd struct {
	Server string `help:"服务器地址 / the server's address" placeholder:"URL"`
	Code   string `help:"登记码 / the one-time code"`
	Link   string `help:"二维码里的整段内容，代替前两项 / what the QR code holds, instead of the two"`
	Label  string `help:"给设备起个名 / what to call the device"`
	Plain  bool   `help:"不加密，给笔记本上的工具用 / do not encrypt, for tools on a laptop"`
}

func (c *enrolCmd) Run(a *app) error {
	server, code := c.Server, c.Code
	var err error
	switch {
	case c.Link != "":
		server, code, err = syncproto.ParseEnrolLink(c.Link)
	case code == "":
		err = &syncproto.Error{Code: syncproto.CodeInvalid, Op: "enrol", Message: syncproto.Both("没有写登记码。", "No code is given."),
			Hint: syncproto.Both("用 --server 和 --code，或者 --link。", "Give --server and --code, or --link.")}
	default:
		if code, err = syncproto.ParseCode(code); err == nil {
			server, err = serverURL(server)
		}
	}
	if err != nil {
		return err
	}
	_, statErr := os.Stat(a.File)
	if err := c.enrol(a, server, code); err != nil {
		if errors.Is(statErr, fs.ErrNotExist) { // what was begun for nothing would only be in the way
			err = errors.Join(err, a.remove())
		}
		return err
	}
	return nil
}

// remove takes the data file away, and its key.
func (a *app) remove() error {
	b, err := a.box(nil)
	if err != nil {
		return err
	}
	return phone.Wipe(a.File, b)
}

// serverURL checks the address of a server as people type it.
func serverURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "server " + text, Err: err,
			Message: syncproto.Both(fmt.Sprintf("服务器地址“%s”不对。", text), fmt.Sprintf("“%s” is no address of a server.", text)), Hint: syncproto.Both("写成 https://… 的样子。", "Write it like https://…")}
	}
	return strings.TrimRight(text, "/"), nil
}

func (c *enrolCmd) enrol(a *app, server, code string) error {
	r, err := a.open(true, c.Plain)
	if err != nil {
		return err
	}
	d, who, err := syncer.Enrol(a.ctx, transport(), rand.Reader, syncer.Enrolment{Server: server, Code: code, Label: c.Label,
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Client: client()})
	if err == nil {
		err = r.Enrol(a.ctx, d)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	a.say("登记好了，这台设备现在是%s的。", "Enrolled: this device is now %s's.", who.Name)
	return nil
}

type serverCmd struct {
	URL string `arg:"" help:"新地址 / the new address"`
}

func (c *serverCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		d, err := r.Device(a.ctx)
		if err != nil {
			return err
		}
		if d.Server, err = serverURL(c.URL); err != nil {
			return err
		}
		if err := r.Enrol(a.ctx, d); err != nil {
			return err
		}
		a.say("以后同步到 %s。", "From now on it syncs with %s.", d.Server)
		return nil
	})
}

type syncCmd struct {
	Watch   bool `help:"一直开着，有东西就同步 / stay and sync whenever there is something"`
	Metered bool `help:"现在用的是流量：照片先不传 / this network costs money: photos wait"`
	Leave   bool `help:"用流量也传照片 / send photos over it all the same"`
}

func (c *syncCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		s := a.syncer(r)
		send := a.sender(r, c.Metered)
		if err := send.Hurry(a.ctx, c.Leave); err != nil {
			return err
		}
		if c.Watch {
			return a.watch(r, s, send)
		}
		if err := a.told(r, func() (syncer.Report, error) { return a.inTurn(s) }); err != nil {
			return err
		}
		if _, err := os.Stat(a.File); errors.Is(err, fs.ErrNotExist) {
			return nil // wiped
		}
		return a.sendPhotos(send)
	})
}

// turns is how many times a sync asks whether it may: the app that serves its pages beside it syncs by itself, and is done in a moment.
const turns = 4

// inTurn syncs, once another program that syncs the file is done.
func (a *app) inTurn(s *syncer.Syncer) (rep syncer.Report, err error) {
	for i := range turns {
		rep, err = s.Sync(a.ctx)
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Op != "replica.Begin" || e.Code != syncproto.CodeBusy || i == turns-1 {
			return rep, err
		}
		select {
		case <-time.After(time.Duration(e.RetryAfter) * time.Second):
		case <-a.ctx.Done():
			return rep, err
		}
	}
	return rep, err
}

// told does what brings verdicts and says in words what came of it. Being offline is a state, not an error.
func (a *app) told(r *replica.Replica, do func() (syncer.Report, error)) error {
	noticed, err := a.lastNotice(r)
	if err != nil {
		return err
	}
	before, _, err := a.fatesNow(r)
	if err != nil {
		return err
	}
	rep, err := do()
	if offline(err) {
		n, countErr := a.waiting(r)
		if countErr != nil {
			return countErr
		}
		a.say("没有网，%d 条先存在本机。有网会自动上传。", "No network; %d changes wait on this device and go up by themselves.", n)
		return nil
	}
	if err != nil {
		return err
	}
	a.report(rep)
	if err := a.tellFates(r, before); err != nil {
		return err
	}
	return a.tellNotices(r, noticed)
}

// offline tells whether an error means that there is no server to be reached just now.
func offline(err error) bool {
	var e *syncproto.Error
	return errors.As(err, &e) && e.Code == syncproto.CodeUnavailable
}

func (a *app) report(rep syncer.Report) {
	switch {
	case rep.Pushed == 0 && rep.Rows == 0 && !rep.Forgot:
		a.say("都已上传，没有新内容。", "All is up to date; nothing is new.")
	default:
		a.say("传出 %d 条，收到 %d 行（%d 字节去，%d 字节回）。", "Sent %d changes, received %d rows (%d bytes out, %d bytes in).", rep.Pushed, rep.Rows, rep.Sent, rep.Received)
	}
	if rep.Forgot {
		a.say("  有的户不再归您联系，本机已经清掉。", "  Some households are no longer yours and were removed from this device.")
	}
	if rep.Waiting > 0 {
		a.say("  还有 %d 条没传完，下次接着传。", "  %d changes still wait; the next sync goes on.", rep.Waiting)
	}
}

type verifyCmd struct {
	Digests bool `help:"列出每个桶的摘要 / list the digest of each bucket"`
}

// Run reckons every digest anew from the tables and holds it to what was kept.
func (c *verifyCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		anew, err := r.Digests(a.ctx)
		if err != nil {
			return err
		}
		_, root, err := r.Kept(a.ctx)
		if err != nil {
			return err
		}
		if c.Digests {
			for _, s := range anew {
				parts := make([]string, len(s.Digests))
				for i, d := range s.Digests {
					parts[i] = d.String()
				}
				fmt.Fprintf(a.out, "%s %s %d %s\n", s.ID.Scope, s.ID.Period, s.Rows, strings.Join(parts, ","))
			}
		}
		if got := syncproto.DigestRoot(anew); got != root {
			return &syncproto.Error{Code: syncproto.CodeInternal, Op: fmt.Sprintf("verify: root %s, kept %s", got, root),
				Message: syncproto.Both("本机数据和记下的摘要对不上。", "The tables do not fit the digests kept."), Hint: syncproto.Both("同步一次，会自动修好。", "Sync once; it repairs itself.")}
		}
		if !c.Digests {
			a.say("%d 个桶，摘要全部对上。", "%d buckets; every digest fits.", len(anew))
		}
		return nil
	})
}

// waiting counts what is not on the server yet.
func (a *app) waiting(r *replica.Replica) (int, error) {
	return r.Waiting(context.WithoutCancel(a.ctx))
}
