package files

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/tus/tusd/v2/pkg/handler"

	"minqing/server/auth"
	"minqing/server/store"
	"minqing/syncproto"
)

// request is one request of an upload: what tusd's callbacks need of it, and what they found out.
type request struct {
	who     auth.Who
	name    string // chosen for a new upload
	refused error  // why a finished content was not taken
	storage error  // why storage failed
	done    bool   // the content is on record
}

type requestKey struct{}

// upload is one record of mq_upload.
type upload struct {
	name, full string
	row        syncproto.RowID
	user       syncproto.UserID
	hash       string
	bytes      int64
	media      string
}

const uploadColumns = "object, fullname, row_id, user_id, hash, bytes, media"

func scanUpload(scan func(...any) error) (u upload, err error) {
	err = scan(&u.name, &u.full, &u.row, &u.user, &u.hash, &u.bytes, &u.media)
	return u, err
}

// Create begins an upload for an attachment row, or says that the content is there already: Upload-Offset is then its whole length.
func (s *Service) Create(w http.ResponseWriter, r *http.Request, who auth.Who) error {
	id, err := rowOf(r.Header.Get("Upload-Metadata"))
	if err != nil {
		return err
	}
	length, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || r.ContentLength > 0 {
		return wrong("要写 Upload-Length，内容放在后面的 PATCH 里。", "Upload-Length is wanted, and the content in a PATCH.", err)
	}
	q := &request{who: who}
	if q.name, err = s.name(); err != nil {
		return err
	}
	var there bool
	err = s.opt.Store.Write(r.Context(), func(tx *store.Tx) error {
		there, err = s.begin(tx, q, id, length)
		return err
	})
	if err != nil {
		return err
	}
	if there {
		w.Header().Set("Tus-Resumable", "1.0.0")
		w.Header().Set("Upload-Offset", strconv.FormatInt(length, 10))
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	a := newAnswer(w)
	s.run(a, r, q, s.tus.PostFile)
	if a.status != http.StatusCreated {
		err = s.opt.Store.Write(context.WithoutCancel(r.Context()), func(tx *store.Tx) error { return expire(tx, q.name) })
		return firstError(q.storage, tusError(a), err)
	}
	full := path.Base(a.header.Get("Location"))
	if err := s.opt.Store.Write(r.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE mq_upload SET fullname = ? WHERE object = ?", full, q.name)
	}); err != nil {
		return err
	}
	a.header.Set("Location", UploadPath+"/"+full) // a proxy may have another name and scheme than this server knows
	return a.send()
}

// begin decides about a new upload and puts it on record; there tells that the row has its content now.
func (s *Service) begin(tx *store.Tx, q *request, id syncproto.RowID, length int64) (there bool, err error) {
	a, err := attached(tx, id)
	if err != nil {
		return false, err
	}
	// What its author sends is taken even when he may no longer look at the household: the row was accepted from him.
	if a == nil || a.author != q.who.User {
		return false, hidden("files: upload for " + string(id))
	}
	switch {
	case accepted[a.media] == "":
		return false, wrong("这种文件不收："+a.media+"。只收 JPEG、PNG、WebP 和 PDF。", "This type is not taken; JPEG, PNG, WebP and PDF are.", nil)
	case a.bytes > maxBytes:
		return false, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "files: upload", Message: syncproto.Both("文件太大，最多 32 MB。", "The file is larger than 32 MB."), Hint: syncproto.Both("缩小后重新添加。", "Make it smaller and add it again.")}
	case length != a.bytes:
		return false, wrong("长度和登记的不一样。", "The length is not the one declared.", nil)
	}
	if there, err := s.link(tx, id, a, q.who.User); there || err != nil {
		return there, err
	}
	// A phone that lost the address of its upload begins anew; the one before is of no use to anybody.
	if err := tx.Exec("UPDATE mq_upload SET row_id = '', user_id = '', expires_ms = 0 WHERE row_id = ? AND user_id = ? AND device = ?", string(id), string(q.who.User), string(q.who.Device)); err != nil {
		return false, err
	}
	var n int64
	if _, err := tx.One("SELECT COUNT(*) FROM mq_upload WHERE user_id = ?", []any{string(q.who.User)}, &n); err != nil {
		return false, err
	}
	if n >= maxUnfinished {
		return false, &syncproto.Error{Code: syncproto.CodeBusy, Op: "files: upload", Message: syncproto.Both("没传完的文件太多。", "Too many uploads are unfinished."),
			Hint: syncproto.Both("先把前面的传完。", "Finish those first."), RetryAfter: 60}
	}
	return false, open(tx, upload{name: q.name, full: q.name, row: id, user: q.who.User, hash: a.hash, bytes: a.bytes, media: a.media}, q.who.Device)
}

