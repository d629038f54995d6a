package e2e_test

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"minqing/schema"
)

// served is a running field app and a browser at it.
type served struct {
	t       *testing.T
	cmd     *exec.Cmd
	base    string
	browser *http.Client
}

// serve starts the pages over a device's file and opens their link.
func (f *field) serve(t *testing.T) *served {
	t.Helper()
	s := &served{t: t, cmd: exec.Command(filepath.Join(f.w.bin, "minqing-field"), "serve", "--open", "--file", f.file)}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	must(t, err)
	must(t, s.cmd.Start())
	t.Cleanup(s.kill)
	link, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	jar, err := cookiejar.New(nil)
	must(t, err)
	s.browser = &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	s.base, _, _ = strings.Cut(link, "/enter")
	s.get(strings.TrimPrefix(strings.TrimSpace(link), s.base))
	return s
}

// kill ends it as Android does.
func (s *served) kill() {
	if s.cmd.ProcessState != nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Error(err)
	}
	if err := s.cmd.Wait(); err == nil {
		s.t.Error("a killed program ended well")
	}
}

func (s *served) get(path string) string {
	s.t.Helper()
	resp, err := s.browser.Get(s.base + path)
	must(s.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(s.t, err)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s gives %d:\n%s", path, resp.StatusCode, raw)
	}
	return string(raw)
}

