package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/jackc/pgx/v5"

	"minqing/internal/testenv"
	"minqing/server/engine"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// hello is the body of a sync that pushes nothing.
func hello(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := codec.NewWriter(&out)
	for _, f := range []syncproto.Frame{syncproto.Hello{Protocol: syncproto.ProtocolVersion, Schema: 1}, syncproto.End{}} {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// request is one of a phone's, signed.
func (p *phone) request(method, path string, body []byte) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(p.key, method, path, p.token, body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-ndjson")
	}
	return r
}

// A stop lets a sync that is under way finish: its body may come slowly, its answer is whole; new ones find the door closed.
func TestStopLetsASyncFinish(t *testing.T) {
	e := mustOpen(t, config(t.TempDir(), ""))
	c := found(t, e)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- e.Run(ctx, l) }()
	p := enrol(t, e, "http://"+l.Addr().String(), c.cadre)
	listener := make(chan error, 1)
	events, err := http.DefaultClient.Do(p.request(http.MethodGet, "/v1/sync/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := io.Copy(io.Discard, events.Body)
		listener <- err
	}()

	body := hello(t)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := p.request(http.MethodPost, "/v1/sync", body)
	head := fmt.Sprintf("POST /v1/sync HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", len(body))
	for name := range r.Header {
		head += name + ": " + r.Header.Get(name) + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"+string(body[:10])); err != nil {
		t.Fatal(err)
	}
	awaitBusy(t, p.url)
	stop()
	// The door closes before the answer is given.
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("a stopping server takes new connections")
		}
	}
	if err := <-listener; err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
	select {
	case err := <-served:
		t.Fatalf("the server left a sync behind: %v", err)
	default:
	}
	if _, err := conn.Write(body[10:]); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !bytes.HasSuffix(bytes.TrimSpace(answer), []byte("}}")) || !bytes.Contains(answer, []byte(`"end"`)) {
		t.Fatalf("%v, %s: %s", err, res.Status, answer)
	}
	if err := <-served; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// awaitBusy waits until a sync is being served.
func awaitBusy(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nminqing_syncs_in_progress 1\n") {
			return
		}
	}
	t.Fatal("the server does not say that it serves a sync")
}

// eventOf reads the head of an event stream: the id of the event that comes at once, "" when only a comment does.
func (p *phone) eventOf(last string) (id string, leave func()) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r := p.request(http.MethodGet, "/v1/sync/events", nil).WithContext(ctx)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	id, said := strings.CutPrefix(strings.TrimSpace(line), "id: ")
	if !said {
		id = ""
	}
	return id, func() { cancel(); res.Body.Close() }
}

// A stream goes on from the last event that the device acted upon: it is woken at once only if there was another since.
func TestEventsGoOnFromTheLast(t *testing.T) {
	cfg := config(t.TempDir(), "")
	cfg.Serve = true
	e := mustOpen(t, cfg)
	c := found(t, e)
	url := serve(t, e)
	beside := newBystander(t, e, e, url, c.other, "孙二")
	p := enrol(t, e, url, c.cadre)
	first := beside.newest(p)
	if first == "" {
		t.Fatal("a new stream was not woken at once")
	}
	if again, leave := p.eventOf(first); again != "" {
		t.Errorf("a stream that missed nothing was woken by %s", again)
	} else {
		leave()
	}
	if other, leave := p.eventOf("0000000000000000-1"); other == "" {
		t.Error("an event of another process was taken for one of this")
	} else {
		leave()
	}
	// Nobody listens while something is committed.
	heard := p.listen()
	write(t, e, c.household, "李四")
	awaitNew(t, heard, first, "a change in his household")
	beside.settle()
	second, leave := p.eventOf(first)
	leave()
	if second == "" || second == first {
		t.Errorf("after a change the stream was woken by %q", second)
	}
	e.API.WakeAll()
	if third, leave := p.eventOf(second); third == "" {
		t.Error("what wakes everybody was missed")
	} else {
		leave()
	}
}

