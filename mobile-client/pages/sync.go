package pages

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"minqing/internal/look"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// syncPage is 同步: one sentence, one button, and below it everything of one's own that is not simply on the server.
type syncPage struct {
	frame
	Icon, Head, Text string
	Running          bool
	Refused, Told    []fate
	Waiting          []fate
	Photos           []photoLine
	Box              []fate
	Notices          []noticeRow
	Lapsed           bool // the lease has run out
	WaitingN         int
	Upto             int64 // the last of the notices
	Used             string
	Low              string // said while the phone is nearly full
	Filling          *filling
	Portal           string
	Newer            *phone.Update
}

// fate is one change of one's own, and what became of it.
type fate struct {
	ID       syncproto.Identity
	Title    string
	Text     string
	Chip     template.HTML
	At       time.Time
	Mendable bool
	Decided  bool // somebody has decided: his decision is to be seen
}

// photoLine is a photo that is not on the server yet.
type photoLine struct {
	Title, Text string
	Done, Bytes int64
}

var syncRoutes = []route{
	{pattern: "GET " + syncPath, do: showSync, entry: true},
	{pattern: "POST " + syncPath, do: syncNow, entry: true},
	{pattern: "GET " + syncPath + "/c/{change}", do: showFate},
	{pattern: "POST " + syncPath + "/c/{change}/seen", do: seenFate},
	{pattern: "POST " + syncPath + "/notices", do: seenNotices, entry: true},
	{pattern: "POST " + syncPath + "/c/{change}/withdraw", do: withdraw},
	{pattern: "GET " + syncPath + "/c/{change}/mend", do: showMend},
	{pattern: "POST " + syncPath + "/c/{change}/mend", do: saveMend, keeps: true},
	{pattern: "POST " + syncPath + "/photos", do: leavePhotos, entry: true},
}

