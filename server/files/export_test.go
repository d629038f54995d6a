package files

import (
	"context"
	"io"
	"syscall"

	"github.com/tus/tusd/v2/pkg/handler"
)

// Flood makes storage a disk that takes so many bytes more of each piece and then is full; below 0 it takes all again.
func Flood(s *Service, room int64) error {
	keep := s.keep
	if f, ok := keep.(flooded); ok {
		keep = f.storage
	}
	if room >= 0 {
		keep = flooded{keep, room}
	}
	again, err := newService(s.opt, keep)
	if err == nil {
		*s = *again
	}
	return err
}

type flooded struct {
	storage
	room int64
}

func (f flooded) core() handler.DataStore { return floodedCore{f.storage.core(), f.room} }

type floodedCore struct {
	handler.DataStore
	room int64
}

type floodedUpload struct {
	handler.Upload
	room int64
}

func (f floodedCore) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u, err := f.DataStore.GetUpload(ctx, id)
	if err != nil {
		return nil, err
	}
	return floodedUpload{u, f.room}, nil
}

func (f floodedCore) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	if f, ok := u.(floodedUpload); ok {
		u = f.Upload
	}
	return f.DataStore.(handler.TerminaterDataStore).AsTerminatableUpload(u)
}

func (u floodedUpload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	n, err := u.Upload.WriteChunk(ctx, offset, io.LimitReader(src, u.room))
	if err == nil && n == u.room {
		err = syscall.ENOSPC
	}
	return n, err
}
