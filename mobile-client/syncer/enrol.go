package syncer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Enrolment is what the person at the phone gives.
type Enrolment struct {
	Server   string // base URL
	Code     string // one-time, from the administrator's QR
	Label    string // what the device is called on the console
	Platform string
	Client   string
}

// Enrol exchanges a one-time code for a device: a new key is made from rand, and never leaves the phone.
func Enrol(ctx context.Context, transport http.RoundTripper, rand io.Reader, e Enrolment) (replica.Device, *syncproto.EnrolResponse, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return replica.Device{}, nil, broken(err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	key := base64.RawURLEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	req := syncproto.EnrolRequest{Code: e.Code, Key: key, Alg: syncproto.AlgEd25519, Label: e.Label, Platform: e.Platform, Client: e.Client,
		Proof: base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, syncproto.EnrolText(e.Code, key)))}
	var out syncproto.EnrolResponse
	if err := post(ctx, transport, e.Server, "/v1/enrol", req, &out); err != nil {
		return replica.Device{}, nil, err
	}
	return replica.Device{ID: out.Device, User: out.User, Server: e.Server, Seed: seed}, &out, nil
}

// copied gives the file an id and a key of its own: its twin has the old ones.
func (r *run) copied(ctx context.Context, f *failure) error {
	old, err := r.s.opt.Replica.Device(ctx)
	if err != nil {
		return err
	}
	d, _, err := Enrol(ctx, r.s.opt.Transport, r.s.opt.Rand, Enrolment{Server: old.Server, Code: f.ticket, Client: r.s.opt.Client})
	if err != nil {
		return err
	}
	r.s.token = ""
	return r.session.Copied(ctx, d)
}

func keyOf(d replica.Device) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(d.Seed) }

// signIn proves the device's key on a challenge and gets an access token.
func (s *Syncer) signIn(ctx context.Context, d replica.Device) (string, error) {
	if len(d.Seed) != ed25519.SeedSize {
		return "", &syncproto.Error{Code: syncproto.CodeAuth, Op: "sign in", Message: syncproto.Both("这台设备还没有登记。", "This device is not enrolled yet."),
			Hint: syncproto.Both("请先用登记码登记。", "Enrol it with a code first.")}
	}
	var challenge syncproto.ChallengeResponse
	if err := post(ctx, s.opt.Transport, d.Server, "/v1/challenge", syncproto.ChallengeRequest{Device: d.ID}, &challenge); err != nil {
		return "", err
	}
	proof := ed25519.Sign(keyOf(d), syncproto.ChallengeText(d.ID, challenge.Challenge))
	req := syncproto.TokenRequest{Device: d.ID, Challenge: challenge.Challenge, Signature: base64.RawURLEncoding.EncodeToString(proof), Client: s.opt.Client}
	var out syncproto.TokenResponse
	if err := post(ctx, s.opt.Transport, d.Server, "/v1/token", req, &out); err != nil {
		return "", err
	}
	return out.Token, nil
}

// post exchanges one JSON value for another.
func post(ctx context.Context, transport http.RoundTripper, server, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return broken(err)
	}
	req, err := newRequest(ctx, http.MethodPost, server, path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return broken(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return problem(resp)
	}
	const most = 1 << 20
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(out)
	}
	if err != nil {
		return broken(errors.Join(err, strange(resp)))
	}
	return nil
}
