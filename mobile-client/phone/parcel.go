package phone

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// Parcel is an outbox that people carry by hand: one's own, which a colleague took along, or a colleague's, which this phone hands in as
// soon as it has a network.
type Parcel struct {
	ID  string `json:"-"`
	Own bool   `json:"-"`
	At  int64  `json:"at"` // made, or taken in; Unix ms
	// Of one's own.
	Changes []syncproto.Identity `json:"changes,omitempty"`
	Waiting int                  `json:"-"`              // of them, those without a verdict, by whatever way
	Back    int64                `json:"back,omitempty"` // when its receipt came back
	// Of a colleague's.
	Handed  int64          `json:"handed,omitempty"`  // when the server took it
	Receipt []byte         `json:"receipt,omitempty"` // for the colleague; a photo has none
	Code    syncproto.Code `json:"code,omitempty"`    // why the server did not take it
	Problem string         `json:"problem,omitempty"` // the same in words
}

// Where the file keeps them. A colleague's bundle lies there until it was handed in.
const (
	ownParcels = "parcel/own/"
	inParcels  = "parcel/in/"
	bundles    = "parcel/file/"
)

// Bundle writes the outbox of the held file as a file that anybody may carry and only the server can read; n is how many changes it has.
func (p *Phone) Bundle(ctx context.Context, r *replica.Replica) (file []byte, n int, err error) {
	if n, err = r.Waiting(ctx); err != nil || n == 0 {
		return nil, 0, err
	}
	out, err := p.courier(r).Pack(ctx, p.opt.Now())
	if err != nil {
		return nil, 0, err
	}
	return out.File, len(out.Changes), p.keepParcel(ctx, r, ownParcels+out.Of, &Parcel{At: p.opt.Now(), Changes: out.Changes})
}

// courier is a syncer of the moment.
func (p *Phone) courier(r *replica.Replica) *syncer.Syncer {
	return syncer.New(syncer.Options{Replica: r, Transport: counting{p.opt.Transport, p}, Rand: p.opt.Rand, Client: p.opt.Client})
}

func (p *Phone) keepParcel(ctx context.Context, r *replica.Replica, key string, v *Parcel) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.PutLocal(ctx, key, raw)
}

// Parcels lists what is carried, the newest first.
func (p *Phone) Parcels(ctx context.Context, r *replica.Replica) (out []Parcel, err error) {
	pending, err := r.Entries(ctx, replica.Pending)
	if err != nil {
		return nil, err
	}
	waits := map[syncproto.Identity]bool{}
	for _, e := range pending {
		waits[e.Identity] = true
	}
	err = r.View(ctx, func(v *replica.View) error {
		for _, prefix := range []string{ownParcels, inParcels} {
			err := v.Locals(prefix, func(key string, value []byte, _ int64) error {
				one := Parcel{ID: strings.TrimPrefix(key, prefix), Own: prefix == ownParcels}
				if err := json.Unmarshal(value, &one); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				for _, id := range one.Changes {
					if waits[id] {
						one.Waiting++
					}
				}
				out = append(out, one)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Parcel) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.ID, b.ID)) })
	return out, err
}

// DropParcel forgets what is done with: neither an outbox that waits for its receipt nor a colleague's bundle that was never handed in.
func (p *Phone) DropParcel(ctx context.Context, r *replica.Replica, id string) error {
	all, err := p.Parcels(ctx, r)
	if err != nil {
		return err
	}
	for _, one := range all {
		switch {
		case one.ID != id:
		case one.Own && one.Waiting == 0:
			return r.PutLocal(ctx, ownParcels+id, nil)
		case !one.Own && (one.Handed != 0 || one.Code != ""):
			return errors.Join(r.PutLocal(ctx, inParcels+id, nil), r.PutLocal(ctx, bundles+id, nil))
		}
	}
	return nil
}

// Took is what a file that somebody handed over turned out to be.
type Took struct {
	Receipt  bool // for an outbox of this phone
	Verdicts int
	Later    bool // it waits until the PIN was given
}

// TakeFile takes a file that somebody handed over: a receipt for this phone, or a colleague's bundle, which is durable when TakeFile returns
// and goes to the server by itself.
func (p *Phone) TakeFile(ctx context.Context, r *replica.Replica, raw []byte) (t Took, err error) {
	switch {
	case len(raw) > courier.MaxFile:
		return t, tooLarge(int64(len(raw)))
	case bytes.HasPrefix(raw, []byte("minqing receipt ")):
		rep, err := p.courier(r).Receipt(ctx, bytes.NewReader(raw))
		if err != nil {
			return t, err
		}
		return Took{Receipt: true, Verdicts: len(rep.Told)}, p.cameBack(ctx, r, rep.Of)
	case !bytes.HasPrefix(raw, []byte("minqing bundle ")) && !bytes.HasPrefix(raw, []byte("minqing content ")):
		return t, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "carry", Message: syncproto.Both("这不是民情通导出的文件。", "This is no file that Minqing wrote."), Hint: syncproto.Both("请对方重新导出。", "Ask for another export.")}
	}
	sum := sha256.Sum256(raw)
	id := hex.EncodeToString(sum[:16])
	if err := r.PutLocal(ctx, bundles+id, raw); err != nil {
		return t, err
	}
	if err := p.keepParcel(ctx, r, inParcels+id, &Parcel{At: p.opt.Now()}); err != nil {
		return t, err
	}
	if e := p.current(); e != nil {
		e.Ask()
	}
	return t, nil
}

