package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"minqing/schema"
	"minqing/syncproto"
)

// Access tokens are short: a device proves its key again every quarter of an hour, so that a revocation bites at once and a
// stolen token is of little use (each request is signed by the device's key as well).
const tokenLife = 15 * time.Minute

// The token pins everything a verifier could be talked into: algorithm, type and audience. It says no more than it must, as it
// travels with every sync of every phone: who the device belongs to is read from the store each time.
const (
	tokenType     = "at+jwt" // RFC 9068
	tokenAudience = "minqing"
)

// claims of an access token. Its holder stands in one claim (proof of possession, after RFC 7800), as every byte here travels with every sync.
type claims struct {
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Holder   holder `json:"cnf"`
}

// holder is a device and the thumbprint of its public key: as text, base64url of the 16 bytes of the one and those of the other.
type holder struct {
	Device syncproto.DeviceID
	Key    []byte
}

func (h holder) MarshalText() ([]byte, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(string(h.Device), "-", ""))
	if err != nil || !schema.ValidID(string(h.Device)) {
		return nil, fmt.Errorf("the id of device %q", h.Device)
	}
	return base64.RawURLEncoding.AppendEncode(nil, append(id, h.Key...)), nil
}

func (h *holder) UnmarshalText(text []byte) error {
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil || len(raw) != deviceBytes+thumbBytes {
		return fmt.Errorf("the holder of a token is %d bytes in base64url", deviceBytes+thumbBytes)
	}
	x := hex.EncodeToString(raw[:deviceBytes])
	h.Device, h.Key = syncproto.DeviceID(x[:8]+"-"+x[8:12]+"-"+x[12:16]+"-"+x[16:20]+"-"+x[20:]), raw[deviceBytes:]
	return nil
}

const deviceBytes, thumbBytes = 16, 16

// The claims that jwt wants to see.
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.Expires, 0)), nil
}
func (c claims) GetAudience() (jwt.ClaimStrings, error)  { return jwt.ClaimStrings{c.Audience}, nil }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)  { return nil, nil }
func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }
func (c claims) GetIssuer() (string, error)              { return "", nil }
func (c claims) GetSubject() (string, error)             { return "", nil }

// mint signs an access token for a device, valid from now (Unix ms).
func mint(signer ed25519.PrivateKey, device syncproto.DeviceID, key []byte, now int64) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{Audience: tokenAudience, Expires: time.UnixMilli(now).Add(tokenLife).Unix(), Holder: holder{device, key}})
	t.Header["typ"] = tokenType
	return t.SignedString(signer)
}

// parse verifies an access token at now (Unix ms): signature, algorithm, type, audience, expiry.
func parse(key ed25519.PublicKey, token string, now int64) (*claims, error) {
	var c claims
	t, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithAudience(tokenAudience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return time.UnixMilli(now) }))
	if err != nil {
		return nil, err
	}
	if t.Header["typ"] != tokenType {
		return nil, fmt.Errorf("token of type %v, want %s", t.Header["typ"], tokenType)
	}
	if c.Holder.Device == "" {
		return nil, fmt.Errorf("token names no holder")
	}
	return &c, nil
}
