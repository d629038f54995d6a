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

// The token pins everything a verifier could be talked into: algorithm, type, audience and issuer.
const (
	tokenType     = "minqing-access+jwt"
	tokenAudience = "minqing-sync"
	tokenIssuer   = "minqing"
)

// claims of an access token. Key is the thumbprint of the device's public key (RFC 7638 style binding, RFC 7800 cnf).
type claims struct {
	jwt.RegisteredClaims
	Device syncproto.DeviceID `json:"dev"`
	Key    string             `json:"cnf"`
}

// mint signs an access token for a device, valid from now (Unix ms).
func mint(signer ed25519.PrivateKey, id string, user syncproto.UserID, device syncproto.DeviceID, key string, now int64) (string, error) {
	at := time.UnixMilli(now)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{ID: id, Issuer: tokenIssuer, Audience: jwt.ClaimStrings{tokenAudience}, Subject: string(user),
			IssuedAt: jwt.NewNumericDate(at), ExpiresAt: jwt.NewNumericDate(at.Add(tokenLife))},
		Device: device, Key: key,
	})
	t.Header["typ"] = tokenType
	return t.SignedString(signer)
}

// parse verifies an access token at now (Unix ms): signature, algorithm, type, audience, issuer, expiry.
func parse(key ed25519.PublicKey, token string, now int64) (*claims, error) {
	var c claims
	t, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithAudience(tokenAudience), jwt.WithIssuer(tokenIssuer),
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
