package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// diagnosticsPage shows what would be shared, whole, before it is.
type diagnosticsPage struct {
	frame
	Text string
}

var diagnosticsRoutes = []route{
	{pattern: "GET " + mePath + "/diagnostics", do: showDiagnostics, entry: true},
	{pattern: "POST " + mePath + "/diagnostics", do: shareDiagnostics, entry: true},
}

var diagnosticsWords = words{
	"diag.title": {ZH: "运行情况", EN: "Diagnostics"},
	"diag.text":  {ZH: "出了问题时，可以把下面这些发给管理员。只有版本、数目和大小，没有姓名、地址、电话，也没有您写的字。", EN: "When something is wrong, your administrator may want this. It has versions, counts and sizes; no name, address or phone number, and nothing that you wrote."},
	"diag.save":  {ZH: "存成文件", EN: "Save as a file"},
}

// codes remembers the last requests that did not go through: by code and by route, never by what was in them.
type codes struct {
	mu   sync.Mutex
	list []string
}

// keptCodes is how many are remembered.
const keptCodes = 20

func (c *codes) note(rq *request, status int, err error) {
	var e *syncproto.Error
	code := "unknown"
	if errors.As(err, &e) {
		code = string(e.Code)
	}
	if status == http.StatusNotFound {
		return // a page that is gone says nothing about the program
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf("%s %d %s %s", rq.now.UTC().Format(time.RFC3339), status, code, rq.Pattern))
	c.list = c.list[max(0, len(c.list)-keptCodes):]
}

func (c *codes) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.list...)
}

// diagnostics is written in one form for every language: whoever looks after the phones reads it.
func (rq *request) diagnostics() (string, error) {
	var b strings.Builder
	line := func(name string, values ...any) {
		b.WriteString(name + ":")
		for _, v := range values {
			fmt.Fprintf(&b, " %v", v)
		}
		b.WriteByte('\n')
	}
	line("time", rq.now.UTC().Format(time.RFC3339), rq.now.Format("-07:00"))
	line("program", rq.app.opt.Version, runtime.Version(), rq.app.opt.Platform)
	line("schema", schema.Version, "protocol", syncproto.ProtocolVersion)
	set := rq.app.settings.get()
	line("language", set.Lang, "large", set.Big)
	c, err := rq.replica.Contact(rq.Context())
	if err != nil {
		return "", err
	}
	contact := "never"
	if c.At != 0 {
		contact = time.UnixMilli(c.At).UTC().Format(time.RFC3339)
	}
	line("contact", contact, "lapsed", c.Lapse, "clock behind by ms", c.Offset)
	s := rq.phone.Status()
	line("sync", "running", s.Running, "trouble", cmp.Or(s.Trouble, "none"), "metered", s.Metered)
	var sizes field.Sizes
	var used phone.Used
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if used, err = rq.phone.Used(v); err != nil {
			return err
		}
		sizes, err = field.SizesOf(v)
		return err
	}); err != nil {
		return "", err
	}
	line("data this month", used.Total(), "metered", used.Metered)
	for _, part := range []struct {
		name string
		list []field.Count
	}{{"rows", sizes.Rows}, {"changes", sizes.Changes}, {"notices", sizes.Notices}, {"pictures", sizes.Contents}} {
		values := []any{}
		for _, c := range part.list {
			values = append(values, c.Name, c.N)
		}
		line(part.name, values...)
	}
	line("drafts", sizes.Drafts, "buckets", sizes.Buckets)
	line("file", sizes.Bytes, "of it free", sizes.Free)
	if free, known := rq.app.free(rq); known {
		line("disk left", free)
	}
	for _, code := range rq.app.codes.all() {
		line("answered", code)
	}
	return b.String(), nil
}

// free is how many bytes the disk has left; known is false where nobody can tell.
func (a *App) free(rq *request) (n int64, known bool) {
	if a.opt.Free == nil {
		return 0, false
	}
	n, err := a.opt.Free()
	if err != nil {
		a.opt.Log.WarnContext(rq.Context(), "the room left is not known", "err", err)
	}
	return n, err == nil
}

func showDiagnostics(rq *request) error {
	text, err := rq.diagnostics()
	if err != nil {
		return err
	}
	return rq.show("diagnostics", &diagnosticsPage{frame: frame{Title: rq.words.say("diag.title"), Back: mePath, Form: true}, Text: text})
}

// shareDiagnostics gives the very text that was shown.
func shareDiagnostics(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	return rq.download("minqing-diagnostics-"+rq.today()+".txt", "text/plain; charset=utf-8", []byte(rq.PostForm.Get("text")))
}
