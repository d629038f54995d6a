package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// handleCourierKey is GET /v1/courier/key: the keys are public, and a device fetches them while it can.
func (s *Server) handleCourierKey(c echo.Context) error {
	k, err := s.cfg.Courier.Keys()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, k)
}

// handleCourier is POST /v1/courier. Whoever carries a bundle signs as himself; only a device that was revoked, and so gets no token, hands
// in its own without: the signature within the bundle is enough for that.
func (s *Server) handleCourier(c echo.Context) error {
	r := c.Request()
	room := r.ContentLength
	if room > courier.MaxFile {
		return tooLarge(nil)
	}
	if room < 0 {
		room = courier.MaxFile
	}
	const copies = 2 // the file and the box opened; bundles are few, so all that one may unpack to is reserved
	place, err := s.gate.enter(r.Context(), copies*room+unpackedCost*syncproto.MaxRequestBytes)
	if err != nil {
		return err
	}
	defer place.leave()
	file, err := readBody(r, courier.MaxFile)
	if err != nil {
		return err
	}
	own := r.Header.Get(echo.HeaderAuthorization) == ""
	if !own {
		if _, err := s.identify(c, file); err != nil {
			return err
		}
	}
	if courier.IsContent(file) {
		return s.contentByHand(c, file)
	}
	receipt, err := s.cfg.Courier.HandIn(r.Context(), file, own)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, receipt)
}

// contentByHand takes the content of an attachment that its device cannot send any more. There is nothing to tell that device.
func (s *Server) contentByHand(c echo.Context, file []byte) error {
	if s.cfg.Files == nil {
		return noPlace()
	}
	row, content, err := s.cfg.Courier.Content(file)
	if err != nil {
		return err
	}
	if err := s.cfg.Files.HandIn(c.Request().Context(), row, content); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
