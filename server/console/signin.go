package console

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"minqing/server/console/account"
)

// signinPage asks who it is. Kept is a form that was sent by somebody whose session had ended: it goes along, and comes back.
type signinPage struct {
	frame
	Login    string
	To       string
	Error    string
	Provider string
	Insecure bool
	Kept     *kept
}

// kept is a form on its way through the sign-in. Of a file that was chosen only its name goes along: it lies where it was chosen.
type kept struct {
	Path   string
	Fields []keptField
	Files  []keptField // by field, the name of the file
}

type keptField struct{ Name, Value string }

// codePage asks for the second proof.
type codePage struct {
	frame
	To, Error string
	Kept      *kept
}

// resumePage gives a kept form back.
type resumePage struct {
	frame
	Kept *kept
}

// linkPage lets the holder of a one-time link choose his password.
type linkPage struct {
	frame
	Name, Login string
	Error       string
	Code        string
	Insecure    bool
}

var signinHandlers = map[string]handler{
	"GET /signin":           showSignin,
	"POST /signin":          doSignin,
	"GET /signin/code":      showCode,
	"POST /signin/code":     doCode,
	"GET /signin/oidc":      beginOIDC,
	"GET /signin/oidc/back": finishOIDC,
	"GET /link/{code}":      showLink,
	"POST /link/{code}":     useLink,
	"POST /signout":         doSignout,
}

var signinWords = words{
	"signin.title":    {ZH: "登录", EN: "Sign in"},
	"signin.login":    {ZH: "登录名", EN: "Login"},
	"signin.password": {ZH: "密码", EN: "Password"},
	"signin.do":       {ZH: "登录", EN: "Sign in"},
	"signin.oidc":     {ZH: "用{0}登录", EN: "Sign in with {0}"},
	"signin.kept":     {ZH: "登录过期了。您刚才写的都在，登录后接着做。", EN: "Your session had ended. What you wrote is kept; sign in and go on."},
	"signin.file":     {ZH: "选的文件“{0}”没有留下，登录后要再选一次。", EN: "The file “{0}” that you chose was not kept; choose it again after signing in."},
	"signin.resume":   {ZH: "已在别处登录，接着做", EN: "I have signed in elsewhere: go on"},
	"signin.insecure": {ZH: "这个地址没有加密，密码会被人看到，所以不能在这里登录。请用 https:// 开头的地址。", EN: "This address is not encrypted and a password could be read on its way, so nobody signs in here. Use the address that begins with https://."},
	"signin.forgot":   {ZH: "第一次登录，或者忘了密码：请管理员给您一个一次性链接。", EN: "First time here, or forgot your password: ask the administrator for a one-time link."},
	"code.title":      {ZH: "再证明一次", EN: "One more proof"},
	"code.label":      {ZH: "验证码", EN: "Code"},
	"code.help":       {ZH: "手机验证器上的 6 位数字，或者一个恢复码", EN: "the 6 digits on your phone, or a recovery code"},
	"code.do":         {ZH: "继续", EN: "Continue"},
	"resume.title":    {ZH: "接着做", EN: "Go on"},
	"resume.text":     {ZH: "您刚才写的都在，还没有提交。", EN: "What you wrote is kept, and not submitted yet."},
	"resume.file":     {ZH: "请再选一次文件“{0}”", EN: "Choose the file “{0}” again"},
	"resume.do":       {ZH: "现在提交", EN: "Submit it now"},
	"resume.drop":     {ZH: "不要了", EN: "Drop it"},
	"link.title":      {ZH: "设一个密码", EN: "Choose a password"},
	"link.hello":      {ZH: "{0}，您的登录名是 <b>{1}</b>。", EN: "{0}, your login is <b>{1}</b>."},
	"link.help":       {ZH: "至少 10 个字，一句自己记得住的话最好；常见的密码不收。", EN: "10 characters at least, best a sentence you remember; common passwords are not taken."},
	"link.do":         {ZH: "设好并登录", EN: "Set it and sign in"},
}

