package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The places and people of the story. All of them are invented.
const (
	townshipCode = "990102"
	villageCode  = "990102003004"
	admin        = "hewanqing"
)

// prepare makes the city, imports its register twice, makes the users and assigns households.
func (t *teller) prepare() error {
	t.head("花名册来了：一个 Excel 文件，一行一个人，有几行写坏了", "The register arrives: a workbook, one row a resident, some rows bad on purpose")
	file := filepath.Join(t.opt.Dir, "register.xlsx")
	if err := writeRegister(t.village, file); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--city", "临江市", "--code", "990000", "--login", admin, "--name", "何婉清"},
		{"place", "--under", "990000", "--level", "township", "--code", townshipCode, "--name", t.village.Township},
		{"place", "--under", townshipCode, "--level", "village", "--code", villageCode, "--name", t.village.Village},
		{"import", "--village", villageCode, "--bad", filepath.Join(t.opt.Dir, "bad-rows.xlsx"), file},
	} {
		if err := t.tell(t.minqing(args...)); err != nil {
			return err
		}
	}
	t.say("   再导一遍，什么都不该变。 Once more: nothing may change.")
	if err := t.tell(t.minqing("import", "--village", villageCode, file)); err != nil {
		return err
	}
	return t.staff()
}

// staff makes thirty cadres of the three teams with ten households each, some households with two, and a secretary.
func (t *teller) staff() error {
	t.head("三支队伍三十名干部，每人联系十户，有的户两个人联系", "Thirty cadres of three teams, ten households each; some households have two")
	if err := t.tell(t.minqing("user", "add", "--login", "zhouyun", "--name", "周云", "--role", "secretary", "--over", villageCode)); err != nil {
		return err
	}
	made := 0
	for i, c := range t.cast {
		if o := t.minqing("user", "add", "--login", c.login, "--name", c.name, "--role", "cadre", "--over", villageCode, "--phone", fmt.Sprintf("1280000%04d", 2206+i)); o.err != nil {
			return o.err
		}
		if o := t.minqing("assign", "--user", c.login, "--team", c.team, "--households", strings.Join(c.households, ",")); o.err != nil {
			return o.err
		}
		made += len(c.households)
		if i < 3 {
			t.say("   %s（%s）：%s … 共 %d 户", c.name, c.login, strings.Join(c.households[:3], "、"), len(c.households))
		}
	}
	t.say("   共 30 人，%d 条联系关系。 30 cadres, %d assignments.", made, made)
	return nil
}

// meet finds the phones of an earlier run.
func (t *teller) meet() error {
	t.phones = t.cast[:3]
	for _, ph := range t.phones {
		ph.file = t.phoneFile(ph)
		if _, err := os.Stat(ph.file); err != nil {
			return fmt.Errorf("the last run did not get as far as enrolling %s; run with --fresh: %w", ph.name, err)
		}
		if err := t.repoint(ph); err != nil {
			return err
		}
	}
	// The household that the last run took away comes back, so that it can be lost again.
	c := t.phones[2]
	if o := t.minqing("assign", "--user", c.login, "--team", c.team, "--households", c.households[0]); o.err != nil {
		return o.err
	}
	return t.phone(c, "sync").err
}

func (t *teller) phoneFile(ph *phone) string { return filepath.Join(t.opt.Dir, ph.login+".db") }

// repoint tells a phone the new address of the network.
func (t *teller) repoint(ph *phone) error {
	return t.phone(ph, "server", t.net.URL()).err
}

// enrol turns three files into the phones of three cadres.
func (t *teller) enrol() error {
	t.head("三部手机登记，各自只拿到自己的十户", "Three phones are enrolled; each gets its own ten households and no other")
	t.phones = t.cast[:3]
	for _, ph := range t.phones {
		ph.file = t.phoneFile(ph)
		invite := t.minqing("device", "invite", "--user", ph.login, "--plain")
		if invite.err != nil {
			return invite.err
		}
		if err := t.tell(t.phone(ph, "enrol", "--server", t.net.URL(), "--code", strings.TrimSpace(invite.text))); err != nil {
			return err
		}
		if err := t.tell(t.phone(ph, "sync")); err != nil {
			return err
		}
	}
	return nil
}

// turns are what the two write into the same field, run by run.
var turns = []struct{ mine, theirs string }{{"applied", "granted"}, {"none", "ended"}, {"granted", "applied"}, {"ended", "none"}}

