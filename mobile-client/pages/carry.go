package pages

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"minqing/mobile-client/phone"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// carriedPage is 代传: one's own outbox that colleagues took along, and theirs that this phone carries.
type carriedPage struct {
	frame
	Own, Theirs []parcelLine
	Waiting     int // changes that could be carried
	Note, Fail  string
}

// parcelLine is one parcel in words.
type parcelLine struct {
	phone.Parcel
	Time       time.Time
	Title      string
	Text       string
	Icon       string
	Sendable   bool // its receipt can be handed on
	Forgetable bool
}

const carriedPath = syncPath + "/carried"

var carryRoutes = []route{
	{pattern: "POST " + syncPath + "/carry", do: exportOutbox, entry: true},
	{pattern: "GET " + carriedPath, do: showCarried, entry: true},
	{pattern: "POST " + carriedPath, do: takeCarried, entry: true, body: courier.MaxFile + maxBody},
	{pattern: "POST " + carriedPath + "/{id}/receipt", do: giveReceipt, entry: true},
	{pattern: "POST " + carriedPath + "/{id}/drop", do: dropParcel, entry: true},
}

var carryWords = words{
	"sync.carry":          {ZH: "请同事代传", EN: "Let a colleague carry it"},
	"sync.carry.none":     {ZH: "没有要带的，都已上传。", EN: "Nothing to carry: all is sent."},
	"carry.title":         {ZH: "代传", EN: "Carried by hand"},
	"carry.shared":        {ZH: "写成了一个文件，发给同事就行。内容只有服务器能打开。", EN: "It is in a file: send it to a colleague. Only the server can open it."},
	"download.shared":     {ZH: "选一个应用，保存或发送这个文件。", EN: "Choose an app to keep or send the file."},
	"carry.own":           {ZH: "请人带的", EN: "Mine, carried by others"},
	"carry.theirs":        {ZH: "替人带的", EN: "Others’, carried by me"},
	"carry.none":          {ZH: "没有代传的文件", EN: "Nothing is carried"},
	"carry.none.text":     {ZH: "自己没有网，同事有网时，可以请他代传；也可以替同事带。", EN: "Where you have no network and a colleague has, the colleague can carry it; and you can carry theirs."},
	"carry.changes":       {ZH: "{0} 条记录", EN: "{0} record|{0} records"},
	"carry.back":          {ZH: "回执回来了，{0} 条都有结果。", EN: "The receipt came back; {0} is settled.|The receipt came back; all {0} are settled."},
	"carry.settled":       {ZH: "都已上传，回执不用等了。", EN: "All is sent; the receipt is not needed any more."},
	"carry.waits":         {ZH: "还有 {0} 条没有结果，等回执，或等有网自动上传。", EN: "{0} has no answer yet: it waits for the receipt, or for a network.|{0} have no answer yet: they wait for the receipt, or for a network."},
	"carry.theirs.one":    {ZH: "同事的文件", EN: "A colleague’s file"},
	"carry.theirs.waits":  {ZH: "在本机，有网自动交。", EN: "On this phone; it is handed in by itself."},
	"carry.theirs.in":     {ZH: "交上去了。把回执发回给他。", EN: "Handed in. Send the receipt back."},
	"carry.theirs.photo":  {ZH: "交上去了，没有回执要带。", EN: "Handed in; there is no receipt to take back."},
	"carry.theirs.no":     {ZH: "服务器没有收：{0}请对方重新导出。", EN: "The server did not take it: {0} Ask for another export."},
	"carry.receipt":       {ZH: "发回执", EN: "Send the receipt"},
	"carry.receipt.sent":  {ZH: "选一个应用，把回执发给他。", EN: "Choose an app and send the receipt."},
	"carry.drop":          {ZH: "不用再列", EN: "Remove from the list"},
	"carry.take":          {ZH: "收下文件", EN: "Take in a file"},
	"carry.file":          {ZH: "同事导出的文件，或带回来的回执", EN: "A colleague’s export, or a receipt brought back"},
	"carry.nofile":        {ZH: "请先选一个文件。", EN: "Choose a file first."},
	"carry.took.receipt":  {ZH: "回执收下了。", EN: "The receipt was taken in."},
	"carry.took.bundle":   {ZH: "收下了，有网自动交上去。", EN: "Taken in; it is handed in by itself."},
	"carry.took.no":       {ZH: "这个文件没有收下：不是给这部手机的，或不是民情通导出的。请对方重新发。", EN: "The file was not taken: it is not for this phone, or Minqing did not write it. Ask for it again."},
	"carry.took.unopened": {ZH: "文件留在本机，用口令打开后自动收下。", EN: "The file waits here and is taken in once the PIN was given."},
}

// Start is the page to begin with: that of enrolment, filled in, when the link of a code was opened; else the one that asks for the PIN, which
// leads on where none is wanted. A slow phone takes a moment for every page that only leads to another.
func Start(code string) string {
	if code == "" {
		return lockPath
	}
	return enrolPath + "?" + url.Values{"link": {code}}.Encode()
}

