package pages_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// TestTheMonthIsCounted holds Me to plain counts: a visit adds one, to the same household no household more.
func TestTheMonthIsCounted(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Empty)
	if got := strings.Join(b.Get("/me").Want(200).Texts(".counts dd"), " "); got != "0 0 0 0" {
		t.Errorf("nothing done is %s", got)
	}
	full := pagetest.MustOpen(t, pagetest.Full)
	before := full.Get("/me").Texts(".counts dd")
	for range 2 {
		full.Get("/h/{home}/visit").Send("#visit", url.Values{"text": {"家里都好。"}, "do": {"save"}}).Want(200)
	}
	full.Get("/h/{home}/matter").Send("main form", url.Values{"kind": {"request"}, "title": {"修路灯"}, "how": {"spot"}}).Want(200)
	after := full.Get("/me").Texts(".counts dd")
	if before[0] != "20" || after[0] != "22" || before[1] != after[1] || after[2] != "2" || after[3] != "1" {
		t.Errorf("from %q to %q", before, after)
	}
	full.Get("/me").Has("main", "不排名")
}

// TestDevicePage says how the phone stands with its server; a clock that is off is told, and harms nothing.
func TestDevicePage(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/me/phone").Want(200)
	p.Has("main", "陈秀兰（村妇联主席）")
	p.Has("main", "1.0.0")
	p.Has("main", "快 180 分钟") // the sync of this state was three hours ago by the server's clock
	p.Has(".note.act", "照样算数")
}

