package files

import (
	"bytes"
	"fmt"
	"net/http"

	"minqing/syncproto"
)

// answer holds back what tusd answers (a line at most), so that errors go out in the form that all of ours have.
type answer struct {
	w      http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer(w http.ResponseWriter) *answer { return &answer{w: w, header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Unwrap lets tusd move the deadlines of the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.w }

func (a *answer) send() error {
	for name, values := range a.header {
		a.w.Header()[name] = values
	}
	a.w.Header().Set("Cache-Control", "no-store")
	a.w.WriteHeader(a.status)
	_, err := a.w.Write(a.body.Bytes())
	return err
}

// tusError is what tusd refused, in our words; nil when it did not.
func tusError(a *answer) error {
	if a.status < http.StatusBadRequest {
		return nil
	}
	cause := fmt.Errorf("tus: status %d: %s", a.status, bytes.TrimSpace(a.body.Bytes()))
	e := &syncproto.Error{Code: syncproto.CodeInvalid, Op: "files: upload", Message: syncproto.Both("上传请求的写法不对。", "The upload is not asked for this way."), Hint: syncproto.Both("看协议第 21 节。", "See section 21 of the protocol."), Err: cause}
	switch a.status {
	case http.StatusNotFound, http.StatusGone:
		return hidden("files: upload")
	case http.StatusConflict:
		e.Code, e.Message, e.Hint = syncproto.CodeConflict, syncproto.Both("不是从断开的地方接着传的。", "The upload does not go on where it stands."), syncproto.Both("先问传到哪里了。", "Ask where it stands first.")
	case http.StatusRequestEntityTooLarge:
		e.Code, e.Message, e.Hint = syncproto.CodeTooLarge, syncproto.Both("内容比登记的长。", "There is more than was declared."), syncproto.Both("重新添加这个附件。", "Add the attachment again.")
	case http.StatusLocked:
		e.Code, e.Message, e.Hint, e.RetryAfter = syncproto.CodeBusy, syncproto.Both("这个文件正在传。", "This upload is under way on another link."), syncproto.Both("稍后会自动再试。", "It is tried again by itself."), 2
	}
	if a.status >= http.StatusInternalServerError {
		e.Code, e.Message, e.Hint, e.RetryAfter = syncproto.CodeUnavailable, syncproto.Both("上传断了，已收到的都在。", "The upload broke off; what came is kept."), syncproto.Both("会自动接着传。", "It goes on by itself."), 1
	}
	return e
}
