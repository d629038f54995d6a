package pages

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/internal/webpage"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// noticeRow is something the author is told that no change of his on the list tells already.
type noticeRow struct {
	Icon, Text string
	At         time.Time
}

var noticeWords = words{
	"notice.outvoted":   {ZH: "{0}采用了别人写的。", EN: "{0}: what another wrote stands."},
	"notice.decided":    {ZH: "{0}定了，采用您写的。", EN: "{0}: decided, what you wrote stands."},
	"notice.unreadable": {ZH: "别的程序写进来的一个值存不下：{0}", EN: "A value that another program wrote could not be kept: {0}"},
	"notice.triggers":   {ZH: "这个文件被别的程序动过，保护已经补上。那段时间里别的程序写的可能没记下。", EN: "Another program altered this file; its safeguards were put back. What other programs wrote meanwhile may be missing."},
	"notice.repaired":   {ZH: "有一部分数据和服务器对不上，已经自动补齐。您写的都在。", EN: "Some data differed from the server’s and was made good by itself. All you wrote is here."},
	"notice.copied":     {ZH: "这份数据被复制到过别处，为防混淆换了设备编号。您写的都在。", EN: "This data had been copied elsewhere; it has a new device number, so that nothing is mixed up. All you wrote is here."},
	"notice.fork":       {ZH: "服务器从备份恢复过，您写过的已全部重新交上去，不用再做什么。", EN: "The server came back from a backup; all that you wrote was handed in again. Nothing to do."},
	"notice.boxed":      {ZH: "有一户不归您联系了，您为它写的放进了移交箱，照样上传。", EN: "A household is no longer yours; what you wrote for it waits in the hand-over box and still goes up."},
	"notice.seen":       {ZH: "都知道了", EN: "All noted"},
	"low.space":         {ZH: "手机快满了，还剩 {0}。文字照常记，大约还能拍 {1} 张照片。", EN: "This phone is nearly full: {0} left. Text goes on as always; about {1} more photo fits.|This phone is nearly full: {0} left. Text goes on as always; about {1} more photos fit."},
	"low.none":          {ZH: "手机满了，只剩 {0}。文字还能记，照片先别拍；删掉些别的东西就好。", EN: "This phone is full: {0} left. Text can still be written; take no photos before you have removed other things."},
	"when.wrote":        {ZH: "您写的时间", EN: "You wrote it"},
	"when.decided":      {ZH: "决定到本机", EN: "The decision came"},
	"when.decides":      {ZH: "谁来定", EN: "Who decides"},
	"when.admin":        {ZH: "管理员。定了会告诉您。", EN: "An administrator. You will be told."},
	"when.seen":         {ZH: "看决定", EN: "See the decision"},
}

// The room that is worth a word: early enough to clear up at home, and hardly any.
const (
	lowSpace   = 500 << 20
	noSpace    = 5 << 20
	photoTakes = 350 << 10 // a photo with its thumbnail and its pages
)

// lowSpace says that the phone is nearly full, "" while it is not. Nothing is refused for it.
func (rq *request) lowSpace() string {
	free, known := rq.app.free(rq)
	switch {
	case !known || free >= lowSpace:
		return ""
	case free < noSpace:
		return rq.words.say("low.none", size(free))
	}
	n := int(free / photoTakes)
	if n > 100 { // “about”: two figures are enough
		n = n / 10 * 10
	}
	text := rq.words.say("low.space", size(free), n)
	if rq.words == "en" { // the number that chooses the form is the second
		text = strings.ReplaceAll(strings.Split(catalogue["low.space"].EN, "|")[min(1, max(0, n-1))], "{0}", size(free))
		text = strings.ReplaceAll(text, "{1}", webpage.Count(n))
	}
	return text
}

// hidden are the cells of a change that were merged, and of which another's value shows.
func hidden(v *syncproto.Verdict) (out []syncproto.MergeNote) {
	for _, m := range v.Merges {
		if !m.Shows {
			out = append(out, m)
		}
	}
	return out
}

