package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// sender sends photos on a sign-in of its own.
func (a *app) sender(r *replica.Replica, metered bool) *photos.Sender {
	s := syncer.New(syncer.Options{Replica: r, Transport: transport(), Rand: rand.Reader, Client: client()})
	return photos.NewSender(photos.Options{Replica: r, Syncer: s, Now: nowMS, Metered: func() bool { return metered }})
}

// sendPhotos sends what may go, after the rows. Being offline is a state, not an error.
func (a *app) sendPhotos(s *photos.Sender) error {
	rep, err := s.Send(a.ctx)
	if err != nil && !offline(err) {
		return err
	}
	a.tellPhotos(rep, nil)
	return nil
}

func (a *app) tellPhotos(rep photos.Report, err error) {
	if rep.Sent > 0 {
		a.say("传出照片 %d 张（%d 字节）。", "Sent %d photos (%d bytes).", rep.Sent, rep.Bytes)
	}
	if rep.Metered > 0 {
		a.say("%d 张照片等有 Wi-Fi 再传；现在就传用 sync --leave。", "%d photos wait for a network that costs nothing; sync --leave sends them now.", rep.Metered)
	} else if rep.Waiting > 0 {
		a.say("还有 %d 张照片没传，都在本机，会自动接着传。", "%d photos are not sent yet; they go on by themselves.", rep.Waiting)
	}
	if err != nil {
		fmt.Fprintln(a.out, a.explain(err))
	}
}

// prepare reads photos and makes what is kept of them.
func (a *app) prepare(files []string) (out []*photos.Photo, err error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		p, err := photos.Prepare(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func attach(tx *replica.Tx, visit syncproto.RowID, me replica.Device, taken []*photos.Photo) error {
	for _, p := range taken {
		if _, err := p.Attach(tx, visit, me.User); err != nil {
			return err
		}
	}
	return nil
}

type photoCmd struct {
	Visit string   `required:"" help:"走访的编号 / id of the visit"`
	Files []string `arg:"" type:"existingfile" help:"JPEG、PNG 或 WebP / JPEG, PNG or WebP"`
}

func (c *photoCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		visit, err := a.find(r, "visit", c.Visit)
		if err != nil {
			return err
		}
		me, err := r.Device(a.ctx)
		if err != nil {
			return err
		}
		taken, err := a.prepare(c.Files)
		if err != nil {
			return err
		}
		return a.saved(r.Write(a.ctx, func(tx *replica.Tx) error { return attach(tx, visit, me, taken) }))
	})
}

type photosCmd struct {
	Save  string `placeholder:"ROW" help:"取出哪一张（附件编号） / which one to take out"`
	Out   string `type:"path" placeholder:"FILE" help:"写到哪个文件 / the file to write"`
	Thumb bool   `help:"要缩略图 / the small picture"`
	Drop  string `placeholder:"ROW" help:"不再传这一张 / do not send this one any more"`
}

func (c *photosCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		s := a.sender(r, false)
		switch {
		case c.Drop != "":
			return r.DropContent(a.ctx, syncproto.RowID(c.Drop))
		case c.Save == "":
			return a.listPhotos(r)
		case c.Out == "":
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "photos --save", Message: syncproto.Both("没有写到哪里。", "No file is named."), Hint: syncproto.Both("用 --out 写文件名。", "Name it with --out.")}
		}
		row := syncproto.RowID(c.Save)
		var content []byte
		var err error
		if c.Thumb {
			content, err = s.Thumb(a.ctx, row)
		} else {
			content, _, err = s.Picture(a.ctx, row)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(c.Out, content, 0o600)
	})
}

func (a *app) listPhotos(r *replica.Replica) error {
	all, err := r.Contents(a.ctx, "")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		a.say("本机没有照片。", "There are no photos on this device.")
	}
	for _, c := range all {
		switch {
		case !c.Own:
			a.say("%s  别人的，已取 %d/%d 字节", "%s  another's, %d of %d bytes here", c.Row, c.Here, c.Bytes)
		case c.Sent:
			a.say("%s  已在服务器上（%d 字节）", "%s  on the server (%d bytes)", c.Row, c.Bytes)
		case !c.Ready:
			a.say("%s  等走访记录先传上去（%d 字节）", "%s  waits for its record to go up first (%d bytes)", c.Row, c.Bytes)
		default:
			a.say("%s  已传 %d/%d 字节 %s", "%s  sent %d of %d bytes %s", c.Row, c.Done, c.Bytes, c.Error)
		}
	}
	return nil
}

// photosWaiting says how many photos are on this device only.
func (a *app) photosWaiting(r *replica.Replica) error {
	list, err := a.sender(r, false).Waiting(a.ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	var left int64
	for _, c := range list {
		left += c.Bytes - c.Done
	}
	a.say("%d 张照片未上传（还有 %d 字节），有网会自动上传。", "%d photos are on this device only (%d bytes to go); they go up by themselves.", len(list), left)
	return nil
}
