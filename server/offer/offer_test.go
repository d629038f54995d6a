package offer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"minqing/server/offer"
	"minqing/syncproto"
)

// A folder is taken as it was built, and served in parts; one that is not what it says is refused at the start.
func TestFolder(t *testing.T) {
	dir, content := t.TempDir(), []byte("a package of some length")
	sum := sha256.Sum256(content)
	good := syncproto.AppOffer{Version: 7, Name: "0.7", Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Signer: hex.EncodeToString(sum[:])}
	put := func(o syncproto.AppOffer, content []byte) (*offer.App, error) {
		t.Helper()
		raw, err := json.Marshal(o)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "minqing-field.json"), raw, 0o600)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "minqing-field.apk"), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return offer.Load(dir)
	}
	if _, err := offer.Load(dir); err == nil {
		t.Error("an empty folder was taken")
	}
	short, unsigned, old := good, good, good
	short.Bytes++
	unsigned.Signer, old.Version = "", 0
	for name, o := range map[string]syncproto.AppOffer{"another length": short, "no signer": unsigned, "no version": old} {
		if _, err := put(o, content); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := put(good, content[:5]); err == nil {
		t.Error("a package cut short was taken")
	}
	a, err := put(good, content)
	if err != nil || a.Offer != good {
		t.Fatalf("%+v, %v", a, err)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/app/file", nil)
	r.Header.Set("Range", "bytes=2-8")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusPartialContent || w.Body.String() != string(content[2:9]) {
		t.Errorf("a part is %d %q", w.Code, w.Body)
	}
}
