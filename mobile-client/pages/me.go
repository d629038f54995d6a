package pages

import (
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/schema"
)

// mePage is 我的: what is one's own on this phone.
type mePage struct {
	frame
	Choices choices
	Langs   []choice
	Schemes []choice
	Ready   bool // there is a replica, and it is open
	PIN     bool
	Real    bool // nobody practises
	May     bool // there is practice
	Month   field.Month
	MonthN  string
	Used    string
}

// devicePage is this phone: what it is called and how it stands with its server.
type devicePage struct {
	frame
	Facts [][2]string
	Note  string
}

var meRoutes = []route{
	{pattern: "GET " + mePath, do: showMe, open: true},
	{pattern: "POST " + mePath + "/settings", do: saveSettings, open: true},
	{pattern: "GET " + mePath + "/phone", do: showDevice, entry: true},
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
	"me.month":       {ZH: "{0} 月您做了", EN: "Your {0}"},
	"me.month.note":  {ZH: "只给您自己看，不排名。", EN: "For your eyes only; nothing ranks it."},
	"me.visits":      {ZH: "次走访", EN: "visits"},
	"me.homes":       {ZH: "户走到", EN: "homes reached"},
	"me.matters":     {ZH: "件记下的事", EN: "matters raised"},
	"me.answered":    {ZH: "件送到的答复", EN: "answers brought"},
	"me.device":      {ZH: "这部手机", EN: "This phone"},
	"me.name":        {ZH: "使用人", EN: "Used by"},
	"me.number":      {ZH: "设备编号", EN: "Device"},
	"me.since":       {ZH: "登记时间", EN: "Enrolled"},
	"me.version":     {ZH: "程序版本", EN: "Version"},
	"me.server":      {ZH: "服务器", EN: "Server"},
	"me.contact":     {ZH: "上次连上", EN: "Last contact"},
	"me.lease":       {ZH: "最晚再连", EN: "Contact due by"},
	"me.clock":       {ZH: "手机的钟", EN: "This phone’s clock"},
	"me.clock.fine":  {ZH: "和服务器一致", EN: "agrees with the server’s"},
	"me.clock.fast":  {ZH: "快 {0} 分钟", EN: "{0} minute fast|{0} minutes fast"},
	"me.clock.slow":  {ZH: "慢 {0} 分钟", EN: "{0} minute slow|{0} minutes slow"},
	"me.clock.note":  {ZH: "手机的钟不准。记录照样算数，时间以服务器的为准；有空请把钟调准。", EN: "This phone’s clock is off. Records count all the same, by the server’s time; please set it when you can."},
	"me.used":        {ZH: "这个月用的流量", EN: "Data this month"},
	"me.used.paid":   {ZH: "{0}，其中手机流量 {1}", EN: "{0}, of it {1} mobile"},
	"me.unknown":     {ZH: "没有记下", EN: "not noted"},
}

func showMe(rq *request) error {
	c, l := rq.app.settings.get(), rq.words
	p := &mePage{frame: frame{Title: l.say("tab.me"), Tab: "me"}, Choices: c, Ready: rq.replica != nil, PIN: rq.phone.HasPIN(), Real: !rq.practising(), May: rq.app.opt.Practice != "",
		Langs: []choice{{"zh", "中文", c.Lang == schema.ZH}, {"en", "English", c.Lang == schema.EN}},
		Schemes: []choice{{"", l.say("me.scheme.auto"), c.Scheme == ""}, {"light", l.say("me.light"), c.Scheme == "light"},
			{"dark", l.say("me.dark"), c.Scheme == "dark"}}}
	if !p.Ready {
		return rq.show("me", p)
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	var used phone.Used
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if used, err = rq.phone.Used(v); err != nil {
			return err
		}
		p.Month, err = field.MonthOf(v, me, rq.now)
		return err
	}); err != nil {
		return err
	}
	p.MonthN = l.say("me.month", int(rq.now.Month()))
	if l == "en" {
		p.MonthN = l.say("me.month", rq.now.Month().String())
	}
	p.Used = size(used.Total())
	return rq.show("me", p)
}

func showDevice(rq *request) error {
	l := rq.words
	me, err := rq.me()
	if err != nil {
		return err
	}
	c, err := rq.replica.Contact(rq.Context())
	if err != nil {
		return err
	}
	var name, post string
	var used phone.Used
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if used, err = rq.phone.Used(v); err != nil {
			return err
		}
		_, err = v.One(`SELECT coalesce(name, ''), coalesce(post, '') FROM "user" WHERE id = ?`, []any{string(me)}, &name, &post)
		return err
	}); err != nil {
		return err
	}
	at := func(ms int64, none string) string {
		if ms == 0 {
			return l.say(none)
		}
		return l.moment(time.UnixMilli(ms).In(rq.app.opt.Zone), rq.now)
	}
	p := &devicePage{frame: frame{Title: l.say("me.device"), Back: mePath}}
	add := func(key, value string) {
		if value != "" {
			p.Facts = append(p.Facts, [2]string{l.say(key), value})
		}
	}
	if post != "" {
		name = l.say("home.by", name, post)
	}
	add("me.name", name)
	add("me.number", deviceNumber(rq.device.ID))
	add("me.since", at(rq.device.Since, "me.unknown"))
	add("me.version", rq.app.opt.Version)
	add("me.server", rq.device.Server)
	add("me.contact", at(c.At, "sync.never"))
	if c.Ends != 0 {
		add("me.lease", l.date(time.UnixMilli(c.Ends).In(rq.app.opt.Zone).Format(time.DateOnly), rq.now))
	}
	clock, off := rq.clock(c.Offset)
	if c.At != 0 {
		add("me.clock", clock)
	}
	if off && c.At != 0 {
		p.Note = l.say("me.clock.note")
	}
	data := size(used.Total())
	if used.Metered > 0 {
		data = l.say("me.used.paid", data, size(used.Metered))
	}
	add("me.used", data)
	return rq.show("device", p)
}

// clock says how far this phone's clock is from the server's; off is true when that is worth a note.
func (rq *request) clock(behind int64) (text string, off bool) {
	const fine, worth = time.Minute, 10 * time.Minute
	d := time.Duration(behind) * time.Millisecond
	minutes := int(d.Abs() / time.Minute)
	switch {
	case d.Abs() < fine:
		return rq.words.say("me.clock.fine"), false
	case d < 0:
		return rq.words.say("me.clock.fast", minutes), d.Abs() >= worth
	}
	return rq.words.say("me.clock.slow", minutes), d.Abs() >= worth
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
