package photos

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// How contents are sent. A cut loses what the network had not delivered yet, whatever the size of a request; a smaller one makes progress
// true and lets a dead link be noticed, a larger one saves round trips.
const (
	requestBytes = 128 << 10
	requestLimit = 3 * time.Minute // 700 bytes a second: slower than that, a dead link looks the same
	firstPause   = 5 * time.Second // after a failure; doubles
	longestPause = time.Hour
	// mostTries is how often a content that the server threw away is sent anew without anybody asking.
	mostTries = 3
	// mostWait is the longest that a wait can have left: one that seems longer was written before the clock went back.
	mostWait = 2 * longestPause
)

// Options are what a Sender works with. Syncer is the sender's own: rows go by another, at the same time.
type Options struct {
	Replica *replica.Replica
	Syncer  *syncer.Syncer
	Now     func() int64 // wall clock, Unix ms: may be wrong or jump
	// Metered tells whether sending costs the person money just now; nil: never.
	Metered func() bool
}

// Sender sends this device's pictures and fetches those of others.
type Sender struct {
	opt  Options
	live atomic.Pointer[live]
}

// live is what is being sent this moment.
type live struct {
	row  syncproto.RowID
	done int64
}

// NewSender makes a Sender.
func NewSender(opt Options) *Sender { return &Sender{opt: opt} }

// Report is what one Send did.
type Report struct {
	Sent    int // contents that are now on record at the server
	Bytes   int64
	Waiting int // still to be sent: not due yet, waiting for leave, or their rows not accepted yet
	Metered int // of those, the ones that wait for leave
}

// Send sends everything that may go now. The error is the first that ended it; what was sent before stands, and the next Send goes on.
func (s *Sender) Send(ctx context.Context) (rep Report, err error) {
	all, err := s.opt.Replica.Contents(ctx, "")
	if err != nil {
		return rep, err
	}
	defer s.live.Store(nil)
	metered := s.opt.Metered != nil && s.opt.Metered()
	for _, c := range all {
		if !c.Own || c.Sent || c.Here < c.Bytes {
			continue
		}
		if metered && !c.Leave {
			rep.Metered++
		}
		if err != nil || !c.Ready || !s.due(c.Due) || metered && !c.Leave {
			rep.Waiting++
			continue
		}
		sent, failed := s.one(ctx, c)
		rep.Bytes += sent
		if failed == nil {
			rep.Sent++
			continue
		}
		rep.Waiting++
		err = s.settle(ctx, c, failed)
	}
	if err != nil || metered {
		return rep, err
	}
	return rep, s.partings(ctx)
}

// partings hands in again, after a restore of the server, what this device may not read any more.
func (s *Sender) partings(ctx context.Context) error {
	list, err := s.opt.Replica.Partings(ctx)
	for _, p := range list {
		_, failed := s.opt.Syncer.Carry(ctx, p.File)
		if codeOf(failed) == syncproto.CodeForbidden {
			continue // its row has to be offered first
		}
		if failed != nil {
			return failed
		}
		if err := s.opt.Replica.PartingSent(ctx, p.Row); err != nil {
			return err
		}
	}
	return err
}

// due tells whether a wait is over.
func (s *Sender) due(at int64) bool {
	left := at - s.opt.Now()
	return left <= 0 || left > mostWait.Milliseconds()
}

// one sends one content from where it stands to its end.
func (s *Sender) one(ctx context.Context, c replica.Content) (sent int64, err error) {
	at, err := s.where(ctx, &c)
	for err == nil && at < c.Bytes {
		s.live.Store(&live{c.Row, at})
		var next int64
		next, err = s.more(ctx, &c, at)
		if err == nil && next <= at {
			err = odd("the upload does not move")
		}
		if err == nil {
			sent, at = sent+next-at, next
			c.Done, c.Tries, c.Error = at, 0, ""
			if at < c.Bytes {
				err = s.opt.Replica.NoteSending(ctx, c.Row, c.Sending)
			}
		}
	}
	if err != nil {
		return sent, err
	}
	return sent, s.opt.Replica.ContentSent(ctx, c.Row)
}

// where asks how much of a content the server has, and begins an upload when there is none.
func (s *Sender) where(ctx context.Context, c *replica.Content) (int64, error) {
	if c.Path != "" {
		resp, err := s.request(ctx, http.MethodHead, c.Path, nil, http.Header{})
		if err == nil {
			return offset(resp, c.Bytes)
		}
		if codeOf(err) != syncproto.CodeForbidden {
			return 0, err
		}
		c.Path, c.Done = "", 0 // it ran out there, or was finished: beginning anew tells
	}
	resp, err := s.request(ctx, http.MethodPost, "/v1/files/uploads", nil, http.Header{"Upload-Length": {strconv.FormatInt(c.Bytes, 10)},
		"Upload-Metadata": {"attachment " + base64.StdEncoding.EncodeToString([]byte(c.Row))}})
	if err != nil {
		return 0, err
	}
	if resp.StatusCode == http.StatusOK {
		return offset(resp, c.Bytes)
	}
	if c.Path = resp.Header.Get("Location"); c.Path == "" || c.Path[0] != '/' {
		return 0, odd("the upload has no address: " + c.Path)
	}
	return 0, s.opt.Replica.NoteSending(ctx, c.Row, c.Sending)
}

