package console_test

import (
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
	"minqing/server/console/account"
	"minqing/server/console/consoletest"
)

// window is a real browser before the consoles of a city.
type window struct {
	*thumb.Screen
	t    *testing.T
	city *consoletest.City
	base string
}

// mustWindow starts a browser that ends with the test.
func mustWindow(t *testing.T) *thumb.Screen {
	t.Helper()
	s, err := thumb.Open(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sit opens a window of somebody's before a desk's or a phone's screen.
func (w *window) sit(who string, phone bool) {
	w.t.Helper()
	w.must(w.city.Enter(w.Screen, w.base, who, "zh"))
	if phone {
		w.must(w.Turn(390, 844))
	} else {
		w.must(w.Desk(1440, 900))
	}
}

// see opens a page that must have an element.
func (w *window) see(path, want string) {
	w.t.Helper()
	w.must(w.Go(w.base+w.city.At(path), want))
}

// title waits for a whole page, its scripts among it, with a title that begins so.
func (w *window) title(want string) {
	w.t.Helper()
	w.await(`document.querySelector("h1")?.innerText.startsWith("` + want + `")`)
}

// await waits until something is true of a whole page: what is pressed before a page has its scripts is lost, and what stands on half of it moves.
func (w *window) await(script string) {
	w.t.Helper()
	w.must(w.Wait(`document.readyState === "complete" && ` + script))
}

// says wants words in what a selector finds.
func (w *window) says(selector string, words ...string) {
	w.t.Helper()
	text, err := w.Text(selector)
	w.must(err)
	for _, want := range words {
		if !strings.Contains(text, want) {
			w.t.Errorf("%s does not say %q: %q", selector, want, text)
		}
	}
}

func (w *window) ask(script string) string {
	w.t.Helper()
	got, err := thumb.Ask[string](w.Screen, script)
	w.must(err)
	return got
}

// sent is Control and Enter, as a keyboard sends them to the field that has the focus; cleared takes out of it what is in it, as the driver hands
// the letter of a key in apart from the key, also when the page has taken the key.
const (
	sent    = `(function() { setTimeout(function() { document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true, cancelable: true})); }); return ""; })()`
	cleared = `document.activeElement.value = ""`
)

// TestFlows works at the consoles in a real browser, under the real policy: by keys alone, by thumb on a phone, with files, without scripts, beside
// somebody else, and across the end of a session. Each part has what the ones before it left.
func TestFlows(t *testing.T) {
	s := mustWindow(t)
	w := &window{Screen: s, t: t}
	w.city, w.base = consoletest.MustOpen(t, consoletest.Options{State: consoletest.Knots})
	defer func() {
		if err := s.Go("about:blank", "body"); err != nil { // it lets go of the server
			t.Error(err)
		}
	}()
	for _, part := range []struct {
		name string
		do   func(*window)
	}{{"review by keys", (*window).reviewByKeys}, {"review by thumb", (*window).reviewByThumb}, {"a secretary and a cadre", (*window).besideTheAuthor}, {"session ended", (*window).sessionEnded},
		{"desk by keys", (*window).deskByKeys}, {"desk by thumb", (*window).deskByThumb}, {"two administrators", (*window).twoAdmins}, {"assign", (*window).assigning}, {"upload and session", (*window).uploadEnded},
		{"import", (*window).importing}, {"codes", (*window).codes}, {"resident", (*window).resident}} {
		if !t.Run(part.name, func(t *testing.T) {
			w.t = t
			part.do(w)
		}) {
			t.Fatalf("the flows end at %s", part.name)
		}
		w.t = t
	}
}

// reviewByKeys: one key accepts; returning and guiding ask for words first.
func (w *window) reviewByKeys() {
	w.sit("secretary", false)
	w.see("/at/{place}/review", ".verdict")
	w.title("欧阳诗雅家")
	w.says(".words ins", "总")
	w.Keys = 0
	w.must(w.Enter("a", ".verdict"))
	w.title("丁有田家")
	if w.Keys != 1 {
		w.t.Errorf("accepting a journal took %d keys", w.Keys)
	}
	w.must(w.Press("r")) // the reason is asked for
	w.must(w.Wait(`document.activeElement.id === "comment"`))
	w.ask(cleared)
	w.must(w.Type("漏雨的屋顶有多大？"))
	w.ask(sent)
	w.title("蒋大毛家")
	w.must(w.Enter("j", ".verdict"))
	w.title("贺长庚家")
	w.must(w.Enter("k", ".verdict"))
	w.title("蒋大毛家")
	w.must(w.Press("g"))
	w.must(w.Wait(`document.activeElement.id === "comment"`))
	w.ask(cleared)
	w.must(w.Type("agk 多去看看。")) // keys typed into a field are letters
	w.ask(sent)
	w.title("贺长庚家")
	w.says(".said", "蒋大毛家：通过了，意见会到手机上")
	if state, said := reviewsOf(w.t, w.city, w.city.Rows["journal.long"]); state != "accepted" || len(said) != 1 || said[0] != "guide secretary agk 多去看看。" {
		w.t.Errorf("guided by keys: %s, %q", state, said)
	}
}

// reviewByThumb: one tap accepts, and the next is there; returned without words it says so above the field, and the words then given are kept.
func (w *window) reviewByThumb() {
	w.sit("secretary", true)
	w.see("/at/{place}/review", ".verdict")
	w.title("贺长庚家")
	w.Taps = 0
	w.must(w.Follow("#do-return", ".field.bad"))
	if w.Taps != 1 {
		w.t.Errorf("a verdict took %d taps: it does not stay within a thumb's reach", w.Taps)
	}
	w.says(".err", "退回要写明原因")
	w.must(w.Fill("#comment", "哪天送去？"))
	w.must(w.Follow("#do-return", ".verdict"))
	w.title("王桂芬家")
	w.says(".said", "贺长庚家：退回了")
	w.see("/at/{place}/review?show=returned", ".queue")
	w.says(".queue", "贺长庚家", "丁有田家")
}

// besideTheAuthor: while a secretary reads and types, the author writes on. What she did not see is not accepted, and what she typed stays.
func (w *window) besideTheAuthor() {
	w.sit("secretary", false)
	w.see("/at/{place}/review", ".verdict")
	w.title("王桂芬家")
	journal := w.ask(`location.pathname.includes("/review/") ? location.pathname.split("/").pop() : document.querySelector(".queue li [aria-current]").getAttribute("href").split("/").pop()`)
	w.must(w.Fill("#comment", "第几天送的？"))
	id := rowID(journal)
	base, err := w.city.Base(w.t.Context(), id)
	w.must(err)
	w.must(w.city.Update(w.t.Context(), "cadre2", "journal", id, base, consoletest.Vals{"text": "送水电政策单，当面讲了一遍。"}))
	w.must(w.Follow(".verdict .btn.main", ".note[role=alert]"))
	w.says(".note[role=alert]", "您看的时候，赵建国又改了内容", "您写的意见还在")
	w.says(".words ins", "当面讲了一遍")
	if got := w.ask(`document.querySelector("#comment").value`); got != "第几天送的？" {
		w.t.Errorf("what the secretary typed is %q", got)
	}
	w.must(w.Follow(".verdict .btn.main", ".blank"))
	if state, said := reviewsOf(w.t, w.city, id); state != "accepted" || len(said) != 1 || said[0] != "guide secretary 第几天送的？" {
		w.t.Errorf("seen and accepted: %s, %q", state, said)
	}
}

// sessionEnded: what was typed when the session ended goes through the sign-in, with a code where one is wanted, and is done.
func (w *window) sessionEnded() {
	w.sit("otheradmin", false)
	w.see("/at/{other}/homes/{foreign}", "#edit")
	w.ask(`document.querySelector("#edit [name=note]").value = ""`)
	w.must(w.Fill("#edit [name=note]", "白立春十二月去女儿家，“路上”多行\n字。"))
	if _, err := w.city.Session(w.t.Context(), "otheradmin"); err != nil { // he signs in elsewhere, and this session ends
		w.t.Fatal(err)
	}
	w.must(w.Follow("#edit .btn.main", "#password"))
	w.says(".note.act", "您刚才写的都在")
	w.must(w.Fill("#login", "guanlide"))
	w.must(w.Fill("#password", consoletest.Password))
	w.must(w.Follow(".door form .btn.main", ".door h1"))
	w.says(".door", "接着做", "您刚才写的都在，还没有提交")
	w.must(w.Follow(".door .btn.main", ".said"))
	if got := columnOf(w.t, w.city, "household", "note", string(w.city.Rows["foreign"])); !strings.HasPrefix(got, "白立春十二月去女儿家，“路上”多行\n字。") {
		w.t.Errorf("after the session ended the note is %q", got)
	}
}

// codes: one-time codes from the picture on the page; a wrong one and one that was used open nothing, a recovery code opens once.
func (w *window) codes() {
	w.sit("township", false)
	w.see("/me", ".picksform")
	w.must(w.Follow(`a[href="/me/factor"]`, "svg.qr"))
	secret := secretIn(w.t, w.mustRead("svg.qr"))
	if shown := w.ask(`document.querySelector("main code").innerText`); !strings.EqualFold(strings.ReplaceAll(shown, " ", ""), secret) {
		w.t.Errorf("the picture holds %q, the page says %q", secret, shown)
	}
	code := func() string {
		w.t.Helper()
		at, err := account.CodeAt(secret, w.city.Now())
		w.must(err)
		return at
	}
	w.must(w.Fill("#code", wrongCode(w.t, w.city, secret)))
	w.must(w.Follow("main .btn.main", ".field.bad"))
	w.must(w.Fill("#code", code()))
	w.must(w.Follow("main .btn.main", ".codes"))
	recovery := strings.Fields(w.ask(`[...document.querySelectorAll(".codes code")].map(c => c.innerText).join(" ")`))
	if len(recovery) != 10 {
		w.t.Fatalf("%d recovery codes", len(recovery))
	}
	signIn := func() {
		w.t.Helper()
		w.see("/me", ".picksform")
		w.must(w.Follow(`form[action="/signout"] button`, "#password"))
		w.must(w.Fill("#login", "qinyuemei"))
		w.must(w.Fill("#password", consoletest.Password))
		w.must(w.Follow(".door .btn.main", "#code"))
	}
	try := func(code, want string) {
		w.t.Helper()
		w.must(w.Fill("#code", code))
		w.must(w.Follow(".door .btn.main", want))
	}
	signIn()
	w.see("/at/{town}/coverage", "#password") // a password alone opens no page
	w.see("/signin/code", "#code")
	try(wrongCode(w.t, w.city, secret), ".field.bad")
	try(code(), ".field.bad") // used when it was set up
	nextCode(w.t, w.city, secret)
	try(code(), ".rail")
	signIn()
	try(strings.ToLower(recovery[4]), ".rail")
	signIn()
	try(recovery[4], ".field.bad")
	try(recovery[5], ".rail")
	w.see("/me", ".picksform")
	w.says("main", "还有 8 个恢复码")
}

// resident: the page behind a card is whole without scripts, on a phone of any age, in both languages.
func (w *window) resident() {
	w.must(w.Cookie(w.base, "__Host-mq-session", "nobody"))
	w.must(w.Turn(360, 640))
	w.must(w.Script(false))
	w.see("/c/{serial.ou}", ".resident")
	w.says(".resident", "民情联系卡", "您家的联系人", "陈秀兰", "128 0000 2206", "石桥村今年的事")
	if got := w.ask(`[...document.querySelectorAll(".who2 a")].map(a => a.href).join()`); strings.Count(got, "tel:12800002206") != 3 {
		w.t.Errorf("to be called: %s", got)
	}
	w.see("/c/{serial.foreign}", ".four .done")
	w.says(".told", "水渠改道 86 米")
	w.must(w.Follow(".resident .top a", "html[lang=en]"))
	w.says(".resident", "Raised on 12 Aug")
	w.see("/c/0000-0000-0000-0000", ".blank")
	w.must(w.Script(true))
}
