package pages

import (
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
)

// updatePage offers a newer version of the app that the server has.
type updatePage struct {
	frame
	Update  *phone.Update
	Size    string
	Here    string
	Metered bool
}

const updatePath = "/update"

var updateRoutes = []route{
	{pattern: "GET " + updatePath, do: showUpdate, entry: true},
	{pattern: "POST " + updatePath + "/fetch", do: fetchUpdate, entry: true},
	{pattern: "POST " + updatePath + "/install", do: installUpdate, entry: true},
}

var updateWords = words{
	"update.title":   {ZH: "新版", EN: "New version"},
	"update.none":    {ZH: "现在用的就是最新的", EN: "This is the newest version"},
	"update.none.t":  {ZH: "服务器上有了新版，会在“同步”里告诉您。", EN: "When the server has a newer one, “Sync” tells you."},
	"update.offer":   {ZH: "服务器上有新版 {0}", EN: "The server has version {0}"},
	"update.offer.t": {ZH: "装不装由您定。装了，写过的都还在；不装，照常记。", EN: "Whether to install it is up to you. All you wrote stays; without it you go on recording."},
	"update.size":    {ZH: "大小", EN: "Size"},
	"update.here":    {ZH: "已下", EN: "Here"},
	"update.free":    {ZH: "连上 Wi-Fi 会自动下，断了接着下。", EN: "It comes by itself over Wi-Fi, and goes on after a break."},
	"update.fetch":   {ZH: "现在就下", EN: "Fetch it now"},
	"update.cost":    {ZH: "用流量下", EN: "Fetch it over mobile data"},
	"update.fetched": {ZH: "在下了，可以接着做别的。", EN: "It is coming; go on with your work."},
	"update.ready":   {ZH: "下好了，核对过，和这个程序是同一家签的名。", EN: "It is here and checked: signed by who signed this program."},
	"update.install": {ZH: "安装", EN: "Install"},
	"update.asked":   {ZH: "手机会再问您一次。", EN: "The phone asks you once more."},
	"update.foreign": {ZH: "这个新版不是同一家签的名，没有收下。请告诉管理员。", EN: "It is not signed by who signed this program, and was not taken. Tell your administrator."},
}

// newer is what there is to offer; nil: nothing.
func (rq *request) newer() (u *phone.Update, err error) {
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		u, err = rq.phone.Update(v)
		return err
	})
	return u, err
}

func showUpdate(rq *request) error {
	p := &updatePage{frame: frame{Title: rq.words.say("update.title"), Back: syncPath}, Metered: rq.phone.Status().Metered}
	var err error
	if p.Update, err = rq.newer(); err != nil {
		return err
	}
	if p.Update != nil {
		p.Size, p.Here = size(p.Update.Bytes), size(p.Update.Here)
	}
	return rq.show("update", p)
}

func fetchUpdate(rq *request) error {
	if err := rq.phone.WantUpdate(rq.Context(), rq.replica); err != nil {
		return err
	}
	rq.toast("update.fetched")
	return rq.see(updatePath)
}

func installUpdate(rq *request) error {
	if err := rq.replica.View(rq.Context(), rq.phone.InstallUpdate); err != nil {
		return err
	}
	rq.toast("update.asked")
	return rq.see(updatePath)
}
