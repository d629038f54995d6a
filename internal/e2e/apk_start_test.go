package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The program out of the package starts as the shell starts it: by a start line, the network, and a link, up to the page on which the
// phone is enrolled; it ends with its input. The shell's Java around it was never run here: it needs a phone.
func TestAndroidProgramStarts(t *testing.T) {
	words := arm(t, "android")
	bin := mustUnpack(t, mustAPK(t), "lib/arm64-v8a/libfield.so")
	home := t.TempDir()
	args := slices.Concat(words[1:len(words)-1], []string{bin, "serve", "--shell", "--file", filepath.Join(home, "minqing.db")})
	cmd := exec.CommandContext(t.Context(), words[0], args...)
	cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "TMPDIR=" + home}
	var log strings.Builder
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = fmt.Fprintf(in, "%s\n%s\n%s\n", `{"kind":"start","secret":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","version":41,"share":"`+home+`","package":"`+home+`/base.apk"}`,
		`{"kind":"network","state":"free","dns":["192.0.2.1"]}`, `{"kind":"link"}`)
	must(t, err)
	said := make(chan string, 2)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line struct{ Kind, Link string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Kind == "link" {
				said <- line.Link
			}
		}
	}()
	var link string
	select {
	case link = <-said:
	case <-time.After(2 * time.Minute):
		t.Fatalf("no link\n%s", log.String())
	}
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Jar: jar}
	page := ""
	base, _, _ := strings.Cut(link, "/enter")
	for _, at := range []string{link, base + "/"} {
		resp, err := browser.Get(at)
		must(t, err)
		raw, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		page = string(raw)
	}
	if !strings.Contains(page, "登记这部手机") || !strings.Contains(page, `action="/enrol"`) {
		t.Errorf("the first page is\n%s", page)
	}
	// The link of an enrolment code opens the form filled in; a file that another app shared is answered on a page, here that it was not taken.
	shared := filepath.Join(home, "shared")
	must(t, os.WriteFile(shared, []byte("no bundle"), 0o600))
	_, err = fmt.Fprintf(in, "%s\n%s\n", `{"kind":"link","link":"minqing:enrol?s=https%3A%2F%2Fminqing.example&c=ABCD"}`, `{"kind":"bundle","path":"`+shared+`"}`)
	must(t, err)
	for _, to := range []string{"&to=%2Fenrol%3Flink%3Dminqing", "&to=%2Fsync%2Fcarried%3Ftook%3Dno"} {
		select {
		case link = <-said:
		case <-time.After(2 * time.Minute):
			t.Fatalf("no link to %s\n%s", to, log.String())
		}
		if !strings.Contains(link, to) {
			t.Errorf("the link is %s, want one to %s", link, to)
		}
		if strings.Contains(to, "enrol") {
			base, _, _ := strings.Cut(link, "/enter")
			form := base + "/enrol?link=minqing%3Aenrol%3Fs%3Dhttps%253A%252F%252Fminqing.example%26c%3DABCD"
			resp, err := browser.Get(form)
			must(t, err)
			raw, err := io.ReadAll(resp.Body)
			must(t, err)
			must(t, resp.Body.Close())
			if !strings.Contains(string(raw), "minqing:enrol?s=https%3A%2F%2Fminqing.example&amp;c=ABCD</textarea>") {
				t.Errorf("enrolment is not filled in:\n%s", raw)
			}
		}
	}
	if _, err := os.Stat(shared); !os.IsNotExist(err) {
		t.Errorf("the shared file stays: %v", err)
	}
	must(t, in.Close()) // the shell is gone
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v\n%s", err, log.String())
	}
	if _, err := os.Stat(filepath.Join(home, "minqing.db")); !os.IsNotExist(err) {
		t.Errorf("a file was made though nobody is enrolled: %v", err)
	}
}