// work cuts the network and lets all three write.
func (t *teller) work() error {
	t.head("断网。三个人照常走访、记事、改花名册；两个人走到同一户", "No network. All three visit, write and correct; two of them call on the same household")
	t.net.SetCut(true)
	a, b, c := t.phones[0], t.phones[1], t.phones[2]
	shared, turn := a.households[0], turns[t.round%len(turns)]
	tags := lackingTags(t.village.Households[0])
	myTag, theirTag := tags[2*t.round%len(tags)], tags[(2*t.round+1)%len(tags)]
	nth := fmt.Sprintf("（第 %d 回）", t.round+1)
	for _, w := range []struct {
		who  *phone
		args []string
	}{
		{a, []string{"sync"}},
		{a, []string{"visit", "--household", shared, "--met", "户主", "--task", "listen", "--task", "relieve", "--text", "屋后的水沟堵了，雨天进水。老人盼着早点清。", "--submit"}},
		{a, []string{"edit", "household", shared, fmt.Sprintf("phone=199%08d", 1234+t.round), "low_income=" + turn.mine, "tags+=" + myTag}},
		{b, []string{"visit", "--household", shared, "--met", "儿媳", "--task", "policy", "--text", "送了医保缴费的政策单，讲了怎么用手机交。", "--submit"}},
		{b, []string{"edit", "household", shared, "tags+=" + theirTag, "note=门口的路灯坏了。" + nth}},
		{b, []string{"edit", "household", shared, "low_income=" + turn.theirs}},
		{b, []string{"matter", "--household", b.households[1], "--kind", "difficulty", "--title", "自来水断续", "--detail", "一周停了三次，做饭要去邻居家提水。"}},
		{c, []string{"visit", "--household", c.households[0], "--met", "户主", "--task", "listen", "--text", "孩子在外打工，春节回来。身体还好。", "--submit"}},
		{c, []string{"edit", "household", c.households[0], "note=有一条黄狗，进门先喊一声。" + nth}},
		{c, []string{"status"}},
	} {
		t.say("  %s：%s", w.who.name, strings.Join(w.args, " "))
		if err := t.tell(t.phone(w.who, w.args...)); err != nil {
			return err
		}
	}
	t.say("  这时镇上把 %s 改由别人联系；%s 还没有网，不知道。 Meanwhile that household is reassigned; the phone cannot know.", c.households[0], c.name)
	return t.tell(t.minqing("assign", "--user", c.login, "--end", "--households", c.households[0]))
}

// reconnect lets the phones sync, one after the other, and tell each verdict in words.
func (t *teller) reconnect() error {
	t.head("网来了，三部手机先后同步", "The network is back; the phones sync one after the other")
	t.net.SetCut(false)
	for range 2 {
		for _, ph := range t.phones {
			t.say("  %s：sync", ph.name)
			if err := t.tell(t.phone(ph, "sync")); err != nil {
				return err
			}
		}
	}
	return nil
}

// decide shows the conflict and has the administrator decide it.
func (t *teller) decide() error {
	t.head("两人对“低保”写得不一样，没有规则能定：管理员来定", "Two people wrote different things into one field and no rule can decide: the administrator does")
	ids := t.minqing("inbox", "list", "--plain")
	if ids.err != nil {
		return ids.err
	}
	items := strings.Fields(ids.text)
	if len(items) == 0 {
		return fmt.Errorf("the inbox is empty: the two edits should have met there")
	}
	for _, id := range items {
		if err := t.tell(t.minqing("inbox", "show", id)); err != nil {
			return err
		}
		if err := t.tell(t.minqing("inbox", "resolve", id, "--as", admin, "--keep", "2")); err != nil {
			return err
		}
	}
	for _, ph := range t.phones {
		t.say("  %s：sync", ph.name)
		if err := t.tell(t.phone(ph, "sync")); err != nil {
			return err
		}
	}
	return nil
}

// prove compares every bucket of every phone with the server's, digest by digest.
func (t *teller) prove() error {
	t.head("证明：每部手机和服务器上属于它的那部分，逐桶摘要相等", "The proof: each phone equals the server's state restricted to it, digest by digest")
	if err := t.tell(t.minqing("verify")); err != nil {
		return err
	}
	total := 0
	for _, ph := range t.phones {
		mine, theirs := t.phone(ph, "verify", "--digests"), t.minqing("device", "digests", "--user", ph.login)
		if mine.err != nil {
			return mine.err
		}
		if theirs.err != nil {
			return theirs.err
		}
		if mine.text != theirs.text {
			return fmt.Errorf("the replica of %s differs from the server's state restricted to it:\nphone:\n%s\nserver:\n%s", ph.name, mine.text, theirs.text)
		}
		n := strings.Count(mine.text, "\n") + 1
		total += n
		t.say("   %s：%d 个桶全部相等。 %d buckets, all equal.", ph.name, n, n)
	}
	t.say("\n三部手机都与服务器相等（%d 个桶的摘要逐一比过）。\nAll three replicas equal the server's state restricted to them (%d bucket digests compared).", total, total)
	took := int(time.Since(t.began).Round(time.Second).Seconds())
	t.say("编译之后到这里用了 %d 秒。 It took %d seconds after the build.", took, took)
	return nil
}

