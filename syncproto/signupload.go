package syncproto

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// DigestHeader carries the SHA-256 of an upload's body (RFC 9530), so that the signature can be checked before the body has come.
const DigestHeader = "Content-Digest"

// UploadRequest is what a device signs of one request of an upload (PROTOCOL.md, section 21). The server keeps what came before a
// link broke, so it cannot wait for the whole body: the signature covers the digest that the body is to have.
type UploadRequest struct {
	Method, Path, Token      string
	Body                     [sha256.Size]byte // of the body as sent; of nothing when there is none
	Offset, Length, Metadata string            // Upload-Offset, Upload-Length, Upload-Metadata just as sent, "" for one that is not
}

// Text is what is signed.
func (u *UploadRequest) Text() []byte {
	t := sha256.Sum256([]byte(u.Token))
	return []byte(strings.Join([]string{"minqing upload 1", u.Method, u.Path, hex.EncodeToString(t[:]), hex.EncodeToString(u.Body[:]),
		u.Offset, u.Length, u.Metadata}, "\n"))
}

// Verify checks a SignatureHeader against a public key.
func (u *UploadRequest) Verify(key ed25519.PublicKey, header string) error {
	return verifyText(key, header, u.Text())
}

// ContentDigest gives the value of DigestHeader.
func ContentDigest(sum [sha256.Size]byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// ParseContentDigest reads a DigestHeader; the algorithm must be sha-256, and no other beside it. None at all is the digest of nothing.
func ParseContentDigest(header string) (sum [sha256.Size]byte, err error) {
	if header == "" {
		return sha256.Sum256(nil), nil
	}
	text, ok := strings.CutPrefix(header, "sha-256=:")
	text, closed := strings.CutSuffix(text, ":")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || !closed || err != nil || len(raw) != sha256.Size {
		return sum, &Error{Code: CodeInvalid, Op: fmt.Sprintf("content digest %q", header), Message: Both("请求里内容的摘要写得不对。", "The digest of the body is not written as it must be."),
			Hint: Both("写成 sha-256=:base64:。", "Write sha-256=:base64:."), Err: err}
	}
	return [sha256.Size]byte(raw), nil
}
