package syncproto_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"minqing/syncproto"
)

func TestEnrolmentCode(t *testing.T) {
	code, err := syncproto.NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	typed := " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) + "\n"
	if got, err := syncproto.ParseCode(typed); err != nil || got != code {
		t.Fatalf("typed %q gave %q, %v; want %q", typed, got, err, code)
	}
	server, got, err := syncproto.ParseEnrolLink(syncproto.EnrolLink("http://10.0.0.1:80/a?b=c&d", code))
	if err != nil || server != "http://10.0.0.1:80/a?b=c&d" || got != code {
		t.Fatalf("link gave %q %q %v", server, got, err)
	}
}

func TestEnrolmentCodeFindsEveryWrongCharacter(t *testing.T) {
	code, err := syncproto.NewCode(bytes.NewReader([]byte("0123456789")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range code {
		if code[i] == '-' {
			continue
		}
		for _, c := range "0123456789ABCDEFGHJKMNPQRSTVWXYZ" {
			if wrong := code[:i] + string(c) + code[i+1:]; wrong != code {
				if _, err := syncproto.ParseCode(wrong); err == nil {
					t.Fatalf("%s passed for %s", wrong, code)
				}
			}
		}
	}
}

func TestRequestSignatureCoversAll(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sig := syncproto.SignRequest(key, "POST", "/v1/sync", "token", []byte("body"))
	if err := syncproto.VerifyRequest(pub, sig, "POST", "/v1/sync", "token", []byte("body")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ header, method, path, token, body string }{
		{sig, "GET", "/v1/sync", "token", "body"}, {sig, "POST", "/v1/sync?", "token", "body"}, {sig, "POST", "/v1/sync", "other", "body"},
		{sig, "POST", "/v1/sync", "token", "bodY"}, {"none " + sig[8:], "POST", "/v1/sync", "token", "body"}, {"", "POST", "/v1/sync", "token", "body"},
	} {
		if syncproto.VerifyRequest(pub, c.header, c.method, c.path, c.token, []byte(c.body)) == nil {
			t.Errorf("verified: %+v", c)
		}
	}
}
