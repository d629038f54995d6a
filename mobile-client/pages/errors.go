package pages

import (
	"errors"
	"net/http"

	"minqing/syncproto"
)

// errorPage says what happened, what holds now and what to do.
type errorPage struct {
	frame
	Icon string
	Text string
	Hint string
}

var errNotFound = &syncproto.Error{Code: syncproto.CodeNotFound, Op: "pages"}

var errorWords = words{
	"error.title":                {ZH: "这一步没做成", EN: "That did not work"},
	"error.text":                 {ZH: "您写的都在，本机数据没有变。", EN: "What you wrote is kept; nothing on this phone changed."},
	"error.hint":                 {ZH: "返回再试一次；还是不行，请告诉管理员。", EN: "Go back and try again; if it persists, tell your administrator."},
	"error.missing":              {ZH: "这里没有内容了", EN: "There is nothing here any more"},
	"error.missing.text":         {ZH: "可能已经移走，或者不在这部手机上。", EN: "It may have moved, or is not on this phone."},
	"error.big":                  {ZH: "内容太长，存不下", EN: "Too long to be saved"},
	"error.big.text":             {ZH: "请返回，删短一些再存。", EN: "Go back, shorten it and save again."},
	"error.home":                 {ZH: "回到今天", EN: "Back to Today"},
	"error.refused.host":         {ZH: "地址不对", EN: "Not this address"},
	"error.refused.host.text":    {ZH: "请用程序给出的地址打开。", EN: "Open the address that the program gave."},
	"error.refused.foreign":      {ZH: "这一步不是从本程序的页面来的", EN: "This did not come from a page of this program"},
	"error.refused.foreign.text": {ZH: "没有做任何改动。请回到民情通的页面再操作。", EN: "Nothing was changed. Go back to Minqing’s own pages."},
	"error.refused.spent":        {ZH: "这个地址已经用过", EN: "This address was used before"},
	"error.refused.spent.text":   {ZH: "打开的地址只能用一次。请重新启动民情通，用新的地址。", EN: "It opens once. Start Minqing again and use the new address."},
	"error.refused.session":      {ZH: "请从民情通里打开", EN: "Open this from Minqing"},
	"error.refused.session.text": {ZH: "这个页面只给手机的主人看。请重新启动民情通。", EN: "This page is for the phone’s owner only. Start Minqing again."},
}

// fail answers with the page of an error.
func (rq *request) fail(err error) {
	status, p := rq.errorPage(err)
	rq.app.codes.note(rq, status, err)
	if status == http.StatusInternalServerError {
		rq.app.opt.Log.ErrorContext(rq.Context(), "request failed", "method", rq.Method, "route", rq.Pattern, "err", err)
	}
	if err := rq.answer(status, "error", p); err != nil {
		rq.app.opt.Log.ErrorContext(rq.Context(), "page failed", "err", err)
		http.Error(rq.w, rq.words.say("error.title"), http.StatusInternalServerError)
	}
}

// statuses is the one table from codes to HTTP; what is not here is our own fault.
var statuses = map[syncproto.Code]int{
	syncproto.CodeNotFound: http.StatusNotFound, syncproto.CodeInvalid: http.StatusUnprocessableEntity, syncproto.CodeBusy: http.StatusServiceUnavailable,
	syncproto.CodeFull: http.StatusInsufficientStorage, syncproto.CodeAuth: http.StatusForbidden, syncproto.CodeUnavailable: http.StatusServiceUnavailable,
}

func (rq *request) errorPage(err error) (int, *errorPage) {
	l := rq.words
	p := &errorPage{frame: frame{Title: l.say("error.title"), Form: true}, Icon: "alert", Text: l.say("error.text"), Hint: l.say("error.hint")}
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
