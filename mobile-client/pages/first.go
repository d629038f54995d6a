package pages

import (
	"fmt"
	"net/url"
	"time"

	"minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
)

// firstPage shows the first sync: how far it has come, and that one need not wait for it.
type firstPage struct {
	frame
	Filling *filling
	Rows    int // that came, where the server does not say how many there will be
	Used    string
	Running bool
	Trouble string
	Portal  string // where to sign in to the network; empty: no need
}

// filling is what a first sync or a new assignment has brought so far.
type filling struct {
	phone.Filling
	Here    int // households that can be visited
	Used    string
	Left    string // about how long it takes; empty: that cannot be told
	Running bool
}

const firstPath = enrolPath + "/first"

var firstRoutes = []route{
	{pattern: "GET " + firstPath, do: showFirst, entry: true},
}

var firstWords = words{
	"first.title":    {ZH: "正在准备这部手机", EN: "Getting this phone ready"},
	"first.ready":    {ZH: "这部手机准备好了", EN: "This phone is ready"},
	"first.of":       {ZH: "{0} 条中已到 {1} 条", EN: "{1} of {0} rows here"},
	"first.homesof":  {ZH: "已收到 {1} 户，共 {0} 户", EN: "{1} of {0} home here|{1} of {0} homes here"},
	"first.begin":    {ZH: "第一户已经能用", EN: "the first can be used"},
	"first.rows":     {ZH: "已到 <b>{0}</b> 条", EN: "<b>{0}</b> row here|<b>{0}</b> rows here"},
	"first.used":     {ZH: "已用流量 {0}", EN: "{0} of data used"},
	"first.left":     {ZH: "约还要 {0}", EN: "about {0} left"},
	"first.secs":     {ZH: "{0} 秒", EN: "{0} second|{0} seconds"},
	"first.mins":     {ZH: "{0} 分钟", EN: "{0} minute|{0} minutes"},
	"first.hours":    {ZH: "{0} 小时", EN: "{0} hour|{0} hours"},
	"first.register": {ZH: "联系户和家里人", EN: "Homes and people"},
	"first.homes":    {ZH: "到齐，{0} 户", EN: "all {0} here"},
	"first.past":     {ZH: "一年来的记录", EN: "The past year’s records"},
	"first.coming":   {ZH: "正在到", EN: "coming in"},
	"first.later":    {ZH: "排在后面", EN: "comes after"},
	"first.on":       {ZH: "正在下，今天要办的先到。", EN: "Coming in, today’s work first."},
	"first.done":     {ZH: "到齐了。", EN: "All here."},
	"first.cut":      {ZH: "断了网也不要紧，下次从这里接着来。", EN: "If the network breaks, it goes on from here."},
	"first.start":    {ZH: "先用起来，后台接着下", EN: "Start now, the rest comes by itself"},
	"portal.go":      {ZH: "去登录这个网络", EN: "Sign in to this network"},
	"first.go":       {ZH: "开始用", EN: "Start"},
}

func showFirst(rq *request) error {
	s, err := rq.phone.StatusOf(rq.Context(), rq.replica)
	if err != nil {
		return err
	}
	p := &firstPage{frame: frame{Title: rq.words.say("first.title"), Back: todayPath}, Rows: int(s.Rows), Used: size(s.Bytes), Running: s.Running}
	if p.Filling, err = rq.filling(s); err != nil {
		return err
	}
	if s.Trouble != pump.Fine {
		p.Trouble = rq.words.say("first.cut")
		if s.Trouble != pump.Offline {
			p.Trouble = rq.trouble(s.Trouble, nil)
		}
	}
	if p.Portal, err = rq.portal(s); err != nil {
		return err
	}
	switch {
	case s.Running:
		rq.w.Header().Set("Refresh", "2")
	case p.Filling == nil && p.Trouble == "":
		p.Title = rq.words.say("first.ready")
	}
	return rq.show("first", p)
}

// portal is an address that a network which wants a sign-in shows its own page at: the server's, without encryption. It is opened outside
// of the app. Empty: the network wants none.
func (rq *request) portal(s phone.Status) (string, error) {
	if s.Trouble != pump.Portal {
		return "", nil
	}
	d, err := rq.replica.Device(rq.Context())
	if err != nil {
		return "", err
	}
	u, err := url.Parse(d.Server)
	if err != nil || u.Hostname() == "" {
		return "", nil //nolint:nilerr // enrolment took no such address
	}
	return (&url.URL{Scheme: "http", Host: u.Hostname(), Path: "/"}).String(), nil
}

// filling is what there is to say of a filling; nil when none is under way.
func (rq *request) filling(s phone.Status) (*filling, error) {
	if s.Filling.Total == 0 {
		return nil, nil
	}
	f := &filling{Filling: s.Filling, Used: size(s.Filling.Bytes), Left: rq.about(s.Filling.Left), Running: s.Running}
	err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		_, err := v.One(`SELECT count(*) FROM household`, nil, &f.Here)
		return err
	})
	return f, err
}

// about is a time as one says it: 40 seconds, 3 minutes.
func (rq *request) about(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Second:
		return rq.words.say("first.secs", 10)
	case d < 100*time.Second:
		return rq.words.say("first.secs", int(d.Round(10*time.Second).Seconds()))
	case d < 100*time.Minute:
		return rq.words.say("first.mins", int(d.Round(time.Minute).Minutes()))
	}
	return rq.words.say("first.hours", int(d.Round(time.Hour).Hours()))
}

// Figure is the part that has come, large.
func (f *filling) Figure() string { return fmt.Sprintf("%d%%", f.Percent()) }
