package syncproto

import (
	"net/url"
	"strings"
)

// CardLink is what the QR code of a household's contact card holds: the page of the card at the server, which shows residents who to
// call and what became of what they raised.
func CardLink(server, serial string) string {
	return strings.TrimRight(server, "/") + "/card/" + url.PathEscape(serial)
}