// askAgain is the answer to whoever is not signed in, or no more. What he posted goes along.
func (rq *request) askAgain() error {
	if rq.Method != http.MethodPost {
		return rq.see("/signin?" + url.Values{"to": {rq.URL.RequestURI()}}.Encode())
	}
	k, err := rq.keep()
	if err != nil {
		return err
	}
	return rq.answer(http.StatusUnauthorized, "signin", rq.signin(&signinPage{Kept: k}))
}

// keep reads what was posted. A file is read past, as far as the route takes one, and not held: a browser that is answered while it is still
// sending shows no answer, and nobody is signed in who could fill a disk.
func (rq *request) keep() (*kept, error) {
	k := &kept{Path: rq.URL.RequestURI()}
	if !rq.multipart() {
		f, err := rq.form()
		k.Fields = fieldsOf(f)
		return k, err
	}
	rq.Body = http.MaxBytesReader(rq.w, rq.body, max(rq.route.body, maxBody))
	parts, err := rq.MultipartReader()
	if err != nil {
		return nil, cutForm(err)
	}
	f := url.Values{}
	for left := int64(maxBody); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			k.Fields = fieldsOf(f)
			return k, nil
		}
		if err != nil {
			return nil, cutForm(err)
		}
		if part.FileName() != "" {
			k.Files = append(k.Files, keptField{part.FormName(), clipName(part.FileName())})
		}
		if part.FileName() != "" || part.Header.Get("Content-Type") != "" { // a file, or a field for one where none was chosen
			if _, err := io.Copy(io.Discard, part); err != nil {
				return nil, cutForm(err)
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return nil, cutForm(err)
		}
		if left -= int64(len(text)); left < 0 {
			return nil, &http.MaxBytesError{Limit: maxBody}
		}
		f.Add(part.FormName(), string(text))
	}
}

func (rq *request) signin(p *signinPage) *signinPage {
	p.Title, p.Bare, p.Insecure = rq.words.say("signin.title"), true, !rq.secure() && !rq.local()
	if rq.app.opt.Provider != nil {
		p.Provider = rq.app.opt.Provider.Name()
	}
	return p
}

func fieldsOf(f url.Values) (out []keptField) {
	for name, values := range f {
		for _, v := range values {
			out = append(out, keptField{name, v})
		}
	}
	slices.SortStableFunc(out, func(a, b keptField) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// keptPrefix marks the fields of a kept form among those of the sign-in.
const keptPrefix = "kept."

// keptFilePrefix marks the names of files that were chosen in it.
const keptFilePrefix = "keptfile."

// keptIn reads a kept form back. Its path must be one of ours, or the sign-in would be a way to send people elsewhere.
func keptIn(f url.Values) *kept {
	k := &kept{Path: f.Get("keptpath")}
	if k.Path == "" || !local(k.Path) {
		return nil
	}
	inner, files := url.Values{}, url.Values{}
	for name, values := range f {
		if rest, ok := strings.CutPrefix(name, keptPrefix); ok {
			inner[rest] = values
		} else if rest, ok := strings.CutPrefix(name, keptFilePrefix); ok {
			files[rest] = values
		}
	}
	k.Fields, k.Files = fieldsOf(inner), fieldsOf(files)
	return k
}

// Prefix is the prefix, and FilePrefix that of files, for templates.
func (kept) Prefix() string     { return keptPrefix }
func (kept) FilePrefix() string { return keptFilePrefix }

func target(f url.Values) string {
	if to := f.Get("to"); to != "" && local(to) {
		return to
	}
	return "/"
}

func showSignin(rq *request) error {
	to := target(rq.URL.Query())
	if rq.signed {
		return rq.see(to)
	}
	return rq.show("signin", rq.signin(&signinPage{To: to}))
}

func doSignin(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p := rq.signin(&signinPage{Login: f.Get("login"), To: target(f), Kept: keptIn(f)})
	if p.Insecure {
		return rq.again("signin", p)
	}
	token, stage, err := rq.app.opt.Accounts.SignIn(rq.Context(), f.Get("login"), f.Get("password"), rq.client())
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p.Error = text
		rq.noteRetry(err)
		return rq.again("signin", p)
	}
	return rq.enter(token, stage, p.To, p.Kept)
}

// enter hands the session over and goes on: to the code, to the form that was kept, or to the page wanted.
func (rq *request) enter(token string, stage account.Stage, to string, k *kept) error {
	rq.setCookie(cookieSession, token, 0)
	if stage == account.NeedsCode {
		return rq.show("code", &codePage{frame: frame{Title: rq.words.say("code.title"), Bare: true}, To: to, Kept: k})
	}
	x, ok, err := rq.app.opt.Accounts.Session(rq.Context(), token)
	if err != nil {
		return err
	}
	if ok {
		known, err := rq.app.opt.Accounts.Known(x.User.Login)
		if err != nil {
			return err
		}
		rq.setCookie(cookieKnown, known, settingsLife)
	}
	if k != nil {
		return rq.show("resume", &resumePage{frame: frame{Title: rq.words.say("resume.title"), Bare: true}, Kept: k})
	}
	return rq.see(to)
}

func showCode(rq *request) error {
	return rq.show("code", &codePage{frame: frame{Title: rq.words.say("code.title"), Bare: true}, To: target(rq.URL.Query())})
}

func doCode(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p := &codePage{frame: frame{Title: rq.words.say("code.title"), Bare: true}, To: target(f), Kept: keptIn(f)}
	token, err := rq.app.opt.Accounts.Prove(rq.Context(), rq.session, f.Get("code"), rq.client())
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p.Error = text
		rq.noteRetry(err)
		return rq.again("code", p)
	}
	return rq.enter(token, account.Full, p.To, p.Kept)
}