// TestDiagnosticsNameNobody looks for every text of every row, and every id, in what would be shared.
func TestDiagnosticsNameNobody(t *testing.T) {
	for _, state := range []pagetest.State{pagetest.Failed, pagetest.Hostile} {
		b := pagetest.MustOpen(t, state)
		b.Get("/r/{resident}/edit").Send("main form", url.Values{"phone": {"12"}})
		b.PostFrom("http://evil.example", "/h/{home}/edit", url.Values{"head": {"赵"}})
		text := reader.Attr(b.Get("/me/diagnostics").Want(200).One("main [name=text]"), "value")
		for _, want := range []string{"schema:", "changes:", "rows: household ", "file:"} {
			if !strings.Contains(text, want) {
				t.Errorf("it does not say %q:\n%s", want, text)
			}
		}
		for _, table := range b.Replica.Book().Tables() {
			if err := b.Replica.Records(t.Context(), table.Name, func(rec replica.Record) error {
				if strings.Contains(text, string(rec.Row)) {
					t.Errorf("the id of a %s stands in it", table.Name)
				}
				for i, v := range rec.Shown {
					c := table.Columns[i]
					if s := v.Str(); len(s) > len("第") && (c.Type == schema.TypeText || c.Type == schema.TypeLong || c.Type == schema.TypePhone || c.Type == schema.TypeIDNumber) && strings.Contains(text, s) {
						t.Errorf("%s.%s stands in it: %q", table.Name, c.Name, s)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		shared := b.Get("/me/diagnostics").Send("main form", nil).Want(200)
		if len(strings.Split(shared.Raw, "\n")) != len(strings.Split(text, "\n")) {
			t.Errorf("what is shared is not what was shown:\n%s", shared.Raw)
		}
	}
}

// TestExportHasOnesOwnWords reads the table with another program's eyes: what he wrote, nothing of others.
func TestExportHasOnesOwnWords(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/me/export").Want(200)
	p.Has(".note.stop", "没有加密")
	book, err := excelize.OpenReader(bytes.NewReader([]byte(p.Send("main form", nil).Want(200).Raw)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, r := range rows {
		all += strings.Join(r, "|") + "\n"
	}
	for _, want := range []string{"2026-11-09|民情工作日志|王桂芬家|SQ07-003|送医保缴费通知。她说腿疼，约了11月23日再来。||已阅", "水渠已修好", "备注：腿疼，走路不便。"} {
		if !strings.Contains(all, want) {
			t.Errorf("the table lacks %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "核实低保") {
		t.Error("another's journal stands in it")
	}
	b.Get("/me/export").Has("main", "上次导出：今天 10:42")
	// It is on record, and goes up with what comes next: for good, even where the file is lost on its way.
	b.Get("/sync").Has("main", "导出记录")
	pending, err := b.Replica.Entries(t.Context(), replica.Pending)
	if err != nil {
		t.Fatal(err)
	}
	last := pending[len(pending)-1].Change.Edits
	if len(last) != 1 || last[0].Table != "own_export" || last[0].Op != syncproto.OpCreate || len(last[0].Cells) != 4 {
		t.Errorf("on record is %+v", last)
	}
	pagetest.MustOpen(t, pagetest.Empty).Get("/me/export").Want(200).Has("main", "没有可导出")
}

// TestPractice writes in practice what the phone's own file must never see, and leaves nothing behind.
func TestPractice(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	before := b.Get("/me").Texts(".counts dd")
	waiting, err := b.Replica.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Get("/practice").Send("main form", nil).Want(200).Has(".practising", "都是编的")
	const said = "练习时写的一句话"
	home := reader.Attr(b.Get("/today").Want(200).All("main .row .nm")[0], "href")
	b.Get(home+"/visit").Send("#visit", url.Values{"text": {said}, "do": {"save"}}).Want(200).Has(".story", said)
	for _, path := range []string{"/today", "/households", home, home + "/visit", home + "/matter", "/journal", "/matters", "/me", "/sync", "/nowhere"} {
		if p := b.Get(path); len(p.All("form.practising button")) != 1 {
			t.Errorf("%s does not say that it is practice", path)
		}
	}
	for _, path := range []string{"/me/export", "/me/phone", "/me/diagnostics", "/enrol", "/me/pin"} {
		b.Get(path).Has("main", "练习里没有这一步")
	}
	for _, path := range []string{"/sync", "/sync/carry", "/sync/photos", "/me/export"} {
		b.Post(path, nil).Has("main", "练习里没有这一步")
	}
	names, err := filepath.Glob(b.Path + "*")
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen = seen || strings.Contains(name, ".practice")
		if bytes.Contains(raw, []byte(said)) {
			t.Errorf("%s can be read", filepath.Base(name))
		}
	}
	if !seen {
		t.Error("practice has no file of its own")
	}
	b.Post("/practice/leave", nil).Want(200).Has(".toast", "都删掉了")
	if left, err := filepath.Glob(b.Path + ".practice*"); err != nil || len(left) > 0 {
		t.Errorf("practice left %q, %v", left, err)
	}
	b.Get(home).Want(http.StatusNotFound)
	if now, err := b.Replica.Waiting(t.Context()); err != nil || now != waiting {
		t.Errorf("%d wait, were %d, %v", now, waiting, err)
	}
	if after := b.Get("/me").Texts(".counts dd"); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("the counts went from %q to %q", before, after)
	}
	if p := b.Get("/today"); len(p.All(".practising")) != 0 {
		t.Error("practice goes on")
	}
}

// TestAClockBehindTheServers: a phone whose clock was set back by a year still knows what day it is, as well as its server did, and writes it down.
func TestAClockBehindTheServers(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	due := strings.Join(b.Get("/today").Want(200).Texts("main .row"), "|")
	day := b.Now.Format(time.DateOnly)
	b.Now = b.Now.AddDate(-1, 0, 0)
	p := b.Get("/today").Want(200)
	if got := strings.Join(p.Texts("main .row"), "|"); got != due || due == "" {
		t.Errorf("with a slow clock it is due %s, before %s", got, due)
	}
	form := b.Get("/h/{home}/visit").Want(200)
	if in := form.One("#f-day"); reader.Attr(in, "value") != day || reader.Attr(in, "max") != day {
		t.Errorf("the visit would be of %s, at most of %s, want %s", reader.Attr(in, "value"), reader.Attr(in, "max"), day)
	}
	form.Send("#visit", url.Values{"text": {"钟不准也照样记"}, "day": {day}, "do": {"save"}}).Want(200).Has(".story", "钟不准也照样记")
}

// TestLapsedLosesNothing runs the lease out: the pages lock with their sentence, what was begun stays, and one contact opens them again.
func TestLapsedLosesNothing(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Lapsed)
	waiting, err := b.Replica.Waiting(t.Context())
	if err != nil || waiting == 0 {
		t.Fatalf("%d wait, %v", waiting, err)
	}
	for _, path := range []string{"/today", "/households", "/h/{home}", "/h/{home}/visit", "/journal", "/matters", "/me/export"} {
		p := b.Get(path).Want(http.StatusForbidden)
		p.Has("h2", "太久没有连上服务器")
		if text := strings.Join(p.Texts("body"), " "); strings.Contains(text, "王桂芬") {
			t.Errorf("%s shows a name", path)
		}
	}
	open := b.Get("/sync").Want(200)
	open.Has("main", "3 条还没上传")
	open.Has("main .note", "您写的都在，一条不少")
	if text := strings.Join(open.Texts("body"), " "); strings.Contains(text, "王桂芬") {
		t.Errorf("the sync page names a household: %s", text)
	}
	p := b.Post("/h/{home}/edit", url.Values{"note": {"锁上时写的"}}).Want(http.StatusForbidden)
	if got := reader.Attr(p.One("main form [name=note]"), "value"); got != "锁上时写的" {
		t.Errorf("the form went: %q", got)
	}
	if after, err := b.Replica.Waiting(t.Context()); err != nil || after != waiting {
		t.Errorf("%d wait, were %d, %v", after, waiting, err)
	}
	if err := b.Bring(t.Context(), b.Rows["home"]); err != nil {
		t.Fatal(err)
	}
	b.Get("/today").Want(200)
	if after, err := b.Replica.Waiting(t.Context()); err != nil || after != waiting {
		t.Errorf("%d wait after the contact, were %d, %v", after, waiting, err)
	}
}

// TestLockedShowsNothing asks a locked phone for pages, opens it, and finds what was there.
func TestLockedShowsNothing(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Locked)
	for _, path := range []string{"/today", "/h/{home}", "/journal", "/sync", "/me/export", "/me/diagnostics", "/practice", "/photo/{home}", "/draft/{home}"} {
		p := b.Get(path).Want(200)
		if p.Path != "/lock" {
			t.Errorf("%s led to %s", path, p.Path)
		}
	}
	b.Post("/practice", nil)
	if p := b.Get("/today"); p.Path != "/lock" {
		t.Errorf("practice opened a way round the lock: %s", p.Path)
	}
	b.Get("/lock").Send("main form", url.Values{"pin": {"111111"}}).Want(http.StatusUnprocessableEntity).Has(".err", "口令不对")
	p := b.Get("/lock").Send("main form", url.Values{"pin": {pagetest.PIN}}).Want(200)
	p.Has("main", "王桂芬家")
	b.Get("/me").Has("main", "换口令")
	b.Get("/me").Send("form[action='/me/lock']", nil)
	if p := b.Get("/h/{home}"); p.Path != "/lock" {
		t.Errorf("it is open still: %s", p.Path)
	}
	waiting := pagetest.MustOpen(t, pagetest.Waiting)
	waiting.Get("/lock").Want(200).Has(".note", "不会清空")
}
