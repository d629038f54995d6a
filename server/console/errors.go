package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"minqing/syncproto"
)

// errorPage says what happened, what holds now and what to do.
type errorPage struct {
	frame
	Icon string
	Text string
	Hint string
}

// errNotFound is the one answer to what is missing and to what is somebody else's.
var errNotFound = &syncproto.Error{Code: syncproto.CodeNotFound, Op: "console"}

// errForeign is a form that another site's page sent.
var errForeign = &syncproto.Error{Code: syncproto.CodeForbidden, Op: "console: cross-origin",
	Message: syncproto.Both("这一步不是从本系统的页面来的，没有做任何改动。", "This did not come from a page of this system; nothing was changed."),
	Hint:    syncproto.Both("请回到民情通的页面再操作。", "Go back to Minqing's own pages.")}

var errorWords = words{
	"error.title":        {ZH: "这一步没做成", EN: "That did not work"},
	"error.text":         {ZH: "已经写下的都在，没有变。", EN: "What was written stands; nothing changed."},
	"error.hint":         {ZH: "返回再试一次；还是不行，请告诉管理员。", EN: "Go back and try again; if it persists, tell the administrator."},
	"error.missing":      {ZH: "这里没有内容", EN: "There is nothing here"},
	"error.missing.text": {ZH: "可能已经移走，或者不归您看。", EN: "It may have moved, or is not yours to see."},
	"error.big":          {ZH: "内容太长，存不下", EN: "Too long to be saved"},
	"error.big.text":     {ZH: "请返回，删短一些再存。", EN: "Go back, shorten it and save again."},
	"error.home":         {ZH: "回到首页", EN: "Back to the start"},
}

// statuses is the one table from codes to HTTP; what is not here is our own fault.
var statuses = map[syncproto.Code]int{
	syncproto.CodeNotFound: http.StatusNotFound, syncproto.CodeInvalid: http.StatusUnprocessableEntity, syncproto.CodeBusy: http.StatusTooManyRequests,
	syncproto.CodeFull: http.StatusInsufficientStorage, syncproto.CodeAuth: http.StatusForbidden, syncproto.CodeForbidden: http.StatusForbidden,
	syncproto.CodeUnavailable: http.StatusServiceUnavailable, syncproto.CodeConflict: http.StatusConflict, syncproto.CodeState: http.StatusConflict,
	syncproto.CodeWaits: http.StatusConflict, syncproto.CodeUnknown: http.StatusUnprocessableEntity, syncproto.CodeTooLarge: http.StatusRequestEntityTooLarge,
}

// fail answers with the page of an error.
func (rq *request) fail(err error) {
	if rq.Context().Err() != nil { // whoever asked has gone, which is no fault of ours; what was begun for him was given up
		rq.app.opt.Log.InfoContext(rq.Context(), "page left", "method", rq.Method, "route", rq.route.pattern, "error", err.Error())
		http.Error(rq.w, rq.words.say("error.title"), http.StatusServiceUnavailable)
		return
	}
	status, p := rq.errorPage(err)
	level := slog.LevelInfo
	if status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	rq.app.opt.Log.Log(rq.Context(), level, "page refused", "method", rq.Method, "route", rq.route.pattern, "status", status, "error", err.Error())
	rq.noteRetry(err)
	if err := rq.answer(status, "error", p); err != nil {
		rq.app.opt.Log.ErrorContext(rq.Context(), "page failed", "error", err.Error())
		http.Error(rq.w, rq.words.say("error.title"), http.StatusInternalServerError)
	}
}

// noteRetry says when to come again, in seconds, where an error does.
func (rq *request) noteRetry(err error) {
	var e *syncproto.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		rq.w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
}

func (rq *request) errorPage(err error) (int, *errorPage) {
	l := rq.words
	p := &errorPage{frame: frame{Title: l.say("error.title")}, Icon: "alert", Text: l.say("error.text"), Hint: l.say("error.hint")}
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		p.Title, p.Text, p.Hint = l.say("error.big"), l.say("error.big.text"), ""
		return http.StatusRequestEntityTooLarge, p
	}
	var e *syncproto.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, p
	}
	if e.Code == syncproto.CodeNotFound {
		rq.place = place{} // what is foreign and what is missing look alike, in the rail too
		p.Icon, p.Title, p.Text, p.Hint = "search", l.say("error.missing"), l.say("error.missing.text"), ""
	}
	if e.Message != "" {
		p.Text, p.Hint = l.of(e.Message), l.of(e.Hint)
	}
	status, known := statuses[e.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	return status, p
}

// sentence is what a person is told of an error about what he typed; ok is false when it is about something else.
func (rq *request) sentence(err error) (string, bool) {
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Message == "" {
		return "", false
	}
	switch e.Code {
	case syncproto.CodeInvalid, syncproto.CodeAuth, syncproto.CodeBusy, syncproto.CodeConflict, syncproto.CodeState, syncproto.CodeForbidden, syncproto.CodeUnavailable:
		text := rq.words.of(e.Message)
		if e.Hint != "" {
			text += " " + rq.words.of(e.Hint)
		}
		return text, true
	}
	return "", false
}
