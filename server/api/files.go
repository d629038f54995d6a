package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"minqing/server/files"
	"minqing/syncproto"
)

// The bounds of uploads and downloads of attachments, beside those of syncs: a slow photo must never take the place of a sync.
const (
	mostFiles      = 64
	fileMemory     = 64 << 10
	mostFileMemory = mostFiles * fileMemory
)

// file runs a request about contents. Without a place for them (a simulated disk) there are none.
func (s *Server) file(serve func(c echo.Context, f *files.Service) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.cfg.Files == nil {
			return noPlace()
		}
		place, err := s.fileGate.enter(c.Request().Context(), fileMemory)
		if err != nil {
			return err
		}
		defer place.leave()
		return serve(c, s.cfg.Files)
	}
}

func noPlace() error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "files", Message: syncproto.Both("这台服务器没有放照片的地方。", "This server has no place for photos."), Hint: syncproto.Both("请管理员配置 --files。", "Ask the administrator to set --files.")}
}

// handleNewUpload is POST /v1/files/uploads.
func (s *Server) handleNewUpload(c echo.Context, f *files.Service) error {
	who, _, err := s.cfg.Auth.IdentifyUpload(c.Request().Context(), c.Request())
	if err != nil {
		return err
	}
	return f.Create(c.Response(), c.Request(), who)
}

// handleUpload is HEAD, PATCH and DELETE /v1/files/uploads/{upload}.
func (s *Server) handleUpload(c echo.Context, f *files.Service) error {
	r := c.Request()
	who, body, err := s.cfg.Auth.IdentifyUpload(r.Context(), r)
	if err != nil {
		return err
	}
	if err := f.Resume(c.Response(), r, who, body); err != nil {
		return err
	}
	if r.Method == http.MethodPatch && r.ContentLength > 0 {
		s.metrics.fileBytes.WithLabelValues("in").Add(float64(r.ContentLength))
	}
	return nil
}

// handleFile is GET /v1/files/{attachment}.
func (s *Server) handleFile(c echo.Context, f *files.Service) error {
	who, err := s.identify(c, nil)
	if err != nil {
		return err
	}
	before := c.Response().Size
	if err := f.Serve(c.Response(), c.Request(), who, syncproto.RowID(strings.ToLower(c.Param("attachment")))); err != nil {
		return err
	}
	s.metrics.fileBytes.WithLabelValues("out").Add(float64(c.Response().Size - before))
	return nil
}

func (s *Server) handleDiscovery(c echo.Context, f *files.Service) error {
	return f.Discover(c.Response(), c.Request())
}
