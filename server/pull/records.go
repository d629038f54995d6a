package pull

import (
	"encoding/json"
	"fmt"

	"minqing/server/store"
	"minqing/syncproto"
)

// saveHeld keeps a list of buckets by its digest, so that a cursor need only carry that.
func saveHeld(tx *store.Tx, held []syncproto.BucketID) (syncproto.Digest, error) {
	digest := syncproto.DigestHeld(held)
	if len(held) > longList {
		if kept, err := tx.HasHeld(digest.String()); kept || err != nil {
			return digest, err
		}
	}
	list, err := json.Marshal(held)
	if err != nil {
		return digest, err
	}
	return digest, tx.SaveHeld(digest.String(), string(list))
}

// longList is from how many buckets on it is worth a question to learn whether a list is kept already, as it is unless buckets came or
// went: the list of a phone that holds a town is larger than all else that a sync writes.
const longList = 16

// LoadHeld finds the list of a digest; ok is false when this server does not know it (the device then sends it).
func LoadHeld(tx *store.Tx, digest syncproto.Digest) (held []syncproto.BucketID, ok bool, err error) {
	list, err := tx.Held(digest.String())
	if err != nil || list == "" {
		return nil, false, err
	}
	if err := json.Unmarshal([]byte(list), &held); err != nil {
		return nil, false, fmt.Errorf("pull: list of buckets %s: %w", digest, err)
	}
	return held, true, nil
}

// mostLine bounds the epochs that a cursor names. A server that restarts more often than this between two backups makes phones that
// were away for all of it offer again what it has: nothing is lost by that, only sent twice.
const mostLine = 16

// line lists the epochs before the present one, newest first, and where each began in the given streams.
func line(tx *store.Tx, streams []syncproto.StreamAt) ([]syncproto.EpochLink, error) {
	epochs, err := tx.Epochs()
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(streams))
	for i := range streams {
		ids[i] = streams[i].ID
	}
	began, err := tx.EpochStarts(epochs, ids)
	if err != nil {
		return nil, err
	}
	var out []syncproto.EpochLink
	for i := len(epochs) - 1; i >= 0 && len(out) < mostLine; i-- {
		link := syncproto.EpochLink{ID: epochs[i].ID}
		for _, id := range ids {
			link.Streams = append(link.Streams, syncproto.StreamAt{ID: id, Seq: uint64(began[id][i])})
		}
		out = append(out, link)
	}
	return out, nil
}

// recordDisclosure appends to the chain of what a device was shown. A chain for each device: syncs of different phones do not
// wait for each other.
func recordDisclosure(tx *store.Tx, device syncproto.DeviceID, user syncproto.UserID, d disclosed) error {
	value, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return tx.Disclose(string(device), device, user, value)
}
