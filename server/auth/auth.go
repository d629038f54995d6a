package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// How long the things of a sign-in are good for, in ms of server time.
const (
	// codeLife is long enough to walk over with the phone, and short enough that a photographed code is worthless.
	codeLife = 10 * 60 * 1000
	// challengeLife covers one slow round trip.
	challengeLife = 2 * 60 * 1000
)

// NewDevice is what becomes a row of the device table when a phone is enrolled.
type NewDevice struct {
	ID              syncproto.DeviceID
	User            syncproto.UserID
	Key             string
	Label, Platform string
}

// Service enrols and recognises devices.
type Service struct {
	Store *store.Store
	Keys  *keys.Ring
	Now   func() int64
	Rand  io.Reader
	// Enlist writes the row of an enrolled device by the one path that domain data takes, in the transaction of its enrolment.
	Enlist func(tx *store.Tx, d NewDevice) error
}

// Who is behind a request, proven by a token and a signature.
type Who struct {
	Device syncproto.DeviceID
	User   syncproto.UserID
}

func refuse(op string, cause error) error {
	return &syncproto.Error{Code: syncproto.CodeAuth, Op: op, Message: syncproto.Both("这台设备没有得到认可。", "This device is not recognised."),
		Hint: syncproto.Both("请管理员重新登记这台设备。", "Ask the administrator to enrol it again."), Err: cause}
}

// Invite makes a one-time enrolment code for a user; until is when it ends, Unix ms.
func (s *Service) Invite(ctx context.Context, user syncproto.UserID) (code string, until int64, err error) {
	code, err = syncproto.NewCode(s.Rand)
	if err != nil {
		return "", 0, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		until = tx.Now() + codeLife
		return tx.SaveTicket(store.Ticket{Hash: hashCode(code), User: user, Made: tx.Now(), Expires: until})
	})
	return code, until, err
}

// hashCode is what is kept of a code. A plain hash is enough: 80 random bits cannot be tried out within ten minutes.
func hashCode(code string) string {
	h := sha256.Sum256([]byte("minqing code " + code))
	return hex.EncodeToString(h[:])
}

// Enrol exchanges a code for a device. A code has one winner; used, expired and unknown ones look alike.
func (s *Service) Enrol(ctx context.Context, r syncproto.EnrolRequest) (*syncproto.EnrolResponse, error) {
	code, err := syncproto.ParseCode(r.Code)
	if err != nil {
		return nil, err
	}
	key, err := publicKey(r.Alg, r.Key)
	if err == nil {
		err = verify(key, syncproto.EnrolText(r.Code, r.Key), r.Proof)
	}
	if err != nil {
		return nil, refuse("enrol", err)
	}
	var out *syncproto.EnrolResponse
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		t, found, err := tx.Ticket(hashCode(code))
		if err != nil {
			return err
		}
		if !found || t.Device != "" || t.Expires < tx.Now() {
			return &syncproto.Error{Code: syncproto.CodeConflict, Op: "enrol", Message: syncproto.Both("登记码已经用过或者过期了。", "The code was used or has expired."),
				Hint: syncproto.Both("请管理员再出一个，十分钟内有效。", "Ask the administrator for a new one; it is good for ten minutes.")}
		}
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		t.Device = syncproto.DeviceID(id)
		if err := tx.SaveTicket(t); err != nil {
			return err
		}
		out, err = s.admit(tx, NewDevice{ID: t.Device, User: t.User, Key: r.Alg + " " + r.Key, Label: r.Label, Platform: r.Platform}, r.Client)
		return err
	})
	return out, err
}

func (s *Service) admit(tx *store.Tx, d NewDevice, client string) (*syncproto.EnrolResponse, error) {
	if err := s.Enlist(tx, d); err != nil {
		return nil, err
	}
	err := tx.SaveDevice(store.Device{ID: d.ID, User: d.User, Key: d.Key, Next: 1, LastContact: tx.Now(), Client: clip(client)})
	if err != nil {
		return nil, err
	}
	out := &syncproto.EnrolResponse{Device: d.ID, User: d.User, Now: tx.Now()}
	users, err := tx.Values("user", []string{string(d.User)})
	if err != nil {
		return nil, err
	}
	t := tx.Book().Table("user")
	for i, v := range users[syncproto.RowID(d.User)] {
		switch t.Columns[i].Name {
		case "name":
			out.Name = v.Str()
		case "post":
			out.Post = v.Str()
		}
	}
	return out, nil
}

// clip bounds what a client says of itself.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// Challenge gives what a device must sign. It is sealed rather than remembered, and the same for devices that do not exist.
func (s *Service) Challenge(r syncproto.ChallengeRequest) (*syncproto.ChallengeResponse, error) {
	sealer, err := s.sealer()
	if err != nil {
		return nil, err
	}
	now := s.Now()
	sealed, err := sealer.Seal(sealChallenge, []byte(strconv.FormatInt(now+challengeLife, 10)+" "+string(r.Device)))
	return &syncproto.ChallengeResponse{Challenge: sealed, Now: now}, err
}

const sealChallenge syncproto.Purpose = "challenge"

func (s *Service) sealer() (*syncproto.Sealer, error) {
	return syncproto.NewSealer(s.Keys.Derive("challenge"), s.Rand)
}

