package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"minqing/mobile-client/guard"
	"minqing/mobile-client/lock"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

const lockPath = "/lock"

// lockPage asks for the PIN.
type lockPage struct {
	frame
	Error string
	Wait  int // seconds until another try; 0: none
}

// pinPage sets another PIN.
type pinPage struct {
	frame
	Error, NewError string
	Least           int
}

// keptPage holds what was typed while the way was shut, to be saved now or later.
type keptPage struct {
	frame
	Icon, Text string
	Action     string
	Fields     url.Values
	Lapsed     bool
}

// parked is a form that met a locked phone: its words must not be lost.
type parked struct {
	Path   string
	Fields url.Values
}

var lockRoutes = []route{
	{pattern: "GET " + lockPath, do: showLock, bare: true},
	{pattern: "POST " + lockPath, do: unlock, bare: true},
	{pattern: "GET " + lockPath + "/kept", do: showKept, entry: true},
	{pattern: "POST " + mePath + "/lock", do: lockNow, bare: true},
	{pattern: "GET " + mePath + "/pin", do: showPIN, entry: true},
	{pattern: "POST " + mePath + "/pin", do: savePIN, bare: true},
}

var lockWords = words{
	"lock.title":      {ZH: "输入口令", EN: "Enter your PIN"},
	"lock.text":       {ZH: "写了一半的都在，打开接着写。", EN: "What you began is kept; open and go on."},
	"lock.pin":        {ZH: "口令", EN: "PIN"},
	"lock.open":       {ZH: "打开", EN: "Open"},
	"lock.wrong":      {ZH: "口令不对，再试一次。数据都在。", EN: "That is not the PIN; try again. The data is safe."},
	"lock.wait":       {ZH: "试了太多次，{0} 秒后再试。数据都在，不会清空。", EN: "Too many tries; wait {0} second. The data is safe and will not be wiped.|Too many tries; wait {0} seconds. The data is safe and will not be wiped."},
	"lock.stuck":      {ZH: "手机的钥匙库这次打不开", EN: "The phone’s keystore does not open"},
	"lock.stuck.text": {ZH: "数据都在，没有动过。重启手机再打开；还不行，请告诉管理员。", EN: "The data is there and untouched. Restart the phone; if it persists, tell your administrator."},
	"lock.kept":       {ZH: "您刚才写的都在", EN: "What you wrote is kept"},
	"lock.kept.text":  {ZH: "刚才页面锁上了，还没有存。", EN: "The pages had locked before it was saved."},
	"lock.again":      {ZH: "接着存", EN: "Save it now"},
	"lease.title":     {ZH: "太久没有连上服务器", EN: "Out of touch for too long"},
	"lease.text":      {ZH: "连上一次就能接着用。您写的都在，一条不少。", EN: "One contact with the server opens it again. All that you wrote is kept."},
	"lease.sync":      {ZH: "去同步", EN: "To the sync page"},
	"pin.title":       {ZH: "换口令", EN: "Change the PIN"},
	"pin.old":         {ZH: "现在的口令", EN: "The PIN now"},
	"pin.new":         {ZH: "新口令", EN: "The new PIN"},
	"pin.least":       {ZH: "{0} 位以上", EN: "{0} or more characters"},
	"pin.short":       {ZH: "要 {0} 位以上，不能每位都一样。", EN: "It needs {0} or more characters, not all alike."},
	"pin.done":        {ZH: "口令换好了。", EN: "The PIN is changed."},
}

// shut answers where the way to a page is not open: by the page that opens it. What a form carried is kept for after.
func (rq *request) shut(s phone.State) error {
	switch s {
	case phone.Fresh:
		return rq.see(enrolPath)
	case phone.Stuck:
		return rq.answer(http.StatusServiceUnavailable, "error", &errorPage{frame: frame{Title: rq.words.say("lock.stuck"), Form: true}, Icon: "lock", Text: rq.words.say("lock.stuck.text")})
	}
	if session := guard.SessionOf(rq.Context()); session != nil && rq.Method == http.MethodPost && rq.ParseForm() == nil {
		session.Keep("parked", &parked{rq.URL.Path, rq.PostForm})
	}
	return rq.see(lockPath)
}

// lapsed answers a request that the lease does not cover any more. What a form carried stays in the page.
func (rq *request) lapsed() (bool, error) {
	c, err := rq.replica.Contact(rq.Context())
	if err != nil {
		return false, err
	}
	rq.correct(c)
	if !c.Lapse {
		return false, nil
	}
	p := &keptPage{frame: frame{Title: rq.words.say("lease.title"), Back: mePath}, Icon: "lock", Text: rq.words.say("lease.text"), Lapsed: true}
	if rq.Method == http.MethodPost && rq.ParseForm() == nil {
		p.Action, p.Fields = rq.URL.Path, rq.PostForm
	}
	return true, rq.answer(http.StatusForbidden, "kept", p)
}