// cellNames names cells as forms do.
func (rq *request) cellNames(list []syncproto.MergeNote) string {
	var names []string
	for _, m := range list {
		if name := rq.cellName(m.Table, m.Cell); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, map[tongue]string{"zh": "、", "en": ", "}[rq.words])
}

func (rq *request) cellName(table, cell string) string {
	if def := rq.replica.Book().Cell(table, cell); def != nil && len(def.Columns) > 0 {
		return def.Columns[0].Label.In(schema.Lang(rq.words))
	}
	if t := rq.replica.Book().Table(table); t != nil {
		return t.Label.In(schema.Lang(rq.words))
	}
	return rq.words.say("fate.elsewhere")
}

// told are the kinds that the list of changes tells, as long as the change is in the file.
var told = []replica.NoticeKind{replica.NoticeRefused, replica.NoticeOutvoted, replica.NoticeOpen, replica.NoticeDecided, replica.NoticeBoxed}

// noticeRows lists what was not seen and no change on the page tells, the newest first.
func (rq *request) noticeRows(p *syncPage, entries []replica.Entry) error {
	list, err := rq.replica.Notices(rq.Context(), false)
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(list) {
		here := slices.ContainsFunc(entries, func(e replica.Entry) bool { return e.Identity == n.Identity })
		if here && slices.Contains(told, n.Kind) || n.Kind == replica.NoticeRefused || n.Kind == replica.NoticeOpen {
			continue
		}
		r := noticeRow{Icon: "guide", At: time.UnixMilli(n.At).In(rq.app.opt.Zone)}
		switch n.Kind {
		case replica.NoticeOutvoted, replica.NoticeDecided:
			r.Icon, r.Text = "split", rq.words.say("notice."+string(n.Kind), rq.cellName(n.Table, n.Cell))
		case replica.NoticeUnreadable:
			r.Icon, r.Text = "alert", rq.words.say("notice.unreadable", n.Text)
		case replica.NoticeTriggers:
			r.Icon, r.Text = "alert", rq.words.say("notice.triggers")
		default:
			if _, known := noticeWords["notice."+string(n.Kind)]; !known {
				continue
			}
			r.Text = rq.words.say("notice." + string(n.Kind))
		}
		p.Notices, p.Upto = append(p.Notices, r), max(p.Upto, n.Ord)
	}
	return nil
}

// seenNotices marks as seen what the page showed.
func seenNotices(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	upto, err := strconv.ParseInt(rq.PostForm.Get("upto"), 10, 64)
	if err != nil {
		return damagedForm(err)
	}
	if err := rq.replica.Seen(rq.Context(), upto); err != nil {
		return err
	}
	return rq.see(syncPath)
}

// whens are the dates of a change: when it was written, and when the phone learnt what became of it.
func (rq *request) whens(e replica.Entry, kind string) (out [][2]string, err error) {
	at := func(ms int64) string { return rq.words.moment(time.UnixMilli(ms).In(rq.app.opt.Zone), rq.now) }
	out = append(out, [2]string{rq.words.say("when.wrote"), at(e.Change.At)})
	if kind == "conflicted" || kind == "toolate" || kind == "away" {
		out = append(out, [2]string{rq.words.say("when.decides"), rq.decider(e)})
	}
	out = append(out, rq.peopleLines(e, kind)...)
	if kind != "decided" {
		return out, nil
	}
	list, err := rq.replica.Notices(rq.Context(), true)
	for _, n := range list {
		if n.Identity == e.Identity && (n.Kind == replica.NoticeDecided || n.Kind == replica.NoticeOutvoted) {
			out = append(out, [2]string{rq.words.say("when.decided"), rq.cellName(n.Table, n.Cell) + map[tongue]string{"zh": "，", "en": ", "}[rq.words] + at(n.At)})
		}
	}
	return out, err
}
