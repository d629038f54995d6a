package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"minqing/syncproto"
)

// tries are the wrong ones since the last right one, as they lie on the disk.
type tries struct {
	Count int   `json:"count"`
	Left  int64 `json:"left"` // ms still to wait as of At
	At    int64 `json:"at"`   // Unix ms
}

// The waits: slips of a cold thumb cost nothing; a guesser of six digits would need a lifetime.
const (
	freeTries   = 4
	firstWait   = 30 * time.Second // after the fifth; doubles
	longestWait = time.Hour
)

func waitAfter(count int) time.Duration {
	if count <= freeTries {
		return 0
	}
	return min(firstWait<<min(count-freeTries-1, 20), longestWait)
}

func (b *Box) triesPath() string { return b.opt.Path + ".tries" }

// tries reads how it stands now. What went by of a wait is taken off; when the clock went back nothing went by, and the wait goes on from
// there. A file that cannot be read counts as the first wait: it was not written by us.
func (b *Box) tries() (t tries, err error) {
	raw, err := os.ReadFile(b.triesPath())
	if errors.Is(err, fs.ErrNotExist) {
		return tries{}, nil
	}
	if err != nil {
		return t, err
	}
	now := b.opt.Now()
	if json.Unmarshal(raw, &t) != nil || t.Count < 0 || t.Left < 0 || t.Left > longestWait.Milliseconds() {
		t = tries{Count: freeTries + 1, Left: firstWait.Milliseconds(), At: now}
		return t, writeWhole(b.triesPath(), t)
	}
	if now < t.At {
		t.At = now
		return t, writeWhole(b.triesPath(), t)
	}
	t.Left, t.At = max(0, t.Left-(now-t.At)), now
	return t, nil
}

// count notes one more try.
func (b *Box) count(t tries) (tries, error) {
	t.Count++
	t.Left, t.At = waitAfter(t.Count).Milliseconds(), b.opt.Now()
	return t, writeWhole(b.triesPath(), t)
}

func (b *Box) forgetTries() error {
	if err := os.Remove(b.triesPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Wait is how long the next try has to wait; 0 when it need not.
func (b *Box) Wait() (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.tries()
	return time.Duration(t.Left) * time.Millisecond, err
}

// WantPIN is the error of an encrypted file without a PIN.
func WantPIN() error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "pin", Message: syncproto.Both("数据文件是加密的，要口令。", "The data file is encrypted and needs its PIN."),
		Hint: syncproto.Both("用 --pin，或设 MINQING_FIELD_PIN；新文件也可用 --plain 不加密。", "Give --pin or set MINQING_FIELD_PIN; a new file may be --plain.")}
}

func wrong() error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "pin", Message: syncproto.Both("口令不对。", "The PIN is wrong."), Hint: syncproto.Both("再试一次；数据都在。", "Try again; the data is safe.")}
}

func wait(ms int64) error {
	s := (ms + 999) / 1000
	return &syncproto.Error{Code: syncproto.CodeBusy, Op: "pin", RetryAfter: int(s), Message: syncproto.Both(fmt.Sprintf("试错太多次，请等 %d 秒再试。", s), fmt.Sprintf("Too many wrong tries; wait %d seconds.", s)),
		Hint: syncproto.Both("数据都在，不会清空。", "The data is safe and will not be wiped.")}
}

func stuck() error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "keystore", Message: syncproto.Both("手机的钥匙库这次打不开。", "The phone's keystore does not open this time."),
		Hint: syncproto.Both("重启手机再试；数据都在，没有动过。", "Restart the phone; the data is there and untouched.")}
}
