package files

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"minqing/server/auth"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// shown is the record of a content that went out.
type shown struct {
	File   syncproto.RowID `json:"file"`
	Scope  string          `json:"scope"`
	Bytes  int64           `json:"bytes"`
	Stream string          `json:"stream,omitempty"`
}

// Serve sends the content of an attachment to somebody who may see its row now. Device is "" for a console.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, who auth.Who, id syncproto.RowID) error {
	var o object
	var a *attachment
	err := s.opt.Store.Write(r.Context(), func(tx *store.Tx) error {
		var err error
		if a, err = attached(tx, id); err != nil {
			return err
		}
		sees := false
		if a != nil {
			if sees, err = mayLook(tx, who.User, a.row); err != nil {
				return err
			}
		}
		if !sees {
			return hidden("files: serve " + string(id))
		}
		found, err := tx.One("SELECT o.object, o.bytes FROM mq_file f JOIN mq_object o ON o.hash = f.hash WHERE f.row_id = ?", []any{string(id)}, &o.name, &o.bytes)
		if err != nil {
			return err
		}
		if !found {
			return notYet(nil)
		}
		value, err := json.Marshal(shown{File: id, Scope: a.row.Scope, Bytes: o.bytes, Stream: a.row.Stream})
		if err != nil {
			return err
		}
		chain := string(who.Device)
		if chain == "" {
			chain = "console " + string(who.User)
		}
		return tx.Disclose(chain, who.Device, who.User, value)
	})
	if err != nil {
		return err
	}
	in := &lazy{size: o.bytes, open: func() (io.ReadCloser, error) { return s.reader(r.Context(), o.name) }}
	defer in.close() // reading is over: nothing is lost by its error
	if _, err := in.Read(nil); err != nil {
		if isMissing(err) {
			return notYet(err)
		}
		return storageError(err)
	}
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", `attachment; filename="`+string(id)+"."+accepted[a.media]+`"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	http.ServeContent(w, r, "", time.Time{}, in)
	return nil
}

func notYet(cause error) error {
	return &syncproto.Error{Code: syncproto.CodeWaits, Op: "files: serve", Message: syncproto.Both("这张照片还没有传到。", "The content has not been sent yet."),
		Hint: syncproto.Both("等对方联网后再看。", "Look again once its author has a network."), Err: cause}
}

// maxAbove bounds the walk up the parents.
const maxAbove = 40

// mayLook tells whether a row's scope is open to a user now.
func mayLook(tx *store.Tx, user syncproto.UserID, row *store.Row) (bool, error) {
	rights, err := entitle.For(tx, user)
	if err != nil {
		return false, err
	}
	above, err := tx.RowsAbove([]string{string(row.ID)})
	if err != nil {
		return false, err
	}
	byID := map[syncproto.RowID]*store.Row{}
	for _, r := range above {
		byID[r.ID] = r
	}
	var places []string
	for at, left := row, maxAbove; at != nil && left > 0; at, left = byID[at.Parent], left-1 {
		if t := tx.Book().Table(at.Table); t != nil && t.Place {
			places = append(places, string(at.ID))
		}
	}
	return rights.Sees(tx.Book(), row.Scope, tx.Now(), places), nil
}

// lazy reads a content from anywhere, without storage having to be able to.
type lazy struct {
	open func() (io.ReadCloser, error)
	size int64
	pos  int64 // where the next Read begins
	in   io.ReadCloser
	at   int64 // where in stands
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.in != nil && l.at != l.pos {
		if err := l.close(); err != nil {
			return 0, err
		}
	}
	if l.in == nil {
		in, err := l.open()
		if err != nil {
			return 0, err
		}
		l.in, l.at = in, l.pos
		if seek, ok := in.(io.Seeker); ok {
			_, err = seek.Seek(l.pos, io.SeekStart)
		} else {
			_, err = io.CopyN(io.Discard, in, l.pos)
		}
		if err != nil {
			return 0, err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := l.in.Read(p)
	l.pos += int64(n)
	l.at = l.pos
	return n, err
}

func (l *lazy) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += l.pos
	case io.SeekEnd:
		offset += l.size
	}
	if offset < 0 {
		return 0, errors.New("files: seek before the beginning")
	}
	l.pos = offset
	return offset, nil
}

func (l *lazy) close() error {
	if l.in == nil {
		return nil
	}
	in := l.in
	l.in = nil
	return in.Close()
}
