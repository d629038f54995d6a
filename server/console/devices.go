package console

import (
	"errors"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"minqing/internal/look"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/store"
	"minqing/syncproto"
)

// devicesPage lists the phones of the people of a place.
type devicesPage struct {
	frame
	Rows  []deviceRow
	List  string // address of the list
	Base  string
	Enrol string
	More  string
	Find  string
	Error string // about the login to be enrolled
	Login string
}

// deviceRow is one phone.
type deviceRow struct {
	ID             syncproto.DeviceID
	Login, Name    string
	Post           string
	Label          string
	Platform       string
	Client         string
	Contact        time.Time // zero: never
	Waiting        int
	Clock          time.Duration // positive: its clock is fast
	Revoked        time.Time     // zero: not
	Silent, Skewed bool
	Proof          deviceProof
}

// deviceProof is whether what a phone holds is what it should, as it last said.
type deviceProof struct {
	Told, Equal bool
	Since, At   time.Time
}

// devicePage is one phone, and what can be done about it.
type devicePage struct {
	frame
	Device deviceRow
	Revoke string
	Left   []deviceLeft // what it handed in after it was revoked
	More   bool         // and there is more than is listed
}

// deviceLeft is one change that a revoked phone had still to hand in.
type deviceLeft struct {
	Path     string // of the page of refused and late ones; "" when nothing is to be decided
	What     string
	Received time.Time
	Chip     auditRow
}

// enrolPage shows a one-time code to a phone.
type enrolPage struct {
	frame
	Name, Code string
	QR         template.HTML
	Until      time.Time
	Old        *deviceRow // the phone that it stands in for
}

var deviceHandlers = map[string]handler{
	"GET /at/{place}/devices":               showDevices,
	"POST /at/{place}/devices/enrol":        enrolDevice,
	"GET /at/{place}/devices/{row}":         showDevice,
	"POST /at/{place}/devices/{row}/revoke": revokeDevice,
}

