package pages

import (
	"bytes"
	"context"
	"errors"
	"time"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// journalPic is one picture under a journal; Here tells that its small form is on this phone.
type journalPic struct {
	ID   syncproto.RowID
	Here bool
}

// photoPage shows one picture whole, or says honestly why it cannot.
type photoPage struct {
	frame
	ID   syncproto.RowID
	Here bool
	Text string
}

var photoWords = words{
	"photo.title": {ZH: "照片", EN: "Photo"},
	"photo.away":  {ZH: "不在本机，点开取", EN: "Not here; tap to fetch"},
	"photo.off":   {ZH: "这张照片不在本机，现在没有网，看不了。有网时再打开。", EN: "This photo is not on this phone, and there is no network now. Open it again when there is."},
	"photo.later": {ZH: "这张照片不在本机，这次没有取到。过一会儿再打开。", EN: "This photo is not on this phone and could not be fetched now. Open it again in a while."},
	"photo.wait":  {ZH: "拍的人还没有把这张照片传上来。记录已经在了，照片随后就到。", EN: "Who took this photo has not sent it yet. The record is here; the photo follows."},
	"photo.again": {ZH: "再取一次", EN: "Fetch again"},
}

// fetchPatience is how long a page waits for a picture from the server: the only page that waits for the network, and only when asked to.
const fetchPatience = 20 * time.Second

// picture gives the content of a picture: what is here, or else fetched now.
func (rq *request) picture(id syncproto.RowID) ([]byte, string, error) {
	ctx, stop := context.WithTimeout(rq.Context(), fetchPatience)
	defer stop()
	return rq.phone.Picture(ctx, rq.replica, id)
}

func showWhole(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		found, err := v.One(`SELECT 1 FROM attachment WHERE id = ?`, []any{string(id)}, new(int))
		if err == nil && !found {
			err = errNotFound
		}
		return err
	}); err != nil {
		return err
	}
	p := &photoPage{frame: frame{Title: rq.words.say("photo.title"), Back: rq.from(journalsPath)}, ID: id}
	_, _, err = rq.picture(id)
	if err == nil {
		p.Here = true
		return rq.show("photo", p)
	}
	var e *syncproto.Error
	switch errors.As(err, &e); {
	case e != nil && e.Code == syncproto.CodeWaits:
		p.Text = rq.words.say("photo.wait")
	case pump.TroubleOf(err) == pump.Offline || rq.phone.Status().Trouble == pump.Offline || rq.practising():
		p.Text = rq.words.say("photo.off")
	default:
		p.Text = rq.words.say("photo.later")
		rq.app.opt.Log.WarnContext(rq.Context(), "a picture was not fetched", "trouble", string(pump.TroubleOf(err)))
	}
	return rq.show("photo", p)
}

// photoContent answers with a picture itself. What is no picture of a kind that browsers draw is not given to them.
func photoContent(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	content, media, err := rq.picture(id)
	if err != nil {
		return err
	}
	if media != photos.Media || !bytes.HasPrefix(content, []byte{0xff, 0xd8}) {
		return errNotFound
	}
	return rq.image(content)
}
