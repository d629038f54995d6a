package account

import (
	"context"

	"minqing/server/store"
)

// The price of guessing what opens a page by itself, without an account. It is lighter than that of passwords: there is far more to guess,
// and a whole village may stand behind one address, which a neighbour's typing must not keep out for long.
var guessing = price{free: 30, first: 2 * 1000, longest: 30 * 1000}

// MayGuess tells whether an address may ask for another page that a secret of the address opens; the error says when else.
func (s *Service) MayGuess(ctx context.Context, what string, c Client) error {
	return s.store.Read(ctx, func(tx *store.Tx) error { return allowed(tx, s.source(what, "", Client{Address: c.Address})) })
}

// Guessed counts that an address asked for a page that is not there.
func (s *Service) Guessed(ctx context.Context, what string, c Client) error {
	return s.store.Write(ctx, func(tx *store.Tx) error { return guessing.failed(tx, s.source(what, "", Client{Address: c.Address})) })
}

// speaking is the price of saying something without an account: a whole village may stand behind one address, and what each says is bounded by itself.
var speaking = price{free: 120, first: 10 * 1000, longest: 10 * 60 * 1000}

// MaySay tells whether an address may say something more to somebody without an account; the error says when else.
func (s *Service) MaySay(ctx context.Context, what string, c Client) error {
	return s.MayGuess(ctx, "say "+what, c)
}

// Says counts that an address says something, however it ends.
func (s *Service) Says(ctx context.Context, what string, c Client) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		return speaking.failed(tx, s.source("say "+what, "", Client{Address: c.Address}))
	})
}