var syncWords = words{
	"sync.title":        {ZH: "同步", EN: "Sync"},
	"sync.again":        {ZH: "再试一次", EN: "Try again"},
	"sync.now":          {ZH: "现在同步", EN: "Sync now"},
	"sync.running":      {ZH: "正在同步", EN: "Syncing"},
	"sync.running.text": {ZH: "不用等，可以接着做别的。", EN: "No need to wait; go on with your work."},
	"sync.all":          {ZH: "都已上传。", EN: "All is sent."},
	"sync.some":         {ZH: "{0} 条还没上传。", EN: "{0} change not sent yet.|{0} changes not sent yet."},
	"sync.self":         {ZH: "有网会自动上传。", EN: "It goes up by itself."},
	"sync.last":         {ZH: "上次连上：{0}", EN: "Last contact: {0}"},
	"sync.never":        {ZH: "还没有连上过。", EN: "No contact yet."},
	"sync.here":         {ZH: "{0} 条都在本机，一条不少。", EN: "{0} change is on this phone, nothing is missing.|{0} changes are on this phone, nothing is missing."},
	"trouble.offline":   {ZH: "没有网，{0} 条先存在本机。", EN: "No network; {0} change waits on this phone.|No network; {0} changes wait on this phone."},
	"trouble.portal":    {ZH: "连上了 Wi-Fi，但要先登录这个网络。", EN: "Connected, but this network wants you to sign in first."},
	"trouble.foreign":   {ZH: "回话的不是民情通的服务器。", EN: "What answered is not Minqing’s server."},
	"trouble.cert":      {ZH: "服务器的证书对不上，为安全起见没有上传。", EN: "The server’s certificate does not fit; for safety nothing was sent."},
	"trouble.unknown":   {ZH: "服务器不认得这部手机了，请向管理员要新的登记码。", EN: "The server does not know this phone any more; ask your administrator for a new code."},
	"trouble.denied":    {ZH: "服务器没有让这部手机上传，请问问管理员。", EN: "The server does not let this phone send; ask your administrator."},
	"trouble.old":       {ZH: "程序太旧，服务器不收了。照常记，更新后接着传。", EN: "This program is too old for the server. Go on recording; it is sent after the update."},
	"trouble.busy":      {ZH: "服务器正忙，过一会儿自动再传。", EN: "The server is busy; it goes up by itself in a while."},
	"trouble.broken":    {ZH: "服务器出了问题，过一会儿自动再传。", EN: "The server has trouble; it goes up by itself in a while."},
	"trouble.other":     {ZH: "本机这次没有同步成，过一会儿自动再试。", EN: "This phone could not sync this time; it tries again by itself."},
	"sync.needs":        {ZH: "要您处理", EN: "Needs you"},
	"sync.told":         {ZH: "告诉您一声", EN: "For you to know"},
	"sync.waits":        {ZH: "等着上传", EN: "Waiting to go up"},
	"sync.n":            {ZH: "{0} 条", EN: "{0}"},
	"sync.mend":         {ZH: "改好再传", EN: "Mend and resend"},
	"sync.withdraw":     {ZH: "撤回", EN: "Withdraw"},
	"sync.withdrawn":    {ZH: "撤回了。您写的还留着，能看。", EN: "Withdrawn. What you wrote is kept and can be seen."},
	"sync.mended":       {ZH: "改好了，有网自动上传。", EN: "Mended; it goes up by itself."},
	"sync.boxed":        {ZH: "移交箱", EN: "Hand-over box"},
	"sync.boxed.text":   {ZH: "已不归您联系的户，您写的在这里等着上传", EN: "households no longer yours: what you wrote waits here until the server has it"},
	"sync.photo":        {ZH: "照片", EN: "Photo"},
	"sync.photo.row":    {ZH: "{0}，等记录先传", EN: "{0}, its record goes first"},
	"sync.photo.wifi":   {ZH: "{0}，等 Wi-Fi", EN: "{0}, waits for Wi-Fi"},
	"sync.photo.part":   {ZH: "{1} 中已传 {0}", EN: "{0} of {1} sent"},
	"sync.leave":        {ZH: "用流量也传照片", EN: "Send photos over mobile data"},
	"sync.left":         {ZH: "照片这就接着传。", EN: "The photos go on now."},
	"fate.refused":      {ZH: "{0}，服务器没有接受。<b>改好再传就行</b>，您写的都在。", EN: "{0}; the server did not accept it. <b>Mend and resend</b>, all you wrote is here."},
	"fate.conflicted":   {ZH: "您和别人写得不一样，先按原来的用。<b>管理员来定</b>，定了告诉您。", EN: "You and another wrote differently; the old value holds. <b>An administrator decides</b>, and you will be told."},
	"fate.merged":       {ZH: "您和别人都补了内容，<b>两人的话都留着</b>，不用做什么。", EN: "You and another both added to it; <b>both are kept</b>, nothing to do."},
	"fate.late":         {ZH: "这户已不归您联系。您是之前去的，<b>照样算数</b>。", EN: "This household is no longer yours. You went before that, so <b>it counts</b>."},
	"fate.toolate":      {ZH: "到得太晚，要有人看过才能收。您写的都在。", EN: "It came too late; somebody has to look at it first. All you wrote is here."},
	"fate.letin":        {ZH: "没有通过的这条，管理员看过，<b>替您收下了</b>，不用再改。", EN: "It had been refused; an administrator has looked and <b>let it in for you</b>. Nothing to mend."},
	"fate.away":         {ZH: "收下过，管理员又撤回了，<b>现在不算数</b>，等着再定。您写的都在。", EN: "It was taken once, and an administrator took that back: <b>it does not count now</b> and waits for a decision. All you wrote is here."},
	"fate.left":         {ZH: "到得太晚，管理员看过，没有收，不算数。您写的都在。", EN: "It came too late; an administrator has looked and did not take it. All you wrote is here."},
	"fate.kept":         {ZH: "管理员定了，采用您写的。", EN: "Decided: what you wrote stands."},
	"fate.outvoted":     {ZH: "管理员定了，采用了别人写的，您写的留着。", EN: "Decided: what another wrote stands; yours is kept."},
	"fate.outvotes":     {ZH: "{0}这一项采用了别人写的，您写的留着，点开能看。", EN: "{0}: what another wrote stands; yours is kept, tap to see it."},
	"fate.third":        {ZH: "管理员定了，另写了一个，您写的留着。", EN: "Decided: a new value stands; yours is kept."},
	"fate.withdrawn":    {ZH: "您撤回了，您写的留着。", EN: "You withdrew it; what you wrote is kept."},
	"fate.waits":        {ZH: "还在本机，有网自动上传。", EN: "Still on this phone; it goes up by itself."},
	"fate.sent":         {ZH: "已在服务器上。", EN: "It is on the server."},
	"fate.mine":         {ZH: "您写的", EN: "You wrote"},
	"fate.now":          {ZH: "现在是", EN: "It is now"},
	"fate.none":         {ZH: "空着", EN: "empty"},
	"fate.seen":         {ZH: "知道了", EN: "Noted"},
	"fate.elsewhere":    {ZH: "已不在本机的户", EN: "a household no longer here"},
	"chip.refused":      {ZH: "未通过", EN: "Refused"},
	"chip.conflicted":   {ZH: "等决定", EN: "To be decided"},
	"chip.decided":      {ZH: "定了", EN: "Decided"},
	"chip.merged":       {ZH: "已合并", EN: "Merged"},
	"chip.letin":        {ZH: "已收下", EN: "Let in"},
	"chip.late":         {ZH: "晚到，已收", EN: "Late, taken"},
}

