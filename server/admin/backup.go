package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"minqing/server/engine"
	"minqing/server/files"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// A backup is an age file around a zstd stream: one line of JSON, the store's dump, then for each content of an attachment a line that
// names it and the content, and a last line that counts them. Dump and contents are chunked as in HTTP.
type backupHeader struct {
	Format string `json:"format"`
	Secret string `json:"secret"` // without it cursors, tokens and escrowed outboxes are unreadable
}

// The formats: the first ended with the dump.
const (
	backupFormat    = "minqing backup 2"
	backupFormatOld = "minqing backup 1"
)

// metaBackup is the mark of the newest backup known to be whole: what was received before it is safe.
const metaBackup = "backup"

// Backup writes everything, the secret included, encrypted to the recipients, as it is at one moment, which it gives. Others go on
// working meanwhile. When the file is safe, call BackedUp.
func (d *Desk) Backup(ctx context.Context, w io.Writer, to ...age.Recipient) (at time.Time, err error) {
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return at, fmt.Errorf("backup: %w", err)
	}
	packed, err := zstd.NewWriter(sealed)
	if err != nil {
		return at, fmt.Errorf("backup: %w", err)
	}
	if err := json.NewEncoder(packed).Encode(backupHeader{backupFormat, d.E.Keys.Text()}); err != nil {
		return at, fmt.Errorf("backup: %w", err)
	}
	chunks := httputil.NewChunkedWriter(packed)
	ms, err := d.E.Store.Dump(ctx, chunks)
	if err := errors.Join(err, chunks.Close()); err != nil {
		return at, err
	}
	if err := errors.Join(writeFiles(ctx, d.E.Files, packed), packed.Close()); err != nil {
		return at, err
	}
	return time.UnixMilli(ms).In(d.E.Zone), sealed.Close()
}

// BackedUp notes that a backup of a moment lies safe.
func (d *Desk) BackedUp(ctx context.Context, at time.Time) error {
	return d.E.Store.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.Epoch()
		if err != nil {
			return err
		}
		text, err := json.Marshal(map[string]any{"at": at.UnixMilli(), "epoch": e.ID})
		if err != nil {
			return err
		}
		return tx.SetMeta(metaBackup, string(text))
	})
}

// Restore makes the server of a backup in an empty data folder (and, with a DSN, an empty database). Nothing is left behind when it fails. A
// new epoch begins: what devices hold beyond the backup, they offer again by themselves.
func Restore(ctx context.Context, cfg engine.Config, r io.Reader, keysOf ...age.Identity) error {
	if err := mustBeEmpty(cfg.Dir); err != nil {
		return err
	}
	plain, err := age.Decrypt(r, keysOf...)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "restore", Message: syncproto.Both("备份打不开：口令（或密钥）不对，或者文件坏了。", "The backup does not open: wrong passphrase or key, or a damaged file."),
			Hint: syncproto.Both("核对口令；口令在做备份时印过一次。", "Check the passphrase, which was printed when the backup was made."), Err: err}
	}
	packed, err := zstd.NewReader(plain)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer packed.Close()
	in := bufio.NewReaderSize(packed, 1<<16)
	line, err := in.ReadBytes('\n')
	var head backupHeader
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil || head.Format != backupFormat && head.Format != backupFormatOld {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "restore", Message: syncproto.Both("这不是民情通的备份，或者版本不同。", "This is no backup of Minqing, or one of another version."),
			Hint: syncproto.Both("核对文件。", "Check the file."), Err: err}
	}
	ring, err := keys.Parse(head.Secret)
	if err != nil {
		return err
	}
	return fill(ctx, cfg, ring, in, head.Format)
}

