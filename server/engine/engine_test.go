package engine_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// patience bounds every wait, far above what it takes on a busy machine.
const patience = time.Minute

func config(dir, dsn string) engine.Config {
	return engine.Config{Dir: dir, DSN: dsn, Book: schema.Minqing(), Now: func() int64 { return time.Now().UnixMilli() }, Rand: rand.Reader}
}

func mustOpen(t *testing.T, cfg engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestOpenStartsNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	cfg := config(t.TempDir(), "")
	e, err := engine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.SetMeta("test", "1") }); err != nil {
		t.Fatal(err)
	}
	// What database/sql itself starts for its pools is no work of ours; it ends with the store, as soon as there is a processor for it.
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	for deadline := time.Now().Add(patience); ; {
		left := goleak.Find(before)
		if left == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(left)
		}
	}
}

// Processes on one database share one secret; a folder that lacks it, or has another, is told so, and no secret is made up beside it.
func TestAnotherSecretIsRefused(t *testing.T) {
	for name, dsn := range map[string]string{"sqlite": "", "postgres": testenv.MustRelaxedPostgres(t)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, err := engine.Open(t.Context(), config(dir, dsn))
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			secret := filepath.Join(dir, keys.FileName)
			kept, err := os.ReadFile(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(secret); err != nil {
				t.Fatal(err)
			}
			_, err = engine.Open(t.Context(), config(dir, dsn))
			var e *syncproto.Error
			if !errors.As(err, &e) || e.Code != syncproto.CodeConflict || !strings.Contains(e.Hint, "secret.key") {
				t.Fatalf("without the secret: %v", err)
			}
			if _, err := os.Stat(secret); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a secret was made up: %v", err)
			}
			if err := os.WriteFile(secret, []byte(strings.Repeat("ab", keys.Size)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := engine.Open(t.Context(), config(dir, dsn)); !errors.As(err, &e) || e.Code != syncproto.CodeConflict {
				t.Errorf("with another secret: %v", err)
			}
			if err := os.WriteFile(secret, kept, 0o600); err != nil {
				t.Fatal(err)
			}
			mustOpen(t, config(dir, dsn))
		})
	}
}

func TestOneProcessHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := engine.Open(t.Context(), config(dir, ""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = engine.Open(ctx, config(dir, ""))
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Code != syncproto.CodeBusy || !strings.Contains(e.Message, dir) {
		t.Errorf("a second opening of one folder gave %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, config(dir, ""))
}

// city is what the tests need of a city: a village with one household and the cadre who contacts it.
type city struct{ village, household, cadre, other string }

func found(t *testing.T, e *engine.Engine) city {
	t.Helper()
	var c city
	var city, township, group, assignment string
	if err := e.Store.Write(t.Context(), func(tx *store.Tx) error {
		for _, id := range []*string{&city, &township, &c.village, &group, &c.household, &c.cadre, &c.other, &assignment} {
			var err error
			if *id, err = tx.NewID(); err != nil {
				return err
			}
		}
		out, err := e.Judge.SubmitIn(tx, "", judge.Draft{Edits: []syncproto.Edit{
			made("place", city, "level", "city", "name", "临江市"),
			made("place", township, "parent", city, "level", "township", "name", "白鹭镇"),
			made("place", c.village, "parent", township, "level", "village", "name", "青石村"),
			made("place", group, "parent", c.village, "level", "group", "name", "1组"),
			made("household", c.household, "place", group, "code", "QS-001"),
			made("user", c.cadre, "place", c.village, "login", "li", "name", "李一"),
			made("user", c.other, "place", c.village, "login", "sun", "name", "孙二"),
			made("assignment", assignment, "household", c.household, "user", c.cadre, "team", "cadre", "since", "2026-01-01")}})
		if err == nil && out.Verdicts[0].Status != syncproto.Applied {
			t.Fatalf("founding: %+v", out.Verdicts[0])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

func made(table, id string, pairs ...string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(id), Op: syncproto.OpCreate}
	for i := 0; i < len(pairs); i += 2 {
		e.Cells = append(e.Cells, syncproto.CellEdit{Cell: pairs[i], Value: schema.Text(pairs[i+1])})
	}
	return e
}

// serve runs an engine on a free port until the test ends.
func serve(t *testing.T, e *engine.Engine) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// phone is a device that can sign.
type phone struct {
	t      *testing.T
	url    string
	key    ed25519.PrivateKey
	token  string
	device syncproto.DeviceID
	cursor string
	code   string // with which it was enrolled
}

func enrol(t *testing.T, e *engine.Engine, url, user string) *phone {
	t.Helper()
	return enrolAs(t, e, url, user, "李一")
}

func enrolAs(t *testing.T, e *engine.Engine, url, user, name string) *phone {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := e.Auth.Invite(t.Context(), syncproto.UserID(user))
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, url: url, key: private, code: code}
	key := base64.RawURLEncoding.EncodeToString(public)
	var enrolled syncproto.EnrolResponse
	p.post("/v1/enrol", http.StatusCreated, syncproto.EnrolRequest{Code: code, Key: key, Alg: syncproto.AlgEd25519, Label: "测试手机",
		Proof: p.sign(syncproto.EnrolText(code, key))}, &enrolled)
	if enrolled.User != syncproto.UserID(user) || enrolled.Name != name {
		t.Fatalf("enrolled as %+v", enrolled)
	}
	var challenge syncproto.ChallengeResponse
	p.post("/v1/challenge", http.StatusOK, syncproto.ChallengeRequest{Device: enrolled.Device}, &challenge)
	var token syncproto.TokenResponse
	p.post("/v1/token", http.StatusOK, syncproto.TokenRequest{Device: enrolled.Device, Challenge: challenge.Challenge,
		Signature: p.sign(syncproto.ChallengeText(enrolled.Device, challenge.Challenge))}, &token)
	p.token, p.device = token.Token, enrolled.Device
	return p
}

// signedEnrolment is an honest enrolment by a new key.
func signedEnrolment(t *testing.T, code string) syncproto.EnrolRequest {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := base64.RawURLEncoding.EncodeToString(public)
	return syncproto.EnrolRequest{Code: code, Key: key, Alg: syncproto.AlgEd25519, Proof: base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, syncproto.EnrolText(code, key)))}
}

func (p *phone) sign(text []byte) string {
	return base64.RawURLEncoding.EncodeToString(ed25519.Sign(p.key, text))
}

func (p *phone) post(path string, want int, body, into any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.Post(p.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		p.t.Fatalf("POST %s gave %s", path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		p.t.Fatal(err)
	}
}

// visit pushes a visit as the change of a number.
func (p *phone) visit(number uint64, household, author string) {
	p.t.Helper()
	name := syncproto.Name{Device: p.device, Number: number}
	ch := &syncproto.Change{Name: name, First: name, At: time.Now().UnixMilli(), Cursor: p.cursor, Edits: []syncproto.Edit{
		made("visit", fmt.Sprintf("01900000-0000-7000-8000-0000000000%02d", number), "household", household, "author", author, "day", time.Now().UTC().Format(time.DateOnly))}}
	if err := ch.Seal(); err != nil {
		p.t.Fatal(err)
	}
	if answer := p.sync(number+1, ch); !strings.Contains(answer, `"status":"applied"`) {
		p.t.Fatalf("the visit was not applied: %s", answer)
	}
}

// sync pushes changes and keeps the cursor that the answer ends with.
func (p *phone) sync(next uint64, changes ...*syncproto.Change) (answer string) {
	p.t.Helper()
	var body bytes.Buffer
	w := codec.NewWriter(&body)
	frames := []syncproto.Frame{syncproto.Hello{Protocol: syncproto.ProtocolVersion, Schema: schema.Version, Device: p.device, Cursor: p.cursor, Next: next}}
	for _, ch := range changes {
		frames = append(frames, ch)
	}
	for _, f := range append(frames, syncproto.End{}) {
		if err := w.Write(f); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(p.request(http.MethodPost, "/v1/sync", body.Bytes()))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("the sync gave %s: %s, %v", res.Status, text, err)
	}
	_, cursor, found := strings.Cut(string(text), `"checkpoint":{"cursor":"`)
	if !found {
		p.t.Fatalf("no checkpoint: %s", text)
	}
	p.cursor, _, _ = strings.Cut(cursor, `"`)
	return string(text)
}

func textCell(cell, text string) []syncproto.CellEdit {
	return []syncproto.CellEdit{{Cell: cell, Value: schema.Text(text)}}
}

// submit has the server make a change.
func submit(t *testing.T, e *engine.Engine, edit syncproto.Edit) {
	t.Helper()
	out, err := e.Judge.Submit(t.Context(), "", judge.Draft{Edits: []syncproto.Edit{edit}})
	if err != nil || out.Verdicts[0].Status != syncproto.Applied {
		t.Fatalf("%v, %+v", err, out)
	}
}

func TestEnrolmentRefusesWhatIsNoName(t *testing.T) {
	e := mustOpen(t, config(t.TempDir(), ""))
	c := found(t, e)
	code, _, err := e.Auth.Invite(t.Context(), syncproto.UserID(c.cadre))
	if err != nil {
		t.Fatal(err)
	}
	r := signedEnrolment(t, code)
	r.Label = strings.Repeat("长", 100)
	var refused *syncproto.Error
	if _, err := e.Auth.Enrol(t.Context(), r); !errors.As(err, &refused) || refused.Code != syncproto.CodeInvalid {
		t.Fatalf("a label of 100 characters gave %v", err)
	}
	r.Label = "老李的手机"
	got, err := e.Auth.Enrol(t.Context(), r) // the code was not used up by the failure
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Store.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Values("device", []string{string(got.Device)})
		if len(rows) != 1 {
			t.Errorf("the device row is missing")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
