package console

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/store"
)

// page is a struct that embeds frame.
type page interface{ framed() *frame }

// frame is what every page says of itself. Nav names its line of the rail; Back is where the arrow leads; Wide pages lay out their own
// columns below the header.
type frame struct {
	Title string
	Sub   string // beside the title
	Nav   string
	Back  string
	Wide  bool
	Bare  bool // no rail: pages before signing in
	Shell shell
}

func (f *frame) framed() *frame { return f }

// shell is what the layout adds to every page.
type shell struct {
	Tag     string // the language, as HTML names it
	Lang    schema.Lang
	Scheme  string
	CSS, JS string
	Nonce   string
	Now     time.Time
	Here    string // where a change of language comes back to
	Signed  bool
	Name    string
	Role    string
	Place   string // name of the place
	At      string // address of the place
	Nav     []navGroup
	Toast   *toast
}

type navGroup struct {
	Title string
	Items []navItem
}

type navItem struct {
	Key, Icon, Path, Label string
	Current                bool
}

// nav is the rail, in its order: who may open a page sees its line.
var nav = []struct {
	group string // its title is nav.<group>, the first has none
	key   string
	icon  string
	path  string // below /at/{place}
}{
	{"", "review", "list", "/review"},
	{"", "coverage", "grid", "/coverage"},
	{"", "cadres", "users", "/cadres"},
	{"", "matters", "matter", "/matters"},
	{"", "numbers", "chart", "/numbers"},
	{"", "conflicts", "split", "/conflicts"},
	{"", "refused", "stop", "/refused"},
	{"people", "devices", "phone", "/devices"},
	{"people", "users", "users", "/users"},
	{"people", "homes", "house", "/homes"},
	{"people", "tree", "tree", "/tree"},
	{"people", "teams", "list", "/teams"},
	{"people", "assign", "assign", "/assign"},
	{"people", "import", "download", "/import"},
	{"running", "audit", "eye", "/audit"},
	{"running", "health", "pulse", "/health"},
	{"running", "settings", "gear", "/settings"},
}

var frameWords = words{
	"app":           {ZH: "民情通", EN: "Minqing"},
	"skip":          {ZH: "跳到正文", EN: "Skip to the page"},
	"nav":           {ZH: "页面", EN: "Pages"},
	"back":          {ZH: "返回", EN: "Back"},
	"undo":          {ZH: "撤销", EN: "Undo"},
	"settings":      {ZH: "我的账号和设置", EN: "My account and settings"},
	"place.choose":  {ZH: "换一个地方", EN: "Choose another place"},
	"place.title":   {ZH: "选一个地方", EN: "Choose a place"},
	"place.yours":   {ZH: "归您管的地方", EN: "Places in your charge"},
	"place.below":   {ZH: "下级", EN: "Below it"},
	"place.none":    {ZH: "这里还没有给您的页面", EN: "No page is yours here yet"},
	"place.none.t":  {ZH: "您的账号还没有在网页上办的事，手机上照常用。有疑问请找管理员。", EN: "Your account has nothing to do on these pages; the phone works as ever. Ask the administrator if in doubt."},
	"day.yesterday": {ZH: "昨天", EN: "yesterday"},
	"ago.minutes":   {ZH: "{0} 分钟", EN: "{0} minute|{0} minutes"},
	"ago.hours":     {ZH: "{0} 小时", EN: "{0} hour|{0} hours"},
	"ago.days":      {ZH: "{0} 天", EN: "{0} day|{0} days"},
}

var frameHandlers = map[string]handler{
	"GET /{$}":        showStart,
	"GET /at/{place}": showPlaces,
	"POST /settings":  saveSettings,
}

// fit puts a page into the shell.
func (rq *request) fit(f *frame) error {
	s := shell{Tag: map[tongue]string{"zh": "zh-CN", "en": "en"}[rq.words], Lang: schema.Lang(rq.words), CSS: rq.app.css.Path, JS: rq.app.js.Path, Nonce: rq.nonce, Now: rq.now, Here: "/"}
	if rq.Method == http.MethodGet {
		s.Here = rq.URL.RequestURI()
	}
	if v := rq.cookie(cookieScheme); v == "dark" || v == "light" {
		s.Scheme = v
	}
	if raw := rq.cookie(cookieSaid); raw != "" {
		if b, err := base64.RawURLEncoding.DecodeString(raw); err == nil {
			t := &toast{}
			if json.Unmarshal(b, t) == nil && t.Text != "" && local(t.Undo) {
				s.Toast = t
			}
		}
		rq.setCookie(cookieSaid, "", -time.Second)
	}
	if rq.signed && !f.Bare {
		if rq.place.ID == "" && rq.rights != nil {
			if _, err := rq.settle(); err != nil {
				return err
			}
		}
		s.Signed, s.Name = true, rq.session.User.Name
		if rq.place.ID != "" {
			s.Place, s.At = rq.place.Name, rq.at("")
			s.Role = rq.roleLabel()
			rq.fitNav(&s, f.Nav)
		}
	}
	f.Shell = s
	return nil
}

