package consoletest

import (
	"context"

	"minqing/internal/thumb"
)

// Enter makes a real browser somebody's: his session, "" for nobody's, and his language. It signs him in by a one-time link, which ends the
// sessions that he had.
func (c *City) Enter(s *thumb.Screen, base, who, lang string) error {
	token := "nobody"
	if who != "" {
		var err error
		if token, err = c.Session(context.Background(), who); err != nil {
			return err
		}
	}
	if err := s.Cookie(base, "__Host-mq-session", token); err != nil {
		return err
	}
	return s.Cookie(base, "__Host-mq-lang", lang)
}