// Token exchanges a signed challenge for an access token. A revoked device that proves its key is told so: it must escrow and wipe.
func (s *Service) Token(ctx context.Context, r syncproto.TokenRequest) (*syncproto.TokenResponse, error) {
	sealer, err := s.sealer()
	if err != nil {
		return nil, err
	}
	now := s.Now()
	plain, err := sealer.Open(sealChallenge, r.Challenge)
	if err != nil {
		return nil, refuse("token", err)
	}
	until, device, _ := strings.Cut(string(plain), " ")
	if ms, err := strconv.ParseInt(until, 10, 64); err != nil || ms < now || device != string(r.Device) {
		return nil, refuse("token", fmt.Errorf("challenge of another device or expired"))
	}
	d, key, err := s.device(ctx, r.Device)
	if err != nil {
		return nil, err
	}
	if err := verify(key, syncproto.ChallengeText(r.Device, r.Challenge), r.Signature); err != nil {
		return nil, refuse("token", err)
	}
	if d.Revoked != 0 {
		return nil, revoked()
	}
	if err := s.noteClient(ctx, d, clip(r.Client)); err != nil {
		return nil, err
	}
	token, err := mint(s.Keys.Signer("token"), d.ID, thumbprint(d.Key), now)
	return &syncproto.TokenResponse{Token: token, Seconds: int(tokenLife.Seconds()), Now: now}, err
}

// noteClient keeps what program a device runs, when that has changed.
func (s *Service) noteClient(ctx context.Context, d store.Device, client string) error {
	if client == "" || client == d.Client {
		return nil
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		now, found, err := tx.LockDevice(d.ID)
		if err != nil || !found {
			return err
		}
		now.Client = client
		return tx.SaveDevice(now)
	})
}

func revoked() error {
	return &syncproto.Error{Code: syncproto.CodeRevoked, Op: "token", Message: syncproto.Both("这台设备已被停用。", "This device was revoked."),
		Hint: syncproto.Both("没传的内容会先交给服务器保管，再清空本机。", "What is unsent is escrowed first, then the phone is wiped.")}
}

// Identify says who sent a request, from its token and the signature over method, path and body as sent.
func (s *Service) Identify(ctx context.Context, r *http.Request, body []byte) (Who, error) {
	return s.identify(ctx, r, func(key ed25519.PublicKey, signature, token string) error {
		return syncproto.VerifyRequest(key, signature, r.Method, r.URL.RequestURI(), token, body)
	})
}

// IdentifyUpload says who sent a request of an upload before its body is read: the signature covers the digest that the body is to
// have, which it gives. Whoever reads the body holds it to that.
func (s *Service) IdentifyUpload(ctx context.Context, r *http.Request) (who Who, body [sha256.Size]byte, err error) {
	if body, err = syncproto.ParseContentDigest(r.Header.Get(syncproto.DigestHeader)); err != nil {
		return who, body, err
	}
	who, err = s.identify(ctx, r, func(key ed25519.PublicKey, signature, token string) error {
		u := syncproto.UploadRequest{Method: r.Method, Path: r.URL.RequestURI(), Token: token, Body: body, Offset: r.Header.Get("Upload-Offset"),
			Length: r.Header.Get("Upload-Length"), Metadata: r.Header.Get("Upload-Metadata")}
		return u.Verify(key, signature)
	})
	return who, body, err
}

func (s *Service) identify(ctx context.Context, r *http.Request, verify func(key ed25519.PublicKey, signature, token string) error) (Who, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Who{}, refuse("identify", fmt.Errorf("no bearer token"))
	}
	public := s.Keys.Signer("token").Public().(ed25519.PublicKey)
	c, err := parse(public, token, s.Now())
	if err != nil {
		return Who{}, refuse("identify", err)
	}
	d, key, err := s.device(ctx, c.Holder.Device)
	if err != nil {
		return Who{}, err
	}
	if subtle.ConstantTimeCompare(thumbprint(d.Key), c.Holder.Key) != 1 {
		return Who{}, refuse("identify", fmt.Errorf("token bound to another key"))
	}
	if err := verify(key, r.Header.Get(syncproto.SignatureHeader), token); err != nil {
		return Who{}, err
	}
	if d.Revoked != 0 {
		return Who{}, revoked()
	}
	return Who{Device: d.ID, User: d.User}, nil
}

// device reads a device and its key. A store that does not answer is its own error: a phone must not take it for a refusal.
func (s *Service) device(ctx context.Context, id syncproto.DeviceID) (store.Device, ed25519.PublicKey, error) {
	var d store.Device
	var found bool
	err := s.Store.Ask(ctx, func(tx *store.Tx) (err error) {
		d, found, err = tx.Device(id)
		return err
	})
	if err != nil {
		return d, nil, err
	}
	if !found {
		return d, nil, refuse("device", fmt.Errorf("device %q is unknown", id))
	}
	alg, text, _ := strings.Cut(d.Key, " ")
	key, err := publicKey(alg, text)
	if err != nil { // the server's own devices have none
		return d, nil, refuse("device", err)
	}
	return d, key, nil
}

func publicKey(alg, text string) (ed25519.PublicKey, error) {
	if alg != syncproto.AlgEd25519 {
		return nil, fmt.Errorf("key algorithm %q, want %s", alg, syncproto.AlgEd25519)
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a public key is %d bytes in base64url", ed25519.PublicKeySize)
	}
	return raw, nil
}

func verify(key ed25519.PublicKey, text []byte, signature string) error {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(key, text, sig) {
		return fmt.Errorf("signature does not verify")
	}
	return nil
}

func thumbprint(key string) []byte {
	h := sha256.Sum256([]byte(key))
	return h[:thumbBytes]
}
