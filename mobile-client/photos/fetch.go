package photos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// declared is what a row says of its content.
type declared struct {
	hash, media string
	bytes       int64
}

func (s *Sender) declared(ctx context.Context, row syncproto.RowID) (d declared, err error) {
	rec, ok, err := s.opt.Replica.Record(ctx, "attachment", row)
	if err != nil {
		return d, err
	}
	if !ok || rec.Shown == nil {
		return d, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "photos: " + string(row), Message: syncproto.Both("本机没有这张照片的记录。", "There is no such picture on this device."), Hint: syncproto.Both("同步后再看。", "Sync and look again.")}
	}
	for i, c := range s.opt.Replica.Book().Table("attachment").Columns {
		v := rec.Shown[i]
		switch {
		case c.Name == "hash":
			d.hash = v.Str()
		case c.Name == "media":
			d.media = v.Str()
		case c.Name == "bytes" && v != schema.Null:
			d.bytes = v.Num()
		}
	}
	return d, nil
}

// Picture gives the content of an attachment and its media type: what is here, or else fetched now, going on where an earlier fetch broke
// off. The error has CodeWaits when its author has not sent it yet.
func (s *Sender) Picture(ctx context.Context, row syncproto.RowID) (content []byte, media string, err error) {
	d, err := s.declared(ctx, row)
	if err != nil {
		return nil, "", err
	}
	here, err := s.here(ctx, row)
	if err != nil {
		return nil, "", err
	}
	if here < d.bytes {
		if err := s.fetch(ctx, row, d, here); err != nil {
			return nil, "", err
		}
	}
	content, err = s.opt.Replica.ReadContent(ctx, d.hash, 0, int(d.bytes))
	return content, d.media, err
}

// Thumb gives the small picture of an attachment, fetching it when it is not here. It is nil for what is no picture.
func (s *Sender) Thumb(ctx context.Context, row syncproto.RowID) ([]byte, error) {
	thumb, err := s.opt.Replica.Thumb(ctx, row)
	if err != nil || thumb != nil {
		return thumb, err
	}
	if _, _, err := s.Picture(ctx, row); err != nil {
		return nil, err
	}
	return s.opt.Replica.Thumb(ctx, row)
}

func (s *Sender) here(ctx context.Context, row syncproto.RowID) (int64, error) {
	list, err := s.opt.Replica.Contents(ctx, row)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].Here, nil
}

// fetchPiece is how much of a content is kept at a time while it comes.
const fetchPiece = 32 << 10

func (s *Sender) fetch(ctx context.Context, row syncproto.RowID, d declared, from int64) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	header := http.Header{}
	if from > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := s.opt.Syncer.Files(ctx, http.MethodGet, "/v1/files/"+string(row), nil, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK && from > 0 { // all of it comes again
		if _, err := io.CopyN(io.Discard, resp.Body, from); err != nil {
			return broke(err)
		}
	}
	buf := make([]byte, fetchPiece)
	for at := from; at < d.bytes; {
		n, err := io.ReadFull(resp.Body, buf[:min(int64(len(buf)), d.bytes-at)])
		if n > 0 {
			at += int64(n)
			if err := s.keep(ctx, row, d, at-int64(n), buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return broke(err)
		}
	}
	return nil
}

// keep stores a piece as it came; the last is stored once the whole is what the row declares.
func (s *Sender) keep(ctx context.Context, row syncproto.RowID, d declared, at int64, data []byte) error {
	ctx = context.WithoutCancel(ctx)
	if at+int64(len(data)) < d.bytes {
		return s.opt.Replica.StoreContent(ctx, row, d.hash, d.bytes, at, data, nil)
	}
	before, err := s.opt.Replica.ReadContent(ctx, d.hash, 0, int(at))
	if err != nil {
		return err
	}
	whole := slices.Concat(before, data)
	if sum := sha256.Sum256(whole); hex.EncodeToString(sum[:]) != d.hash {
		if err := s.opt.Replica.SpoilContent(ctx, d.hash); err != nil {
			return err
		}
		return odd("what came is not what the row declares")
	}
	return s.opt.Replica.StoreContent(ctx, row, d.hash, d.bytes, at, data, thumbOf(whole))
}

// thumbOf makes the small picture of a content; empty for what is none (a paper), or none that this device can decode.
func thumbOf(content []byte) []byte {
	thumb := []byte{}
	one <- struct{}{}
	defer func() { <-one }()
	p, err := scaled(content, thumbSide)
	if err != nil {
		return thumb
	}
	if small, err := p.encode(thumbQuality); err == nil {
		thumb = small
	}
	return bytes.Clone(thumb)
}

func broke(err error) error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "photos: fetch", Message: syncproto.Both("照片没有取完，稍后接着取。", "The picture is not all here yet; it goes on later."), Hint: syncproto.Both("有信号时再看。", "Look again when there is a signal."), Err: err}
}
