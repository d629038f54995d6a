package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minqing/internal/thumb"
)

// TestFieldAppInABrowser is the life of one phone, done by taps in a real browser on the pages of the real program, with a real server
// behind a network that is cut and comes back. Each part goes on where the last one ended.
func TestFieldAppInABrowser(t *testing.T) {
	w := mustTown(t, 40)
	var all []string
	for i := range 40 {
		all = append(all, house(i))
	}
	for _, login := range []string{"ann", "bob"} {
		w.cadre(login, 0)
		w.minqing("assign", "--user", login, "--team", "cadre", "--households", strings.Join(all[ownHouses:], ","))
	}
	l := &life{a: w.mustApp("ann"), bob: w.mustTools("bob"), w: w}
	for _, part := range []struct {
		name string
		do   func(*life, *testing.T)
	}{{"enrol", (*life).enrol}, {"first sync", (*life).firstSync}, {"visit offline", (*life).visitOffline}, {"two tabs", (*life).twoTabs}, {"kept", (*life).kept}, {"turned and enlarged", (*life).turned},
		{"keyboard", (*life).keyboard}, {"conflict", (*life).conflict}, {"refused", (*life).refused}, {"reassigned", (*life).reassigned}, {"boxed", (*life).boxed}, {"lock", (*life).locked}, {"wipe", (*life).wiped}} {
		if !t.Run(part.name, func(t *testing.T) {
			w.t = t
			part.do(l, t)
			l.a.unreadable()
		}) {
			t.Fatalf("the life of the phone ends at %s: %s", part.name, l.a.log.String())
		}
	}
	w.t = t
}

// life is ann's phone, and bob's tools, who calls on the same households.
type life struct {
	a   *app
	bob *field
	w   *town
}

func (l *life) cut()  { l.w.net.cutAfter(up, 0); l.w.net.cutNow() }
func (l *life) heal() { l.w.net.heal() }

// cutFirst is how many bytes come down before the network breaks for the first time: the enrolment, and a part of the first sync.
const cutFirst = 4500

// enrol: a code that is none stays on the page with a sentence at its field; the right one leads to the first sync.
func (l *life) enrol(t *testing.T) {
	a := l.a
	a.fill("#f-code", "12")
	a.fill("#f-server", "http://"+l.w.net.address())
	a.fill("#f-pin", a.pin)
	a.follow("main .btn.main", "#e-code")
	if focus, err := thumb.Ask[string](a.Screen, "document.activeElement.id"); err != nil || focus != "f-code" {
		t.Errorf("the focus is on %q, %v", focus, err)
	}
	_, err := thumb.Ask[bool](a.Screen, `document.querySelector("#f-code").value = "", true`)
	must(t, err)
	a.fill("#f-code", l.w.minqing("device", "invite", "--user", "ann", "--plain"))
	a.fill("#f-pin", a.pin)
	l.w.net.cutAfter(down, cutFirst)
	a.follow("main .btn.main", `.bar a[href="/today"]`)
	a.says(".toast", "ann")
}

// firstSync is cut in the middle, says so, and goes on by itself.
func (l *life) firstSync(t *testing.T) {
	a := l.a
	a.until("/enrol/first", `document.querySelector(".note.act")`)
	if got := l.w.net.count(down); got != cutFirst {
		t.Fatalf("%d bytes came before the cut", got)
	}
	a.see("/households", "main")
	if n, err := thumb.Ask[int](a.Screen, `document.querySelectorAll("main a.nm").length`); err != nil || n >= 40 {
		t.Fatalf("%d households are here already, %v", n, err)
	}
	l.heal()
	a.until("/sync", `document.querySelector(".state h2").textContent === "都已上传。" && !document.querySelector(".state").textContent.includes("还没有连上过")`)
	a.until("/today", `document.querySelector(".sum p")?.textContent.includes("40")`)
}

