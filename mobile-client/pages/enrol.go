package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"minqing/mobile-client/lock"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/syncproto"
)

const enrolPath = "/enrol"

// enrolPage takes a code or link, and a PIN.
type enrolPage struct {
	frame
	Code, Server           string
	CodeErr, ServErr, Fail string
	PINErr                 string
	Least                  int
	Again                  bool // somebody is enrolled here already
}

var enrolRoutes = []route{
	{pattern: "GET " + enrolPath, do: showEnrol, bare: true},
	{pattern: "POST " + enrolPath, do: enrol, bare: true},
}

var enrolWords = words{
	"enrol.title":   {ZH: "登记这部手机", EN: "Enrol this phone"},
	"enrol.text":    {ZH: "管理员给您一个登记码或一段链接，10 分钟内有效，只能用一次。", EN: "Your administrator gives you a code or a link, good once and for 10 minutes."},
	"enrol.again":   {ZH: "换人用：这部手机会归新的人。原来没传的先交给服务器，再从本机清掉。", EN: "Passing it on: this phone becomes another’s. What was not sent goes to the server first, then leaves this phone."},
	"enrol.code":    {ZH: "登记码或链接", EN: "Code or link"},
	"enrol.server":  {ZH: "服务器地址", EN: "Address of the server"},
	"enrol.linked":  {ZH: "贴了链接就不用填", EN: "not needed with a link"},
	"enrol.pin":     {ZH: "给这部手机设个口令", EN: "Set a PIN for this phone"},
	"enrol.go":      {ZH: "登记", EN: "Enrol"},
	"enrol.address": {ZH: "写成 https://… 的样子。", EN: "Write it like https://…"},
	"enrol.fail":    {ZH: "还没有登记成。{0} 登记码写对了可以再试一次。", EN: "Not enrolled yet. {0} With the right code you can try once more."},
	"enrol.done":    {ZH: "这部手机现在是{0}的。", EN: "This phone is now {0}’s."},
}

func showEnrol(rq *request) error {
	if rq.state == phone.Locked || rq.state == phone.Stuck {
		return rq.shut(rq.state)
	}
	return rq.enrolForm(http.StatusOK, &enrolPage{Code: rq.URL.Query().Get("link")})
}

func (rq *request) enrolForm(status int, p *enrolPage) error {
	p.frame = frame{Title: rq.words.say("enrol.title"), Form: true}
	p.Least, p.Again = lock.MinPIN, rq.state == phone.Ready
	if p.Again {
		p.Back = mePath
	}
	return rq.answer(status, "enrol", p)
}

func enrol(rq *request) error {
	if rq.state == phone.Locked || rq.state == phone.Stuck {
		return rq.shut(rq.state)
	}
	if err := rq.ParseForm(); err != nil {
		return err
	}
	p := &enrolPage{Code: strings.TrimSpace(rq.PostForm.Get("code")), Server: strings.TrimRight(strings.TrimSpace(rq.PostForm.Get("server")), "/")}
	server := p.Server
	var code string
	var err error
	if strings.HasPrefix(p.Code, "minqing:") {
		server, code, err = syncproto.ParseEnrolLink(p.Code)
	} else if code, err = syncproto.ParseCode(p.Code); err == nil {
		if u, parse := url.Parse(server); parse != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			p.ServErr = rq.words.say("enrol.address")
		}
	}
	if err != nil {
		p.CodeErr = rq.sentence(err)
	}
	pin := rq.PostForm.Get("pin")
	if lock.CheckNew(pin) != nil {
		p.PINErr = rq.words.say("pin.short", lock.MinPIN)
	}
	if p.CodeErr+p.ServErr+p.PINErr != "" {
		return rq.enrolForm(http.StatusUnprocessableEntity, p)
	}
	who, err := rq.phone.Enrol(rq.Context(), server, code, pin)
	var e *syncproto.Error
	if errors.As(err, &e) {
		p.Fail = rq.words.say("enrol.fail", rq.trouble(pump.TroubleOf(err), err))
		return rq.enrolForm(http.StatusUnprocessableEntity, p)
	}
	if err != nil {
		return err
	}
	rq.phone.Sync() // the network was there a moment ago: nobody should wait for it to settle
	name := who.Name
	if who.Post != "" {
		name += "（" + who.Post + "）"
	}
	rq.toast("enrol.done", name)
	return rq.see(firstPath)
}

// sentence is an error's own, in the language asked for.
func (rq *request) sentence(err error) string {
	var e *syncproto.Error
	if errors.As(err, &e) && e.Message != "" {
		return rq.words.of(e.Message)
	}
	return rq.words.say("error.title")
}
