package e2e_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// badInput says for each kind of bad input which test holds it: the file from the root, the test, and what in it names the case.
var badInput = []struct{ input, file, test, names string }{
	{"missing columns", "server/register/import_test.go", "TestFilesThatCannotBeImported", `"missing columns"`},
	{"merged header cells", "server/register/import_test.go", "TestMergedCells", `MergeCell`},
	{"two rows of one ID number", "server/register/import_test.go", "TestBadRowsAreNamed", `是同一个身份证号`},
	{"wrong check digit", "server/register/import_test.go", "TestBadRowsAreNamed", `最后一位对不上`},
	{"15-digit ID numbers", "server/register/import_test.go", "TestPlainMeaningIsTaken", `15 digits`},
	{"missing ID numbers", "server/register/import_test.go", "TestRegisterOfResidents", `李四 配偶 女 1958-03-04 -`},
	{"full-width digits", "server/register/import_test.go", "TestPlainMeaningIsTaken", `１９７０．０１．０１`},
	{"dates as text", "server/register/import_test.go", "TestPlainMeaningIsTaken", `1971年3月4日`},
	{"dates as numbers", "server/register/import_test.go", "TestMergedCells", `26299`},
	{"stray spaces", "server/register/import_test.go", "TestPlainMeaningIsTaken", `户号　 小组`},
	{"CSV in GB18030", "server/register/import_test.go", "TestEncodingsAndRareCharacters", `GB18030`},
	{"characters beyond the BMP", "server/register/import_test.go", "TestEncodingsAndRareCharacters", `𠮷田`},
	{"200,000 rows, resumed", "internal/e2e/hostile_test.go", "TestHostileImportKilled", `kill()`},
	{"zip bomb", "server/register/import_test.go", "TestFilesThatCannotBeImported", `"zip bomb"`},
	{"zip bomb: memory", "internal/sheet/limits_test.go", "TestZipBombsCostAnErrorMessage", ``},
	{".xls instead of .xlsx", "server/register/import_test.go", "TestFilesThatCannotBeImported", `"old workbook"`},
	{"unknown village", "server/cmd/minqing/testdata/first.txtar", "", `没有找到“青山村”`},
	{"expired and used codes", "server/auth/auth_test.go", "TestEnrolmentHasOneWinner", `an expired code`},
	{"a code claimed by many at once", "server/auth/auth_test.go", "TestHostileRaceForACode", ``},
	{"clock ten years off", "internal/e2e/hostile_test.go", "TestHostileClock", `tenYears`},
	{"frame too deep", "syncproto/codec/hostile_test.go", "TestHostileLines", `"deep content"`},
	{"frame too long", "syncproto/codec/hostile_test.go", "TestHostileLines", `"long line"`},
	{"frame not UTF-8", "syncproto/codec/hostile_test.go", "TestHostileLines", `"not UTF-8"`},
	{"duplicate keys", "syncproto/codec/hostile_test.go", "TestHostileLines", `"duplicate key"`},
	{"column from tomorrow", "syncproto/codec/hostile_test.go", "TestDefectsBlockNoOtherChange", `"unknown column"`},
	{"table from tomorrow", "syncproto/codec/hostile_test.go", "TestDefectsBlockNoOtherChange", `"unknown table and a bad value"`},
	{"from tomorrow, kept and taken", "server/judge/keep_test.go", "TestUnknownIsTakenAfterAnUpgrade", `from tomorrow`},
	{"gzip and zstd bombs", "internal/e2e/hostile_crowd_test.go", "TestHostileBombs", `256<<20`},
	{"number at 2^53", "syncproto/codec/hostile_test.go", "TestDefectsBlockNoOtherChange", `"2^53 in a cell"`},
	{"NaN", "syncproto/codec/hostile_test.go", "TestHostileLines", `"NaN in content"`},
	{"-0", "syncproto/codec/hostile_test.go", "TestDefectsBlockNoOtherChange", `"-0 in a cell"`},
	{"a scope with no right to it", "internal/e2e/hostile_test.go", "TestHostileNames", `"a scope`},
	{"an author with no right to it", "internal/e2e/hostile_test.go", "TestHostileNames", `"another's name as author`},
	{"a seq with no right to it", "internal/e2e/hostile_test.go", "TestHostileNames", `"a cursor`},
	{"an epoch with no right to it", "internal/e2e/hostile_test.go", "TestHostileNames", `"an epoch`},
	{"full disk, server", "internal/e2e/faults_disk_test.go", "TestFaultsDiskFullOnTheServer", ``},
	{"full disk, device", "internal/e2e/faults_disk_test.go", "TestFaultsDiskFullOnTheDevice", ``},
	{"full disk, a real one under the server", "internal/e2e/faults_disk_test.go", "TestFaultsDiskFullForReal", `mustSmall`},
	{"full disk, a real one under a device", "internal/e2e/faults_disk_test.go", "TestFaultsDiskFullForRealOnTheDevice", `mustSmall`},
	{"port in use", "internal/e2e/hostile_test.go", "TestHostilePortInUse", `已被别的程序占用`},
	{"database more than one version newer", "internal/e2e/rolling_test.go", "TestTwoServerVersionsOnOnePostgres", `CodeUpgrade`},
	{"database newer, both databases", "server/store/conformance_test.go", "", `"a database too new"`},
	{"many small bodies that unpack to much", "internal/e2e/hostile_crowd_test.go", "TestHostileCrowdOfSmallBodies", `StatusTooManyRequests`},
	{"many large bodies at once", "internal/e2e/hostile_crowd_test.go", "TestHostileCrowd", `StatusTooManyRequests`},
}

