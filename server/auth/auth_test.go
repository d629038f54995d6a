package auth_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/auth"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

const (
	cityID = "01900000-0000-7000-8000-000000000001"
	annID  = "01900000-0000-7000-8000-000000000002"
)

// desk is a server with one user, whose clock is moved by hand.
type desk struct {
	t   *testing.T
	e   *engine.Engine
	now int64
}

func mustDesk(t *testing.T) *desk { return mustDeskOn(t, "") }

func mustDeskOn(t *testing.T, dsn string) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMilli()}
	e, err := engine.Open(t.Context(), engine.Config{Dir: t.TempDir(), DSN: dsn, Book: schematest.Book(), Now: func() int64 { return d.now }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	d.e = e
	text := func(cell, s string) syncproto.CellEdit { return syncproto.CellEdit{Cell: cell, Value: schema.Text(s)} }
	out, err := e.Judge.Submit(t.Context(), "", judge.Draft{Edits: []syncproto.Edit{
		{Table: "place", Row: cityID, Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{text("level", "city"), text("name", "市")}},
		{Table: "user", Row: annID, Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{text("place", cityID), text("login", "ann"), text("name", "王五")}}}})
	if err != nil || out.Verdicts[0].Status != syncproto.Applied {
		t.Fatal(out, err)
	}
	return d
}

func (d *desk) invite() string {
	d.t.Helper()
	code, _, err := d.e.Auth.Invite(d.t.Context(), annID)
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// request is an honest enrolment by a new key.
func request(t *testing.T, code string) (syncproto.EnrolRequest, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := b64(public)
	return syncproto.EnrolRequest{Code: code, Key: key, Alg: syncproto.AlgEd25519, Proof: b64(ed25519.Sign(private, syncproto.EnrolText(code, key)))}, private
}

func codeOf(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// enrol gives a device with its key.
func (d *desk) enrol() (syncproto.DeviceID, ed25519.PrivateKey) {
	d.t.Helper()
	r, key := request(d.t, d.invite())
	out, err := d.e.Auth.Enrol(d.t.Context(), r)
	if err != nil || out.Name != "王五" || out.User != annID {
		d.t.Fatalf("%+v %v", out, err)
	}
	return out.Device, key
}

func (d *desk) token(device syncproto.DeviceID, key ed25519.PrivateKey) (string, error) {
	d.t.Helper()
	c, err := d.e.Auth.Challenge(syncproto.ChallengeRequest{Device: device})
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := d.e.Auth.Token(d.t.Context(), syncproto.TokenRequest{Device: device, Challenge: c.Challenge, Signature: b64(ed25519.Sign(key, syncproto.ChallengeText(device, c.Challenge)))})
	if err != nil {
		return "", err
	}
	return out.Token, nil
}

func signed(token string, key ed25519.PrivateKey, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/sync", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(key, http.MethodPost, "/v1/sync", token, body))
	return r
}

func TestEnrolmentHasOneWinner(t *testing.T) {
	d := mustDesk(t)
	code := d.invite()
	first, _ := request(t, code)
	if _, err := d.e.Auth.Enrol(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second, _ := request(t, code)
	if _, err := d.e.Auth.Enrol(t.Context(), second); codeOf(err) != syncproto.CodeConflict {
		t.Fatalf("a used code gave %v", err)
	}
	late := d.invite()
	d.now += 11 * 60 * 1000
	expired, _ := request(t, late)
	if _, err := d.e.Auth.Enrol(t.Context(), expired); codeOf(err) != syncproto.CodeConflict {
		t.Fatalf("an expired code gave %v", err)
	}
}

func TestEnrolmentWantsProofOfTheKey(t *testing.T) {
	d := mustDesk(t)
	code := d.invite()
	honest, _ := request(t, code)
	other, _ := request(t, code)
	for name, r := range map[string]syncproto.EnrolRequest{
		"another's proof":   {Code: code, Key: honest.Key, Alg: honest.Alg, Proof: other.Proof},
		"no proof":          {Code: code, Key: honest.Key, Alg: honest.Alg},
		"unknown algorithm": {Code: code, Key: honest.Key, Alg: "none", Proof: honest.Proof},
		"half a key":        {Code: code, Key: honest.Key[:20], Alg: honest.Alg, Proof: honest.Proof},
	} {
		if _, err := d.e.Auth.Enrol(t.Context(), r); codeOf(err) != syncproto.CodeAuth {
			t.Errorf("%s gave %v", name, err)
		}
	}
	if _, err := d.e.Auth.Enrol(t.Context(), honest); err != nil {
		t.Fatalf("what failed spent the code: %v", err)
	}
}

func TestOnlyTheKeyGetsAToken(t *testing.T) {
	d := mustDesk(t)
	device, key := d.enrol()
	_, stranger := request(t, d.invite())
	if _, err := d.token(device, stranger); codeOf(err) != syncproto.CodeAuth {
		t.Fatalf("a stranger's key gave %v", err)
	}
	if _, err := d.token("01900000-0000-7000-8000-00000000ffff", key); codeOf(err) != syncproto.CodeAuth {
		t.Fatalf("an unknown device gave %v", err)
	}
	c, err := d.e.Auth.Challenge(syncproto.ChallengeRequest{Device: device})
	if err != nil {
		t.Fatal(err)
	}
	d.now += 3 * 60 * 1000
	_, err = d.e.Auth.Token(t.Context(), syncproto.TokenRequest{Device: device, Challenge: c.Challenge, Signature: b64(ed25519.Sign(key, syncproto.ChallengeText(device, c.Challenge)))})
	if codeOf(err) != syncproto.CodeAuth {
		t.Fatalf("an old challenge gave %v", err)
	}
}

func TestIdentify(t *testing.T) {
	d := mustDesk(t)
	device, key := d.enrol()
	other, otherKey := d.enrol()
	token, err := d.token(device, key)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := d.token(other, otherKey)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("frames")
	who, err := d.e.Auth.Identify(t.Context(), signed(token, key, body), body)
	if err != nil || who != (auth.Who{Device: device, User: annID}) {
		t.Fatalf("%+v %v", who, err)
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		t.Fatal(err)
	}
	none := jwt.NewWithClaims(jwt.SigningMethodNone, claims)
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token string
		key   ed25519.PrivateKey
		body  string
	}{
		"stolen token":                {token, otherKey, "frames"},
		"another's token":             {theirs, key, "frames"},
		"changed body":                {token, key, "Frames"},
		"unsigned token":              {unsigned, key, "frames"},
		"token with a changed letter": {strings.Replace(token, ".", ".A", 1), key, "frames"},
		"no token":                    {"", key, "frames"},
	} {
		if _, err := d.e.Auth.Identify(t.Context(), signed(c.token, c.key, body), []byte(c.body)); codeOf(err) != syncproto.CodeAuth {
			t.Errorf("%s gave %v", name, err)
		}
	}
	d.now += 16 * 60 * 1000
	if _, err := d.e.Auth.Identify(t.Context(), signed(token, key, body), body); codeOf(err) != syncproto.CodeAuth {
		t.Errorf("an expired token gave %v", err)
	}
}

func TestARevokedDeviceIsToldSoOnlyWhenItProvesItsKey(t *testing.T) {
	d := mustDesk(t)
	device, key := d.enrol()
	token, err := d.token(device, key)
	if err != nil {
		t.Fatal(err)
	}
	err = d.e.Store.Write(t.Context(), func(tx *store.Tx) error {
		dev, _, err := tx.Device(device)
		dev.Revoked = d.now
		return errors.Join(err, tx.SaveDevice(dev))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.token(device, key); codeOf(err) != syncproto.CodeRevoked {
		t.Errorf("a new token gave %v", err)
	}
	if _, err := d.e.Auth.Identify(t.Context(), signed(token, key, nil), nil); codeOf(err) != syncproto.CodeRevoked {
		t.Errorf("the old token gave %v", err)
	}
	_, stranger := request(t, d.invite())
	if _, err := d.token(device, stranger); codeOf(err) != syncproto.CodeAuth {
		t.Errorf("a stranger learnt of the revocation: %v", err)
	}
}

// Many phones scan one code at the same moment: one is enrolled, the others are told that it was used, on either database.
func TestHostileRaceForACode(t *testing.T) {
	for name, dsn := range map[string]string{"sqlite": "", "postgres": testenv.MustRelaxedPostgres(t)} {
		t.Run(name, func(t *testing.T) { raceForACode(t, mustDeskOn(t, dsn)) })
	}
}

func raceForACode(t *testing.T, d *desk) {
	code := d.invite()
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		r, _ := request(t, code)
		all.Go(func() {
			switch _, err := d.e.Auth.Enrol(t.Context(), r); {
			case err == nil:
				won.Add(1)
			case codeOf(err) == syncproto.CodeConflict:
				lost.Add(1)
			default:
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 19 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
}