// open puts an upload on record before storage hears of it, so that nothing is ever there that nobody knows of.
func open(tx *store.Tx, u upload, device syncproto.DeviceID) error {
	return tx.Exec("INSERT INTO mq_upload (object, fullname, row_id, user_id, device, hash, bytes, media, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		u.name, u.full, string(u.row), string(u.user), string(device), u.hash, u.bytes, u.media, tx.Now()+uploadLife.Milliseconds())
}

// link gives a row its content when it has it already, or when its author sent the same for another row of his: he has proven to have
// it. That anybody else sent it counts for nothing, and does not show.
func (s *Service) link(tx *store.Tx, id syncproto.RowID, a *attachment, user syncproto.UserID) (bool, error) {
	o, found, err := findObject(tx, a.hash)
	if err != nil || !found || o.bytes != a.bytes {
		return false, err
	}
	own, err := tx.One("SELECT 1 FROM mq_file WHERE hash = ? AND (row_id = ? OR user_id = ?)", []any{a.hash, string(id), string(user)}, new(int64))
	if err != nil || !own {
		return false, err
	}
	return true, record(tx, id, a.hash, user)
}

// record says that a row has its content. The content's own record is touched first, so that a sweep beside this one sees the row.
func record(tx *store.Tx, id syncproto.RowID, hash string, user syncproto.UserID) error {
	if err := tx.Exec("UPDATE mq_object SET at = ? WHERE hash = ?", tx.Now(), hash); err != nil {
		return err
	}
	return tx.Exec("INSERT INTO mq_file (row_id, hash, user_id, at) VALUES (?, ?, ?, ?) ON CONFLICT (row_id) DO NOTHING", string(id), hash, string(user), tx.Now())
}

// expire leaves something in storage to the next sweep.
func expire(tx *store.Tx, name string) error {
	return tx.Exec("UPDATE mq_upload SET row_id = '', user_id = '', expires_ms = 0 WHERE object = ?", name)
}

// Resume answers HEAD (where an upload stands), PATCH (more of it) and DELETE (no more of it). body is the digest that the request's
// body is to have.
func (s *Service) Resume(w http.ResponseWriter, r *http.Request, who auth.Who, body [sha256.Size]byte) error {
	u, err := s.underWay(r.Context(), path.Base(r.URL.Path), who.User)
	if err != nil {
		return err
	}
	q := &request{who: who, name: u.name}
	a := newAnswer(w)
	switch r.Method {
	case http.MethodHead:
		s.run(a, r, q, s.tus.HeadFile)
		if a.status == http.StatusOK && a.header.Get("Upload-Offset") == strconv.FormatInt(u.bytes, 10) {
			// All of it came, and the server died before it was on record.
			if err := s.finish(r.Context(), u); err != nil {
				return err
			}
		}
		a.header.Del("Content-Length") // of the content; this answer has none
	case http.MethodPatch:
		sum := &summed{body: r.Body, hash: sha256.New()}
		r.Body = sum
		s.run(a, r, q, s.tus.PatchFile)
		if q.refused == nil && !q.done && a.status == http.StatusNoContent && [sha256.Size]byte(sum.hash.Sum(nil)) != body {
			err := s.throwAway(r.Context(), u)
			return firstError(err, wrong("传来的内容和签名的摘要不一样，已丢弃。", "The body is not the one that was signed; it was thrown away.", nil))
		}
	case http.MethodDelete:
		s.run(a, r, q, s.tus.DelFile)
		if a.status == http.StatusNoContent {
			if err := s.opt.Store.Write(r.Context(), func(tx *store.Tx) error {
				return tx.Exec("DELETE FROM mq_upload WHERE object = ?", u.name)
			}); err != nil {
				return err
			}
		}
	}
	if err := firstError(q.refused, q.storage, tusError(a)); err != nil {
		return err
	}
	return a.send()
}

// underWay finds an upload of a user whose row still waits for it.
func (s *Service) underWay(ctx context.Context, full string, user syncproto.UserID) (u upload, err error) {
	name, _, _ := strings.Cut(full, "+")
	err = s.opt.Store.Read(ctx, func(tx *store.Tx) error {
		found := false
		err := tx.Each(func(scan func(...any) error) (err error) {
			found = true
			u, err = scanUpload(scan)
			return err
		}, "SELECT "+uploadColumns+" FROM mq_upload WHERE object = ? AND expires_ms > ?", name, tx.Now())
		if err != nil {
			return err
		}
		if !found || u.user != user || u.full != full {
			return hidden("files: upload")
		}
		a, err := attached(tx, u.row)
		if err == nil && (a == nil || a.author != user) {
			err = hidden("files: upload")
		}
		return err
	})
	return u, err
}

// run lets tusd answer into a, with the request at hand for its callbacks.
func (s *Service) run(a *answer, r *http.Request, q *request, serve http.HandlerFunc) {
	// Drafts of another protocol, and methods within methods, are not spoken here.
	for name := range r.Header {
		if name == "Content-Type" && r.Method == http.MethodPost || strings.HasPrefix(name, "Upload-") && name != "Upload-Offset" && name != "Upload-Length" && name != "Upload-Metadata" || name == "X-Http-Method-Override" {
			r.Header.Del(name)
		}
	}
	// tusd takes the whole path for the name of an upload.
	http.StripPrefix(UploadPath, s.tus.Middleware(serve)).ServeHTTP(a, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
}

// Discover answers OPTIONS: what of tus is spoken here.
func (s *Service) Discover(w http.ResponseWriter, r *http.Request) error {
	a := newAnswer(w)
	s.run(a, r, &request{}, s.tus.HeadFile)
	a.header.Set("Tus-Extension", "creation,termination") // a content comes by PATCH only: its signature must be checked before it
	return a.send()
}

func (s *Service) chooseName(e handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	q, ok := e.Context.Value(requestKey{}).(*request)
	if !ok {
		return handler.HTTPResponse{}, handler.FileInfoChanges{}, handler.ErrUploadRejectedByServer
	}
	// What the upload is for stands in the database, not beside the content.
	return handler.HTTPResponse{}, handler.FileInfoChanges{ID: q.name, MetaData: handler.MetaData{}}, nil
}

// rowOf reads the one thing that an upload says of itself.
func rowOf(metadata string) (syncproto.RowID, error) {
	key, value, _ := strings.Cut(metadata, " ")
	raw, err := base64.StdEncoding.DecodeString(value)
	if key != "attachment" || err != nil {
		return "", wrong("Upload-Metadata 要写 attachment 和附件编号的 base64。", "Upload-Metadata is to be “attachment” and the base64 of the row's id.", err)
	}
	return syncproto.RowID(raw), nil
}

func wrong(zh, en string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "files: upload", Message: syncproto.Both(zh, en), Hint: syncproto.Both("看协议第 21 节。", "See section 21 of the protocol."), Err: err}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// summed hashes a body as it is read.
type summed struct {
	body io.ReadCloser
	hash hash.Hash
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.hash.Write(p[:n])
	return n, err
}

func (s *summed) Close() error { return s.body.Close() }
