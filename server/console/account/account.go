package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"time"

	"minqing/schema"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// Service keeps accounts over one store.
type Service struct {
	store *store.Store
	zone  *time.Location
	rand  io.Reader
	seal  *syncproto.Sealer
	// pepper keys the HMAC under which passwords are hashed, mark that of throttled attempts.
	pepper, mark []byte
	hashing      chan struct{}
}

// mostHashing bounds how many passwords are hashed at once: each takes memoryKiB and a core.
const mostHashing = 4

// New makes a Service.
func New(s *store.Store, ring *keys.Ring, zone *time.Location, rand io.Reader) (*Service, error) {
	sealer, err := syncproto.NewSealer(ring.Derive("console account"), rand)
	if err != nil {
		return nil, err
	}
	return &Service{store: s, zone: zone, rand: rand, seal: sealer, pepper: ring.Derive("password pepper"), mark: ring.Derive("console throttle"),
		hashing: make(chan struct{}, mostHashing)}, nil
}

// User is who has an account.
type User struct {
	ID          syncproto.UserID
	Login, Name string
	Ended       bool
}

// Client is the browser at the other end: its address, what it calls itself, and what it holds of an earlier sign-in (see Known).
type Client struct{ Address, Agent, Known string }

func invalid(op, zh, en string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "account: " + op, Message: syncproto.Both(zh, en)}
}

// token makes what a browser or a link holds: 256 bits.
func (s *Service) token() (string, error) {
	var raw [32]byte
	if _, err := io.ReadFull(s.rand, raw[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// hashOf is what is kept of a token. A plain hash is enough for what cannot be tried out.
func hashOf(kind, token string) string {
	h := sha256.Sum256([]byte("minqing " + kind + " " + token))
	return hex.EncodeToString(h[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// UserOf finds a user by login; the zero User when there is none.
func (s *Service) UserOf(ctx context.Context, login string) (u User, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		u, err = s.userBy(tx, "login", schema.NormalizeCode(login))
		return err
	})
	return u, err
}

func (s *Service) userBy(tx *store.Tx, column, value string) (User, error) {
	u := User{}
	var ended string
	found, err := tx.One(`SELECT id, COALESCE(login, ''), COALESCE(name, ''), COALESCE(ended, '') FROM "user" WHERE `+column+` = ? ORDER BY id LIMIT 1`,
		[]any{value}, &u.ID, &u.Login, &u.Name, &ended)
	if err != nil || !found {
		return User{}, err
	}
	today := time.UnixMilli(tx.Now()).In(s.zone).Format(time.DateOnly)
	u.Ended = ended != "" && ended < today
	return u, nil
}

// login is one record of mq_login.
type login struct {
	password string
	changed  int64
	totp     string // sealed
	step     int64
	recovery string // JSON list of hashes
}

// readLogin gives the record of somebody, which is empty while there is none.
func readLogin(tx *store.Tx, user syncproto.UserID, lock string) (l login, err error) {
	_, err = tx.One("SELECT password, changed_ms, totp, totp_step, recovery FROM mq_login WHERE user_id = ?"+lock, []any{string(user)},
		&l.password, &l.changed, &l.totp, &l.step, &l.recovery)
	return l, err
}

func saveLogin(tx *store.Tx, user syncproto.UserID, l login) error {
	return tx.Exec(`INSERT INTO mq_login (user_id, password, changed_ms, totp, totp_step, recovery) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, changed_ms = excluded.changed_ms, totp = excluded.totp,
		totp_step = excluded.totp_step, recovery = excluded.recovery`, string(user), l.password, l.changed, l.totp, l.step, l.recovery)
}

// forUpdate keeps a record read in a write transaction locked; SQLite has one writer anyway, and drops the words.
const forUpdate = " FOR UPDATE"
