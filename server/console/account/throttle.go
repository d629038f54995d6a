package account

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// price is that of trying: the first attempts are free, each further one doubles the wait, up to a bound.
type price struct{ free, first, longest int64 }

// signing is the price of trying to sign in.
var signing = price{free: 5, first: 2 * 1000, longest: 15 * 60 * 1000}

// seriesLife is how long after its last failure a series is forgotten.
const seriesLife = int64(24 * 60 * 60 * 1000)

const sealKnown syncproto.Purpose = "console known"

// Known is what a browser keeps that has signed in to an account, so that its own slips are not counted with those of others behind the
// same address.
func (s *Service) Known(login string) (string, error) {
	nonce, err := s.token()
	if err != nil {
		return "", err
	}
	return s.seal.Seal(sealKnown, []byte(login+" "+nonce))
}

// source names what attempts are counted under: this account, from this known browser or else from this address. A network of IPv6 is
// one address.
func (s *Service) source(what, login string, c Client) string {
	from := c.Address
	if a, err := netip.ParseAddr(c.Address); err == nil && a.Is6() && !a.Is4In6() {
		if p, err := a.Prefix(64); err == nil {
			from = p.String()
		}
	}
	if c.Known != "" {
		if plain, err := s.seal.Open(sealKnown, c.Known); err == nil && strings.HasPrefix(string(plain), login+" ") {
			from = string(plain)
		}
	}
	return hex.EncodeToString(mac(s.mark, what+"\x00"+login+"\x00"+from))
}

// allowed tells whether another attempt may be made now; the error says when else.
func allowed(tx *store.Tx, key string) error {
	var until int64
	if _, err := tx.One("SELECT until_ms FROM mq_throttle WHERE key = ?", []any{key}, &until); err != nil || until <= tx.Now() {
		return err
	}
	wait := int((until - tx.Now() + 999) / 1000) // rounded up: who comes then is let in
	return &syncproto.Error{Code: syncproto.CodeBusy, Op: "account: throttle", RetryAfter: wait,
		Message: syncproto.Both(fmt.Sprintf("试的次数多了，请等 %d 秒再试。", wait), fmt.Sprintf("Too many tries; wait %d seconds.", wait))}
}

// counted counts an attempt and lets it go on when it may. Whoever has to wait is told so without keeping those who write from their turn.
func (s *Service) counted(ctx context.Context, p price, key string) error {
	if err := s.store.Read(ctx, func(tx *store.Tx) error { return allowed(tx, key) }); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error { // of several at once one may have come first
		if err := allowed(tx, key); err != nil {
			return err
		}
		return p.failed(tx, key)
	})
}

// failed counts an attempt before it is known how it ends: two at once are two. passed takes the series away.
func (p price) failed(tx *store.Tx, key string) error {
	var fails, at int64
	if _, err := tx.One("SELECT fails, at_ms FROM mq_throttle WHERE key = ?"+forUpdate, []any{key}, &fails, &at); err != nil {
		return err
	}
	if at+seriesLife < tx.Now() {
		fails = 0
	}
	fails++
	wait := int64(0)
	if fails >= p.free {
		wait = min(p.longest, p.first<<min(fails-p.free, 20))
	}
	if err := tx.Exec("DELETE FROM mq_throttle WHERE at_ms < ?", tx.Now()-seriesLife); err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO mq_throttle (key, fails, until_ms, at_ms) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET fails = excluded.fails, until_ms = excluded.until_ms, at_ms = excluded.at_ms`, key, fails, tx.Now()+wait, tx.Now())
}

func passed(tx *store.Tx, key string) error {
	return tx.Exec("DELETE FROM mq_throttle WHERE key = ?", key)
}
