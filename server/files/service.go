package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
	quiet "golang.org/x/exp/slog"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// The limits. A photo from our own phones has at most 300 KB; papers that others attach may be larger.
const (
	// maxBytes bounds one content: rows may declare more, but nothing that people take on a visit is larger.
	maxBytes = 32 << 20
	// maxUnfinished bounds the uploads that one user has under way: a day in the field without a network is far less.
	maxUnfinished = 200
	// uploadLife is how long an unfinished upload waits to go on; afterwards the phone begins anew.
	uploadLife = 7 * 24 * time.Hour
	// networkLimit ends an upload whose sender says nothing any more; what came is kept.
	networkLimit = 30 * time.Second
	// lockLimit is how long a request waits for another one to let go of the same upload.
	lockLimit = 10 * time.Second
)

// accepted are the media types that are taken, by what http.DetectContentType finds in them.
var accepted = map[string]string{"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}

// UploadPath is the address under which uploads are made; each then has its own beneath.
const UploadPath = "/v1/files/uploads"

const tableAttachment = "attachment"

// Options are what a Service works with.
type Options struct {
	Store *store.Store
	Rand  io.Reader
	Log   *slog.Logger
	// Place is a folder, or s3://bucket/prefix?endpoint=…&region=… (the keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).
	Place string
	// Shared tells that other processes may serve the same folder.
	Shared bool
	// Temp is a folder for what an S3-compatible store is sent piece by piece.
	Temp string
}

// Service is the contents of one city.
type Service struct {
	opt  Options
	keep storage
	core watched
	tus  *handler.UnroutedHandler
}

// New opens the place where contents lie, making the folder when there is none.
func New(opt Options) (*Service, error) {
	keep, err := openStorage(opt)
	if err != nil {
		return nil, err
	}
	return newService(opt, keep)
}

func newService(opt Options, keep storage) (*Service, error) {
	s := &Service{opt: opt, keep: keep, core: watched{keep.core()}}
	composer := handler.NewStoreComposer()
	composer.UseCore(s.core)
	composer.UseTerminater(s.core)
	composer.UseLocker(keep.locker())
	var err error
	s.tus, err = handler.NewUnroutedHandler(handler.Config{StoreComposer: composer, MaxSize: maxBytes, BasePath: UploadPath + "/", DisableDownload: true,
		Cors: &handler.CorsConfig{Disable: true}, NetworkTimeout: networkLimit, AcquireLockTimeout: lockLimit,
		Logger:                  quiet.New(quiet.NewTextHandler(io.Discard, nil)), // it would name ids, and says nothing that ours does not
		PreUploadCreateCallback: s.chooseName, PreFinishResponseCallback: s.finished})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// attachment is a row as the server holds it.
type attachment struct {
	row    *store.Row
	author syncproto.UserID
	hash   string
	media  string
	bytes  int64
}

// attached reads a living attachment row; nil when there is none.
func attached(tx *store.Tx, id syncproto.RowID) (*attachment, error) {
	t := tx.Book().Table(tableAttachment)
	if t == nil || !schema.ValidID(string(id)) {
		return nil, nil
	}
	rows, err := tx.Rows([]string{string(id)})
	if err != nil || len(rows) == 0 || rows[0].Dead != 0 || rows[0].Table != tableAttachment {
		return nil, err
	}
	values, err := tx.Values(tableAttachment, []string{string(id)})
	if err != nil || values[id] == nil {
		return nil, err
	}
	a := &attachment{row: rows[0]}
	for i, v := range values[id] {
		switch t.Columns[i].Name {
		case "author":
			a.author = syncproto.UserID(v.Str())
		case "hash":
			a.hash = v.Str()
		case "media":
			a.media = v.Str()
		case "bytes":
			a.bytes = v.Num()
		}
	}
	return a, nil
}

// hidden is the answer about what is not there, and about what the asker may not know of.
func hidden(op string) error {
	return &syncproto.Error{Code: syncproto.CodeForbidden, Op: op, Message: syncproto.Both("没有这个附件，或者不归您看。", "There is no such attachment, or it is not yours to see."),
		Hint: syncproto.Both("先同步，再看一次。", "Sync, then look again.")}
}

// object is a content on record.
type object struct {
	hash, name string
	bytes      int64
}

func findObject(tx *store.Tx, hash string) (o object, found bool, err error) {
	o.hash = hash
	found, err = tx.One("SELECT object, bytes FROM mq_object WHERE hash = ?", []any{hash}, &o.name, &o.bytes)
	return o, found, err
}

// reader opens a content that storage holds.
func (s *Service) reader(ctx context.Context, name string) (io.ReadCloser, error) {
	u, err := s.core.DataStore.GetUpload(ctx, name)
	if err != nil {
		return nil, err
	}
	return u.GetReader(ctx)
}

// remove takes something out of storage; what is not there is removed already.
func (s *Service) remove(ctx context.Context, name string) error {
	u, err := s.core.DataStore.GetUpload(ctx, name)
	if err == nil {
		err = s.keep.core().(handler.TerminaterDataStore).AsTerminatableUpload(u).Terminate(ctx)
	}
	if isMissing(err) {
		return s.keep.discard(name)
	}
	return err
}

// digest reads a content to its end.
func digest(in io.Reader) (hash string, n int64, head []byte, err error) {
	h := sha256.New()
	first := &prefix{}
	n, err = io.Copy(io.MultiWriter(h, first), in)
	return hex.EncodeToString(h.Sum(nil)), n, first.b, err
}

// prefix keeps the first bytes of what is written: as many as http.DetectContentType looks at.
type prefix struct{ b []byte }

func (p *prefix) Write(b []byte) (int, error) {
	const most = 512
	if room := most - len(p.b); room > 0 {
		p.b = append(p.b, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// name makes the name of something new in storage: nobody can guess it.
func (s *Service) name() (string, error) {
	var b [16]byte
	_, err := io.ReadFull(s.opt.Rand, b[:])
	return hex.EncodeToString(b[:]), err
}
