package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/demo"
)

// The story holds with the real programs, the first time and when it goes on.
func TestStory(t *testing.T) {
	dir := t.TempDir()
	opt := demo.Options{Dir: filepath.Join(dir, "story"), NoServe: true}
	for program, pkg := range map[*string]string{&opt.Server: "minqing/server/cmd/minqing", &opt.Field: "minqing/mobile-client/cmd/minqing-field"} {
		*program = filepath.Join(dir, filepath.Base(pkg))
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", *program, pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, out)
		}
	}
	var first bytes.Buffer
	opt.Out = &first
	if err := demo.Run(t.Context(), opt); err != nil {
		t.Fatalf("%v\n%s", err, first.String())
	}
	for _, want := range []string{"没有变化，系统里本来就是这样", "已合并", "等决定", "晚到", "定了，采用您写的", "三部手机都与服务器相等"} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("the story does not tell “%s”:\n%s", want, first.String())
		}
	}
	goesOn(t, opt)
}

// goesOn runs the story again; it ends with field apps in a browser, until it is interrupted.
func goesOn(t *testing.T, opt demo.Options) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	read, write := io.Pipe()
	opt.Out, opt.NoServe = write, false
	ended := make(chan error, 1)
	go func() {
		err := demo.Run(ctx, opt)
		ended <- errors.Join(err, write.Close())
	}()
	var told strings.Builder
	var links, desks []string
	card := ""
	for lines := bufio.NewScanner(read); lines.Scan(); {
		told.WriteString(lines.Text() + "\n")
		if at := strings.Index(lines.Text(), "http://"); at >= 0 && strings.Contains(lines.Text(), "/enter?k=") {
			links = append(links, lines.Text()[at:])
		}
		if at := strings.Index(lines.Text(), "http://"); at >= 0 && strings.Contains(lines.Text(), "/link/") {
			desks = append(desks, strings.TrimSpace(lines.Text()[at:]))
		}
		if at := strings.Index(lines.Text(), "http://"); at >= 0 && strings.Contains(lines.Text(), "/c/") {
			card = strings.TrimSpace(lines.Text()[at:])
		}
		if strings.Contains(lines.Text(), "Ctrl+C ends it all") {
			opens(t, card, `href="tel:`)
			for _, link := range desks {
				opens(t, link, `autocomplete="new-password"`)
			}
			for _, link := range links {
				look(t, link)
			}
			interrupt()
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("the second run: %v\n%s", err, told.String())
	}
	if !strings.Contains(told.String(), "三部手机都与服务器相等") || len(links) != 2 || len(desks) != 2 {
		t.Errorf("the second run does not end with the proof and two field apps:\n%s", told.String())
	}
	for _, link := range links {
		base, _, _ := strings.Cut(link, "/enter")
		if resp, err := http.Get(base); err == nil {
			resp.Body.Close()
			t.Errorf("%s still answers after the end", base)
		}
	}
}

// opens tells that a link leads to a page: a one-time link to where its owner chooses a password, a contact card to whom to call.
func opens(t *testing.T, link, holds string) {
	t.Helper()
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), holds) {
		t.Errorf("%s gives %d, %v:\n%s", link, resp.StatusCode, err, page)
	}
}

// look opens a field app as a browser does: an enrolled phone with its households, everything sent. The link is good once.
func look(t *testing.T, link string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	base, _, _ := strings.Cut(link, "/enter")
	for _, c := range []struct {
		client *http.Client
		url    string
		status int
		want   string
		least  int
	}{
		{browser, link, 200, `href="/lock"`, 1}, {browser, base + "/lock", 200, "今天", 1}, {browser, base + "/today", 200, "户中已走访", 1}, {browser, base + "/households", 200, `class="nm"`, 9}, {browser, base + "/sync", 200, "都已上传", 1},
		{&http.Client{}, link, 403, "只能用一次", 1},
	} {
		resp, err := c.client.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || strings.Count(string(page), c.want) < c.least {
			t.Errorf("%s gives %d, %v, without %d times “%s”:\n%s", c.url, resp.StatusCode, err, c.least, c.want, page)
		}
	}
}
