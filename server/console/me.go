package console

import (
	"html/template"

	"minqing/internal/look"
	"minqing/server/console/account"
)

// mePage is somebody's own account: his sessions, his password, his second factor, and how his browser shows things.
type mePage struct {
	frame
	Login    string
	Sessions []meSession
	More     int // sessions that are not listed
	Factor   account.Factor
	Error    string // about the password
	Drop     string // about the second factor
}

type meSession struct {
	account.Session
	This bool
}

// factorPage sets up one-time codes.
type factorPage struct {
	frame
	QR       template.HTML
	Secret   string
	Sealed   string
	Error    string
	Recovery []string // shown once, when all is done
}

var meHandlers = map[string]handler{
	"GET /me":              showMe,
	"POST /me/password":    changePassword,
	"GET /me/factor":       showFactor,
	"POST /me/factor":      confirmFactor,
	"POST /me/factor/drop": dropFactor,
	"POST /me/sessions":    endSessions,
}

var meWords = words{
	"me.title":        {ZH: "我的账号", EN: "My account"},
	"me.look":         {ZH: "语言和颜色", EN: "Language and colours"},
	"me.lang.zh":      {ZH: "中文", EN: "中文"},
	"me.lang.en":      {ZH: "English", EN: "English"},
	"me.auto":         {ZH: "随系统", EN: "As the system"},
	"me.light":        {ZH: "浅色", EN: "Light"},
	"me.dark":         {ZH: "深色", EN: "Dark"},
	"me.sessions":     {ZH: "登录着的浏览器", EN: "Browsers signed in"},
	"me.session.this": {ZH: "就是这一个", EN: "this one"},
	"me.session.seen": {ZH: "最近 {0}", EN: "last seen {0}"},
	"me.session.end":  {ZH: "结束", EN: "End"},
	"me.session.all":  {ZH: "结束其他所有", EN: "End all others"},
	"me.session.more": {ZH: "另外还有 {0} 个没有列出来；要结束它们，按“结束其他所有”。", EN: "{0} more is not listed; “End all others” ends it too.|{0} more are not listed; “End all others” ends them too."},
	"me.session.done": {ZH: "已结束。", EN: "Ended."},
	"me.password":     {ZH: "改密码", EN: "Change password"},
	"me.old":          {ZH: "原来的密码", EN: "Old password"},
	"me.new":          {ZH: "新密码", EN: "New password"},
	"me.change":       {ZH: "改", EN: "Change"},
	"me.changed":      {ZH: "密码改好了，其他浏览器都已退出。", EN: "The password is changed; other browsers are signed out."},
	"me.factor":       {ZH: "手机验证码", EN: "One-time codes"},
	"me.factor.on":    {ZH: "已开。还有 {0} 个恢复码。", EN: "On. {0} recovery code left.|On. {0} recovery codes left."},
	"me.factor.off":   {ZH: "没有开。开了以后，光有密码进不来。", EN: "Off. Once on, a password alone does not get anybody in."},
	"me.factor.begin": {ZH: "开通", EN: "Turn on"},
	"me.factor.anew":  {ZH: "换一部手机", EN: "Move to another phone"},
	"me.factor.drop":  {ZH: "关掉", EN: "Turn off"},
	"me.factor.gone":  {ZH: "手机验证码已关。", EN: "One-time codes are off."},
	"me.signout":      {ZH: "退出登录", EN: "Sign out"},
	"factor.title":    {ZH: "开通手机验证码", EN: "Turn on one-time codes"},
	"factor.scan":     {ZH: "1. 用手机上的验证器应用扫这个码", EN: "1. Scan this with the authenticator on your phone"},
	"factor.qr":       {ZH: "二维码", EN: "QR code"},
	"factor.type":     {ZH: "扫不了就输入：", EN: "Or type it in:"},
	"factor.code":     {ZH: "2. 输入它显示的 6 位数字", EN: "2. Type the 6 digits that it shows"},
	"factor.do":       {ZH: "开通", EN: "Turn on"},
	"factor.done":     {ZH: "开通了。请把恢复码抄下来", EN: "It is on. Write the recovery codes down"},
	"factor.keep":     {ZH: "手机丢了，用一个恢复码登录；每个只能用一次，只显示这一回。", EN: "If the phone is lost, sign in with a recovery code. Each works once; they are shown only now."},
	"factor.noted":    {ZH: "抄好了", EN: "I have them"},
}

func (rq *request) mePage() (*mePage, error) {
	p := &mePage{frame: frame{Title: rq.words.say("me.title"), Sub: rq.session.User.Name}, Login: rq.session.User.Login}
	list, more, err := rq.app.opt.Accounts.Sessions(rq.Context(), rq.user(), rq.session.ID)
	if err != nil {
		return nil, err
	}
	p.More = more
	for _, x := range list {
		p.Sessions = append(p.Sessions, meSession{x, x.ID == rq.session.ID})
	}
	p.Factor, err = rq.app.opt.Accounts.FactorOf(rq.Context(), rq.user())
	return p, err
}

func showMe(rq *request) error {
	p, err := rq.mePage()
	if err != nil {
		return err
	}
	return rq.show("me", p)
}

func changePassword(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	if err := rq.app.opt.Accounts.ChangePassword(rq.Context(), rq.session, f.Get("old"), f.Get("password"), rq.client()); err != nil {
		return rq.meAgain(err, func(p *mePage, text string) { p.Error = text })
	}
	rq.toast("me.changed")
	return rq.see("/me")
}

// meAgain shows the page once more with what was wrong.
func (rq *request) meAgain(err error, put func(*mePage, string)) error {
	text, ok := rq.sentence(err)
	if !ok {
		return err
	}
	p, err := rq.mePage()
	if err != nil {
		return err
	}
	put(p, text)
	return rq.again("me", p)
}

func showFactor(rq *request) error {
	link, secret, sealed, err := rq.app.opt.Accounts.NewFactor(rq.session.User)
	if err != nil {
		return err
	}
	p := &factorPage{frame: frame{Title: rq.words.say("factor.title"), Back: "/me"}, Secret: secret, Sealed: sealed}
	if p.QR, err = look.QR(link, rq.words.say("factor.qr")); err != nil {
		return err
	}
	return rq.show("factor", p)
}

func confirmFactor(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p := &factorPage{frame: frame{Title: rq.words.say("factor.title"), Back: "/me"}, Sealed: f.Get("sealed")}
	if p.Recovery, err = rq.app.opt.Accounts.ConfirmFactor(rq.Context(), rq.session, p.Sealed, f.Get("code")); err == nil {
		p.Title = rq.words.say("factor.done")
		return rq.show("factor", p)
	}
	text, ok := rq.sentence(err)
	link, secret, pendingErr := rq.app.opt.Accounts.PendingFactor(rq.session.User, p.Sealed)
	if !ok || pendingErr != nil {
		return err
	}
	p.Error, p.Secret = text, secret
	if p.QR, err = look.QR(link, rq.words.say("factor.qr")); err != nil {
		return err
	}
	return rq.again("factor", p)
}

func dropFactor(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	if err := rq.app.opt.Accounts.DropFactor(rq.Context(), rq.session, f.Get("password"), rq.client()); err != nil {
		return rq.meAgain(err, func(p *mePage, text string) { p.Drop = text })
	}
	rq.toast("me.factor.gone")
	return rq.see("/me")
}

func endSessions(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	if err := rq.app.opt.Accounts.End(rq.Context(), rq.user(), f.Get("id"), rq.session.ID); err != nil {
		return err
	}
	rq.toast("me.session.done")
	return rq.see("/me")
}
