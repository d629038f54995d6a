package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"minqing/syncproto"
)

// handleApp is GET /v1/app: which package of the field app this server has.
func (s *Server) handleApp(c echo.Context) error {
	if _, err := s.identify(c, nil); err != nil {
		return err
	}
	if s.cfg.App == nil {
		return noApp()
	}
	return c.JSON(http.StatusOK, s.cfg.App.Offer)
}

// handleAppFile is GET /v1/app/file: the package, whole or from where a link broke.
func (s *Server) handleAppFile(c echo.Context) error {
	if _, err := s.identify(c, nil); err != nil {
		return err
	}
	if s.cfg.App == nil {
		return noApp()
	}
	s.cfg.App.ServeHTTP(c.Response(), c.Request())
	return nil
}

func noApp() error {
	return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "app", Message: syncproto.Both("服务器上没有安装包。", "This server has no package for phones."), Hint: syncproto.Both("请问管理员要。", "Ask your administrator for it.")}
}