var deviceWords = words{
	"nav.devices":       {ZH: "设备", EN: "Devices"},
	"nav.people":        {ZH: "手机和人", EN: "Phones and people"},
	"device.none":       {ZH: "还没有手机", EN: "No phones yet"},
	"device.none.t":     {ZH: "在上面填登录名，出一个登记码，让他用手机扫。", EN: "Type a login above to make an enrolment code, and let its owner scan it."},
	"device.nomatch":    {ZH: "没有找到", EN: "Nothing found"},
	"device.nomatch.t":  {ZH: "没有叫“{0}”的人的手机。", EN: "No phone of anybody called “{0}”."},
	"device.whose":      {ZH: "谁的", EN: "Whose"},
	"device.phone":      {ZH: "手机", EN: "Phone"},
	"device.version":    {ZH: "程序", EN: "Program"},
	"device.contact":    {ZH: "最近联系", EN: "Last contact"},
	"device.never":      {ZH: "从来没有", EN: "never"},
	"device.waiting":    {ZH: "还没交的", EN: "Waiting on it"},
	"device.waiting.n":  {ZH: "{0} 条（它自己说的）", EN: "{0} (as it said)"},
	"device.clock":      {ZH: "时钟", EN: "Clock"},
	"device.exact":      {ZH: "准", EN: "right"},
	"device.fast":       {ZH: "快 {0}", EN: "{0} fast"},
	"device.slow":       {ZH: "慢 {0}", EN: "{0} slow"},
	"device.state":      {ZH: "状态", EN: "State"},
	"device.ok":         {ZH: "在用", EN: "in use"},
	"device.silent":     {ZH: "久未联系", EN: "long silent"},
	"device.revoked":    {ZH: "已停用", EN: "revoked"},
	"device.find":       {ZH: "按姓名找", EN: "Find by name"},
	"device.search":     {ZH: "找", EN: "Find"},
	"device.enrol":      {ZH: "登记一部手机", EN: "Enrol a phone"},
	"device.login":      {ZH: "谁的（登录名）", EN: "Whose (login)"},
	"device.nobody":     {ZH: "这里没有登录名是“{0}”的人。", EN: "Nobody here has the login “{0}”."},
	"device.code":       {ZH: "登记码", EN: "Enrolment code"},
	"device.scan":       {ZH: "让{0}在手机上打开民情通，扫这个码，或者输入下面的登记码。只能用一次，{1}前有效。", EN: "Let {0} open Minqing on the phone and scan this, or type the code below. It works once, until {1}."},
	"device.qr":         {ZH: "登记二维码", EN: "Enrolment QR code"},
	"device.back":       {ZH: "回到设备", EN: "Back to the devices"},
	"device.stop":       {ZH: "停用这部手机", EN: "Revoke this phone"},
	"device.stop.t":     {ZH: "它下次联网时，先把没交的加密交给服务器保管，再把手机上的资料清掉。停用以后不能恢复，要用就重新登记。", EN: "At its next contact it first hands over, encrypted, what was not sent, and then wipes itself. This cannot be taken back; to use it again, enrol it anew."},
	"device.stop.do":    {ZH: "停用", EN: "Revoke"},
	"device.lost.do":    {ZH: "丢了：停用，并给他换一部", EN: "Lost: revoke it and enrol another"},
	"device.done":       {ZH: "已停用{0}的{1}。", EN: "{1} of {0} is revoked."},
	"device.replaced":   {ZH: "原来那部（{0}）已停用。", EN: "The old one ({0}) is revoked."},
	"device.nolabel":    {ZH: "没有名字的手机", EN: "a phone without a name"},
	"device.more":       {ZH: "下一页", EN: "Next page"},
	"device.unknown":    {ZH: "还不知道", EN: "not known yet"},
	"device.proof":      {ZH: "内容核对", EN: "Replica"},
	"device.proof.same": {ZH: "和服务器一致，从 {0} 起，{1} 最后核对", EN: "as the server's since {0}, last compared {1}"},
	"device.proof.off":  {ZH: "和服务器不一致，从 {0} 起；下次联网自动逐格补齐", EN: "differs from the server's since {0}; the next sync repairs it bucket by bucket"},
	"device.proof.none": {ZH: "还没有核对过", EN: "not compared yet"},
	"device.differs":    {ZH: "内容不一致", EN: "differs"},
	"device.left":       {ZH: "停用以后交来的", EN: "Handed in after it was revoked"},
	"device.left.t":     {ZH: "手机清空以前把没交的加密交了上来，都算晚到。要看过才能收的，点开来定。", EN: "Before it was wiped the phone handed over, encrypted, what was unsent; all of it is late. Open what needs a look, and decide."},
	"device.left.none":  {ZH: "还没有交来什么。它联网时会先交再清空；没有没交的，就什么也没有。", EN: "Nothing yet. When it is online it hands over first and wipes then; with nothing unsent there is nothing."},
	"device.left.more":  {ZH: "只列了最近的 {0} 条。", EN: "Only the newest {0} are listed."},
	"device.revoked.at": {ZH: "停用于 {0}", EN: "revoked {0}"},
}

// devicesListed is how many phones a page lists; silence and skew are what a phone is marked for.
const (
	devicesListed = 100
	longSilent    = 7 * 24 * time.Hour
	skewed        = 2 * time.Minute
)

// deviceColumns and deviceFrom read phones with whose they are.
const (
	deviceColumns = `d.id, COALESCE(u.login, ''), COALESCE(u.name, ''), COALESCE(u.post, ''), COALESCE(r.label, ''), COALESCE(r.platform, ''), d.client, d.last_contact, d.waiting, d.clock_offset, d.revoked, COALESCE(p.equal, -1), COALESCE(p.since_ms, 0), COALESCE(p.at_ms, 0)`
	deviceFrom    = ` FROM mq_device d JOIN "user" u ON u.id = d.user_id LEFT JOIN device r ON r.id = d.id LEFT JOIN mq_proof p ON p.device = d.id WHERE `
)