// seenKey is under which the phone keeps that the author has noted a fate.
func seenKey(id syncproto.Identity, state string) string { return "seen/" + string(id) + "/" + state }

func showSync(rq *request) error {
	ph := rq.phone
	s, err := ph.StatusOf(rq.Context(), rq.replica)
	if err != nil {
		return err
	}
	entries, err := rq.replica.Entries(rq.Context())
	if err != nil {
		return err
	}
	p := &syncPage{frame: frame{Title: rq.words.say("sync.title"), Back: todayPath}, Running: s.Running, Low: rq.lowSpace()}
	waiting, mended := 0, replica.Mended(entries) // these need nobody any more
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		used, err := rq.phone.Used(v)
		if err != nil {
			return err
		}
		p.Used = size(used.Total())
		for _, e := range entries {
			f, kind, err := rq.fate(v, e)
			if err != nil {
				return err
			}
			if e.State == replica.Pending {
				waiting++
			}
			switch {
			case e.State == replica.Pending && e.Boxed:
				f.Mendable = false
				p.Box = append(p.Box, f)
			case e.State == replica.Pending:
				p.Waiting = append(p.Waiting, f)
			case e.State == replica.Refused && !mended[e.Identity]:
				p.Refused = append(p.Refused, f)
			case kind != "" && (e.State == replica.Accepted || e.LetIn()):
				seen, err := v.Local(seenKey(e.Identity, kind))
				if err != nil {
					return err
				}
				if seen == nil {
					p.Told = append(p.Told, f)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, list := range [][]fate{p.Refused, p.Told, p.Waiting, p.Box} {
		slices.Reverse(list) // the newest first
	}
	if p.Filling, err = rq.filling(s); err != nil {
		return err
	}
	if p.Portal, err = rq.portal(s); err != nil {
		return err
	}
	if p.Newer, err = rq.newer(); err != nil {
		return err
	}
	if err := rq.photoLines(p, s); err != nil {
		return err
	}
	if err := rq.noticeRows(p, entries); err != nil {
		return err
	}
	contact, err := rq.replica.Contact(rq.Context())
	if err != nil {
		return err
	}
	if contact.Lapse { // locked: no page names a household
		p.Lapsed, p.WaitingN = true, waiting
		p.Refused, p.Told, p.Waiting, p.Box, p.Photos = nil, nil, nil, nil, nil
	}
	rq.head(p, s, waiting, contact)
	return rq.show("sync", p)
}

// head is the sentence on how things stand.
func (rq *request) head(p *syncPage, s phone.Status, waiting int, c replica.Contact) {
	last := rq.words.say("sync.never")
	if c.At != 0 {
		last = rq.words.say("sync.last", rq.words.moment(time.UnixMilli(c.At).In(rq.now.Location()), rq.now))
	}
	switch {
	case s.Running:
		p.Icon, p.Head, p.Text = "sync", rq.words.say("sync.running"), rq.words.say("sync.running.text")
		rq.w.Header().Set("Refresh", "3")
	case s.Trouble == pump.Offline:
		p.Icon, p.Head, p.Text = "offline", rq.words.say("trouble.offline", waiting), rq.words.say("sync.self")+" "+last
	case s.Trouble != pump.Fine:
		p.Icon, p.Head, p.Text = "alert", rq.trouble(s.Trouble, nil), rq.words.say("sync.here", waiting)
		if s.Trouble == pump.Portal {
			p.Icon = "wifi"
		}
	case waiting > 0:
		p.Icon, p.Head, p.Text = "phone", rq.words.say("sync.some", waiting), rq.words.say("sync.self")+" "+last
	default:
		p.Icon, p.Head, p.Text = "cloud", rq.words.say("sync.all"), last
	}
}

// trouble is the sentence of a trouble; an error of another kind says its own.
func (rq *request) trouble(t pump.Trouble, err error) string {
	switch {
	case t == pump.Offline && err != nil:
		return rq.sentence(err)
	case t == pump.Offline:
		return rq.words.say("trouble.offline", 0)
	case (t == pump.Other || t == pump.Denied || t == pump.Unknown) && err != nil:
		return rq.sentence(err)
	}
	return rq.words.say("trouble." + string(t))
}

// fate says what became of a change. kind is "" where nothing has to be told.
func (rq *request) fate(v *replica.View, e replica.Entry) (f fate, kind string, err error) {
	f = fate{ID: e.Identity, Mendable: !e.Boxed}
	if e.Change.At != 0 { // of what left with its household nothing is known but what became of it
		f.At = time.UnixMilli(e.Change.At).In(rq.now.Location())
	}
	if f.Title, err = rq.changeTitle(v, e); err != nil {
		return f, "", err
	}
	chip := func(class, icon, key string) {
		f.Chip = template.HTML(`<span class="chip `+class+`">`) + look.Icon(icon) + rq.words.html(key) + `</span>` // #nosec G203 -- our own words
	}
	again, away := false, false
	if e.Verdict != nil {
		again, away = e.Verdict.TakenAway()
	}
	switch ver := e.Verdict; {
	case e.State == replica.Withdrawn:
		chip("local", "x", "sync.withdraw")
		f.Text = rq.words.say("fate.withdrawn")
	case e.State == replica.Pending || ver == nil:
		chip("local", "phone", "chip.phone")
		f.Text = rq.words.say("fate.waits")
	case e.LetIn():
		chip("read", "check", "chip.letin")
		kind = "letin"
	case e.State == replica.Refused:
		chip("stop", "stop", "chip.refused")
		kind, f.Text = "refused", rq.refusal(ver)
	case ver.Status == syncproto.Conflicted && !open(ver):
		chip("read", "check", "chip.decided")
		kind, f.Decided = "decided", true
		for _, i := range ver.Items {
			if i.Outcome == "kept" || i.Outcome == "outvoted" || i.Outcome == "third" {
				f.Text = rq.words.say("fate." + i.Outcome)
			}
		}
	case ver.Status == syncproto.Conflicted:
		chip("act", "split", "chip.conflicted")
		kind = "conflicted"
		if ver.Late {
			kind = "toolate"
		}
	case away && again:
		chip("act", "split", "chip.conflicted")
		kind = "away"
	case away:
		chip("stop", "stop", "chip.refused")
		kind = "left"
	case ver.Late:
		chip("sent", "clock", "chip.late")
		kind = "late"
	case len(hidden(ver)) > 0:
		chip("sent", "merge", "chip.merged")
		kind, f.Text = "outvotes", rq.words.say("fate.outvotes", rq.cellNames(hidden(ver)))
	case ver.Status == syncproto.Merged:
		chip("sent", "merge", "chip.merged")
		kind = "merged"
	default:
		chip("sent", "cloud", "chip.server")
		f.Text = rq.words.say("fate.sent")
	}
	if kind != "" && kind != "refused" {
		if named := rq.namedFate(e.Verdict, kind); named != "" {
			f.Text = named
		}
	}
	if f.Text == "" && kind != "" {
		f.Text = rq.words.say("fate." + kind)
	}
	return f, kind, nil
}

// refusal is why a change was refused, to be gone on with. What is wrong with a value is said without what to do about it: the page has the button.
func (rq *request) refusal(v *syncproto.Verdict) string {
	text := rq.words.of(v.Message)
	returned := slices.ContainsFunc(v.Items, func(i syncproto.ItemNote) bool { return i.Outcome == "outvoted" }) // with words, which stand last
	if v.Code == syncproto.CodeInvalid && !returned {
		text, _, _ = strings.Cut(text, map[tongue]string{"zh": "。", "en": ". "}[rq.words])
	}
	return strings.TrimRight(text, "。.")
}

// open tells that some item of a verdict waits for its decision.
func open(v *syncproto.Verdict) bool {
	return slices.ContainsFunc(v.Items, func(i syncproto.ItemNote) bool { return i.Outcome == "" })
}

// changeTitle names a change by household and what it touched. A household that left the phone is named nowhere.
func (rq *request) changeTitle(v *replica.View, e replica.Entry) (string, error) {
	var parts []string
	home := ""
	for _, edit := range e.Change.Edits {
		t := rq.replica.Book().Table(edit.Table)
		if t == nil {
			continue
		}
		for _, label := range rq.touched(t, edit) {
			if !slices.Contains(parts, label) {
				parts = append(parts, label)
			}
		}
		id := string(edit.Row)
		if edit.Table != "household" {
			id = ""
			for _, c := range edit.Cells {
				if c.Cell == "household" {
					id = c.Value.Str()
				}
			}
			if id == "" && t.Column("household") != nil {
				if _, err := v.One("SELECT coalesce(household, '') FROM "+schema.Quote(t.Name)+" WHERE id = ?", []any{string(edit.Row)}, &id); err != nil {
					return "", err
				}
			}
		}
		if home == "" && id != "" {
			if _, err := v.One(`SELECT coalesce(head, '') FROM household WHERE id = ?`, []any{id}, &home); err != nil {
				return "", err
			}
		}
	}
	if len(parts) == 0 {
		return rq.words.say("fate.elsewhere"), nil
	}
	what := strings.Join(parts, map[tongue]string{"zh": "、", "en": ", "}[rq.words])
	if home == "" {
		return what, nil
	}
	return rq.words.say("home", home) + " · " + what, nil
}

// touched says what an edit is about: the columns that a correction of the register changes, else the kind of record.
func (rq *request) touched(t *schema.Table, e syncproto.Edit) (labels []string) {
	lang := schema.Lang(rq.words)
	if e.Op == syncproto.OpUpdate && (t.Name == "household" || t.Name == "resident") {
		for _, c := range e.Cells {
			if column := t.Column(c.Cell); column != nil {
				labels = append(labels, column.Label.In(lang))
			}
		}
	}
	if len(labels) == 0 {
		labels = []string{t.Label.In(lang)}
	}
	return labels
}

func (rq *request) photoLines(p *syncPage, s phone.Status) error {
	list, err := rq.replica.Contents(rq.Context(), "")
	if send := rq.phone.Sender(); send != nil && err == nil {
		list, err = send.Waiting(rq.Context())
	}
	for _, c := range list {
		if !c.Own || c.Sent {
			continue
		}
		text := rq.words.say("sync.photo.part", size(c.Done), size(c.Bytes))
		switch {
		case !c.Ready:
			text = rq.words.say("sync.photo.row", size(c.Bytes))
		case s.Metered && !c.Leave:
			text = rq.words.say("sync.photo.wifi", size(c.Bytes))
		}
		p.Photos = append(p.Photos, photoLine{rq.words.say("sync.photo"), text, c.Done, c.Bytes})
	}
	return err
}

// size writes a number of bytes as people do.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func syncNow(rq *request) error {
	rq.phone.Sync()
	return rq.see(syncPath)
}

func leavePhotos(rq *request) error {
	send := rq.phone.Sender()
	if send == nil {
		return errNotFound
	}
	if err := send.Hurry(rq.Context(), true); err != nil {
		return err
	}
	rq.phone.Sync()
	rq.toast("sync.left")
	return rq.see(syncPath)
}
