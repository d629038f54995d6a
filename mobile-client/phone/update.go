package phone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"minqing/mobile-client/apk"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// Package is the Android package that this program came in, and how another is offered to the installer. Version is 0 where there is none.
type Package struct {
	Version int
	Path    string                  // where the phone keeps it: who signed it signs what follows
	Folder  string                  // from which the installer takes files
	Install func(path string) error // offers it; the person decides
}

// Update is a newer package that the server has.
type Update struct {
	syncproto.AppOffer
	Here    int64 // bytes that are on this phone
	Ready   bool  // all of them, and it is what it should be
	Foreign bool  // it is signed by somebody else, and will not be installed
}

const (
	updateKey   = "update"
	fetched     = ".update-" // behind the data file's name in that of a package
	updateEvery = 24 * time.Hour
	mostPackage = 200 << 20
)

// kept is what is known of the server's package.
type keptUpdate struct {
	Offer   syncproto.AppOffer `json:"offer"`
	Asked   int64              `json:"asked"` // when the server was asked last
	Wanted  bool               `json:"wanted,omitempty"`
	Foreign bool               `json:"foreign,omitempty"`
}

func (p *Phone) keptUpdate(v *replica.View) (k keptUpdate, err error) {
	raw, err := v.Local(updateKey)
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &k)
	}
	return k, err
}

func (p *Phone) keepUpdate(ctx context.Context, r *replica.Replica, k keptUpdate) error {
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return r.PutLocal(ctx, updateKey, raw)
}

// updateFile is where a package comes together.
func (p *Phone) updateFile(o syncproto.AppOffer) string {
	return p.opt.File + fetched + o.SHA256[:min(len(o.SHA256), 16)]
}

// Update gives the newer package that the server has; nil when there is none for this program.
func (p *Phone) Update(v *replica.View) (*Update, error) {
	k, err := p.keptUpdate(v)
	if err != nil || p.opt.Package.Version == 0 || k.Offer.Version <= p.opt.Package.Version {
		return nil, err
	}
	u := &Update{AppOffer: k.Offer, Foreign: k.Foreign}
	if info, err := os.Stat(p.updateFile(k.Offer)); err == nil {
		u.Here = info.Size()
	}
	u.Ready = !u.Foreign && u.Here == u.Bytes
	return u, nil
}

// WantUpdate says that the person wants it now, though the network cost money.
func (p *Phone) WantUpdate(ctx context.Context, r *replica.Replica) error {
	var k keptUpdate
	if err := r.View(ctx, func(v *replica.View) (err error) { k, err = p.keptUpdate(v); return err }); err != nil {
		return err
	}
	k.Wanted, k.Asked = true, 0
	if err := p.keepUpdate(ctx, r, k); err != nil {
		return err
	}
	p.Sync()
	return nil
}

// InstallUpdate hands the package to the phone's installer, which asks the person. It is checked once more: files may have changed.
func (p *Phone) InstallUpdate(v *replica.View) error {
	u, err := p.Update(v)
	if err != nil {
		return err
	}
	if u == nil || !u.Ready || p.opt.Package.Install == nil {
		return notReady()
	}
	whole := p.updateFile(u.AppOffer)
	if err := p.vet(whole, u.AppOffer); err != nil {
		return errors.Join(notReady(), err, os.Remove(whole))
	}
	out := filepath.Join(p.opt.Package.Folder, fmt.Sprintf("minqing-%d.apk", u.Version))
	if err := copyFile(out, whole); err != nil {
		return err
	}
	return p.opt.Package.Install(out)
}

func notReady() error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "update", Message: syncproto.Both("新版还没有下好。", "The new version is not here yet."), Hint: syncproto.Both("下好再装。", "Install it then.")}
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() // reading is over: nothing is lost by its error
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// errForeign is the reason of a package that another signed.
var errForeign = errors.New("the package is signed by somebody else")

