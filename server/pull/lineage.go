package pull

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// nonce stands in each cursor of a device. Of a device is kept the one that it used last. Good are that one (its answer may have been lost) and
// every one given behind it: a request that the network repeats is given a nonce too, and must not void that of the answer which did arrive.
// As soon as one of them is used, it is the one that was used last: those before it and beside it are void. So two files that go on from one are
// told apart once both have used what they were given apart, and a phone that only says a thing twice never is.
//
// A restored server remembers the nonces of its backup. One that counts further than any it can have given is of the time that was lost, and
// good. A phone that offers what was lost shows no cursor; its lineage begins anew, once for each restore, so that what it said before the
// restore and the network repeats now is not taken for a twin's.
type nonce struct {
	epoch  int64  // the number of the epoch to which the device last offered what it had, 0: never
	count  int64  // how many nonces it had used by then
	behind string // own of the one behind which it was given, "" of the first
	own    string // random: nobody guesses it, and it is sealed in the cursor besides
}

func (n nonce) String() string { return fmt.Sprintf("%d.%d.%s.%s", n.epoch, n.count, n.behind, n.own) }

// readNonce reads one, the zero nonce out of “”: what the first is given behind.
func readNonce(s string) (n nonce) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return n
	}
	epoch, err := strconv.ParseInt(parts[0], 10, 64)
	count, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return n
	}
	return nonce{epoch, count, parts[2], parts[3]}
}

// UsedNonce is the nonce that a cursor shows of a device's lineage: none without a cursor, and of another device's.
func UsedNonce(c *syncproto.Cursor, device syncproto.DeviceID) string {
	if c == nil || c.Device != device {
		return ""
	}
	return c.Nonce
}

// NonceStands tells whether a device may go on from a nonce.
func NonceStands(d store.Device, used string) bool {
	n, last := readNonce(used), readNonce(d.NoncePrev)
	next := n.epoch == last.epoch && n.count == last.count+1 && n.behind == last.own
	ahead := n.epoch > last.epoch || n.epoch == last.epoch && n.count > last.count+1
	return d.Nonce == "" || used == d.NoncePrev || next || ahead
}

// renewNonce gives a device a nonce behind the one it used. A request whose nonce does not stand comes this far when it offers what a restored
// server lacks, or when it was under way while another used a newer one: it voids nothing, and gets one beside those that were given.
func renewNonce(tx *store.Tx, req *Request) (string, error) {
	id := req.Device
	d, found, err := tx.LockDevice(id)
	if err != nil {
		return "", err
	}
	if !found {
		return "", &syncproto.Error{Code: syncproto.CodeAuth, Op: "pull.renewNonce " + string(id), Message: syncproto.Both("这台设备没有登记。", "This device is not enrolled.")}
	}
	var b [6]byte
	if err := tx.Random(b[:]); err != nil {
		return "", err
	}
	own := base64.RawURLEncoding.EncodeToString(b[:])
	used := UsedNonce(req.Cursor, id)
	if req.Offer > readNonce(d.NoncePrev).epoch {
		d.NoncePrev = nonce{epoch: req.Offer, own: own}.String()
	} else if NonceStands(d, used) {
		d.NoncePrev = used
	}
	last := readNonce(d.NoncePrev)
	d.Nonce, d.LastContact, d.Waiting = nonce{last.epoch, last.count + 1, last.own, own}.String(), tx.Now(), int64(req.Waiting)
	if req.Client != "" {
		d.Client = req.Client
	}
	if req.Cursor != nil {
		if err := tx.SaveProof(id, !req.Differs); err != nil {
			return "", err
		}
	}
	return d.Nonce, tx.SaveDevice(d)
}