func (rq *request) devices(tx *store.Tx, where string, args ...any) ([]deviceRow, error) {
	var out []deviceRow
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms).In(rq.app.zone)
	}
	err := tx.Each(func(scan func(...any) error) error {
		var d deviceRow
		var contact, waiting, offset, revoked, equal, since, told int64
		if err := scan(&d.ID, &d.Login, &d.Name, &d.Post, &d.Label, &d.Platform, &d.Client, &contact, &waiting, &offset, &revoked, &equal, &since, &told); err != nil {
			return err
		}
		d.Contact, d.Revoked, d.Waiting, d.Clock = at(contact), at(revoked), int(waiting), -time.Duration(offset)*time.Millisecond
		d.Proof = deviceProof{Told: equal >= 0, Equal: equal == 1, Since: at(since), At: at(told)}
		d.Silent = contact == 0 || rq.now.Sub(d.Contact) > longSilent
		d.Skewed = d.Clock.Abs() > skewed
		if d.Label == "" {
			d.Label = rq.words.say("device.nolabel")
		}
		out = append(out, d)
		return nil
	}, "SELECT "+deviceColumns+deviceFrom+where, args...)
	return out, err
}

func showDevices(rq *request) error {
	p, err := rq.devicesPage()
	if err != nil {
		return err
	}
	return rq.show("devices", p)
}

// devicesPage reads a part of the list: from behind a phone, and only of people whose name holds what was asked for.
func (rq *request) devicesPage() (*devicesPage, error) {
	q := rq.URL.Query()
	p := &devicesPage{frame: frame{Title: rq.words.say("nav.devices"), Nav: "devices", Sub: rq.place.Name}, List: rq.at("/devices"), Base: rq.at("/devices/"), Enrol: rq.at("/devices/enrol"), Find: strings.TrimSpace(q.Get("q"))}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		where, args := "d.id > ?", []any{q.Get("after")}
		if !rq.ofCity() {
			ids, err := tx.PlacesBeneath(rq.place.ID)
			if err != nil {
				return err
			}
			where, args = where+" AND u.place = ANY(?)", append(args, ids)
		}
		if p.Find != "" {
			where, args = where+" AND u.name LIKE ? ESCAPE '~'", append(args, "%"+strings.NewReplacer("~", "~~", "%", "~%", "_", "~_").Replace(p.Find)+"%")
		}
		// Which they are is found first: of all phones of a place, what else is told need not be read.
		var err error
		p.Rows, err = rq.devices(tx, `d.id IN (SELECT d.id FROM mq_device d JOIN "user" u ON u.id = d.user_id WHERE `+where+" ORDER BY d.id LIMIT ?) ORDER BY d.id", append(args, int64(devicesListed+1))...)
		return err
	})
	if len(p.Rows) > devicesListed {
		p.Rows = p.Rows[:devicesListed]
		p.More = rq.at("/devices?") + url.Values{"after": {string(p.Rows[devicesListed-1].ID)}, "q": {p.Find}}.Encode()
	}
	return p, err
}

// oneDevice reads the phone that the address names.
func (rq *request) oneDevice() (deviceRow, error) {
	var found []deviceRow
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		found, err = rq.devices(tx, "d.id = ?", string(rq.row.ID))
		return err
	})
	if err == nil && len(found) != 1 {
		err = errNotFound
	}
	if err != nil {
		return deviceRow{}, err
	}
	return found[0], nil
}

func showDevice(rq *request) error {
	d, err := rq.oneDevice()
	if err != nil {
		return err
	}
	p := &devicePage{frame: frame{Title: d.Name, Sub: d.Label, Nav: "devices", Back: rq.at("/devices")}, Device: d, Revoke: rq.at("/devices/" + string(d.ID) + "/revoke")}
	if !d.Revoked.IsZero() {
		if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
			p.Left, p.More, err = rq.deviceLeft(tx, d)
			return err
		}); err != nil {
			return err
		}
	}
	return rq.show("device", p)
}

