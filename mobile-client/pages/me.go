package pages

import "minqing/schema"

// mePage is 我的: what is one's own on this phone.
type mePage struct {
	frame
	Choices choices
	Langs   []choice
	Schemes []choice
	Ready   bool // there is a replica, and it is open
	PIN     bool
}

var meRoutes = []route{
	{pattern: "GET " + mePath, do: showMe, open: true},
	{pattern: "POST " + mePath + "/settings", do: saveSettings, open: true},
}

var meWords = words{
	"me.size":        {ZH: "字的大小", EN: "Size of text"},
	"me.size.plain":  {ZH: "标准", EN: "Standard"},
	"me.size.big":    {ZH: "大字版", EN: "Large"},
	"me.lang":        {ZH: "语言", EN: "Language"},
	"me.scheme":      {ZH: "深浅", EN: "Light or dark"},
	"me.scheme.auto": {ZH: "跟随手机", EN: "As the phone"},
	"me.light":       {ZH: "浅色", EN: "Light"},
	"me.dark":        {ZH: "深色", EN: "Dark"},
	"me.apply":       {ZH: "就这样用", EN: "Use these"},
	"me.pass":        {ZH: "换人用这部手机", EN: "Pass this phone on"},
	"me.lock":        {ZH: "现在锁上", EN: "Lock now"},
	"me.applied":     {ZH: "换好了。", EN: "Done."},
}

func showMe(rq *request) error {
	c := rq.app.settings.get()
	return rq.show("me", &mePage{frame: frame{Title: rq.words.say("tab.me"), Tab: "me"}, Choices: c, Ready: rq.replica != nil, PIN: rq.app.opt.Phone.HasPIN(),
		Langs: []choice{{"zh", "中文", c.Lang == schema.ZH}, {"en", "English", c.Lang == schema.EN}},
		Schemes: []choice{{"", rq.words.say("me.scheme.auto"), c.Scheme == ""}, {"light", rq.words.say("me.light"), c.Scheme == "light"},
			{"dark", rq.words.say("me.dark"), c.Scheme == "dark"}}})
}

func saveSettings(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	c := choices{Lang: schema.Lang(rq.PostForm.Get("lang")), Big: rq.PostForm.Get("size") == "big", Scheme: rq.PostForm.Get("scheme")}
	if !c.valid() {
		return errNotFound
	}
	if err := rq.app.settings.set(c); err != nil {
		return err
	}
	rq.words = tongue(c.Lang)
	rq.toast("me.applied")
	return rq.see(mePath)
}
