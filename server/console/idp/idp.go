// Package idp lets people sign in with the identity that their organisation gives them, by OpenID Connect (the code flow with PKCE).
//
// It promises: nothing is asked of the provider before somebody wants to sign in by it, so that a provider that is away stops no server;
// what comes back is good only for the browser that set out, once, for ten minutes; and of the answer only the verified token counts.
package idp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"minqing/syncproto"
)

// Config names a provider.
type Config struct {
	Issuer, ID, Secret string
	Name               string // as the button says it
	Claim              string // the claim that is the login here; "" is preferred_username
	Back               string // the address that the provider sends people back to
	Key                []byte // seals what a browser carries meanwhile
	Rand               io.Reader
	Now                func() time.Time
	Client             *http.Client // nil: the default one, with a bound on waiting
}

// Provider is one provider of identities.
type Provider struct {
	cfg  Config
	seal *syncproto.Sealer

	mu    sync.Mutex
	found *oidc.Provider
}

// patience bounds one exchange with the provider.
const patience = 10 * time.Second

// New makes a Provider.
func New(cfg Config) (*Provider, error) {
	if cfg.Claim == "" {
		cfg.Claim = "preferred_username"
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: patience}
	}
	s, err := syncproto.NewSealer(cfg.Key, cfg.Rand)
	return &Provider{cfg: cfg, seal: s}, err
}

// Name is what the button says.
func (p *Provider) Name() string { return p.cfg.Name }

// carried is what the browser carries while it is at the provider.
type carried struct {
	State, Nonce, Verifier string
	Until                  int64
}

const sealCarried syncproto.Purpose = "console oidc"

// wayLife is how long somebody may take at the provider.
const wayLife = 10 * time.Minute

func away(err error) error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "oidc", Message: syncproto.Both("单位的登录现在连不上。", "Your organisation's sign-in cannot be reached just now."),
		Hint: syncproto.Both("可以先用密码登录，或者过一会儿再试。", "Use your password, or try again later."), RetryAfter: 30, Err: err}
}

func (p *Provider) config(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// What is found out is used by later requests too: it must not end with this one's context.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.cfg.Client), p.cfg.Issuer)
		if err != nil {
			return nil, nil, away(err)
		}
		p.found = found
	}
	return &oauth2.Config{ClientID: p.cfg.ID, ClientSecret: p.cfg.Secret, Endpoint: p.found.Endpoint(), RedirectURL: p.cfg.Back,
		Scopes: []string{oidc.ScopeOpenID, "profile"}}, p.found, nil
}

// Begin gives where to send the browser, and what it carries.
func (p *Provider) Begin(ctx context.Context) (link, carry string, err error) {
	cfg, _, err := p.config(ctx)
	if err != nil {
		return "", "", err
	}
	var raw [48]byte
	if _, err := io.ReadFull(p.cfg.Rand, raw[:]); err != nil {
		return "", "", err
	}
	enc := base64.RawURLEncoding
	c := carried{State: enc.EncodeToString(raw[:24]), Nonce: enc.EncodeToString(raw[24:]), Verifier: oauth2.GenerateVerifier(), Until: p.cfg.Now().Add(wayLife).Unix()}
	plain, err := json.Marshal(c)
	if err != nil {
		return "", "", err
	}
	carry, err = p.seal.Seal(sealCarried, plain)
	return cfg.AuthCodeURL(c.State, oidc.Nonce(c.Nonce), oauth2.S256ChallengeOption(c.Verifier)), carry, err
}

func refused(err error) error {
	return &syncproto.Error{Code: syncproto.CodeAuth, Op: "oidc", Message: syncproto.Both("单位的登录没有通过。", "Your organisation's sign-in did not go through."),
		Hint: syncproto.Both("请再登录一次。", "Sign in once more."), Err: err}
}

// Finish takes what the provider sent back, and what the browser carried, and gives who it is: the subject at the issuer, and the login.
func (p *Provider) Finish(ctx context.Context, carry, state, code string) (subject, login string, err error) {
	plain, err := p.seal.Open(sealCarried, carry)
	var c carried
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil || c.State != state || state == "" || c.Until < p.cfg.Now().Unix() {
		return "", "", refused(fmt.Errorf("state of another browser or too old: %w", err))
	}
	cfg, provider, err := p.config(ctx)
	if err != nil {
		return "", "", err
	}
	ctx = oidc.ClientContext(ctx, p.cfg.Client)
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(c.Verifier))
	if err != nil {
		return "", "", refused(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", "", refused(fmt.Errorf("no id_token in the answer"))
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: p.cfg.ID, Now: p.cfg.Now}).Verify(ctx, raw)
	if err != nil {
		return "", "", refused(err)
	}
	if id.Nonce != c.Nonce {
		return "", "", refused(fmt.Errorf("nonce of another way"))
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return "", "", refused(err)
	}
	login, _ = claims[p.cfg.Claim].(string)
	return id.Subject, login, nil
}

// Issuer names the provider for ever.
func (p *Provider) Issuer() string { return p.cfg.Issuer }