func tooLarge(n int64) error {
	return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: fmt.Sprintf("carry %d bytes", n), Message: syncproto.Both("这个文件太大，不是民情通导出的。", "The file is too large to be an export of Minqing."), Hint: syncproto.Both("请对方重新导出。", "Ask for another export.")}
}

// cameBack notes the receipt of an own bundle; one of a bundle that was forgotten meanwhile, or written by a command, is news of no parcel.
func (p *Phone) cameBack(ctx context.Context, r *replica.Replica, of string) error {
	one, err := parcel(ctx, r, ownParcels+of)
	if one == nil || err != nil {
		return err
	}
	one.Back = p.opt.Now()
	return p.keepParcel(ctx, r, ownParcels+of, one)
}

func parcel(ctx context.Context, r *replica.Replica, key string) (one *Parcel, err error) {
	err = r.View(ctx, func(v *replica.View) error {
		raw, err := v.Local(key)
		if raw == nil || err != nil {
			return err
		}
		one = &Parcel{}
		return json.Unmarshal(raw, one)
	})
	return one, err
}

// deliver hands in the bundles of colleagues. One that the server refuses stays with its reason; a server in trouble is tried again.
func (p *Phone) deliver(ctx context.Context, r *replica.Replica, s *syncer.Syncer) error {
	all, err := p.Parcels(ctx, r)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Own || one.Handed != 0 || one.Code != "" {
			continue
		}
		var raw []byte
		if err := r.View(ctx, func(v *replica.View) error { raw, err = v.Local(bundles + one.ID); return err }); err != nil {
			return err
		}
		receipt, err := s.Carry(ctx, raw)
		var e *syncproto.Error
		switch {
		case err == nil:
			one.Handed, one.Receipt = p.opt.Now(), receipt
		case errors.As(err, &e) && (e.Code == syncproto.CodeInvalid || e.Code == syncproto.CodeForbidden || e.Code == syncproto.CodeTooLarge || e.Code == syncproto.CodeNotFound):
			one.Code, one.Problem = e.Code, e.Message
		default:
			return err
		}
		if err := p.keepParcel(ctx, r, inParcels+one.ID, &one); err != nil {
			return err
		}
		if one.Handed == 0 {
			continue
		}
		if err := r.PutLocal(ctx, bundles+one.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// spooled is behind the data file's name in those of files that came while it was closed.
const spooled = ".came-"

// Carry takes a file that the shell was given. Where only the PIN opens the data it waits beside it; what is in it was sealed by whoever wrote it.
func (p *Phone) Carry(ctx context.Context, path string) (Took, error) {
	raw, err := readFile(path)
	if err != nil {
		return Took{}, err
	}
	r, state, release, err := p.Hold(ctx)
	defer release()
	switch {
	case err != nil:
		return Took{}, err
	case r != nil && state != Fresh:
		return p.TakeFile(ctx, r, raw)
	case state == Locked:
		return Took{Later: true}, keepBeside(p.opt.File+spooled, 1, raw)
	}
	return Took{}, &syncproto.Error{Code: syncproto.CodeAuth, Op: "carry", Message: syncproto.Both("这部手机还没有登记。", "This phone is not enrolled yet."), Hint: syncproto.Both("登记后再交一次。", "Hand it in again then.")}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // reading is over: nothing is lost by its error
	raw, err := io.ReadAll(io.LimitReader(f, courier.MaxFile+1))
	if err == nil && len(raw) > courier.MaxFile {
		err = tooLarge(int64(len(raw)))
	}
	return raw, err
}

// unspool takes what came while the file was closed. What cannot be taken is told in the log and not tried again.
func (p *Phone) unspool(ctx context.Context, r *replica.Replica) error {
	list, err := filepath.Glob(escapeGlob(p.opt.File) + spooled + "*")
	if err != nil {
		return err
	}
	for _, path := range list {
		raw, err := readFile(path)
		if err == nil {
			_, err = p.TakeFile(ctx, r, raw)
		}
		if err != nil {
			p.opt.Log.Warn("a shared file was not taken", "err", err)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

// keepBeside writes a file that only its owner can read, under a name that no other has, and returns once it is on the disk.
func keepBeside(prefix string, first int, raw []byte) (err error) {
	var f *os.File
	for n := first; ; n++ {
		f, err = os.OpenFile(fmt.Sprintf("%s%d", prefix, n), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return sqlitex.SyncDir(prefix)
}
