package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestDevices(t *testing.T) { both(t, devices) }

func devices(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	p := b.Get("/at/{place}/devices").Want(200)
	if got := strings.Join(p.Texts("tbody tr"), "|"); len(p.All("tbody tr")) != 2 || !strings.Contains(got, "快 3 小时") || strings.Contains(got, "白荷") {
		t.Fatalf("the phones are %s", got)
	}
	if n := len(b.Get("/at/{place}/devices?q=" + url.QueryEscape("赵建")).All("tbody tr")); n != 1 {
		t.Errorf("%d phones of 赵建", n)
	}
	if n := len(b.Get("/at/{place}/devices?q=%25").All("tbody tr")); n != 0 {
		t.Errorf("%d phones of %%", n)
	}

	// Somebody of another place and nobody at all look alike.
	for _, login := range []string{"baihe", "nobody"} {
		bad := p.Send("main form", url.Values{"login": {login}}).Want(http.StatusUnprocessableEntity)
		if got := strings.ReplaceAll(strings.Join(bad.Texts(".err"), ""), login, "X"); got != "这里没有登录名是“X”的人。" || bad.Fields("main form").Get("login") != login {
			t.Errorf("%s: %q", login, got)
		}
	}
	p = p.Send("main form", url.Values{"login": {"chenxiulan"}}).Want(200)
	code := p.Texts(".enrolcode code")[0]
	if _, err := syncproto.ParseCode(code); err != nil || len(p.All("svg.qr")) != 1 {
		t.Errorf("the code %q: %v", code, err)
	}

	// A phone that was lost is revoked, and its owner gets the code of the next.
	p = b.Get("/at/{place}/devices/{device}").Want(200).Send("main form", url.Values{"replace": {"1"}}).Want(200)
	if next := p.Texts(".enrolcode code"); len(next) != 1 || next[0] == code || !strings.Contains(strings.Join(p.Texts(".note"), ""), "红米 12C") {
		t.Errorf("after a loss: %q", p.Texts("main"))
	}
	revoked := int64(0)
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		d, _, err := tx.Device(syncproto.DeviceID(city.Rows["device"]))
		revoked = d.Revoked
		return err
	}); err != nil || revoked == 0 {
		t.Errorf("revoked at %d, %v", revoked, err)
	}
	if p = b.Post("/at/{place}/devices/{device}/revoke", nil).Want(200); !strings.HasSuffix(p.Path, string(city.Rows["device"])) || len(p.All("main form")) != 0 {
		t.Errorf("revoked twice: %s", p.Path)
	}

	// What it still hands over before it is wiped stands on its page, each change with the way to decide it.
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "还没有交来什么") {
		t.Errorf("a phone that was just revoked: %s", got)
	}
	id := syncproto.DeviceID(city.Rows["device"])
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveProof(id, true) }); err != nil {
		t.Fatal(err)
	}
	city.SetNow(city.Now().Add(time.Hour))
	if err := city.HandIn(t.Context(), id, "household", city.Rows["ou"], consoletest.Vals{"address": "上湾 6 号"}); err != nil {
		t.Fatal(err)
	}
	p = b.Get("/at/{place}/devices/{device}").Want(200)
	left := p.All(".list a")
	if got := strings.Join(p.Texts(".list li"), "|"); len(left) != 1 || !strings.Contains(got, "改 欧阳诗雅家：住址") {
		t.Fatalf("handed in: %q", got)
	}
	b.Get(reader.Attr(left[0], "href")).Want(200)

	// Whether it holds what it should, and since when.
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "和服务器一致，从 11月23日 周一 10:50 起") {
		t.Errorf("the proof: %s", got)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveProof(id, false) }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Get("/at/{place}/devices/{device}").Want(200).Texts("main"), ""); !strings.Contains(got, "和服务器不一致，从 11月23日 周一 11:50 起") {
		t.Errorf("the proof: %s", got)
	}
}