// roleLabel is what the caller is here, in words.
func (rq *request) roleLabel() string {
	var parts []string
	for _, r := range rq.roles {
		parts = append(parts, schema.RoleLabel(r).In(schema.Lang(rq.words)))
	}
	return schema.Lang(rq.words).Join(parts)
}

func (rq *request) fitNav(s *shell, current string) {
	for _, n := range nav {
		if !rq.may("GET /at/{place}" + n.path) {
			continue
		}
		if len(s.Nav) == 0 || s.Nav[len(s.Nav)-1].Title != n.group {
			s.Nav = append(s.Nav, navGroup{Title: n.group})
		}
		g := &s.Nav[len(s.Nav)-1]
		g.Items = append(g.Items, navItem{Key: n.key, Icon: n.icon, Path: rq.at(n.path), Label: rq.words.say("nav." + n.key), Current: n.key == current})
	}
	for i := range s.Nav {
		if s.Nav[i].Title != "" {
			s.Nav[i].Title = rq.words.say("nav." + s.Nav[i].Title)
		}
	}
}

// local tells whether an address leads to a page of this site ("" does).
func local(path string) bool {
	return path == "" || strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsAny(path, "\\\r\n")
}

// showStart sends whoever is signed in to his first page, anybody else to the sign-in.
func showStart(rq *request) error {
	if !rq.signed {
		return rq.see("/signin")
	}
	first, err := rq.settle()
	switch {
	case err != nil:
		return err
	case first != "":
		return rq.see(first)
	}
	if places := rq.rights.Places(rq.now.UnixMilli()); len(places) > 0 {
		return rq.see("/at/" + places[0])
	}
	return rq.show("places", &placesPage{frame: frame{Title: rq.words.say("place.title")}})
}

// settle makes the first place where the caller has a page the place of this request, and gives that page; "" when there is none.
func (rq *request) settle() (first string, err error) {
	for _, id := range rq.rights.Places(rq.now.UnixMilli()) {
		err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
			if rq.place, err = placeOf(tx, id); err == nil {
				rq.roles = rq.rights.Roles(tx.Now(), rq.place.Above)
			}
			return err
		})
		if err != nil {
			return "", err
		}
		for _, n := range nav {
			if rq.may("GET /at/{place}" + n.path) {
				return rq.at(n.path), nil
			}
		}
	}
	rq.place, rq.roles = place{}, nil
	return "", nil
}

// placesPage lets somebody choose the place that his pages are about.
type placesPage struct {
	frame
	Yours, Below []placeLink
	Here         placeLink
}

type placeLink struct{ Name, Level, Path string }

func showPlaces(rq *request) error {
	p := &placesPage{frame: frame{Title: rq.words.say("place.title"), Sub: rq.place.Name}}
	level := rq.app.opt.Engine.Book.Table("place").Column("level")
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		p.Yours, p.Below = nil, nil
		read := func(into *[]placeLink, where string, arg any) error {
			return tx.Each(func(scan func(...any) error) error {
				var id, name, lv string
				err := scan(&id, &name, &lv)
				*into = append(*into, placeLink{Name: name, Level: level.Show(schema.Text(lv), schema.Lang(rq.words), nil), Path: rq.app.start(rq, id)})
				return err
			}, "SELECT id, COALESCE(name, ''), COALESCE(level, '') FROM place WHERE "+where+" ORDER BY code, name, id", arg)
		}
		if err := read(&p.Yours, "id = ANY(?)", rq.rights.Places(tx.Now())); err != nil {
			return err
		}
		return read(&p.Below, "parent = ?", rq.place.ID)
	})
	if err != nil {
		return err
	}
	return rq.show("places", p)
}

// start is where a link to a place leads: the first page that is the caller's here, in that place.
func (a *App) start(rq *request, id string) string {
	for _, n := range nav {
		if rq.may("GET /at/{place}" + n.path) {
			return "/at/" + id + n.path
		}
	}
	return "/at/" + id
}

// settingsLife is how long a browser remembers its language and colours.
const settingsLife = 400 * 24 * time.Hour

// saveSettings keeps the language and the colours of this browser.
func saveSettings(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	if v := f.Get("lang"); v == string(schema.ZH) || v == string(schema.EN) {
		rq.setCookie(cookieLang, v, settingsLife)
	}
	switch v := f.Get("scheme"); v {
	case "light", "dark":
		rq.setCookie(cookieScheme, v, settingsLife)
	case "auto":
		rq.setCookie(cookieScheme, "", -time.Second)
	}
	to := f.Get("to")
	if to == "" || !local(to) {
		to = "/"
	}
	return rq.see(to)
}