// visitOffline records a visit with a matter and a photo while there is no network; it goes up by itself when there is one again.
func (l *life) visitOffline(t *testing.T) {
	a := l.a
	l.cut()
	home := a.home("户主5")
	a.see("/today", `a[href="`+home+`"]`)
	a.follow(`a[href="`+home+`/visit"]`, "form[data-draft]")
	a.tap("[data-phrase]")
	camera := filepath.Join(l.w.dir, "shot.jpg")
	must(t, os.WriteFile(camera, shot(t, 1), 0o600))
	must(t, a.Choose("#f-photo", camera))
	a.wait(`document.querySelector(".pics img")?.naturalWidth > 0`)
	a.tap("main button[value=matter]")
	a.wait(`document.querySelector("#f-title")`)
	a.tap("[name=kind][value=difficulty]")
	a.fill("#f-title", "路灯坏了")
	_, err := thumb.Ask[bool](a.Screen, `(async function() {
		while (!(await (await fetch(location.href)).text()).includes('value="路灯坏了"')) await new Promise(r => setTimeout(r, 100));
		return true;
	})()`)
	must(t, err) // the last key is kept
	a.kill()     // before Save
	a.begin("#f-pin")
	a.fill("#f-pin", a.pin)
	a.follow("main .btn.main", "nav.tabs")
	a.see(home+"/visit", "#f-title")
	if said, err := thumb.Ask[string](a.Screen, `[document.querySelector("#f-text").value, document.querySelector("[name=kind]:checked").value, document.querySelectorAll(".pics img").length].join()`); err != nil || !strings.HasSuffix(said, "。,difficulty,1") {
		t.Errorf("the draft after the kill: %q, %v", said, err)
	}
	_, err = thumb.Ask[bool](a.Screen, `document.querySelector("#f-title").value = "", true`)
	must(t, err)
	a.fill("#f-title", "路灯坏了")
	a.follow(".bar .btn.main", ".toast")
	a.says(".toast", "已存在本机，有网自动上传。")
	a.says("#story", "未上传")
	a.see("/sync", ".state")
	a.says("main", "等着上传", "照片", "走访")
	l.bob.sync()
	l.bob.holds(t, "0", "SELECT count(*) FROM visit")

	l.heal()
	a.until("/sync", `document.querySelector(".state h2").textContent === "都已上传。"`)
	a.until("/sync", `!document.querySelector("main").textContent.includes("照片")`)
	l.bob.sync()
	l.bob.holds(t, "submitted", "SELECT state FROM journal")
	l.bob.holds(t, "路灯坏了", "SELECT title FROM matter")
	if n := len(l.w.files()); n != 1 {
		t.Errorf("%d photos on the server", n)
	}
	a.see(home, "#story .chip.sent")
	a.says("main", "路灯坏了")
}

// twoTabs: two pages write into one draft; neither loses a word, and the back button leads to what was kept.
func (l *life) twoTabs(t *testing.T) {
	a := l.a
	home := a.home("户主6")
	a.see(home, ".bar .btn.main")
	a.follow(".bar .btn.main", "form[data-draft]")
	a.fill("#f-text", "第一个页面")
	a.wait(`document.querySelector("#said.on")`)
	tab, err := a.Tab()
	must(t, err)
	defer tab.Close()
	must(t, tab.Go(a.base+home+"/visit", "form[data-draft]"))
	rev, err := thumb.Ask[string](tab, `document.querySelector("[name=rev]").value`)
	must(t, err)
	must(t, tab.Fill("#f-text", "，第二个页面"))
	must(t, tab.Wait(`+document.querySelector("[name=rev]").value > `+rev))
	must(t, a.Type("又写一句"))
	a.wait(`!document.querySelector("#note").hidden`)
	a.says("#note", "两份都留着")
	must(t, a.Back("#story"))
	a.see("/journal", "main")
	a.says("main", "第一个页面又写一句", "第二个页面")
	for range 2 { // each is discarded by its own button, and the other stays until then
		a.see(home+"/visit", "form[data-draft]")
		a.follow("button[value=discard]", ".toast")
	}
	a.see("/journal", "main")
	if text, err := a.Text("main"); err != nil || strings.Contains(text, "个页面") {
		t.Errorf("drafts are left: %q, %v", text, err)
	}
}

// turned: turning the phone and text twice as large lose nothing, and everything can still be reached.
func (l *life) turned(t *testing.T) {
	a := l.a
	a.see(a.home("户主7")+"/visit", "form[data-draft]")
	a.fill("#f-text", "写到一半")
	must(t, a.Turn(thumb.Height, thumb.Width))
	must(t, a.Type("转过来接着写"))
	must(t, a.Turn(thumb.Width, thumb.Height))
	must(t, a.Enlarge(2))
	a.wait(`document.querySelector("#f-text").value === "写到一半转过来接着写"`)
	size, err := thumb.Ask[float64](a.Screen, `parseFloat(getComputedStyle(document.querySelector("#f-text")).fontSize)`)
	must(t, err)
	if size < 30 {
		t.Errorf("text of %.0f px at twice its size", size)
	}
	if over, err := thumb.Ask[int](a.Screen, `document.documentElement.scrollWidth - innerWidth`); err != nil || over > 0 {
		t.Errorf("the page is %d px too wide, %v", over, err)
	}
	a.follow(".bar .btn.main", ".toast")
	must(t, a.Enlarge(1))
	a.says("#story", "写到一半转过来接着写")
	a.sync()
}

