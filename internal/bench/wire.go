package bench

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
	"net/http"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// wire is a device without a replica: it signs, sends and reads whole answers, and keeps nothing but its cursor. Where many devices are
// needed and only the server is to be measured, it leaves the processor to the server.
type wire struct {
	t      *town
	dev    replica.Device
	key    ed25519.PrivateKey
	http   *http.Transport
	token  string
	number uint64
	cursor string
	root   syncproto.Digest
	heads  []string
	tee    *bytes.Buffer // takes the frames of the next answers, when set
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy, t.MaxIdleConnsPerHost = nil, 256
	return t
}

// enrol makes a device of a user.
func (t *town) enrol(ctx context.Context, user syncproto.UserID, over http.RoundTripper) (replica.Device, error) {
	code, _, err := t.e.Auth.Invite(ctx, user)
	if err != nil {
		return replica.Device{}, err
	}
	dev, _, err := syncer.Enrol(ctx, over, rand.Reader, syncer.Enrolment{Server: t.url, Code: code, Label: "bench", Platform: "bench", Client: "bench"})
	return dev, err
}

func (t *town) wire(ctx context.Context, user syncproto.UserID) (*wire, error) {
	w := &wire{t: t, http: newTransport(), number: 1}
	var err error
	if w.dev, err = t.enrol(ctx, user, w.http); err != nil {
		return nil, err
	}
	w.key = ed25519.NewKeyFromSeed(w.dev.Seed)
	return w, w.signIn(ctx)
}

func (w *wire) close() error {
	w.http.CloseIdleConnections()
	return nil
}

func (w *wire) signIn(ctx context.Context) error {
	var challenge syncproto.ChallengeResponse
	if err := w.json(ctx, "/v1/challenge", syncproto.ChallengeRequest{Device: w.dev.ID}, &challenge); err != nil {
		return err
	}
	proof := base64.RawURLEncoding.EncodeToString(ed25519.Sign(w.key, syncproto.ChallengeText(w.dev.ID, challenge.Challenge)))
	var token syncproto.TokenResponse
	err := w.json(ctx, "/v1/token", syncproto.TokenRequest{Device: w.dev.ID, Challenge: challenge.Challenge, Signature: proof}, &token)
	w.token = token.Token
	return err
}

func (w *wire) json(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.t.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// signed makes a signed request.
func (w *wire) signed(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.t.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(w.key, method, path, w.token, body))
	return req, nil
}

// body is a request as it travels.
func (w *wire) body(changes []*syncproto.Change) ([]byte, error) {
	var plain, out bytes.Buffer
	frames := codec.NewWriter(&plain)
	hello := syncproto.Hello{Protocol: syncproto.ProtocolVersion, Schema: book.Version, Cursor: w.cursor, Root: w.root, Next: w.number, Heads: w.heads, Client: "bench"}
	err := frames.Write(hello)
	for _, c := range changes {
		err = errors.Join(err, frames.Write(c))
	}
	if err = errors.Join(err, frames.Write(syncproto.End{}), frames.Flush()); err != nil {
		return nil, err
	}
	squeeze, err := codec.Compress(codec.EncodingZstd, &out)
	if err != nil {
		return nil, err
	}
	_, err = squeeze.Write(plain.Bytes())
	err = errors.Join(err, squeeze.Close()) // before its bytes are looked at
	return out.Bytes(), err
}

// post sends a sync and gives the answer, to be closed.
func (w *wire) post(ctx context.Context, body []byte) (*http.Response, error) {
	req, err := w.signed(ctx, http.MethodPost, "/v1/sync", body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", codec.EncodingZstd)
	req.Header.Set("Accept-Encoding", codec.EncodingZstd)
	resp, err := w.http.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, errors.Join(fmt.Errorf("sync answered %s: %s", resp.Status, raw), err, resp.Body.Close())
	}
	return resp, nil
}

// sync pushes changes and takes the answer to its end: every change must be applied.
func (w *wire) sync(ctx context.Context, changes []*syncproto.Change) error {
	body, err := w.body(changes)
	if err != nil {
		return err
	}
	resp, err := w.post(ctx, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	plain, err := codec.Decompress(resp.Header.Get("Content-Encoding"), resp.Body, syncproto.MaxAnswerBytes)
	if err != nil {
		return err
	}
	defer plain.Close()
	applied, frames := 0, io.Reader(plain)
	if w.tee != nil {
		frames = io.TeeReader(plain, w.tee)
	}
	in := codec.NewReader(frames, book, codec.Limits{})
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *syncproto.Verdict:
			if f.Status != syncproto.Applied {
				return fmt.Errorf("change %d was %s: %s %s", f.Number, f.Status, f.Code, f.Message)
			}
			applied++
		case syncproto.Head:
			w.heads = append(w.heads, f.Seal)
		case syncproto.Checkpoint:
			if f.Cursor != "" {
				w.cursor, w.root, w.heads = f.Cursor, f.Root, nil
			}
		case syncproto.Failure:
			return fmt.Errorf("sync failed: %s %s", f.Code, f.Message)
		}
	}
	if applied != len(changes) {
		return fmt.Errorf("%d of %d changes were applied", applied, len(changes))
	}
	return nil
}

// change seals a change of the device.
func (w *wire) change(edits ...syncproto.Edit) (*syncproto.Change, error) {
	name := syncproto.Name{Device: w.dev.ID, Number: w.number}
	w.number++
	c := &syncproto.Change{Name: name, First: name, At: nowMS(), Cursor: w.cursor, Edits: edits}
	return c, c.Seal()
}
