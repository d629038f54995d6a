package auth

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

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

// claims of an access token. Key is the thumbprint of the device's public key (proof of possession, after RFC 7800).
type claims struct {
	Audience string             `json:"aud"`
	Expires  int64              `json:"exp"`
	Device   syncproto.DeviceID `json:"dev"`
	Key      string             `json:"cnf"`
}

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
func mint(signer ed25519.PrivateKey, device syncproto.DeviceID, key string, now int64) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{Audience: tokenAudience, Expires: time.UnixMilli(now).Add(tokenLife).Unix(), Device: device, Key: key})
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
	if c.Device == "" || c.Key == "" {
		return nil, fmt.Errorf("token names no device or key")
	}
	return &c, nil
}
