package syncproto

import (
	"fmt"
	"io"
	"net/url"
	"strings"
)

// CardLink is what the QR code of a household's contact card holds: the page of the card at the server, which shows residents who to
// call and what became of what they raised. Nobody signs in there: the serial is all that opens it, so whoever issues a card makes it of
// at least 80 random bits (NewCardSerial), and a missing serial and a wrong one look alike.
func CardLink(server, serial string) string {
	return strings.TrimRight(server, "/") + "/c/" + url.PathEscape(serial)
}

// NewCardSerial makes the serial of a card of 80 bits of randomness: four groups of four, “7K4M-2Q9X-8HTD-W3NC”. It has no check sign:
// one would only tell a guesser which serials cannot be.
func NewCardSerial(r io.Reader) (string, error) {
	var raw [codeBytes]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return "", fmt.Errorf("syncproto: reading randomness: %w", err)
	}
	return groupsOfFour(codeEncoding.EncodeToString(raw[:])), nil
}

// CardSerial reads a serial as people copy it (any case, with or without dashes and spaces, O for 0, I and L for 1) into its one form. What
// has not the form of NewCardSerial is no serial, whatever a card of a village may have printed on it: it could be guessed.
func CardSerial(typed string) (string, bool) {
	bare := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	if len(bare) != codeEncoding.EncodedLen(codeBytes) || strings.Trim(bare, crockford) != "" {
		return "", false
	}
	return groupsOfFour(bare), true
}

func groupsOfFour(s string) string { return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:] }
