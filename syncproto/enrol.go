package syncproto

import (
	"encoding/base32"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// EnrolRequest is the body of POST /v1/enrol: a one-time code exchanged for a device.
type EnrolRequest struct {
	Code     string `json:"code"`
	Key      string `json:"key"`   // public key, base64url without padding
	Alg      string `json:"alg"`   // AlgEd25519
	Proof    string `json:"proof"` // signature of EnrolText by the key, base64url without padding
	Label    string `json:"label,omitempty"`
	Platform string `json:"platform,omitempty"`
	Client   string `json:"client,omitempty"`
}

// EnrolResponse says whose phone this has become.
type EnrolResponse struct {
	Device DeviceID `json:"device"`
	User   UserID   `json:"user"`
	Name   string   `json:"name"`
	Post   string   `json:"post,omitempty"`
	Place  string   `json:"place,omitempty"`
	Now    int64    `json:"now"`
}

// ChallengeRequest is the body of POST /v1/challenge.
type ChallengeRequest struct {
	Device DeviceID `json:"device"`
}

// ChallengeResponse is what the device has to sign; it is the same for devices that exist and those that do not.
type ChallengeResponse struct {
	Challenge string `json:"challenge"`
	Now       int64  `json:"now"`
}

// TokenRequest is the body of POST /v1/token: the challenge, signed.
type TokenRequest struct {
	Device    DeviceID `json:"device"`
	Challenge string   `json:"challenge"`
	Signature string   `json:"signature"` // of ChallengeText, base64url without padding
	Client    string   `json:"client,omitempty"`
}

// TokenResponse carries the access token and how long it is good for, in seconds.
type TokenResponse struct {
	Token   string `json:"token"`
	Seconds int    `json:"seconds"`
	Now     int64  `json:"now"`
}

// codeBytes gives an enrolment code 80 bits: nobody guesses one within its ten minutes.
const codeBytes = 10

// crockford is Crockford's base 32: no I, L, O, U, so that what is read aloud or typed cannot be mistaken.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var codeEncoding = base32.NewEncoding(crockford).WithPadding(base32.NoPadding)

// checkSigns are the signs of the check character: the value of the code mod 37 (Crockford).
const checkSigns = crockford + "*~$=U"

// NewCode makes an enrolment code from randomness: four groups of four and a check sign, “ABCD-EFGH-JKMN-PQRS-T”. Codes whose check
// sign is no letter or digit are passed over: they are hard to read aloud.
func NewCode(r io.Reader) (string, error) {
	for {
		var raw [codeBytes]byte
		if _, err := io.ReadFull(r, raw[:]); err != nil {
			return "", fmt.Errorf("syncproto: reading randomness: %w", err)
		}
		s := codeEncoding.EncodeToString(raw[:])
		if sign := checkSign(s); strings.IndexByte(crockford, sign) >= 0 {
			return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:] + "-" + string(sign), nil
		}
	}
}

func checkSign(s string) byte {
	rest := 0
	for i := range len(s) {
		rest = (rest*32 + strings.IndexByte(crockford, s[i])) % 37
	}
	return checkSigns[rest]
}

// ParseCode reads a code as people type it (any case, with or without dashes and spaces, O for 0, I and L for 1) into its one
// form; the error says what is wrong.
func ParseCode(typed string) (string, error) {
	bare := strings.NewReplacer("-", "", " ", "", "　", "", "\t", "", "\n", "").Replace(strings.ToUpper(strings.TrimSpace(typed)))
	bad := func(zh, en string) error {
		return &Error{Code: CodeInvalid, Op: "enrolment code", Message: Both(zh, en), Hint: Both("对着管理员给的登记码再输一遍。", "Type the code once more.")}
	}
	if len(bare) != 17 {
		return "", bad(fmt.Sprintf("登记码应是 17 个字符，现在是 %d 个。", len([]rune(bare))), "A code has 17 characters.")
	}
	bare = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(bare)
	body := bare[:16]
	for i := range len(body) {
		if strings.IndexByte(crockford, body[i]) < 0 {
			return "", bad("登记码里有不该有的字符。", "The code holds a character that codes never hold.")
		}
	}
	if checkSign(body) != bare[16] {
		return "", bad("登记码有一处输错了。", "One character of the code is wrong.")
	}
	return body[:4] + "-" + body[4:8] + "-" + body[8:12] + "-" + body[12:] + "-" + bare[16:], nil
}

// EnrolLink is what an enrolment QR code holds: the server's address and the code.
func EnrolLink(server, code string) string {
	return "minqing:enrol?" + url.Values{"s": {server}, "c": {code}}.Encode()
}

// ParseEnrolLink takes an EnrolLink apart.
func ParseEnrolLink(link string) (server, code string, err error) {
	rest, ok := strings.CutPrefix(link, "minqing:enrol?")
	var q url.Values
	if ok {
		q, err = url.ParseQuery(rest)
	}
	if !ok || err != nil || q.Get("s") == "" {
		return "", "", &Error{Code: CodeInvalid, Op: "enrolment link", Message: Both("这不是民情通的登记码。", "This is not an enrolment code of Minqing."), Err: err}
	}
	code, err = ParseCode(q.Get("c"))
	return q.Get("s"), code, err
}