// more sends one piece and gives where the upload then stands.
func (s *Sender) more(ctx context.Context, c *replica.Content, at int64) (int64, error) {
	body, err := s.opt.Replica.ReadContent(ctx, c.Hash, at, requestBytes)
	if err != nil {
		return 0, err
	}
	if len(body) == 0 {
		return 0, odd("the content is not here")
	}
	resp, err := s.request(ctx, http.MethodPatch, c.Path, body, http.Header{"Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {strconv.FormatInt(at, 10)}})
	if codeOf(err) == syncproto.CodeConflict { // another program of this device was faster, or an answer was lost
		return s.where(ctx, c)
	}
	if err != nil {
		return 0, err
	}
	return offset(resp, c.Bytes)
}

// request exchanges one request whose answer is all in its head.
func (s *Sender) request(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	header.Set("Tus-Resumable", "1.0.0")
	resp, err := s.opt.Syncer.Files(ctx, method, path, body, header)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

func offset(resp *http.Response, most int64) (int64, error) {
	n, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, odd("the upload stands at “" + resp.Header.Get("Upload-Offset") + "”")
	}
	return n, nil
}

// settle decides what a failure means for one content: how long it waits. It gives the error when those after it would fare no better.
func (s *Sender) settle(ctx context.Context, c replica.Content, failed error) (stop error) {
	if ctx.Err() != nil { // ended from outside: no failure of its own
		return failed
	}
	c, err := s.again(ctx, c)
	if err != nil {
		return errors.Join(failed, err)
	}
	pause := min(firstPause<<min(c.Tries, 20), longestPause)
	c.Tries++
	c.Error = sentence(failed)
	e := errorOf(failed)
	switch {
	case e == nil:
		return failed // our own file: no fault of the content's
	// A server that does not know the row may have been restored, and be about to be offered it again; or the row was deleted. So the
	// content waits, with what was said, until the person lets go of it.
	case e.Code == syncproto.CodeForbidden, e.Code == syncproto.CodeTooLarge:
		c.Path, pause = "", longestPause
	case e.Code == syncproto.CodeInvalid:
		if c.Path = ""; c.Tries >= mostTries {
			pause = longestPause
		}
	default:
		stop = failed // the link or the server
		if e.RetryAfter > 0 {
			pause = max(pause, time.Duration(e.RetryAfter)*time.Second)
		}
	}
	c.Due = s.opt.Now() + pause.Milliseconds()
	if err := s.opt.Replica.NoteSending(ctx, c.Row, c.Sending); err != nil {
		return errors.Join(failed, err)
	}
	return stop
}

// again reads a content as the file now has it: its upload may have got further before it failed.
func (s *Sender) again(ctx context.Context, c replica.Content) (replica.Content, error) {
	list, err := s.opt.Replica.Contents(ctx, c.Row)
	if err != nil || len(list) == 0 {
		return c, err
	}
	return list[0], nil
}

// Hurry is for when the person asks: nothing waits for its time any more, nor, with leave, for a network that costs nothing.
func (s *Sender) Hurry(ctx context.Context, leave bool) error {
	all, err := s.opt.Replica.Contents(ctx, "")
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.Own || c.Sent || c.Due == 0 && (c.Leave || !leave) {
			continue
		}
		c.Leave, c.Due = c.Leave || leave, 0
		if err := s.opt.Replica.NoteSending(ctx, c.Row, c.Sending); err != nil {
			return err
		}
	}
	return nil
}

// Waiting lists the pictures of this device that the server does not have yet, Done being true to this moment. It may be called while
// Send runs.
func (s *Sender) Waiting(ctx context.Context) (out []replica.Content, err error) {
	all, err := s.opt.Replica.Contents(ctx, "")
	now := s.live.Load()
	for _, c := range all {
		if !c.Own || c.Sent {
			continue
		}
		if now != nil && now.row == c.Row {
			c.Done = max(c.Done, now.done)
		}
		out = append(out, c)
	}
	return out, err
}

func errorOf(err error) *syncproto.Error {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

func codeOf(err error) syncproto.Code {
	if e := errorOf(err); e != nil {
		return e.Code
	}
	return ""
}

func sentence(err error) string {
	if e := errorOf(err); e != nil {
		return e.Message
	}
	return err.Error()
}

func odd(what string) error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "photos: " + what, Message: syncproto.Both("照片没有传完，稍后接着传。", "The picture is not through yet; it goes on later."), Hint: syncproto.Both("不用做什么。", "Nothing needs to be done.")}
}
