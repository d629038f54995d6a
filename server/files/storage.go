package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/tus/tusd/v2/pkg/filelocker"
	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"

	"minqing/syncproto"
)

// storage is where contents lie. Names are those of tusd.
type storage interface {
	core() handler.DataStore // also a TerminaterDataStore
	locker() handler.Locker
	// sync returns when a finished content survives a power cut.
	sync(name string) error
	// discard removes what a crash may have left of a name that storage itself does not find any more.
	discard(name string) error
}

func openStorage(opt Options) (storage, error) {
	if u, err := url.Parse(opt.Place); err == nil && u.Scheme == "s3" {
		return openBucket(u, opt.Temp)
	}
	if err := os.MkdirAll(opt.Place, 0o700); err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "files: open " + opt.Place, Err: err,
			Message: syncproto.Both("照片文件夹打不开："+opt.Place+"。", "The folder for photos cannot be used."), Hint: syncproto.Both("核对 --files 和权限。", "Check --files and the permissions.")}
	}
	return &folder{path: opt.Place, shared: opt.Shared, files: moved{filestore.New(opt.Place)}}, nil
}

// folder is storage in a folder: a content is a file of its own, with its description beside it.
type folder struct {
	path   string
	shared bool
	files  moved
}

func (f *folder) core() handler.DataStore { return f.files }

// moved is a folder that may have been moved since, or be mounted elsewhere at another process: tusd keeps full paths in its
// descriptions, and this brings those up to where the folder is now.
type moved struct{ filestore.FileStore }

func (m moved) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	if !plainName(id) {
		return nil, handler.ErrNotFound
	}
	description := filepath.Join(m.Path, id+".info")
	raw, err := os.ReadFile(description)
	if err != nil {
		return nil, notFound(err)
	}
	var info handler.FileInfo
	if err := json.Unmarshal(raw, &info); err != nil {
		return nil, handler.ErrNotFound // a crash cut it short; nothing was ever sent after it
	}
	if at := filepath.Join(m.Path, id); info.Storage["Path"] != at {
		info.Storage = map[string]string{"Type": "filestore", "Path": at, "InfoPath": description}
		if raw, err = json.Marshal(info); err != nil {
			return nil, err
		}
		// Two processes may do so at once: each writes a file of its own and puts it in place whole.
		f, err := os.CreateTemp(m.Path, id+".info.*")
		if err != nil {
			return nil, err
		}
		_, err = f.Write(raw)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, errors.Join(err, os.Remove(f.Name()))
		}
		if err := os.Rename(f.Name(), description); err != nil {
			return nil, err
		}
	}
	return m.FileStore.GetUpload(ctx, id)
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return handler.ErrNotFound
	}
	return err
}

// How often the holder of a lock looks whether somebody waits for it, and whoever waits whether it is free.
const (
	holderLooks = 300 * time.Millisecond
	waiterLooks = 200 * time.Millisecond
)

func (f *folder) locker() handler.Locker {
	if !f.shared {
		return memorylocker.New()
	}
	return filelocker.FileLocker{Path: f.path, HolderPollInterval: holderLooks, AcquirerPollInterval: waiterLooks}
}

func (f *folder) sync(name string) error {
	for _, file := range []string{name, name + ".info"} {
		if err := syncFile(filepath.Join(f.path, file)); err != nil {
			return err
		}
	}
	if runtime.GOOS == "windows" {
		return nil // its file system keeps names by its own journal, and folders cannot be synced
	}
	d, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func (f *folder) discard(name string) error {
	if !plainName(name) {
		return nil
	}
	var errs []error
	for _, suffix := range []string{"", ".info", ".lock", ".stop"} {
		if err := os.Remove(filepath.Join(f.path, name+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// plainName tells the names that this package makes: nothing else is ever looked for in the folder.
func plainName(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

func isMissing(err error) bool {
	return errors.Is(err, handler.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}

// windowsFull are the numbers that Windows gives for a full disk.
var windowsFull = []syscall.Errno{39, 112}

func isFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var no syscall.Errno
	return runtime.GOOS == "windows" && errors.As(err, &no) && (no == windowsFull[0] || no == windowsFull[1])
}

// watched is a core store that notes in the request why writing failed: tusd would only say that it did.
type watched struct{ handler.DataStore }

type watchedUpload struct{ handler.Upload }

func (w watched) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	u, err := w.DataStore.NewUpload(ctx, info)
	if err != nil {
		failed(ctx, err)
		return nil, err
	}
	return watchedUpload{u}, nil
}

func (w watched) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u, err := w.DataStore.GetUpload(ctx, id)
	if err != nil {
		return nil, err
	}
	return watchedUpload{u}, nil
}

// AsTerminatableUpload gives tusd what can be removed.
func (w watched) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return w.DataStore.(handler.TerminaterDataStore).AsTerminatableUpload(u.(watchedUpload).Upload)
}

func (u watchedUpload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	n, err := u.Upload.WriteChunk(ctx, offset, src)
	if err != nil {
		failed(ctx, err)
	}
	return n, err
}

// failed keeps the cause with the request.
func failed(ctx context.Context, err error) {
	if q, ok := ctx.Value(requestKey{}).(*request); ok && q.storage == nil {
		q.storage = storageError(err)
	}
}

func storageError(err error) error {
	e := &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "files: storage", Message: syncproto.Both("照片现在存不了。", "The content cannot be stored just now."),
		Hint: syncproto.Both("稍后会自动再传。", "It is sent again by itself."), RetryAfter: 30, Err: fmt.Errorf("storage: %w", err)}
	if isFull(err) {
		e.Code, e.Message = syncproto.CodeFull, syncproto.Both("服务器的磁盘满了，没有存下。", "The server's disk is full; nothing was taken.")
	}
	return e
}
