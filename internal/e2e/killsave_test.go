package e2e_test

import (
	"bufio"
	"fmt"
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
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(draft|tab|rev)" value="([^"]*)">`)
	draftPath   = regexp.MustCompile(`data-draft="([^"]+)"`)
)

// Android kills the program while a visit is saved: afterwards the save is there whole, or the draft is with all that was typed. The same form,
// sent again from a page that outlived the kill, makes one visit of it and never two.
func TestKilledWhileSaving(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	home := query(t, f.file, "SELECT id FROM household ORDER BY code LIMIT 1")[0]
	page := "/h/" + home + "/visit"
	whole := func(text string) (visits, journals int) {
		t.Helper()
		return len(query(t, f.file, "SELECT v.id FROM visit v JOIN journal j ON j.visit = v.id WHERE j.text = ?", text)),
			len(query(t, f.file, "SELECT id FROM journal WHERE text = ?", text))
	}
	saved, kept := 0, 0
	s := f.serve(t)
	for round := range full(8, 100) {
		text := fmt.Sprintf("第%d次：水沟还没有清。", round)
		raw := s.get(page)
		form := url.Values{"text": {text}, "day": {time.Now().Format(time.DateOnly)}}
		for _, m := range hiddenField.FindAllStringSubmatch(raw, -1) {
			form.Set(m[1], m[2])
		}
		typed := draftPath.FindStringSubmatch(raw)
		if typed == nil || form.Get("draft") == "" {
			t.Fatalf("no form of a visit:\n%s", raw)
		}
		if status, err := s.post(typed[1], form); status != http.StatusOK { // as the page does while one types
			t.Fatalf("the draft gives %d, %v", status, err)
		}
		form.Set("do", "save")
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			if _, err := s.post(page, form); err != nil {
				return // it died amid it, which is what this is about
			}
		}()
		time.Sleep(time.Duration(rand.IntN(12)) * time.Millisecond) // no assertion rests on it: it only moves the kill
		s.kill()
		<-sent
		s = f.serve(t)
		visits, journals := whole(text)
		switch {
		case visits == 1 && journals == 1:
			saved++
		case visits == 0 && journals == 0 && strings.Contains(s.get(page), text):
			kept++
		default:
			t.Fatalf("round %d: %d visits, %d journals, and no draft", round, visits, journals)
		}
		if status, err := s.post(page, form); status != http.StatusOK {
			t.Fatalf("the form sent again gives %d, %v", status, err)
		}
		if visits, journals := whole(text); visits != 1 || journals != 1 {
			t.Fatalf("round %d: sent again there are %d visits and %d journals", round, visits, journals)
		}
	}
	t.Logf("killed while saving: %d saves were whole, %d drafts were there", saved, kept)
	s.kill()
	f.sync()
	f.equal()
}