// Every address is asked for real, in its good and its bad ways, and each answer is held to the document that the server gives out.
func TestRealAnswersAgreeWithTheDocument(t *testing.T) {
	e := mustOpen(t, config(t.TempDir(), ""))
	c := found(t, e)
	url := serve(t, e)
	res, err := http.Get(url + "/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	p := enrol(t, e, url, c.cadre)
	unsigned := func(method, path, body string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	small := func(path string, body any) *http.Request {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return unsigned(http.MethodPost, path, string(text))
	}
	stolen := p.request(http.MethodPost, "/v1/sync", hello(t))
	stolen.Header.Set(syncproto.SignatureHeader, "ed25519 AAAA")
	garbled := p.request(http.MethodPost, "/v1/sync", []byte("{}\n"))
	zipped := p.request(http.MethodPost, "/v1/sync", []byte("no gzip"))
	zipped.Header.Set("Content-Encoding", "gzip")
	// A code that is well formed and stands for nothing.
	stale, _, err := e.Auth.Invite(t.Context(), syncproto.UserID(c.cadre))
	if err != nil {
		t.Fatal(err)
	}
	enrolment := signedEnrolment(t, stale)
	cases := map[string]struct {
		r      *http.Request
		status int
	}{
		"sync":                       {p.request(http.MethodPost, "/v1/sync", hello(t)), http.StatusOK},
		"sync without a token":       {unsigned(http.MethodPost, "/v1/sync", ""), http.StatusUnauthorized},
		"sync of another key":        {stolen, http.StatusUnauthorized},
		"sync without a hello":       {garbled, http.StatusUnprocessableEntity},
		"sync that is no gzip":       {zipped, http.StatusUnprocessableEntity},
		"events without a token":     {unsigned(http.MethodGet, "/v1/sync/events", ""), http.StatusUnauthorized},
		"challenge":                  {small("/v1/challenge", syncproto.ChallengeRequest{Device: "01900000-0000-7000-8000-00000000ffff"}), http.StatusOK},
		"token of a stranger":        {small("/v1/token", syncproto.TokenRequest{Device: "01900000-0000-7000-8000-00000000ffff", Challenge: "x", Signature: "y"}), http.StatusUnauthorized},
		"enrolment that is no JSON":  {unsigned(http.MethodPost, "/v1/enrol", `{"code":`), http.StatusUnprocessableEntity},
		"enrolment":                  {small("/v1/enrol", enrolment), http.StatusCreated},
		"enrolment with a used code": {small("/v1/enrol", signedEnrolment(t, p.code)), http.StatusConflict},
		"courier key":                {unsigned(http.MethodGet, "/v1/courier/key", ""), http.StatusOK},
		"a file that is no bundle":   {p.request(http.MethodPost, "/v1/courier", []byte("nothing")), http.StatusUnprocessableEntity},
		"health":                     {unsigned(http.MethodGet, "/healthz", ""), http.StatusOK},
		"readiness":                  {unsigned(http.MethodGet, "/readyz", ""), http.StatusOK},
		"metrics":                    {unsigned(http.MethodGet, "/metrics", ""), http.StatusOK},
		"the document":               {unsigned(http.MethodGet, "/v1/openapi.json", ""), http.StatusOK},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { checkAnswer(t, router, c.r, c.status) })
	}
}

func checkAnswer(t *testing.T, router routers.Router, r *http.Request, want int) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s, want %d: %s", res.Status, want, body)
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		t.Fatal(err)
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header}
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if route.Operation.Responses.Status(res.StatusCode) == nil && res.StatusCode < 400 {
		t.Errorf("status %d is not in the document", res.StatusCode)
	}
	if want >= 400 {
		var p struct{ Title, Hint, Code, Trace string }
		if err := json.Unmarshal(body, &p); err != nil || p.Title == "" || p.Code == "" || p.Trace == "" {
			t.Errorf("a problem that helps nobody: %s (%v)", body, err)
		}
	}
}

// write changes the head of a household.
func write(t *testing.T, e *engine.Engine, household, head string) {
	t.Helper()
	submit(t, e, syncproto.Edit{Table: "household", Row: syncproto.RowID(household), Op: syncproto.OpUpdate, Cells: textCell("head", head)})
}

// A server whose store fails lives on and says so: who asks whether it is ready is told no and when to ask again, while it is as healthy as
// before, so that whoever watches it sends people elsewhere and does not kill it. When the store is back it is ready by itself.
func TestReadinessFollowsTheStore(t *testing.T) {
	dsn := testenv.MustRelaxedPostgres(t)
	for name, c := range map[string]struct {
		dsn        string
		fail, heal func(e *engine.Engine)
	}{
		"sqlite": {"", func(e *engine.Engine) {
			if err := e.Store.Close(); err != nil {
				t.Error(err)
			}
		}, nil}, // a file that was closed is opened by a new process only
		"postgres": {dsn, func(*engine.Engine) {
			inPostgres(t, dsn, "ALTER DATABASE %[1]s ALLOW_CONNECTIONS false", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%[1]s'")
		}, func(*engine.Engine) { inPostgres(t, dsn, "ALTER DATABASE %[1]s ALLOW_CONNECTIONS true") }},
	} {
		t.Run(name, func(t *testing.T) {
			e := mustOpen(t, config(t.TempDir(), c.dsn))
			at := serve(t, e)
			asked := func(path string, want int) *http.Response {
				t.Helper()
				res, err := http.Get(at + path)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != want {
					t.Fatalf("%s: %s, want %d (%v): %s", path, res.Status, want, err, body)
				}
				if want == http.StatusServiceUnavailable {
					var p struct{ Title, Code string }
					if err := json.Unmarshal(body, &p); err != nil || p.Title == "" || p.Code != string(syncproto.CodeUnavailable) {
						t.Errorf("%s (%v)", body, err)
					}
				}
				return res
			}
			asked("/readyz", http.StatusOK)
			c.fail(e)
			if n, err := strconv.Atoi(asked("/readyz", http.StatusServiceUnavailable).Header.Get("Retry-After")); err != nil || n < 1 {
				t.Errorf("Retry-After is %d, %v", n, err)
			}
			asked("/healthz", http.StatusOK)
			if c.heal == nil {
				return
			}
			c.heal(e)
			for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // connections that died are met once more each
				res, err := http.Get(at + "/readyz")
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode == http.StatusOK {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("the store is back, and the server says %s", res.Status)
				}
			}
		})
	}
}

// inPostgres says something about a database from beside it.
func inPostgres(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	at, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(at.Path, "/")
	at.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(s, name)); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}
