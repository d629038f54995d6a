package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"minqing/mobile-client/guard"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/practice"
)

// practicePage says what practice is, or that a step is not part of it.
type practicePage struct {
	frame
	On bool
}

var practiceRoutes = []route{
	{pattern: "GET /practice", do: showPractice},
	{pattern: "POST /practice", do: beginPractice, bare: true},
	{pattern: "POST /practice/leave", do: endPractice, bare: true},
}

var practiceWords = words{
	"practice.title":   {ZH: "练习", EN: "Practice"},
	"practice.on":      {ZH: "练习中", EN: "Practice"},
	"practice.mark":    {ZH: "都是编的，不上传", EN: "nothing is real or sent"},
	"practice.leave":   {ZH: "离开", EN: "Leave"},
	"practice.text":    {ZH: "换一本只用来练的册子：几户编出来的人家，怎么写都行。", EN: "A book for trying things out: a few invented homes, where anything may be written."},
	"practice.never":   {ZH: "练习里写的不上传，离开就删掉。", EN: "What is written there is never sent, and is deleted when you leave."},
	"practice.real":    {ZH: "您自己的户和写过的东西不动，照常自动上传。", EN: "Your own homes and records are not touched, and go up as always."},
	"practice.begin":   {ZH: "开始练习", EN: "Begin"},
	"practice.left":    {ZH: "离开了练习，练习里写的都删掉了。", EN: "You have left practice; all that was written there is deleted."},
	"practice.outside": {ZH: "练习里没有这一步", EN: "Not part of practice"},
	"practice.out":     {ZH: "离开练习后再做。", EN: "Leave practice first."},
}

// outsidePatterns are what practice has no part in: what is about the real phone, its data or its server.
var outsidePatterns = []string{"POST " + syncPath, "POST " + syncPath + "/photos", "POST " + syncPath + "/carry", "GET " + carriedPath, "POST " + carriedPath, "POST " + carriedPath + "/{id}/receipt", "POST " + carriedPath + "/{id}/drop", "GET " + updatePath, "POST " + updatePath + "/fetch", "POST " + updatePath + "/install",
	"GET " + enrolPath, "POST " + enrolPath,
	"GET " + mePath + "/pin", "POST " + mePath + "/pin", "POST " + mePath + "/lock", "GET " + mePath + "/phone", "GET " + mePath + "/export", "POST " + mePath + "/export",
	"GET " + mePath + "/diagnostics", "POST " + mePath + "/diagnostics", "GET /practice", "POST /practice"}

func (r route) outside() bool { return slices.Contains(outsidePatterns, r.pattern) }

// phone is the phone whose data shows.
func (a *App) phone() *phone.Phone {
	if p := a.practice.Load(); p != nil {
		return p
	}
	return a.opt.Phone
}

func (rq *request) practising() bool { return rq.phone != rq.app.opt.Phone }

func (rq *request) practicePage() *practicePage {
	p := &practicePage{frame: frame{Title: rq.words.say("practice.title"), Back: mePath, Form: true}, On: rq.practising()}
	if p.On {
		p.Title = rq.words.say("practice.outside")
	}
	return p
}

func showPractice(rq *request) error { return rq.show("practice", rq.practicePage()) }

// beginPractice makes the practice file and turns to it. Whoever begins must be allowed to see the phone's own pages.
func beginPractice(rq *request) error {
	if rq.app.opt.Practice == "" {
		return errNotFound
	}
	_, state, release, err := rq.phone.Hold(rq.Context())
	release()
	switch {
	case err != nil:
		return err
	case state != phone.Ready:
		return rq.see(todayPath) // which leads to what opens the way
	}
	if err := rq.app.Practise(rq.Context()); err != nil {
		return err
	}
	rq.forgetSaid()
	return rq.see(todayPath)
}

// Practise turns to a new practice file; nothing happens when somebody practises already.
func (a *App) Practise(ctx context.Context) error {
	a.practising.Lock()
	defer a.practising.Unlock()
	if a.practice.Load() != nil {
		return nil
	}
	now := func() int64 { return a.opt.Now().UnixMilli() }
	r, err := practice.Open(ctx, practice.Options{Path: a.opt.Practice, Now: now, Day: a.now(), Rand: a.opt.Rand})
	if err != nil {
		return err
	}
	a.practice.Store(phone.Over(r, phone.Options{Now: now}))
	return nil
}

// forgetSaid drops what the session kept of the other file: a sentence about it, and the way to take something back there.
func (rq *request) forgetSaid() {
	if s := guard.SessionOf(rq.Context()); s != nil {
		for _, key := range []string{"toast", undoKey, droppedKey} {
			s.Take(key)
		}
	}
}

func endPractice(rq *request) error {
	if err := rq.app.leavePractice(); err != nil {
		return err
	}
	rq.forgetSaid()
	rq.phone = rq.app.opt.Phone
	rq.toast("practice.left")
	return rq.see(todayPath)
}

// leavePractice turns back to the phone's own file, and deletes the other once nobody works over it.
func (a *App) leavePractice() error {
	a.practising.Lock()
	defer a.practising.Unlock()
	p := a.practice.Swap(nil)
	if p == nil {
		return nil
	}
	return errors.Join(p.Close(), practice.Remove(a.opt.Practice))
}

// sweepPractice deletes what a crash left of practice.
func (a *App) sweepPractice() error {
	if a.opt.Practice == "" {
		return nil
	}
	return practice.Remove(a.opt.Practice)
}

// gone answers a request that met the end of practice: its file was closed between.
func (rq *request) gone() error {
	if rq.Method == http.MethodPost {
		return errNotFound
	}
	return rq.see(todayPath)
}