// TestHostileTableIsTrue keeps the table above from pointing at nothing.
func TestHostileTableIsTrue(t *testing.T) {
	for _, b := range badInput {
		raw, err := os.ReadFile(filepath.Join("../..", b.file))
		must(t, err)
		at := 0
		if b.test != "" {
			if at = bytes.Index(raw, []byte("func "+b.test+"(t *testing.T) {")); at < 0 {
				t.Errorf("%s: %s has no test %s", b.input, b.file, b.test)
				continue
			}
		}
		body := raw[at:]
		if end := bytes.Index(body, []byte("\n}\n")); b.test != "" && end > 0 {
			body = body[:end]
		}
		if !bytes.Contains(body, []byte(b.names)) {
			t.Errorf("%s: %s in %s does not name %s", b.input, b.test, b.file, b.names)
		}
	}
}

// forger is whoever holds a device's key and writes requests by hand.
type forger struct {
	t      testing.TB
	via    http.Client
	url    string
	device syncproto.DeviceID
	key    ed25519.PrivateKey
	token  string
}

func mustForger(t testing.TB, r *replica.Replica, via http.RoundTripper) *forger {
	t.Helper()
	d, err := r.Device(context.Background())
	must(t, err)
	f := &forger{t: t, via: http.Client{Transport: via}, url: d.Server, device: d.ID, key: ed25519.NewKeyFromSeed(d.Seed)}
	var challenge syncproto.ChallengeResponse
	f.post("/v1/challenge", syncproto.ChallengeRequest{Device: d.ID}, &challenge)
	var token syncproto.TokenResponse
	f.post("/v1/token", syncproto.TokenRequest{Device: d.ID, Challenge: challenge.Challenge,
		Signature: base64.RawURLEncoding.EncodeToString(ed25519.Sign(f.key, syncproto.ChallengeText(d.ID, challenge.Challenge)))}, &token)
	f.token = token.Token
	return f
}

func (f *forger) post(path string, body, into any) {
	f.t.Helper()
	text, err := json.Marshal(body)
	must(f.t, err)
	res, err := f.via.Post(f.url+path, "application/json", bytes.NewReader(text))
	must(f.t, err)
	defer res.Body.Close()
	must(f.t, json.NewDecoder(res.Body).Decode(into))
}

// problem is an answer that is no sync's.
type problem struct {
	Title, Hint string
	Code        syncproto.Code
	RetryAfter  int
}

// sync sends a body as a sync and gives the status and the plain answer. Whoever is turned away must be told when to come again.
func (f *forger) sync(body []byte, encoding string) (status int, answer []byte, err error) {
	r, err := http.NewRequest(http.MethodPost, f.url+"/v1/sync", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+f.token)
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("Content-Encoding", encoding)
	r.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(f.key, http.MethodPost, "/v1/sync", f.token, body))
	res, err := f.via.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode == http.StatusTooManyRequests && (err != nil || n < 1) {
		return 0, nil, fmt.Errorf("429 with Retry-After %q", res.Header.Get("Retry-After"))
	}
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// refused wants an honest problem for a body.
func (f *forger) refused(what string, body []byte, encoding string) problem {
	f.t.Helper()
	status, answer, err := f.sync(body, encoding)
	must(f.t, err)
	var p problem
	if err := json.Unmarshal(answer, &p); err != nil || status < 400 || status >= 500 || p.Title == "" || p.Hint == "" {
		f.t.Fatalf("%s: status %d: %s", what, status, answer)
	}
	return p
}

