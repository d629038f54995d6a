package account

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"minqing/server/store"
	"minqing/syncproto"
)

// The form of one-time codes (RFC 6238), as every authenticator takes it, and how far clocks may be apart, in steps.
const (
	codePeriod = 30
	codeSkew   = 1
	issuer     = "民情通"
	recoveries = 10
)

const (
	sealTOTP    syncproto.Purpose = "console totp"
	sealPending syncproto.Purpose = "console totp pending"
)

// Factor says how somebody's second factor stands.
type Factor struct {
	On       bool
	Recovery int // codes left
}

// FactorOf tells how the second factor of a user stands.
func (s *Service) FactorOf(ctx context.Context, user syncproto.UserID) (f Factor, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		l, err := readLogin(tx, user, "")
		f = Factor{On: l.totp != "", Recovery: len(codesOf(l.recovery))}
		return err
	})
	return f, err
}

// NewFactor makes a key of one-time codes that is not in force yet: its address for authenticators, the key itself for those who type it,
// and the sealed form that ConfirmFactor takes back.
func (s *Service) NewFactor(u User) (link, secret, sealed string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: u.Login, Period: codePeriod, Rand: s.rand})
	if err != nil {
		return "", "", "", err
	}
	sealed, err = s.seal.Seal(sealPending, []byte(string(u.ID)+" "+key.Secret()))
	return key.URL(), key.Secret(), sealed, err
}

// PendingFactor gives a key under way again, so that a page can be shown once more.
func (s *Service) PendingFactor(u User, sealed string) (link, secret string, err error) {
	secret, err = s.pending(u.ID, sealed)
	if err != nil {
		return "", "", err
	}
	return "otpauth://totp/" + issuer + ":" + u.Login + "?issuer=" + issuer + "&secret=" + secret, secret, nil
}

func (s *Service) pending(user syncproto.UserID, sealed string) (string, error) {
	plain, err := s.seal.Open(sealPending, sealed)
	owner, secret, _ := strings.Cut(string(plain), " ")
	if err != nil || owner != string(user) {
		return "", invalid("confirm factor", "这一页过期了，请重新开始。", "This page is out of date; begin anew.")
	}
	return secret, nil
}

// step is the step whose code was typed, 0 when none fits: of now, or a neighbour.
func step(secret, typed string, now int64) int64 {
	typed = strings.NewReplacer(" ", "", "-", "").Replace(typed)
	at := now / 1000 / codePeriod
	for n := at - codeSkew; n <= at+codeSkew; n++ {
		ok, err := hotp.ValidateCustom(typed, uint64(n), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return n
		}
	}
	return 0
}

// ConfirmFactor puts a key in force once a code shows that the authenticator has it, and gives the recovery codes, which are shown once.
// Sessions elsewhere end.
func (s *Service) ConfirmFactor(ctx context.Context, x Session, sealed, typed string) (recovery []string, err error) {
	secret, err := s.pending(x.User.ID, sealed)
	if err != nil {
		return nil, err
	}
	kept, err := s.seal.Seal(sealTOTP, []byte(string(x.User.ID)+" "+secret))
	if err != nil {
		return nil, err
	}
	var hashes []string
	for range recoveries {
		code, err := syncproto.NewCode(s.rand)
		if err != nil {
			return nil, err
		}
		recovery, hashes = append(recovery, code), append(hashes, hashOf("recovery", code))
	}
	list, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		at := step(secret, typed, tx.Now())
		if at == 0 {
			return wrongCode()
		}
		l, err := readLogin(tx, x.User.ID, forUpdate)
		if err != nil {
			return err
		}
		l.totp, l.step, l.recovery = kept, at, string(list)
		if err := saveLogin(tx, x.User.ID, l); err != nil {
			return err
		}
		return end(tx, x.User.ID, "", x.ID)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

func wrongCode() error {
	return &syncproto.Error{Code: syncproto.CodeAuth, Op: "account: code", Message: syncproto.Both("验证码不对，或者已经用过。", "The code is wrong, or was used before."),
		Hint: syncproto.Both("等它换下一个再输；手机没带，就用一个恢复码。", "Wait for the next one; without your phone, use a recovery code.")}
}

// Prove takes the code that a session waits for, a one-time code or a recovery code, and gives what the cookie is to hold from now on.
func (s *Service) Prove(ctx context.Context, x Session, typed string, c Client) (token string, err error) {
	if x.Stage != NeedsCode {
		return "", wrongCode()
	}
	key := s.source("code", x.User.Login, c)
	if err := s.attempt(ctx, key); err != nil {
		return "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		l, err := readLogin(tx, x.User.ID, forUpdate)
		if err != nil {
			return err
		}
		ok, err := s.proves(&l, x.User.ID, typed, tx.Now())
		if err == nil && !ok {
			err = wrongCode()
		}
		if err != nil {
			return err
		}
		if err := saveLogin(tx, x.User.ID, l); err != nil {
			return err
		}
		if err := passed(tx, key); err != nil {
			return err
		}
		if err := end(tx, x.User.ID, x.ID, ""); err != nil {
			return err
		}
		token, err = s.open(tx, x.User.ID, Full, x.How, c)
		return err
	})
	return token, err
}

// proves tells whether what was typed is a code that is good now, and marks it used.
func (s *Service) proves(l *login, user syncproto.UserID, typed string, now int64) (bool, error) {
	plain, err := s.seal.Open(sealTOTP, l.totp)
	owner, secret, _ := strings.Cut(string(plain), " ")
	if err != nil || owner != string(user) {
		return false, err
	}
	if at := step(secret, typed, now); at > l.step {
		l.step = at
		return true, nil
	}
	code, err := syncproto.ParseCode(typed)
	if err != nil {
		return false, nil //nolint:nilerr // no recovery code either
	}
	left := codesOf(l.recovery)
	at := slices.Index(left, hashOf("recovery", code))
	if at < 0 {
		return false, nil
	}
	list, err := json.Marshal(slices.Delete(left, at, at+1))
	l.recovery = string(list)
	return true, err
}

func codesOf(list string) (out []string) {
	if list == "" || json.Unmarshal([]byte(list), &out) != nil {
		return nil
	}
	return out
}

// DropFactor takes the second factor away from somebody signed in who knows his password.
func (s *Service) DropFactor(ctx context.Context, x Session, password string, c Client) error {
	key := s.source("password", x.User.Login, c)
	if err := s.attempt(ctx, key); err != nil {
		return err
	}
	var l login
	if err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		l, err = readLogin(tx, x.User.ID, "")
		return err
	}); err != nil {
		return err
	}
	ok, err := s.matches(ctx, password, l.password)
	if err == nil && !ok {
		err = invalid("drop factor", "密码不对。", "The password is wrong.")
	}
	if err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := passed(tx, key); err != nil {
			return err
		}
		return tx.Exec("UPDATE mq_login SET totp = '', totp_step = 0, recovery = '' WHERE user_id = ? AND changed_ms = ?", string(x.User.ID), l.changed)
	})
}

// CodeAt is the code of a key at a moment: what an authenticator shows.
func CodeAt(secret string, at time.Time) (string, error) { return totp.GenerateCode(secret, at) }
