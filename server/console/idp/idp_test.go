package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"minqing/server/console/consoletest"
	"minqing/server/console/idp"
)

// provider is a small OpenID Connect provider that is real in what counts: discovery, published keys, signed tokens, codes good once, PKCE
// and a client secret.
type provider struct {
	*httptest.Server
	key  *ecdsa.PrivateKey
	mu   sync.Mutex
	asks map[string]url.Values // by code
	// who signs in, and what the provider does wrong.
	subject, login, audience, nonce string
}

func mustProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, asks: map[string]url.Values{}, subject: "u-17", login: "zhoudewang", audience: "minqing"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		enc := base64.RawURLEncoding
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
			"x": enc.EncodeToString(point[1:33]), "y": enc.EncodeToString(point[33:])}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		code := rand.Text()
		p.mu.Lock()
		p.asks[code] = q
		p.mu.Unlock()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		ask := p.asks[r.FormValue("code")]
		delete(p.asks, r.FormValue("code"))
		id, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if ask == nil || ask.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || id != "minqing" || secret != "s3cret" || ask.Get("redirect_uri") != r.FormValue("redirect_uri") {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		nonce := ask.Get("nonce")
		if p.nonce != "" {
			nonce = p.nonce
		}
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": p.URL, "sub": p.subject, "aud": p.audience, "nonce": nonce, "preferred_username": p.login,
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
		token.Header["kid"] = "1"
		signed, err := token.SignedString(p.key)
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": signed})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// now is when the consoles' clock stands.
var now = time.Date(2026, 11, 23, 2, 50, 0, 0, time.UTC)

// way opens the sign-in by the provider and gives where that leads back to.
func way(t *testing.T, b *consoletest.Browser) string {
	t.Helper()
	p := b.Do(http.MethodGet, "/signin/oidc", nil).Want(http.StatusSeeOther)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(p.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("the provider answers %d, %v", resp.StatusCode, err)
	}
	return back.RequestURI()
}

func TestOrganisationSignIn(t *testing.T) {
	p := mustProvider(t)
	cfg := idp.Config{Issuer: p.URL, ID: "minqing", Secret: "s3cret", Name: "市政务账号", Back: "https://minqing.example/signin/oidc/back", Key: make([]byte, 32), Rand: rand.Reader, Now: func() time.Time { return now }}
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, Provider: &cfg})
	b := city.NewBrowser(t, base, "")
	if got := b.Get("/signin").Texts("a.btn"); len(got) != 1 || !strings.Contains(got[0], "市政务账号") {
		t.Fatalf("the button says %q", got)
	}
	back := way(t, b)
	city.NewBrowser(t, base, "").Get(back).Want(http.StatusForbidden) // a browser that did not set out
	b.Get(back).Want(http.StatusOK)
	if got := b.Get("/me").Want(200).Texts(".who b"); len(got) != 1 || got[0] != "周德旺" {
		t.Errorf("signed in as %q", got)
	}
	b.Get(back).Want(http.StatusForbidden) // it is good once

	// The subject is bound: another login at the provider does not make him somebody else, another subject of this login is nobody's yet.
	p.login = "lugang"
	again := city.NewBrowser(t, base, "")
	again.Get(way(t, again))
	if got := again.Get("/me").Texts(".who b"); len(got) != 1 || got[0] != "周德旺" {
		t.Errorf("renamed at the provider, signed in as %q", got)
	}
	for name, wrong := range map[string]func(){
		"a stranger":             func() { p.subject, p.login = "u-99", "stranger" },
		"a token for others":     func() { p.subject, p.audience = "u-17", "another" },
		"a token of another try": func() { p.audience, p.nonce = "minqing", "old" },
	} {
		p.subject, p.login, p.audience, p.nonce = "u-17", "zhoudewang", "minqing", ""
		wrong()
		x := city.NewBrowser(t, base, "")
		x.Get(way(t, x)).Want(http.StatusForbidden)
		if x.Get("/me").Path == "/me" {
			t.Errorf("%s is let in", name)
		}
	}
	p.Close()
	cfg.Issuer = p.URL
	dead, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, Provider: &cfg})
	dead.NewBrowser(t, base, "").Get("/signin/oidc").Want(http.StatusServiceUnavailable)
}