// Carried is the page that says what became of a file which another app shared.
func Carried(t phone.Took, err error) string {
	took := "bundle"
	switch {
	case err != nil:
		took = "no"
	case t.Later:
		took = "unopened"
	case t.Receipt:
		took = "receipt"
	}
	return carriedPath + "?took=" + took
}

func showCarried(rq *request) error {
	p := &carriedPage{}
	switch took := rq.URL.Query().Get("took"); took {
	case "receipt", "bundle", "unopened":
		p.Note = rq.words.say("carry.took." + took)
	case "no":
		p.Fail = rq.words.say("carry.took.no")
	}
	return rq.carried(http.StatusOK, p)
}

func (rq *request) carried(status int, p *carriedPage) error {
	p.frame = frame{Title: rq.words.say("carry.title"), Back: syncPath}
	all, err := rq.phone.Parcels(rq.Context(), rq.replica)
	if err != nil {
		return err
	}
	for _, one := range all {
		line := rq.parcel(one)
		if one.Own {
			p.Own = append(p.Own, line)
		} else {
			p.Theirs = append(p.Theirs, line)
		}
	}
	if p.Waiting, err = rq.replica.Waiting(rq.Context()); err != nil {
		return err
	}
	return rq.answer(status, "carried", p)
}

// parcel says how one stands.
func (rq *request) parcel(one phone.Parcel) parcelLine {
	n := len(one.Changes)
	l := parcelLine{Parcel: one, Time: time.UnixMilli(one.At).In(rq.now.Location()), Title: rq.words.say("carry.theirs.one"), Icon: "clock", Forgetable: true}
	switch {
	case one.Own && one.Waiting > 0:
		l.Title, l.Text, l.Forgetable = rq.words.say("carry.changes", n), rq.words.say("carry.waits", one.Waiting), false
	case one.Own && one.Back != 0:
		l.Title, l.Text, l.Icon = rq.words.say("carry.changes", n), rq.words.say("carry.back", n), "check"
	case one.Own:
		l.Title, l.Text, l.Icon = rq.words.say("carry.changes", n), rq.words.say("carry.settled"), "check"
	case one.Code != "":
		l.Text, l.Icon = rq.words.say("carry.theirs.no", rq.words.of(one.Problem)), "alert"
	case one.Handed == 0:
		l.Text, l.Forgetable = rq.words.say("carry.theirs.waits"), false
	case len(one.Receipt) == 0:
		l.Text, l.Icon = rq.words.say("carry.theirs.photo"), "check"
	default:
		l.Text, l.Icon, l.Sendable = rq.words.say("carry.theirs.in"), "check", true
	}
	return l
}

// exportOutbox gives the outbox as a file that only the server can read.
func exportOutbox(rq *request) error {
	file, n, err := rq.phone.Bundle(rq.Context(), rq.replica)
	if err != nil {
		return err
	}
	if n == 0 {
		rq.toast("sync.carry.none")
		return rq.see(syncPath)
	}
	return rq.hand("minqing-"+rq.now.Format("2006-01-02-1504")+".bundle", file, "carry.shared")
}

// hand gives a file to whoever takes it along: to another app through the shell, or to the browser's downloads.
func (rq *request) hand(name string, file []byte, word string) error {
	shared, err := rq.phone.Share(name, file)
	if err != nil {
		return err
	}
	if shared {
		rq.toast(word)
		return rq.see(carriedPath)
	}
	return rq.download(name, "application/octet-stream", file)
}

// takeCarried takes in a file that somebody handed over.
func takeCarried(rq *request) error {
	f, _, err := rq.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return rq.carried(http.StatusUnprocessableEntity, &carriedPage{Fail: rq.words.say("carry.nofile")})
	}
	if err != nil {
		return err
	}
	defer f.Close() // reading is over: nothing is lost by its error
	raw, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	took, err := rq.phone.TakeFile(rq.Context(), rq.replica, raw)
	var e *syncproto.Error
	if errors.As(err, &e) {
		return rq.carried(http.StatusUnprocessableEntity, &carriedPage{Fail: rq.words.say("carry.took.no")})
	}
	if err != nil {
		return err
	}
	return rq.see(Carried(took, nil))
}

// giveReceipt hands on the receipt for a colleague's outbox.
func giveReceipt(rq *request) error {
	all, err := rq.phone.Parcels(rq.Context(), rq.replica)
	if err != nil {
		return err
	}
	for _, one := range all {
		if !one.Own && one.ID == rq.PathValue("id") && len(one.Receipt) > 0 {
			return rq.hand("minqing-"+one.ID[:8]+".receipt", one.Receipt, "carry.receipt.sent")
		}
	}
	return errNotFound
}

func dropParcel(rq *request) error {
	if err := rq.phone.DropParcel(rq.Context(), rq.replica, rq.PathValue("id")); err != nil {
		return err
	}
	return rq.see(carriedPath)
}
