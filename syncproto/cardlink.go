package syncproto

import (
	"net/url"
	"strings"
)

// CardLink is what the QR code of a household's contact card holds: the page of the card at the server, which shows residents who to
// call and what became of what they raised. Nobody signs in there: the serial is all that opens it, so whoever issues a card makes it of
// at least 80 random bits, and a missing serial and a wrong one look alike.
func CardLink(server, serial string) string {
	return strings.TrimRight(server, "/") + "/c/" + url.PathEscape(serial)
}