func doSignout(rq *request) error {
	if rq.signed {
		if err := rq.app.opt.Accounts.End(rq.Context(), rq.user(), rq.session.ID, ""); err != nil {
			return err
		}
	}
	rq.setCookie(cookieSession, "", -time.Second)
	rq.w.Header().Set("Clear-Site-Data", `"cache"`)
	return rq.see("/signin")
}

// beginOIDC sends the browser to the provider.
func beginOIDC(rq *request) error {
	if rq.app.opt.Provider == nil {
		return errNotFound
	}
	link, carry, err := rq.app.opt.Provider.Begin(rq.Context())
	if err != nil {
		return err
	}
	rq.setCookie(cookieWay, carry, 10*time.Minute)
	http.Redirect(rq.w, rq.Request, link, http.StatusSeeOther)
	return nil
}

// finishOIDC takes what the provider sent back. The provider has proven whatever it asks for: no code of ours comes on top.
func finishOIDC(rq *request) error {
	if rq.app.opt.Provider == nil {
		return errNotFound
	}
	q := rq.URL.Query()
	rq.setCookie(cookieWay, "", -time.Second)
	subject, login, err := rq.app.opt.Provider.Finish(rq.Context(), rq.cookie(cookieWay), q.Get("state"), q.Get("code"))
	if err != nil {
		return err
	}
	token, err := rq.app.opt.Accounts.Admit(rq.Context(), rq.app.opt.Provider.Issuer(), subject, login, rq.client())
	if err != nil {
		return err
	}
	return rq.enter(token, account.Full, "/", nil)
}

func showLink(rq *request) error {
	code := rq.PathValue("code")
	u, err := rq.app.opt.Accounts.LinkFor(rq.Context(), code)
	if err != nil {
		return err
	}
	return rq.show("link", &linkPage{frame: frame{Title: rq.words.say("link.title"), Bare: true}, Name: u.Name, Login: u.Login, Code: code, Insecure: !rq.secure() && !rq.local()})
}

func useLink(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	code := rq.PathValue("code")
	u, err := rq.app.opt.Accounts.LinkFor(rq.Context(), code)
	if err != nil {
		return err
	}
	p := &linkPage{frame: frame{Title: rq.words.say("link.title"), Bare: true}, Name: u.Name, Login: u.Login, Code: code, Insecure: !rq.secure() && !rq.local()}
	if p.Insecure {
		return rq.again("link", p)
	}
	token, stage, err := rq.app.opt.Accounts.UseLink(rq.Context(), code, f.Get("password"), rq.client())
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p.Error = text
		return rq.again("link", p)
	}
	return rq.enter(token, stage, "/", nil)
}

// action marks an address of our own for a form.
func (k *kept) Action() template.URL { return template.URL(k.Path) } // #nosec G203 -- held to be a local path by keptIn