// vet holds a package to what was offered, and its signer to that of the package that runs.
func (p *Phone) vet(path string, o syncproto.AppOffer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != o.SHA256 {
		return errors.New("the package is not what was offered")
	}
	theirs, err := apk.Signer(path)
	if err != nil {
		return errors.Join(errForeign, err)
	}
	mine, err := apk.Signer(p.opt.Package.Path)
	if err != nil {
		return err
	}
	if theirs != mine {
		return errForeign
	}
	return nil
}

// update asks the server once a day for a newer package and fetches it, where data costs money only when the person wants it. Nothing of
// a sync rests on it.
func (p *Phone) update(ctx context.Context, r *replica.Replica, s *syncer.Syncer) error {
	if p.opt.Package.Version == 0 {
		return nil
	}
	var k keptUpdate
	if err := r.View(ctx, func(v *replica.View) (err error) { k, err = p.keptUpdate(v); return err }); err != nil {
		return err
	}
	if now := p.opt.Now(); k.Asked == 0 || now-k.Asked >= updateEvery.Milliseconds() || now < k.Asked {
		o, err := p.askOffer(ctx, s)
		if err != nil {
			return err
		}
		if o.SHA256 != k.Offer.SHA256 {
			k.Foreign = false
			if err := p.dropUpdates(); err != nil {
				return err
			}
		}
		k.Offer, k.Asked = o, now
		if err := p.keepUpdate(ctx, r, k); err != nil {
			return err
		}
	}
	if k.Offer.Version <= p.opt.Package.Version {
		return p.dropUpdates()
	}
	if k.Foreign || p.network() == shell.Metered && !k.Wanted {
		return nil
	}
	if more, err := p.fetchUpdate(ctx, s, k.Offer); err != nil || more {
		if e := p.current(); e != nil && err == nil {
			e.Saved() // the next part comes soon, and what was written meanwhile before it
		}
		return err
	}
	err := p.vet(p.updateFile(k.Offer), k.Offer)
	if err == nil {
		return nil
	}
	k.Foreign = errors.Is(err, errForeign)
	p.opt.Log.Warn("a new version was not taken", "err", err)
	return errors.Join(os.Remove(p.updateFile(k.Offer)), p.keepUpdate(ctx, r, k))
}

// dropUpdates removes packages that are not needed any more.
func (p *Phone) dropUpdates() error { return removeBeside(p.opt.File, fetched) }

func (p *Phone) askOffer(ctx context.Context, s *syncer.Syncer) (o syncproto.AppOffer, err error) {
	resp, err := s.Files(ctx, http.MethodGet, "/v1/app", nil, nil)
	var e *syncproto.Error
	if errors.As(err, &e) && e.Code == syncproto.CodeNotFound {
		return o, nil // it has none, or is older than this
	}
	if err != nil {
		return o, err
	}
	defer resp.Body.Close()
	const most = 16 << 10
	err = json.NewDecoder(io.LimitReader(resp.Body, most)).Decode(&o)
	if err == nil && (len(o.SHA256) != 2*sha256.Size || strings.Trim(o.SHA256, "0123456789abcdef") != "" || o.Bytes <= 0 || o.Bytes > mostPackage) {
		err = errors.New("an offer without hash or length")
	}
	return o, err
}

// partSize is what one sync fetches of a package, so that a slow network does not keep a row waiting.
const partSize = 1 << 20

// fetchUpdate fetches the next part of what is not here; more tells that there is still another.
func (p *Phone) fetchUpdate(ctx context.Context, s *syncer.Syncer, o syncproto.AppOffer) (more bool, err error) {
	f, err := os.OpenFile(p.updateFile(o), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	here, err := f.Seek(0, io.SeekEnd)
	if err != nil || here >= o.Bytes {
		return false, err
	}
	to := min(here+partSize, o.Bytes)
	resp, err := s.Files(ctx, http.MethodGet, "/v1/app/file", nil, http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", here, to-1)}, "If-Range": {`"` + o.SHA256 + `"`}})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent { // the server has another by now
		return false, p.dropUpdates()
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, to-here))
	if err = errors.Join(err, f.Sync()); err != nil {
		return false, err
	}
	return here+n < o.Bytes, nil
}