// correct makes up for a clock that cannot be right: it is behind what the server's said at the last contact. The days on the pages are then the
// server's; else somebody whose phone is a year slow could not write down a visit of today. A clock that is ahead cannot be told from time that
// went by.
func (rq *request) correct(c replica.Contact) {
	if least := c.At + c.Offset; c.At != 0 && rq.now.UnixMilli() < least {
		rq.now = time.UnixMilli(max(rq.now.UnixMilli()+c.Offset, least)).In(rq.app.opt.Zone)
	}
}

func showLock(rq *request) error {
	switch rq.state {
	case phone.Fresh, phone.Stuck:
		return rq.shut(rq.state)
	case phone.Ready:
		return rq.see(todayPath)
	}
	if err := rq.lockPage(http.StatusOK, ""); err != nil {
		return err
	}
	go rq.app.warm()
	return nil
}

// warm draws Today for nobody while the PIN is being typed, once for each time that the file was opened: its statements are then prepared and
// its part of the file is read when the PIN was right. Where only the PIN opens the file there is none yet.
func (a *App) warm() {
	ctx := context.Background()
	file, _, release, err := a.opt.Phone.Hold(ctx)
	defer release()
	if err != nil || file == nil || a.warmed.Swap(file) == file {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, todayPath, http.NoBody)
	if err == nil {
		rq := &request{Request: r, app: a, w: nobody{http.Header{}}, words: tongue(a.settings.get().Lang), now: a.now(), phone: a.opt.Phone, replica: file, state: phone.Locked}
		err = showToday(rq)
	}
	if err != nil {
		a.opt.Log.Warn("today was not drawn ahead", "err", err) // it will be drawn when it is wanted, and tell then
	}
}

// nobody is to whom a page is drawn that none asked for.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n nobody) WriteHeader(int)             {}

func (rq *request) lockPage(status int, wrong string) error {
	left, err := rq.phone.Wait()
	if err != nil {
		return err
	}
	p := &lockPage{frame: frame{Title: rq.words.say("lock.title"), Form: true}, Error: wrong, Wait: int(left.Seconds() + 0.999)}
	if p.Wait > 0 {
		p.Error = ""
	}
	return rq.answer(status, "lock", p)
}

func unlock(rq *request) error {
	if rq.state == phone.Fresh || rq.state == phone.Stuck {
		return rq.shut(rq.state)
	}
	if err := rq.ParseForm(); err != nil {
		return err
	}
	err := rq.phone.Unlock(rq.Context(), rq.PostForm.Get("pin"))
	if pinTrouble(err) {
		return rq.lockPage(http.StatusUnprocessableEntity, rq.words.say("lock.wrong"))
	}
	if err != nil {
		return err
	}
	if session := guard.SessionOf(rq.Context()); session != nil {
		if kept, _ := session.Take("parked").(*parked); kept != nil {
			session.Keep("parked", kept)
			return rq.see(lockPath + "/kept")
		}
	}
	return rq.see(todayPath)
}

// pinTrouble tells that an error is about the PIN typed: a wrong one, or one too early.
func pinTrouble(err error) bool {
	var e *syncproto.Error
	return errors.As(err, &e) && e.Op == "pin"
}

func showKept(rq *request) error {
	session := guard.SessionOf(rq.Context())
	kept, _ := session.Take("parked").(*parked)
	if kept == nil {
		return rq.see(todayPath)
	}
	return rq.show("kept", &keptPage{frame: frame{Title: rq.words.say("lock.kept"), Back: todayPath}, Icon: "edit", Text: rq.words.say("lock.kept.text"), Action: kept.Path, Fields: kept.Fields})
}

func lockNow(rq *request) error {
	if err := rq.phone.Lock(); err != nil {
		return err
	}
	return rq.see(lockPath)
}

func showPIN(rq *request) error { return rq.pinForm(http.StatusOK, "", "") }

func (rq *request) pinForm(status int, old, fresh string) error {
	return rq.answer(status, "pin", &pinPage{frame: frame{Title: rq.words.say("pin.title"), Back: mePath, Form: true}, Error: old, NewError: fresh, Least: lock.MinPIN})
}

func savePIN(rq *request) error {
	if rq.state != phone.Ready {
		return rq.shut(rq.state)
	}
	if err := rq.ParseForm(); err != nil {
		return err
	}
	fresh := rq.PostForm.Get("new")
	if lock.CheckNew(fresh) != nil {
		return rq.pinForm(http.StatusUnprocessableEntity, "", rq.words.say("pin.short", lock.MinPIN))
	}
	err := rq.phone.ChangePIN(rq.PostForm.Get("old"), fresh)
	if pinTrouble(err) {
		left, waitErr := rq.phone.Wait()
		if waitErr != nil {
			return waitErr
		}
		text := rq.words.say("lock.wrong")
		if left > 0 {
			text = rq.words.say("lock.wait", int(left.Seconds()+0.999))
		}
		return rq.pinForm(http.StatusUnprocessableEntity, text, "")
	}
	if err != nil {
		return err
	}
	rq.toast("pin.done")
	return rq.see(mePath)
}
