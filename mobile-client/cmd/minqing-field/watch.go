package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"time"

	"minqing/mobile-client/phone"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
)

func (a *app) syncer(r *replica.Replica) *syncer.Syncer {
	var s *syncer.Syncer
	s = syncer.New(syncer.Options{Replica: r, Transport: transport(), Rand: rand.Reader, Client: client(),
		Revoked: func(ctx context.Context) error { return a.wipe(ctx, r, s) }})
	return s
}

// lookEvery is how often a watching program looks for changes that other processes made.
const lookEvery = 5 * time.Second

// watch syncs whenever the server or another program on this device has something.
func (a *app) watch(r *replica.Replica, s *syncer.Syncer, send *photos.Sender) error {
	nudge := make(chan struct{})
	ctx, cancel := context.WithCancel(a.ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	// Photos go on a link of their own: a slow one must not keep a row waiting.
	beside.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if rep, err := send.Send(ctx); rep.Sent > 0 || err != nil && ctx.Err() == nil && !offline(err) {
				a.tellPhotos(rep, err)
			}
		}
	})
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if n, err := a.waiting(r); err != nil || n == 0 {
				continue
			}
			select {
			case nudge <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	err := s.Watch(ctx, nudge, func(rep syncer.Report, err error) {
		if err := a.told(r, func() (syncer.Report, error) { return rep, err }); err != nil {
			fmt.Fprintln(a.out, a.explain(err))
		}
	})
	if a.ctx.Err() != nil {
		return nil // somebody ended it
	}
	return err
}

// wipe empties a revoked device: what has no verdict is handed over, or written to files that only the server can read; then the data
// goes. When even that fails, nothing is destroyed.
func (a *app) wipe(ctx context.Context, r *replica.Replica, s *syncer.Syncer) error {
	out, err := s.Escrow(ctx, time.Now().UnixMilli(), func(part int, bundle []byte) error {
		return phone.KeepEscrow(a.File, part, bundle)
	})
	if err != nil {
		return err
	}
	if out.Changes > 0 {
		a.say("没传的 %d 条：%d 条已交给服务器，其余封在 %d 个文件里，只有服务器能打开。", "%d unsent changes: %d handed to the server, the others sealed in %d files for the server alone.",
			out.Changes, out.Handed, out.Files)
	}
	if out.Contents > 0 {
		a.say("没传的照片 %d 张：%d 张已交给服务器，其余也封成了文件。", "%d unsent photos: %d handed to the server, the others sealed in files as well.", out.Contents, out.Carried)
	}
	if err := r.Close(); err != nil {
		return err
	}
	if err = a.remove(); err == nil {
		a.say("这台设备已停用，本机数据已清空。", "This device was revoked; its data is wiped.")
	}
	return err
}

type exportCmd struct {
	Out string `arg:"" type:"path" help:"写到哪个文件 / the file to write"`
}

// Run writes the outbox as a file for anybody to carry.
func (c *exportCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		s := a.syncer(r)
		if err := s.LearnKeys(a.ctx); err != nil && !offline(err) {
			return err
		}
		var file bytes.Buffer
		n, waiting, err := s.Bundle(a.ctx, time.Now().UnixMilli(), &file)
		if err != nil {
			return err
		}
		if n == 0 {
			a.say("没有要带的，都已上传。", "Nothing to carry: all is on the server.")
			return nil
		}
		if err := os.WriteFile(c.Out, file.Bytes(), 0o600); err != nil {
			return err
		}
		a.say("%d 条写进了 %s。带到有网的设备上，用 carry 交上去。", "%d changes are in %s. Take it to a device with a network and hand it in with carry.", n, c.Out)
		if waiting > 0 {
			a.say("还有 %d 条装不下，等回执来了再导一次。", "%d more did not fit; export again once the receipt came.", waiting)
		}
		return nil
	})
}

type carryCmd struct {
	File    string `arg:"" type:"existingfile" help:"别的设备导出的文件，或者带回来的回执 / another device's export, or a receipt brought back"`
	Receipt string `type:"path" placeholder:"FILE" help:"回执写到哪里，默认原名加 .receipt / where to write the receipt"`
}

// Run hands in what another device exported, or takes a receipt.
func (c *carryCmd) Run(a *app) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return a.with(func(r *replica.Replica) error {
		s := a.syncer(r)
		if bytes.HasPrefix(raw, []byte("minqing receipt ")) {
			return a.told(r, func() (syncer.Report, error) { return s.Receipt(a.ctx, bytes.NewReader(raw)) })
		}
		receipt, err := s.Carry(a.ctx, raw)
		if err != nil {
			return err
		}
		if len(receipt) == 0 {
			a.say("照片交上去了。", "The photo was handed in.")
			return nil
		}
		if c.Receipt == "" {
			c.Receipt = c.File + ".receipt"
		}
		if err := os.WriteFile(c.Receipt, receipt, 0o600); err != nil {
			return err
		}
		a.say("交上去了。回执在 %s，带回原来的设备，也用 carry。", "Handed in. The receipt is %s; take it back to the first device and carry it in there.", c.Receipt)
		return nil
	})
}