// failureCode finds the code of a failure frame or a problem.
var failureCode = regexp.MustCompile(`"code":"([a-z-]+)"`)

// frames sends frames and gives the code of what became of the request, "" when it went through, and the answer.
func (f *forger) frames(list ...syncproto.Frame) (code syncproto.Code, answer string) {
	f.t.Helper()
	var body bytes.Buffer
	w := codec.NewWriter(&body)
	for _, fr := range append(list, syncproto.End{}) {
		must(f.t, w.Write(fr))
	}
	must(f.t, w.Flush())
	status, raw, err := f.sync(body.Bytes(), codec.EncodingPlain)
	must(f.t, err)
	if m := failureCode.FindSubmatch(raw); m != nil && (status != http.StatusOK || bytes.Contains(raw, []byte(`"failure"`))) {
		code = syncproto.Code(m[1])
	}
	return code, string(raw)
}

// Phones whose clocks are ten years off either way lose nothing and win nothing: their work arrives, in the order of the server's time.
func TestHostileClock(t *testing.T) {
	const tenYears = int64(10 * 365 * 24 * 60 * 60 * 1000)
	p := mustPair(t)
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.round()
	bob.round()
	for _, off := range []int64{tenYears, -tenYears} {
		must(t, ann.Close())
		ann.opt.Now = func() int64 { return p.clock() + off }
		ann.reopen()
		ann.edit("h0-thing", text("newest", "ann"))
		if rep := ann.round(); rep.Verdicts[syncproto.Applied] != 1 {
			t.Errorf("a clock off by %d gave %+v", off, rep.Verdicts)
		}
		bob.round()
		bob.edit("h0-thing", text("newest", "bob"))
		bob.round()
		ann.round()
		for _, ph := range []*phone{ann, bob} {
			if got := ph.shown("thing", "h0-thing")["newest"]; got != schema.Text("bob") {
				t.Errorf("with a clock off by %d the later word was hidden: %v", off, got)
			}
		}
	}
}

// What a client may not name is not believed, and the answer tells nothing of what others hold.
func TestHostileNames(t *testing.T) {
	p := mustPair(t)
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.round()
	bob.round()
	f := mustForger(t, ann.Replica, p)
	cursor := func(ph *phone) string {
		return query(t, ph.opt.Path, "SELECT value FROM mq_meta WHERE key = 'cursor'")[0]
	}
	hello := syncproto.Hello{Protocol: syncproto.ProtocolVersion, Schema: schematest.Version, Cursor: cursor(ann)}
	another, theirs, forged, epoch := hello, hello, hello, hello
	another.Device = "01900000-0000-7000-8000-00000000ffff"
	theirs.Cursor = cursor(bob)
	forged.Cursor = hello.Cursor[:len(hello.Cursor)-8] + "AAAAAAAA"
	epoch.Offer = "00112233445566778899aabbccddeeff"
	far := syncproto.BucketID{Scope: "household:" + p.id("h3"), Period: schema.NoPeriod}
	for _, c := range []struct {
		name   string
		frames []syncproto.Frame
		code   syncproto.Code
	}{
		{"another device", []syncproto.Frame{another}, syncproto.CodeForbidden},
		{"a cursor of another's phone: his seqs", []syncproto.Frame{theirs}, syncproto.CodeCursor},
		{"a cursor changed by a few letters: seqs never given", []syncproto.Frame{forged}, syncproto.CodeCursor},
		{"an epoch that never was, said to have forked", []syncproto.Frame{epoch}, syncproto.CodeFork},
		{"a scope that it does not hold, in its list", []syncproto.Frame{hello, syncproto.Held{Buckets: []syncproto.BucketID{far}}}, ""},
		{"a scope that it does not hold, asked about", []syncproto.Frame{hello, syncproto.Probe{ID: far, Prefixes: []string{""}}}, ""},
		{"a scope that it does not hold, wanted whole", []syncproto.Frame{hello, syncproto.Probe{ID: far, Refill: true}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, answer := f.frames(c.frames...)
			if code != c.code {
				t.Errorf("code %q, want %q: %s", code, c.code, answer)
			}
			if strings.Contains(answer, "canary-h3") || strings.Contains(answer, p.id("h3-thing")) {
				t.Errorf("it gave away another's household: %s", answer)
			}
		})
	}
	stamped := p.create("thing", "stamped", "household", "@h0", "name", "章")
	stamped.Cells = append(stamped.Cells, syncproto.CellEdit{Cell: "stamp", Value: schema.Int(1)})
	var now *store.Row
	must(t, p.e.Store.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{p.id("h0-thing")})
		if err == nil {
			now = rows[0]
		}
		return err
	}))
	over := func(base syncproto.Base) syncproto.Edit {
		return syncproto.Edit{Table: "thing", Row: p.row("h0-thing"), Op: syncproto.OpUpdate, Base: base, Cells: []syncproto.CellEdit{{Cell: "name", Value: schema.Text("伪")}}}
	}
	for i, c := range []struct {
		name   string
		edit   syncproto.Edit
		status string
	}{
		{"another's name as author", p.create("note", "forged", "thing", "@h0-thing", "author", "@bob", "text", "某"), "refused"},
		{"a row of another's household", p.create("thing", "far", "household", "@h3", "name", "远"), "refused"},
		{"a column of the server", stamped, "refused"},
		{"a version that is not there yet", over(syncproto.Base{Epoch: now.Label.Epoch, Rev: now.Label.Rev + 100}), "refused"},
		{"an epoch that never was, as base", over(syncproto.Base{Epoch: "00112233445566778899aabbccddeeff", Rev: 100}), "conflicted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := &syncproto.Change{Name: syncproto.Name{Device: f.device, Number: uint64(i + 1)}, At: p.clock(), Edits: []syncproto.Edit{c.edit}}
			ch.First = ch.Name
			must(t, ch.Seal())
			_, answer := f.frames(hello, ch)
			if !strings.Contains(answer, `"status":"`+c.status+`"`) {
				t.Errorf("want %s: %s", c.status, answer)
			}
			if strings.Contains(answer, "canary-h3") {
				t.Errorf("it gave away another's household: %s", answer)
			}
		})
	}
}