// conflict: two write the same cell without knowing of each other. The author is told in a sentence, his words are a tap away, and he
// hears what was decided.
func (l *life) conflict(t *testing.T) {
	a := l.a
	l.cut()
	l.bob.must("edit", "household", house(8), "head=张珊")
	l.bob.sync()
	home := a.home("户主8")
	a.see(home+"/edit", "#f-head")
	_, err := thumb.Ask[bool](a.Screen, `document.querySelector("#f-head").value = "", true`)
	must(t, err)
	a.fill("#f-head", "张山岭")
	a.follow(".bar .btn.main", ".toast")
	l.heal()
	a.sync()
	a.says("main", "告诉您一声", "您和bob写得不一样，先按原来的用。何婉清（系统管理员）来定，定了告诉您。", "等决定")
	a.follow(".row .nm.sm", "article.fate")
	a.says("main", "张山岭", "户主8")
	item := l.w.minqing("inbox", "list", "--plain")
	keep := "2"
	if shown := l.w.minqing("inbox", "show", item); strings.Index(shown, "张珊") < strings.Index(shown, "张山岭") {
		keep = "1"
	}
	l.w.minqing("inbox", "resolve", item, "--keep", keep)
	a.sync()
	a.until("/sync", `document.querySelector("main").textContent.includes("决定：采用bob写的，您写的留着。")`)
	a.follow(".row .nm.sm", "article.fate")
	a.says("main", "张山岭", "张珊", "别人也写了", "bob（包户干部）", "谁定的", "何婉清（系统管理员）")
	a.follow("main form button", ".state")
	if text, err := a.Text("main"); err != nil || strings.Contains(text, "采用bob写的") {
		t.Errorf("still told: %q, %v", text, err)
	}
}

// refused: another program wrote what the rules do not allow. It is told, mended on the page and taken.
func (l *life) refused(t *testing.T) {
	a := l.a
	if out, err := l.w.try("minqing-field", "--file", a.file, "--pin", a.pin, "sql", `INSERT INTO visit (id, household, author, day, next_day)
		SELECT n.id, h.id, u.id, '2026-11-20', '2026-11-01' FROM mq_new_id n, household h, "user" u WHERE h.code = '`+house(9)+`' AND u.login = 'ann'`); err != nil {
		t.Fatal(out, err)
	}
	a.until("/sync", `document.querySelector("main form button.main")`)
	a.follow("main form button.main", ".state")
	a.until("/sync", `document.querySelector(".fate .chip.stop")`)
	a.says(".fate", "户主9", "服务器没有接受", "改好再传就行，您写的都在")
	a.follow(".fate .btn.soft", "#f-next_day")
	_, err := thumb.Ask[bool](a.Screen, `document.querySelector("#f-next_day").value = "2026-11-29", true`) // what the phone's own date picker does
	must(t, err)
	a.follow(".bar .btn.main", ".toast")
	a.says(".toast", "改好了，有网自动上传。")
	a.sync()
	l.bob.sync()
	l.bob.holds(t, "2026-11-29", "SELECT v.next_day FROM visit v JOIN household h ON h.id = v.household WHERE h.code = ?", house(9))
}

// reassigned: a household goes to somebody else while a visit to it waits on the phone. It vanishes, and the visit arrives.
func (l *life) reassigned(t *testing.T) {
	a := l.a
	l.cut()
	a.see(a.home("户主10")+"/visit", "form[data-draft]")
	a.fill("#f-text", "最后一次去")
	a.follow(".bar .btn.main", ".toast")
	l.w.minqing("assign", "--end", "--user", "ann", "--team", "cadre", "--households", house(10))
	l.heal()
	a.sync()
	a.until("/households?q=户主10", `!document.querySelector("main a.nm")`)
	for _, page := range []string{"/today", "/sync", "/journal", "/households"} {
		a.see(page, "main")
		if text, err := a.Text("body"); err != nil || strings.Contains(text, "户主10") || strings.Contains(text, "最后一次去") {
			t.Errorf("%s names a household that left: %q, %v", page, text, err)
		}
	}
	l.bob.sync()
	l.bob.holds(t, "最后一次去", "SELECT j.text FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household WHERE h.code = ?", house(10))
}

