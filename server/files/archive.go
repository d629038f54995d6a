package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tus/tusd/v2/pkg/handler"

	"minqing/server/store"
)

// Each gives every content on record, for a backup. One that goes meanwhile is left out: it had to.
func (s *Service) Each(ctx context.Context, f func(hash string, bytes int64, in io.Reader) error) error {
	var all []object
	if err := s.opt.Store.Read(ctx, func(tx *store.Tx) error {
		all = nil
		return tx.Each(func(scan func(...any) error) error {
			var o object
			err := scan(&o.hash, &o.name, &o.bytes)
			all = append(all, o)
			return err
		}, "SELECT hash, object, bytes FROM mq_object ORDER BY hash")
	}); err != nil {
		return err
	}
	for _, o := range all {
		in, err := s.reader(ctx, o.name)
		if isMissing(err) {
			s.opt.Log.Warn("a content is missing from storage", "hash", o.hash)
			continue
		}
		if err != nil {
			return fmt.Errorf("files: %s: %w", o.hash, err)
		}
		if err := errors.Join(f(o.hash, o.bytes, in), in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Restored forgets where the server that made a backup kept contents, and what was under way there: those of the backup follow by Put.
func (s *Service) Restored(ctx context.Context) error {
	return s.opt.Store.Write(ctx, func(tx *store.Tx) error {
		return firstError(tx.Exec("DELETE FROM mq_object"), tx.Exec("DELETE FROM mq_upload"))
	})
}

// Put stores a content that a backup holds; undo takes it out of storage again, should the restore fail later.
func (s *Service) Put(ctx context.Context, hash string, bytes int64, in io.Reader) (undo func() error, err error) {
	name, err := s.name()
	if err != nil {
		return nil, err
	}
	full, err := s.stow(ctx, name, bytes, in)
	undo = func() error { return s.remove(context.WithoutCancel(ctx), full) }
	if err != nil {
		return nil, errors.Join(err, undo())
	}
	out, err := s.reader(ctx, full)
	if err != nil {
		return nil, errors.Join(storageError(err), undo())
	}
	got, n, _, err := digest(out)
	if err = errors.Join(err, out.Close()); err == nil && (got != hash || n != bytes) {
		err = fmt.Errorf("files: the backup's content %s is damaged", hash)
	}
	if err == nil {
		err = s.keep.sync(full)
	}
	if err == nil {
		err = s.opt.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO mq_object (hash, object, bytes, at) VALUES (?, ?, ?, ?)", hash, full, bytes, tx.Now())
		})
	}
	if err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// stow writes a whole content into storage, under a name that storage may add to.
func (s *Service) stow(ctx context.Context, name string, bytes int64, in io.Reader) (full string, err error) {
	u, err := s.core.DataStore.NewUpload(ctx, handler.FileInfo{ID: name, Size: bytes, MetaData: handler.MetaData{}})
	if err != nil {
		return name, storageError(err)
	}
	info, err := u.GetInfo(ctx)
	if err != nil {
		return name, storageError(err)
	}
	if _, err = u.WriteChunk(ctx, 0, in); err == nil {
		err = u.FinishUpload(ctx)
	}
	if err != nil {
		return info.ID, storageError(err)
	}
	return info.ID, nil
}