// leftListed is how many changes of a revoked phone its page lists.
const leftListed = 100

// deviceLeft reads what a phone handed in after it was revoked, the newest first: all of it came late, and what could not be taken without a
// look waits on the page of refused and late ones.
func (rq *request) deviceLeft(tx *store.Tx, d deviceRow) (out []deviceLeft, more bool, err error) {
	var ids []string
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT identity FROM mq_name WHERE device = ? ORDER BY number DESC LIMIT ?", string(d.ID), int64(leftListed+1)); err != nil {
		return nil, false, err
	}
	found, err := tx.Changes("identity = ANY(?) AND received >= ? ORDER BY received DESC, identity", ids, d.Revoked.UnixMilli())
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > leftListed; more {
		found = found[:leftListed]
	}
	told, err := rq.desk().TellChanges(tx, found)
	if err != nil {
		return nil, false, err
	}
	for i, c := range found {
		l := deviceLeft{What: rq.auditTold(&told[i]), Received: time.UnixMilli(c.Received).In(rq.app.zone)}
		rq.auditState(&l.Chip, c)
		if c.Status == syncproto.Refused || c.Late {
			l.Path = rq.at("/refused/" + string(c.Identity))
		}
		out = append(out, l)
	}
	return out, more, nil
}

// enrolDevice makes a one-time code for somebody of the place.
func enrolDevice(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	login := schema.NormalizeCode(f.Get("login"))
	u, err := rq.app.opt.Accounts.UserOf(rq.Context(), login)
	if err != nil {
		return err
	}
	here := false
	if u.ID != "" && !u.Ended {
		if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
			above, err := tx.RowsAbove([]string{string(u.ID)})
			here = slices.ContainsFunc(above, func(r *store.Row) bool { return string(r.ID) == rq.place.ID })
			return err
		}); err != nil {
			return err
		}
	}
	if !here { // of another place, and nobody at all, look alike
		p, err := rq.devicesPage()
		if err != nil {
			return err
		}
		p.Error, p.Login = rq.words.say("device.nobody", f.Get("login")), f.Get("login")
		return rq.again("devices", p)
	}
	return rq.showCode(u.ID, u.Name, nil)
}

// showCode makes a code and shows it, as a picture for the phone and as text.
func (rq *request) showCode(user syncproto.UserID, name string, old *deviceRow) error {
	code, until, err := rq.app.opt.Engine.Auth.Invite(rq.Context(), user)
	if err != nil {
		return err
	}
	scheme := "http://"
	if rq.secure() {
		scheme = "https://"
	}
	p := &enrolPage{frame: frame{Title: rq.words.say("device.enrol"), Sub: name, Nav: "devices", Back: rq.at("/devices")}, Name: name, Code: code, Until: time.UnixMilli(until).In(rq.app.zone), Old: old}
	if p.QR, err = look.QR(syncproto.EnrolLink(scheme+rq.Host, code), rq.words.say("device.qr")); err != nil {
		return err
	}
	return rq.show("enrol", p)
}

// revokeDevice stops a phone for ever; for one that was lost it goes on to the code of the next.
func revokeDevice(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	d, err := rq.oneDevice()
	if err != nil {
		return err
	}
	desk := &admin.Desk{E: rq.app.opt.Engine, As: rq.session.User.Login}
	if _, err := desk.Revoke(rq.Context(), string(d.ID)); err != nil {
		var e *syncproto.Error
		if errors.As(err, &e) && e.Code == syncproto.CodeInvalid { // revoked already, by somebody else or another click
			return rq.see(rq.at("/devices/" + string(d.ID)))
		}
		return err
	}
	if f.Get("replace") == "1" {
		u, err := rq.app.opt.Accounts.UserOf(rq.Context(), d.Login)
		if err != nil {
			return err
		}
		if u.ID != "" && !u.Ended {
			return rq.showCode(u.ID, u.Name, &d)
		}
	}
	rq.toast("device.done", d.Name, d.Label)
	return rq.see(rq.at("/devices"))
}