// mustBeEmpty keeps a restore from mixing with what is there.
func mustBeEmpty(dir string) error {
	for _, name := range []string{engine.DatabaseName, engine.FilesName, keys.FileName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return &syncproto.Error{Code: syncproto.CodeConflict, Op: "restore", Message: syncproto.Both("这个文件夹里已经有数据："+dir+"。", "There is data in this folder already."),
				Hint: syncproto.Both("恢复到一个新的 --data 文件夹（PostgreSQL 还要一个空的数据库）。", "Restore into a new --data folder, and with PostgreSQL into an empty database.")}
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// fill loads a backup beside the folder's place and moves it there when it is whole.
func fill(ctx context.Context, cfg engine.Config, ring *keys.Ring, in *bufio.Reader, format string) (err error) {
	dir := cfg.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if cfg.Dir, err = os.MkdirTemp(dir, ".restoring-*"); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	cfg.Keys = ring
	e, err := engine.Open(ctx, cfg)
	if err != nil {
		return err
	}
	undo, err := load(ctx, e, in, format)
	if err == nil {
		err = e.Store.Write(ctx, (*store.Tx).BeginAnew)
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return errors.Join(err, undo(), e.Close())
	}
	moved := []string{}
	if cfg.Files == "" {
		moved = append(moved, engine.FilesName)
	}
	if cfg.DSN == "" {
		moved = append(moved, engine.DatabaseName)
	}
	for _, name := range moved {
		if err := os.Rename(filepath.Join(cfg.Dir, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return ring.Save(dir)
}

// load fills database and storage; undo takes out of storage what it put there.
func load(ctx context.Context, e *engine.Engine, in *bufio.Reader, format string) (undo func() error, err error) {
	if format == backupFormatOld {
		return func() error { return nil }, e.Store.Load(ctx, in)
	}
	if err := e.Store.Load(ctx, httputil.NewChunkedReader(in)); err != nil {
		return func() error { return nil }, err
	}
	return readFiles(ctx, e.Files, in)
}

// backupFile is the line before a content; the last one has no hash and says how many there were.
type backupFile struct {
	Hash  string `json:"hash,omitempty"`
	Bytes int64  `json:"bytes,omitempty"`
	Files *int   `json:"files,omitempty"`
}

func writeFiles(ctx context.Context, from *files.Service, out io.Writer) error {
	n := 0
	lines := json.NewEncoder(out)
	err := from.Each(ctx, func(hash string, bytes int64, in io.Reader) error {
		n++
		if err := lines.Encode(backupFile{Hash: hash, Bytes: bytes}); err != nil {
			return err
		}
		chunks := httputil.NewChunkedWriter(out)
		_, err := io.Copy(chunks, in)
		return errors.Join(err, chunks.Close())
	})
	return errors.Join(err, lines.Encode(backupFile{Files: &n}))
}

func readFiles(ctx context.Context, into *files.Service, in *bufio.Reader) (undo func() error, err error) {
	var put []func() error
	undo = func() error {
		var errs []error
		for _, u := range put {
			errs = append(errs, u())
		}
		return errors.Join(errs...)
	}
	if err := into.Restored(ctx); err != nil {
		return undo, err
	}
	for {
		line, err := in.ReadBytes('\n')
		var f backupFile
		if err == nil {
			err = json.Unmarshal(line, &f)
		}
		if err == nil && f.Files != nil && *f.Files != len(put) {
			err = fmt.Errorf("%d contents of %d", len(put), *f.Files)
		}
		if err != nil {
			return undo, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "restore: contents", Message: syncproto.Both("备份里的照片读不完整。", "The photos in the backup are not whole."), Hint: syncproto.Both("换一份备份。", "Use another backup."), Err: err}
		}
		if f.Files != nil {
			return undo, nil
		}
		one, err := into.Put(ctx, f.Hash, f.Bytes, httputil.NewChunkedReader(in))
		if err != nil {
			return undo, err
		}
		put = append(put, one)
	}
}

// LastBackup is the moment of the newest backup known to be whole, server time; 0 when none was ever made.
func LastBackup(tx *store.Tx) (int64, error) {
	raw, err := tx.Meta(metaBackup)
	if err != nil || raw == "" {
		return 0, err
	}
	var mark struct {
		At int64 `json:"at"`
	}
	return mark.At, json.Unmarshal([]byte(raw), &mark)
}
