package api

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"minqing/syncproto"
)

// FuzzSmallBodies: no body of an enrolment, a challenge or a sign-in makes the reader panic or is taken beyond its bound, and one that it takes
// is the same when it is written and read again.
func FuzzSmallBodies(f *testing.F) {
	kinds := []func() any{func() any { return &syncproto.EnrolRequest{} }, func() any { return &syncproto.ChallengeRequest{} }, func() any { return &syncproto.TokenRequest{} }}
	for i, seed := range []string{
		`{"code":"60RK-4CSM-6MV3-EE1S-4","key":"6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw","alg":"ed25519","proof":"AA","label":"王五的手机","platform":"android","client":"minqing-field 1.0"}`,
		`{"device":"01935b7e-0000-7000-8000-0000000000d1"}`,
		`{"device":"01935b7e-0000-7000-8000-0000000000d1","challenge":"AQchallenge","signature":"AA","client":"minqing-field 1.0"}`,
		`{"code":1}`, `{"device":null}`, `{}{}`, `{"what":"is this"}`, `[`, "{\"code\":\"\xff\"}", `{"device":"` + strings.Repeat("a", maxSmallBody) + `"}`,
	} {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		made := kinds[int(kind)%len(kinds)]
		one, same := made(), made()
		if err := decodeSmall(io.NopCloser(bytes.NewReader(in)), "/v1/fuzz", one); err != nil {
			return
		}
		again, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxSmallBody {
			return // escaped, it may be longer than what came
		}
		if err := decodeSmall(io.NopCloser(bytes.NewReader(again)), "/v1/fuzz", same); err != nil || !reflect.DeepEqual(one, same) {
			t.Fatalf("%+v became %+v, %v", one, same, err)
		}
	})
}
