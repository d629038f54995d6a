package account

import (
	"context"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// wrongPassword is the one answer to whoever does not get in.
func wrongPassword() error {
	return &syncproto.Error{Code: syncproto.CodeAuth, Op: "account: sign in", Message: syncproto.Both("登录名或密码不对。", "The login or the password is wrong."),
		Hint: syncproto.Both("忘了密码，请管理员给您一个一次性链接。", "If you forgot it, ask the administrator for a one-time link.")}
}

// attempt counts a try to sign in and lets it go on when it may.
func (s *Service) attempt(ctx context.Context, key string) error { return s.counted(ctx, signing, key) }

// SignIn takes a login and a password and gives what the session's cookie is to hold. Stage tells whether a code is asked for next.
func (s *Service) SignIn(ctx context.Context, name, password string, c Client) (token string, stage Stage, err error) {
	name = schema.NormalizeCode(name)
	key := s.source("password", name, c)
	if err := s.attempt(ctx, key); err != nil {
		return "", "", err
	}
	var u User
	var l login
	if err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if u, err = s.userBy(tx, "login", name); err != nil || u.ID == "" {
			return err
		}
		l, err = readLogin(tx, u.ID, "")
		return err
	}); err != nil {
		return "", "", err
	}
	ok, err := s.matches(ctx, password, l.password)
	if err != nil {
		return "", "", err
	}
	if !ok || u.ID == "" || u.Ended {
		return "", "", wrongPassword()
	}
	stage = Full
	if l.totp != "" {
		stage = NeedsCode
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		now, err := readLogin(tx, u.ID, forUpdate)
		if err != nil {
			return err
		}
		if now.password != l.password {
			return wrongPassword() // it was changed meanwhile
		}
		if err := passed(tx, key); err != nil {
			return err
		}
		token, err = s.open(tx, u.ID, stage, "password", c)
		return err
	})
	return token, stage, err
}

// Admit opens a session for somebody whom a provider of identities vouches for: by the subject that was bound before, else by the login,
// which is then bound.
func (s *Service) Admit(ctx context.Context, issuer, subject, name string, c Client) (token string, err error) {
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		var bound string
		if _, err := tx.One("SELECT user_id FROM mq_subject WHERE issuer = ? AND subject = ?", []any{issuer, subject}, &bound); err != nil {
			return err
		}
		column, value := "id", bound
		if bound == "" {
			column, value = "login", schema.NormalizeCode(name)
		}
		u, err := s.userBy(tx, column, value)
		if err != nil {
			return err
		}
		if u.ID == "" || u.Ended || value == "" {
			return &syncproto.Error{Code: syncproto.CodeAuth, Op: "account: admit", Message: syncproto.Both("这里没有您的账号。", "There is no account of yours here."),
				Hint: syncproto.Both("请管理员建一个同名的账号。", "Ask the administrator for an account of the same login.")}
		}
		if bound == "" {
			if err := tx.Exec("INSERT INTO mq_subject (issuer, subject, user_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", issuer, subject, string(u.ID)); err != nil {
				return err
			}
		}
		token, err = s.open(tx, u.ID, Full, "oidc", c)
		return err
	})
	return token, err
}

// ChangePassword sets a new password for somebody signed in, who knows the old one. His other sessions end.
func (s *Service) ChangePassword(ctx context.Context, x Session, old, password string, c Client) error {
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
	ok, err := s.matches(ctx, old, l.password)
	if err != nil {
		return err
	}
	if !ok {
		return invalid("change password", "原来的密码不对。", "The old password is wrong.")
	}
	if err := checkPassword(password, x.User.Login, x.User.Name); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		now, err := readLogin(tx, x.User.ID, forUpdate)
		if err != nil {
			return err
		}
		now.password, now.changed = hash, tx.Now()
		if err := saveLogin(tx, x.User.ID, now); err != nil {
			return err
		}
		if err := passed(tx, key); err != nil {
			return err
		}
		return end(tx, x.User.ID, "", x.ID)
	})
}

// linkLife is how long a one-time link is good: long enough to be handed over in person.
const linkLife = 72 * 60 * 60 * 1000

// Link makes a one-time link for a user: whoever opens it sets his password and is signed in. forget takes the second factor away as well.
func (s *Service) Link(ctx context.Context, user, by syncproto.UserID, forget bool) (code string, until time.Time, err error) {
	if code, err = s.token(); err != nil {
		return "", until, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		until = time.UnixMilli(tx.Now() + linkLife).In(s.zone)
		for _, q := range []struct {
			text string
			args []any
		}{
			{"DELETE FROM mq_link WHERE expires_ms < ? OR user_id = ?", []any{tx.Now(), string(user)}}, // a new link voids the ones before
			{"INSERT INTO mq_link (hash, user_id, made_ms, expires_ms, by_user, forget) VALUES (?, ?, ?, ?, ?, ?)",
				[]any{hashOf("link", code), string(user), tx.Now(), tx.Now() + linkLife, string(by), number(forget)}},
		} {
			if err := tx.Exec(q.text, q.args...); err != nil {
				return err
			}
		}
		return nil
	})
	return code, until, err
}

func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

func spentLink() error {
	return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "account: link", Message: syncproto.Both("这个链接用过了，或者过期了。", "This link was used before, or has expired."),
		Hint: syncproto.Both("请管理员再给一个。", "Ask the administrator for another.")}
}

// LinkFor tells whose link a code is.
func (s *Service) LinkFor(ctx context.Context, code string) (u User, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		u, _, err = s.link(tx, code, "")
		return err
	})
	return u, err
}

func (s *Service) link(tx *store.Tx, code, lock string) (u User, forget bool, err error) {
	var user string
	var f int64
	found, err := tx.One("SELECT user_id, forget FROM mq_link WHERE hash = ? AND expires_ms >= ?"+lock, []any{hashOf("link", code), tx.Now()}, &user, &f)
	if err == nil && found {
		u, err = s.userBy(tx, "id", user)
	}
	if err == nil && (u.ID == "" || u.Ended) {
		err = spentLink()
	}
	return u, f == 1, err
}

// UseLink sets the password of a link's user and signs him in; his other sessions end. A code is asked for next when he has one and the
// link does not take it away.
func (s *Service) UseLink(ctx context.Context, code, password string, c Client) (token string, stage Stage, err error) {
	u, err := s.LinkFor(ctx, code)
	if err != nil {
		return "", "", err
	}
	if err := checkPassword(password, u.Login, u.Name); err != nil {
		return "", "", err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return "", "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		u, forget, err := s.link(tx, code, forUpdate)
		if err != nil {
			return err
		}
		n, err := tx.Affected("DELETE FROM mq_link WHERE hash = ?", hashOf("link", code))
		if err == nil && n == 0 {
			err = spentLink()
		}
		if err != nil {
			return err
		}
		l, err := readLogin(tx, u.ID, forUpdate)
		if err != nil {
			return err
		}
		l.password, l.changed = hash, tx.Now()
		if forget {
			l.totp, l.step, l.recovery = "", 0, ""
		}
		if err := saveLogin(tx, u.ID, l); err != nil {
			return err
		}
		if err := end(tx, u.ID, "", ""); err != nil {
			return err
		}
		if stage = Full; l.totp != "" {
			stage = NeedsCode
		}
		token, err = s.open(tx, u.ID, stage, "link", c)
		return err
	})
	return token, stage, err
}
