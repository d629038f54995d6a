// Package offer hands the package of the field app to enrolled phones, from a folder that ./task android fills: minqing-field.apk and
// beside it minqing-field.json, which says what it is.
//
// It promises: a package that is not what its description says is not served at all, so that a copy cut short is found by the
// administrator and not by the phones. The phones check hash and signer again themselves.
package offer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"minqing/syncproto"
)

// App is a package that is offered.
type App struct {
	Offer syncproto.AppOffer
	path  string
}

// The files of the folder.
const (
	packageName     = "minqing-field.apk"
	descriptionName = "minqing-field.json"
)

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Load reads a folder and holds the package to its description.
func Load(dir string) (*App, error) {
	a := &App{path: filepath.Join(dir, packageName)}
	raw, err := os.ReadFile(filepath.Join(dir, descriptionName))
	if err == nil {
		err = json.Unmarshal(raw, &a.Offer)
	}
	if err == nil && (a.Offer.Version < 1 || !hash.MatchString(a.Offer.SHA256) || !hash.MatchString(a.Offer.Signer)) {
		err = errors.New("version, sha256 or signer are missing")
	}
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "offer", Message: syncproto.Both(fmt.Sprintf("安装包文件夹 %s 不对：%v。", dir, err), "The folder of the package is not as it should be."),
			Hint: syncproto.Both("把 ./task android 写出的 "+packageName+" 和 "+descriptionName+" 一起放进去。", "Put both files there that ./task android writes."), Err: err}
	}
	return a, nil
}

func (a *App) check() (err error) {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close() // reading is over: nothing is lost by its error
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err == nil && (n != a.Offer.Bytes || hex.EncodeToString(sum.Sum(nil)) != a.Offer.SHA256) {
		err = fmt.Errorf("%s is not what %s says", packageName, descriptionName)
	}
	return err
}

// ServeHTTP answers with the package, or the part of it that is asked for.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, err := os.Open(a.path)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	defer f.Close() // reading is over: nothing is lost by its error
	h := w.Header()
	h.Set("Content-Type", "application/vnd.android.package-archive")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("ETag", `"`+a.Offer.SHA256+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}