// post sends a form as a page does; the program may die amid it.
func (s *served) post(path string, form url.Values) (status int, err error) {
	r, err := http.NewRequest(http.MethodPost, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := s.browser.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(draft|tab|rev|base|columns)" value="([^"]*)">`)
	draftPath   = regexp.MustCompile(`data-draft="([^"]+)"`)
)

// saving is a form that is saved, and how one knows.
type saving struct {
	page   string
	fields url.Values
	typed  string     // what a draft shows of them
	saves  url.Values // what its button adds
	wrote  func() int // how many times it stands in the file
}

// killedAmid types into a form, has the program killed while it is saved, and sends the form again from the page that outlived it: before, the
// save is there whole or the draft with all that was typed, and after it is there once.
func (s *served) killedAmid(f *field, c saving) (next *served, whole bool) {
	s.t.Helper()
	raw := s.get(c.page)
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(raw, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for name, list := range c.fields {
		form[name] = list
	}
	typed := draftPath.FindStringSubmatch(raw)
	if typed == nil || form.Get("draft") == "" {
		s.t.Fatalf("no form with a draft at %s:\n%s", c.page, raw)
	}
	if status, err := s.post(typed[1], form); status != http.StatusOK { // as the page does while one types
		s.t.Fatalf("the draft gives %d, %v", status, err)
	}
	for name, list := range c.saves {
		form[name] = list
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if _, err := s.post(c.page, form); err != nil {
			return // it died amid it, which is what this is about
		}
	}()
	time.Sleep(time.Duration(rand.IntN(12)) * time.Millisecond) // no assertion rests on it: it only moves the kill
	s.kill()
	<-sent
	next = f.serve(s.t)
	n := c.wrote()
	if n > 1 || n < 0 || n == 0 && !strings.Contains(next.get(c.page), c.typed) {
		s.t.Fatalf("%s: written %d times, and no draft", c.page, n)
	}
	if status, err := next.post(c.page, form); status != http.StatusOK {
		s.t.Fatalf("%s: the form sent again gives %d, %v", c.page, status, err)
	}
	if n := c.wrote(); n != 1 {
		s.t.Fatalf("%s: sent again it is written %d times", c.page, n)
	}
	return next, n == 1
}

// amid does so for one form after the other.
func (f *field) amid(t *testing.T, rounds int, form func(round int) saving) {
	t.Helper()
	saved := 0
	s := f.serve(t)
	for round := range rounds {
		var whole bool
		if s, whole = s.killedAmid(f, form(round)); whole {
			saved++
		}
	}
	s.kill()
	t.Logf("killed while saving: %d saves were whole, %d drafts were there", saved, rounds-saved)
}

// Android kills the program while a visit is saved: afterwards the save is there whole, or the draft is with all that was typed. The same form,
// sent again from a page that outlived the kill, makes one visit of it and never two.
func TestKilledWhileSaving(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	page := "/h/" + query(t, f.file, "SELECT id FROM household ORDER BY code LIMIT 1")[0] + "/visit"
	f.amid(t, full(8, 100), func(round int) saving {
		text := fmt.Sprintf("第%d次：水沟还没有清。", round)
		return saving{page: page, fields: url.Values{"text": {text}, "day": {time.Now().In(schema.CityZone).Format(time.DateOnly)}}, typed: text, saves: url.Values{"do": {"save"}}, wrote: func() int {
			visits := len(query(t, f.file, "SELECT v.id FROM visit v JOIN journal j ON j.visit = v.id WHERE j.text = ?", text))
			if visits != len(query(t, f.file, "SELECT id FROM journal WHERE text = ?", text)) {
				return -1
			}
			return visits
		}}
	})
	f.sync()
	f.equal()
}

// The same for what mends, completes and answers: a journal that came back, an answer to deliver, and a change that the server refused.
func TestKilledWhileMendingAndAnswering(t *testing.T) {
	rounds := full(3, 40)
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.minqing("user", "add", "--login", "sec", "--name", "sec", "--role", "secretary", "--over", townVillage)
	ann := w.enrol("ann")
	for i := range rounds {
		ann.must("sql", `INSERT INTO matter (id, household, author, kind, title, state) SELECT n.id, h.id, u.id, 'difficulty', '`+fmt.Sprintf("事项%d", i)+`', 'handled'
			FROM mq_new_id n, household h, "user" u WHERE h.code = '`+house(1)+`' AND u.login = 'ann'`)
	}
	for i := range rounds { // the command seals what SQL wrote before as a change of its own
		ann.must("visit", "--household", house(0), "--submit", "--text", fmt.Sprintf("原来的话%d。", i))
		ann.must("sql", `INSERT INTO visit (id, household, author, day, next_day) SELECT n.id, h.id, u.id, '2026-11-20', '2026-11-01'
			FROM mq_new_id n, household h, "user" u WHERE h.code = '`+house(2)+`' AND u.login = 'ann'`)
	}
	ann.sync()
	sec := w.enrol("sec")
	sec.must("sql", `UPDATE journal SET state = 'returned'`)
	sec.sync()
	ann.sync()

	journals := query(t, ann.file, "SELECT id FROM journal WHERE state = 'returned' ORDER BY id")
	matters := query(t, ann.file, "SELECT id FROM matter WHERE state = 'handled' ORDER BY id")
	refused := query(t, ann.file, "SELECT identity FROM mq_change WHERE state = 'refused' ORDER BY ord")
	if len(journals) != rounds || len(matters) != rounds || len(refused) != rounds {
		t.Fatalf("%d journals came back, %d matters are handled, %d changes were refused", len(journals), len(matters), len(refused))
	}
	s := ann.serve(t)
	if page := s.get("/sync"); !strings.Contains(page, "约定的日期早于走访日期，服务器没有接受。") {
		t.Errorf("of what was refused one reads:\n%s", page)
	}
	s.kill()
	count := func(q string, args ...any) int { return len(query(t, ann.file, q, args...)) }
	for name, form := range map[string]func(i int) saving{
		"journal": func(i int) saving {
			text := fmt.Sprintf("补写%d：还差 1200 元。", i)
			return saving{page: "/j/" + journals[i] + "/edit", fields: url.Values{"text": {text}}, typed: text, wrote: func() int {
				if n := count("SELECT id FROM journal WHERE text = ? AND state = 'submitted'", text); n != count("SELECT ord FROM mq_change WHERE content LIKE ?", "%"+text+"%") {
					return -1
				}
				return count("SELECT id FROM journal WHERE text = ?", text)
			}}
		},
		"answer": func(i int) saving {
			text := fmt.Sprintf("答复%d：路灯修好了。", i)
			return saving{page: "/m/" + matters[i] + "/answer", fields: url.Values{"text": {text}, "word": {"good"}, "said": {"谢谢"}}, typed: text, wrote: func() int {
				answers := count("SELECT id FROM matter_step WHERE matter = ? AND kind = 'answer' AND text = ?", matters[i], text)
				if answers != count("SELECT id FROM matter_step WHERE matter = ? AND kind = 'word'", matters[i]) || answers > 0 != (count("SELECT id FROM matter WHERE id = ? AND state = 'answered'", matters[i]) == 1) {
					return -1
				}
				return answers
			}}
		},
		"mend": func(i int) saving {
			day := fmt.Sprintf("2027-%02d-%02d", 1+i/28, 1+i%28)
			return saving{page: "/sync/c/" + refused[i] + "/mend", fields: url.Values{"day": {"2026-11-20"}, "next_day": {day}}, typed: day, wrote: func() int {
				if n := count("SELECT ord FROM mq_change WHERE mends = ?", refused[i]); n != count("SELECT id FROM visit WHERE next_day = ?", day) {
					return -1
				}
				return count("SELECT ord FROM mq_change WHERE mends = ?", refused[i])
			}}
		},
	} {
		t.Run(name, func(t *testing.T) { ann.amid(t, rounds, form) })
	}
	ann.sync()
	ann.equal()
	if n := count("SELECT ord FROM mq_change WHERE state IN ('pending', 'refused') AND identity NOT IN (SELECT mends FROM mq_change)"); n != 0 {
		t.Errorf("%d changes wait or were refused in the end", n)
	}
}
