package account

import (
	"context"
	"time"

	"minqing/server/store"
	"minqing/syncproto"
)

// Stage is what a session has still to prove.
type Stage string

// The stages: a code is asked for after the password; Full is signed in.
const (
	NeedsCode Stage = "code"
	Full      Stage = "full"
)

// How long a session lives, in ms: at rest, in all, and while a code is awaited. seenEvery keeps looking at pages from being writing.
const (
	restLife  = 12 * 60 * 60 * 1000
	wholeLife = 7 * 24 * 60 * 60 * 1000
	codeLife  = 10 * 60 * 1000
	seenEvery = 60 * 1000
)

// Session is one browser that somebody signed in with.
type Session struct {
	ID      string // the hash of what its cookie holds: it names the session and opens nothing
	User    User
	Stage   Stage
	Made    time.Time
	Seen    time.Time
	Address string
	Agent   string
	How     string // password, link, oidc
	Stale   bool   // it was in use some time ago: Keep says that it is
}

// open makes a session and gives what its cookie is to hold.
func (s *Service) open(tx *store.Tx, user syncproto.UserID, stage Stage, how string, c Client) (string, error) {
	token, err := s.token()
	if err != nil {
		return "", err
	}
	life := int64(restLife)
	if stage == NeedsCode {
		life = codeLife
	}
	if err := tx.Exec("DELETE FROM mq_session WHERE expires_ms < ?", tx.Now()); err != nil {
		return "", err
	}
	return token, tx.Exec("INSERT INTO mq_session (hash, user_id, stage, made_ms, seen_ms, expires_ms, address, agent, how) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		hashOf("session", token), string(user), string(stage), tx.Now(), tx.Now(), tx.Now()+life, c.Address, clip(c.Agent), how)
}

// clip bounds what a browser says of itself.
func clip(agent string) string {
	const most = 160
	if r := []rune(agent); len(r) > most {
		return string(r[:most])
	}
	return agent
}

const sessionColumns = "hash, user_id, stage, made_ms, seen_ms, expires_ms, address, agent, how"

func (s *Service) scan(scan func(...any) error) (Session, int64, error) {
	var x Session
	var made, seen, expires int64
	err := scan(&x.ID, &x.User.ID, &x.Stage, &made, &seen, &expires, &x.Address, &x.Agent, &x.How)
	x.Made, x.Seen = time.UnixMilli(made).In(s.zone), time.UnixMilli(seen).In(s.zone)
	return x, expires, err
}

// Session finds the session of a cookie; ok is false when there is none that lives, or its user's account has ended. It writes nothing: a page can
// be read while nothing can be written.
func (s *Service) Session(ctx context.Context, token string) (x Session, ok bool, err error) {
	if len(token) != 43 {
		return x, false, nil
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		ok = false
		var expires int64
		found := false
		err := tx.Each(func(scan func(...any) error) (err error) {
			x, expires, err = s.scan(scan)
			found = true
			return err
		}, "SELECT "+sessionColumns+" FROM mq_session WHERE hash = ?", hashOf("session", token))
		if err != nil || !found || expires < tx.Now() || x.Made.UnixMilli()+wholeLife < tx.Now() {
			return err
		}
		x.User, err = s.userBy(tx, "id", string(x.User.ID))
		ok = err == nil && x.User.ID != "" && !x.User.Ended
		x.Stale = x.Stage == Full && tx.Now()-x.Seen.UnixMilli() > seenEvery
		return err
	})
	return x, ok, err
}

// Keep keeps a session alive that is in use.
func (s *Service) Keep(ctx context.Context, x Session) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE mq_session SET seen_ms = ?, expires_ms = ? WHERE hash = ?", tx.Now(), tx.Now()+restLife, x.ID)
	})
}

// sessionsListed is how many sessions a page lists: more are no browsers of one person, and can be ended all together.
const sessionsListed = 50

// Sessions lists the living sessions of a user: the one that asks, then the newest; more tells how many others there are.
func (s *Service) Sessions(ctx context.Context, user syncproto.UserID, asks string) (out []Session, more int, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		const living = " FROM mq_session WHERE user_id = ? AND stage = 'full' AND expires_ms >= ?"
		var n int64
		if _, err := tx.One("SELECT COUNT(*)"+living, []any{string(user), tx.Now()}, &n); err != nil {
			return err
		}
		out = nil
		err := tx.Each(func(scan func(...any) error) error {
			x, _, err := s.scan(scan)
			out = append(out, x)
			return err
		}, "SELECT "+sessionColumns+living+" ORDER BY CASE WHEN hash = ? THEN 0 ELSE 1 END, seen_ms DESC, hash LIMIT ?", string(user), tx.Now(), asks, int64(sessionsListed))
		more = int(n) - len(out)
		return err
	})
	return out, more, err
}

// End ends a session of a user; "" ends all of them but the one to be kept.
func (s *Service) End(ctx context.Context, user syncproto.UserID, id, keep string) error {
	return s.store.Write(ctx, func(tx *store.Tx) error { return end(tx, user, id, keep) })
}

func end(tx *store.Tx, user syncproto.UserID, id, keep string) error {
	if id != "" {
		return tx.Exec("DELETE FROM mq_session WHERE user_id = ? AND hash = ?", string(user), id)
	}
	return tx.Exec("DELETE FROM mq_session WHERE user_id = ? AND hash <> ?", string(user), keep)
}
