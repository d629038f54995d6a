package files

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tus/tusd/v2/pkg/handler"

	"minqing/server/store"
	"minqing/syncproto"
)

// finished is tusd's call when the last byte has come: it answers only when this returns.
func (s *Service) finished(e handler.HookEvent) (handler.HTTPResponse, error) {
	q, ok := e.Context.Value(requestKey{}).(*request)
	if !ok {
		return handler.HTTPResponse{}, handler.ErrUploadRejectedByServer
	}
	ctx := context.WithoutCancel(e.Context) // a sender who hung up has sent all the same
	u, err := s.underWay(ctx, e.Upload.ID, q.who.User)
	if err == nil {
		err = s.finish(ctx, u)
	}
	if err != nil {
		q.refused = err
		return handler.HTTPResponse{}, handler.ErrUploadRejectedByServer
	}
	q.done = true
	return handler.HTTPResponse{}, nil
}

// finish holds a content that came whole to what its row declares and puts it on record, or throws it away.
func (s *Service) finish(ctx context.Context, u upload) error {
	if err := s.judge(ctx, u); err != nil {
		var ours *syncproto.Error
		if errors.As(err, &ours) && ours.Code == syncproto.CodeInvalid {
			return firstError(s.throwAway(ctx, u), err)
		}
		return err
	}
	if err := s.keep.sync(u.full); err != nil {
		return storageError(err)
	}
	spare := ""
	err := s.opt.Store.Write(ctx, func(tx *store.Tx) error {
		a, err := attached(tx, u.row)
		if err == nil && (a == nil || a.author != u.user || a.hash != u.hash) {
			err = hidden("files: finish")
		}
		if err != nil {
			return err
		}
		if err := tx.Exec("INSERT INTO mq_object (hash, object, bytes, at) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING", u.hash, u.full, u.bytes, tx.Now()); err != nil {
			return err
		}
		o, found, err := findObject(tx, u.hash)
		if err != nil || !found {
			return errors.Join(err, fmt.Errorf("files: the record of %s is gone", u.hash))
		}
		if err := record(tx, u.row, u.hash, u.user); err != nil {
			return err
		}
		if spare = ""; o.name != u.full { // somebody had sent the same
			spare = u.full
			return expire(tx, u.name)
		}
		return tx.Exec("DELETE FROM mq_upload WHERE object = ?", u.name)
	})
	if err == nil && spare != "" {
		s.tidyUp(ctx)
	}
	return err
}

// judge holds a content to hash, length and type.
func (s *Service) judge(ctx context.Context, u upload) error {
	in, err := s.reader(ctx, u.full)
	if err != nil {
		return storageError(err)
	}
	hash, n, head, err := digest(in)
	if err := errors.Join(err, in.Close()); err != nil {
		return storageError(err)
	}
	if n != u.bytes || hash != u.hash {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: fmt.Sprintf("files: finish: %d bytes with hash %s", n, hash),
			Message: syncproto.Both("收到的内容和登记的摘要不一样，已丢弃。", "What came is not what the row declares; it was thrown away."), Hint: syncproto.Both("会自动重新传一次。", "It is sent anew by itself.")}
	}
	if found := http.DetectContentType(head); found != u.media {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "files: finish: it is " + found, Message: syncproto.Both("内容不是所说的 "+u.media+"，已丢弃。", "The content is not of the type declared; it was thrown away."),
			Hint: syncproto.Both("重新拍一张或另选文件。", "Take the photo again, or choose another file.")}
	}
	return nil
}

// throwAway takes an upload out of record and storage.
func (s *Service) throwAway(ctx context.Context, u upload) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.opt.Store.Write(ctx, func(tx *store.Tx) error { return expire(tx, u.name) }); err != nil {
		return err
	}
	s.tidyUp(ctx)
	return nil
}

// tidyUp removes what is to be removed; what cannot be removed now is removed by a later sweep.
func (s *Service) tidyUp(ctx context.Context) {
	if _, err := s.removeExpired(ctx); err != nil {
		s.opt.Log.Warn("cannot remove old contents", "error", err.Error())
	}
}