// boxed: a household leaves the phone while a visit to it is being saved. The visit waits in the hand-over box, and arrives.
func (l *life) boxed(t *testing.T) {
	a := l.a
	a.sync()
	a.see(a.home("户主12")+"/visit", "form[data-draft]")
	a.fill("#f-text", "刚走的时候")
	tab, err := a.Tab()
	must(t, err)
	defer tab.Close()
	release := l.w.net.hold()
	l.w.minqing("assign", "--end", "--user", "ann", "--team", "cadre", "--households", house(12))
	must(t, tab.Go(a.base+"/sync", "main form button.main"))
	must(t, tab.Follow("main form button.main", ".state"))
	must(t, tab.Wait(`document.querySelector(".state h2").textContent === "正在同步"`))
	a.follow(".bar .btn.main", ".toast") // the answer that takes the household away is on its way
	l.w.net.cutAfter(up, 0)
	release()
	const box = `[...document.querySelectorAll("section h2")].some(h => h.textContent === "移交箱" && h.parentElement.textContent.includes("1 条"))`
	a.until("/sync", box)
	if text, err := a.Text("body"); err != nil || strings.Contains(text, "户主12") || strings.Contains(text, "1970") {
		t.Errorf("of the household that left it says %q, %v", text, err)
	}
	l.heal()
	a.sync()
	a.until("/sync", "!"+box)
	l.bob.sync()
	l.bob.holds(t, "刚走的时候", "SELECT j.text FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household WHERE h.code = ?", house(12))
}

// locked: the pages lock; wrong PINs cost waits that a restart does not shorten; the right one opens after them.
func (l *life) locked(t *testing.T) {
	a := l.a
	a.see("/me", `form[action="/me/lock"]`)
	a.follow(`form[action="/me/lock"] button`, "#f-pin")
	a.see("/today", "#f-pin") // no page but this one
	for range 5 {
		a.fill("#f-pin", "13579024")
		a.follow("main .btn.main", "#f-pin")
	}
	a.says(".note", "秒后再试", "不会清空")
	a.end()
	tries := a.file + ".key.tries"
	stands := func() (left struct{ Count, Left, At int64 }) {
		t.Helper()
		raw, err := os.ReadFile(tries)
		must(t, err)
		must(t, json.Unmarshal(raw, &left))
		if left.Count != 5 || left.Left <= 0 {
			t.Fatalf("the tries: %s", raw)
		}
		return left
	}
	stands()
	half := (30 * time.Minute).Milliseconds() // as after many more tries: the first wait might be over before a slow machine has the page again
	must(t, os.WriteFile(tries, fmt.Appendf(nil, `{"count":5,"left":%d,"at":%d}`, half, time.Now().UnixMilli()), 0o600))
	a.begin("#f-pin")
	a.says(".note", "秒后再试")
	a.fill("#f-pin", a.pin)
	a.follow("main .btn.main", "#f-pin") // the right one too early opens nothing
	a.says(".note", "秒后再试")
	left := stands()
	must(t, os.WriteFile(tries, fmt.Appendf(nil, `{"count":%d,"left":%d,"at":%d}`, left.Count, left.Left, time.Now().UnixMilli()-left.Left-1000), 0o600)) // the wait goes by
	a.see("/lock", "#f-pin")
	a.fill("#f-pin", a.pin)
	a.follow("main .btn.main", "nav.tabs")
	a.see("/households", "main a.nm")
}

// wiped: the phone is revoked while a visit waits on it. That is handed over; then nothing is left, and somebody may be enrolled anew.
func (l *life) wiped(t *testing.T) {
	a := l.a
	l.cut()
	a.see(a.home("户主11")+"/visit", "form[data-draft]")
	a.fill("#f-text", "交出去的话")
	a.follow(".bar .btn.main", ".toast")
	id, _, _ := strings.Cut(l.w.minqing("device", "list", "--user", "ann"), " ")
	l.w.minqing("device", "revoke", id)
	l.heal()
	a.until("/sync", `document.querySelector("main form button.main") || document.querySelector("#f-code")`)
	if asked, err := thumb.Ask[bool](a.Screen, `!!document.querySelector("#f-code")`); err == nil && !asked {
		a.follow("main form button.main", "main")
	}
	a.until("/today", `document.querySelector("#f-code")`)
	left, err := filepath.Glob(a.file + "*")
	must(t, err)
	for _, name := range left {
		if !strings.HasSuffix(name, ".settings") && !strings.Contains(name, ".escrow-") {
			t.Errorf("%s is left", name)
		}
	}
	l.bob.sync()
	l.bob.holds(t, "交出去的话", "SELECT j.text FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household WHERE h.code = ?", house(11))
}