// finish stops what runs, the server last.
func (t *teller) finish() error {
	var err error
	for _, s := range slices.Backward(t.running) {
		err = errors.Join(err, s.stop())
	}
	return err
}

// offers are how many of the phones the ending opens: what one of them writes arrives on the other.
const offers = 2

// door is one place that the ending offers to look at.
type door struct {
	zh, en string // what it is
	url    string
	hint   []string // what to know before one opens it
}

// doors starts what the reader may look at.
func (t *teller) doors() ([]door, error) {
	var out []door
	for _, ph := range t.phones[:offers] {
		app, err := t.p.app(ph.file)
		if err != nil {
			return nil, err
		}
		t.running = append(t.running, app)
		out = append(out, door{ph.name + "的手机（田野端）", "the phone of " + ph.login, app.url, []string{
			"在浏览器里打开，窗口缩窄就像手机。锁了以后用口令 " + pin + "。 Open it in a browser, as narrow as a phone. If it locks, the PIN is " + pin + ".",
			"链接只能用一次；打开过的浏览器里以后直接用 " + origin(app.url) + " 。换浏览器：按 Ctrl+C 再跑一次 ./task demo。",
			"The link is good once; that browser then goes on at " + origin(app.url) + ". For another browser: Ctrl+C, then ./task demo again.",
		}})
	}
	desks, err := t.desks()
	if err != nil {
		return nil, err
	}
	card, err := t.card(origin(desks[0].url))
	return append(append(out, desks...), card), err
}

// card is the page of a household's contact card: of one that the first phone holds, so that its QR code is there to compare.
func (t *teller) card(base string) (door, error) {
	home := t.phones[0].households[0]
	o := t.minqing("card", "issue", "--households", home, "--anew", "--plain")
	_, path, _ := strings.Cut(strings.TrimSpace(o.text), "\t/")
	return door{home + " 户的民情联系卡", "the contact card of household " + home, base + path, []string{"不用登录，谁拿着卡都能看；手机下次同步后，这户的联系卡上就是它的二维码。 No account: whoever holds the card may look."}}, o.err
}

// desks are the consoles, for a secretary with journals in the queue and an administrator with a conflict that waits.
func (t *teller) desks() (out []door, err error) {
	for _, who := range []struct{ login, zh, en string }{
		{"zhouyun", "支部书记周云的网页：审阅", "the secretary's console: journals to review"}, {admin, "管理员何婉清的网页：冲突处理、设备", "the administrator's console: a conflict to decide, devices"},
	} {
		o := t.minqing("user", "link", who.login, "--plain")
		if o.err != nil {
			return nil, o.err
		}
		out = append(out, door{who.zh, who.en, strings.TrimSpace(o.text), []string{"链接只能用一次：打开后自己设一个密码，以后用登录名 " + who.login + " 登录。 Good once: choose a password there; afterwards sign in as " + who.login + "."}})
	}
	return out, nil
}

// part lets two write apart once more, and leaves it to the reader to decide.
func (t *teller) part() error {
	t.net.SetCut(false)
	shared := t.phones[0].households[0]
	for i, ph := range t.phones[:2] {
		if err := t.phone(ph, "edit", "household", shared, fmt.Sprintf("address=村口第 %d 户（第 %d 回登记）", 3+2*i, t.round+1)).err; err != nil {
			return err
		}
	}
	for _, ph := range t.phones[:2] {
		if err := t.phone(ph, "sync").err; err != nil {
			return err
		}
	}
	return nil
}

// origin is an address without its path.
func origin(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + "/"
}

// stay offers the story's places and keeps them up until the reader has seen enough.
func (t *teller) stay() error {
	t.head("现在自己看看", "Now look for yourself")
	doors, err := t.doors()
	if err != nil {
		return err
	}
	for _, d := range doors {
		t.say("\n   %s  %s\n     %s", d.zh, d.en, d.url)
		for _, line := range d.hint {
			t.say("     %s", line)
		}
	}
	t.say("\n服务器也开着：%s/healthz 。按 Ctrl+C 结束，数据留着，下次接着做。 The server is up as well; Ctrl+C ends it all and keeps the data.", t.server.url)
	<-t.ctx.Done()
	t.say("\n结束了。 Ended.")
	return t.finish()
}