// Another program has the port: the server says which, and what to do.
func TestHostilePortInUse(t *testing.T) {
	w := mustTown(t, ownHouses)
	_, port, err := net.SplitHostPort(w.server.address)
	must(t, err)
	other := filepath.Join(w.dir, "other")
	must(t, os.Mkdir(other, 0o700))
	_, err = w.try("minqing", "init", "--city", "某市", "--code", "980000", "--login", "boss", "--name", "某", "--data", other)
	must(t, err)
	_, err = w.try("minqing", "serve", "--data", other, "--listen", "127.0.0.1:"+port)
	if err == nil || !strings.Contains(err.Error(), "端口 "+port+" 已被别的程序占用") || !strings.Contains(err.Error(), "--listen 127.0.0.1:0") {
		t.Errorf("a port in use gave %v", err)
	}
}

// A large register is imported in chunks: killed in the middle, the next import of the same file goes on, and in the end every row is
// there once. 20,000 rows in every run, 200,000 when MINQING_FAULTS=full.
func TestHostileImportKilled(t *testing.T) {
	w := mustTown(t, 1)
	w.stop()
	rows := full(20000, 200000)
	var csv strings.Builder
	csv.WriteString("户号,小组,户主,姓名,性别,出生日期\n")
	for i := range rows {
		fmt.Fprintf(&csv, "K%06d,%d组,户主%d,人%d,%s,19%02d-%02d-%02d\n", i/3, i/3%40+1, i/3, i, []string{"男", "女"}[i%2], i%60+40, i%12+1, i%28+1)
	}
	file := filepath.Join(w.dir, "large.csv")
	must(t, os.WriteFile(file, []byte(csv.String()), 0o600))
	began := time.Now()
	p, err := w.spawn("minqing", "import", "--village", townVillage, file, "--data", w.data)
	must(t, err)
	db := filepath.Join(w.data, "minqing.db")
	people := func() int {
		n, err := strconv.Atoi(query(t, db, "SELECT COUNT(*) FROM resident")[0])
		must(t, err)
		return n
	}
	for deadline := time.Now().Add(patience); people() < rows/5; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the import does not get on")
		}
	}
	must(t, p.kill())
	some := people()
	if some >= rows {
		t.Fatalf("all %d were there before it was killed", some)
	}
	sound(t, db)
	again, err := w.spawn("minqing", "import", "--village", townVillage, file, "--data", w.data)
	must(t, err)
	_, err = again.wait()
	must(t, err)
	took := time.Since(began)
	if n := people(); n != rows {
		t.Errorf("%d people after %d and another import, want %d", n, some, rows)
	}
	if out := w.minqing("import", "--village", townVillage, file); !strings.Contains(out, "没有变化") {
		t.Errorf("a third import: %s", out)
	}
	t.Logf("rows=%d killed-at=%d seconds=%.1f", rows, some, took.Seconds())
}
