package pages_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minqing/mobile-client/pages"
	"minqing/mobile-client/phone"
	"minqing/syncproto"
)

// TestEnrolLockAndOpen goes the way of a new phone: a code, whose phone it is, the first sync, the lock, slips, a wait, and what was typed
// when the pages locked.
func TestEnrolLockAndOpen(t *testing.T) {
	id := func() string {
		s, err := syncproto.NewID(time.Now().UnixMilli(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/enrol" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err := json.NewEncoder(w).Encode(syncproto.EnrolResponse{Device: syncproto.DeviceID(id()), User: syncproto.UserID(id()), Name: "陈秀兰", Post: "网格员"}); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	now := time.Now() // and stays: a wait must not go by on a machine that has much else to do
	p, err := phone.New(ctx, phone.Options{File: filepath.Join(t.TempDir(), "f.db"), Transport: http.DefaultTransport, Now: now.UnixMilli,
		After: func(time.Duration) <-chan time.Time { return make(chan time.Time) }, Rand: rand.Reader, Log: log, Weak: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := pages.New(pages.Options{Phone: p, Now: func() time.Time { return now }, Zone: time.UTC, Rand: rand.Reader, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	links, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, l, func(link string, _ func(to string) (string, error)) { links <- link })
	}()
	link := <-links
	base, _, _ := strings.Cut(link, "/enter")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	defer func() {
		browser.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	ask := func(method, path string, fields url.Values, words ...string) {
		t.Helper()
		req, err := http.NewRequest(method, path, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", base)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for _, w := range words {
			if !strings.Contains(string(raw), w) {
				t.Errorf("%s %s (%d) lacks %q:\n%s", method, path, resp.StatusCode, w, raw)
			}
		}
	}
	code, err := syncproto.NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pin := func(s string) url.Values { return url.Values{"pin": {s}} }
	ask("GET", link, nil)
	ask("GET", base+"/today", nil, "登记这部手机")
	ask("POST", base+"/enrol", url.Values{"code": {syncproto.EnrolLink(server.URL, code)}, "pin": {"246810"}}, "这部手机现在是陈秀兰（网格员）的。", "断了网也不要紧，下次从这里接着来。")
	ask("GET", base+"/today", nil, "今天")
	ask("POST", base+"/me/lock", nil, "输入口令")
	ask("GET", base+"/today", nil, "输入口令")
	ask("GET", base+"/me", nil, "大字版")
	ask("POST", base+"/h/"+id()+"/edit", url.Values{"note": {"锁上时写的话"}}, "输入口令")
	for range 4 {
		ask("POST", base+"/lock", pin("000001"), "口令不对")
	}
	ask("POST", base+"/lock", pin("246810"), "您刚才写的都在", "锁上时写的话")
	ask("POST", base+"/me/pin", url.Values{"old": {"246810"}, "new": {"135799"}}, "口令换好了")
	ask("POST", base+"/me/lock", nil, "输入口令")
	for range 5 {
		ask("POST", base+"/lock", pin("246810"), "口令")
	}
	ask("POST", base+"/lock", pin("135799"), "秒后再试。数据都在，不会清空。")
}
