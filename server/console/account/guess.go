package account

import "context"

// The price of asking for what a secret of the address would open, and does not. Such a secret is of 80 bits and more, beyond guessing, so
// that whoever has it is never made to wait: a whole village may stand behind one address. It keeps those who guess all the same from
// being work for the server.
var guessing = price{free: 30, first: 2 * 1000, longest: 30 * 1000}

// Guessed counts that an address asked for a page that is not there; an error says that it has asked for too many, and when it may go on.
func (s *Service) Guessed(ctx context.Context, what string, c Client) error {
	return s.counted(ctx, guessing, s.source(what, "", Client{Address: c.Address}))
}

// speaking is the price of saying something without an account, however it ends: much more than a household says in a day.
var speaking = price{free: 60, first: 10 * 1000, longest: 10 * 60 * 1000}

// Says counts that whoever has a secret says something with it, from one address; an error says when else. What others say there is not
// counted with it, nor what is said with the same secret elsewhere: nobody is kept silent by his neighbours.
func (s *Service) Says(ctx context.Context, what, secret string, c Client) error {
	return s.counted(ctx, speaking, s.source("say "+what, secret, Client{Address: c.Address}))
}
