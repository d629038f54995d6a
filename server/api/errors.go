package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"minqing/syncproto"
)

// statusOf is the one table from code to HTTP status.
var statusOf = map[syncproto.Code]int{
	syncproto.CodeInvalid:     http.StatusUnprocessableEntity,
	syncproto.CodeForbidden:   http.StatusForbidden,
	syncproto.CodeState:       http.StatusConflict,
	syncproto.CodeWaits:       http.StatusConflict,
	syncproto.CodeUnknown:     http.StatusUnprocessableEntity,
	syncproto.CodeLate:        http.StatusConflict,
	syncproto.CodeAuth:        http.StatusUnauthorized,
	syncproto.CodeRevoked:     http.StatusForbidden,
	syncproto.CodeUpgrade:     http.StatusUpgradeRequired,
	syncproto.CodeBusy:        http.StatusTooManyRequests,
	syncproto.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	syncproto.CodeCopied:      http.StatusConflict,
	syncproto.CodeFork:        http.StatusConflict,
	syncproto.CodeCursor:      http.StatusConflict,
	syncproto.CodeHeld:        http.StatusConflict,
	syncproto.CodeFull:        http.StatusInsufficientStorage,
	syncproto.CodeUnavailable: http.StatusServiceUnavailable,
	syncproto.CodeInternal:    http.StatusInternalServerError,
	syncproto.CodeConflict:    http.StatusConflict,
	syncproto.CodeNotFound:    http.StatusNotFound,
}

// problem is the body of every error before an answer's first frame (RFC 9457, with the members of syncproto.Failure).
type problem struct {
	Type       string         `json:"type"`
	Status     int            `json:"status"`
	Title      string         `json:"title"`
	Code       syncproto.Code `json:"code"`
	Hint       string         `json:"hint,omitempty"`
	RetryAfter int            `json:"retryAfter,omitempty"`
	Trace      string         `json:"trace,omitempty"`
}

// asError gives the error as the shared type: what is not one of ours is internal, its detail for the log only.
func asError(err error) *syncproto.Error {
	var ours *syncproto.Error
	if errors.As(err, &ours) && ours.Message != "" {
		return ours
	}
	var http *echo.HTTPError
	if errors.As(err, &http) {
		return &syncproto.Error{Code: codeOfStatus(http.Code), Op: "http", Message: syncproto.Both("没有这个地址，或者请求的写法不对。", "No such address, or not asked this way."), Err: err}
	}
	return &syncproto.Error{Code: syncproto.CodeInternal, Op: "http", Message: syncproto.Both("服务器出了问题，已经记下。", "The server had a problem and has noted it."),
		Hint: syncproto.Both("过一会儿再试，数据都还在。", "Try again later; nothing was lost."), Err: err}
}

func codeOfStatus(status int) syncproto.Code {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return syncproto.CodeNotFound
	case http.StatusRequestEntityTooLarge:
		return syncproto.CodeTooLarge
	case http.StatusServiceUnavailable:
		return syncproto.CodeUnavailable
	default:
		return syncproto.CodeInvalid
	}
}

// handleError answers with a problem document and logs what the person is not shown.
func (s *Server) handleError(err error, c echo.Context) {
	e := asError(err)
	status, ok := statusOf[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.cfg.Log.Log(c.Request().Context(), level, "request refused", "code", e.Code, "status", status, "trace", traceOf(c), "error", err.Error())
	if c.Response().Committed {
		return // frames are on their way: the sync handler has written its own Failure
	}
	if e.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	body := problem{Type: "about:blank", Status: status, Title: e.Message, Code: e.Code, Hint: e.Hint, RetryAfter: e.RetryAfter, Trace: traceOf(c)}
	if err := c.JSON(status, body); err != nil {
		s.cfg.Log.Warn("answer broke", "trace", traceOf(c), "error", err.Error())
	}
}
