package syncproto

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// chainAlgorithm is the first byte of everything hashed into a chain, so that others can join: 1 is SHA-256.
const chainAlgorithm = 1

// ChainLeaf hashes one record: over its salt (hex) and its canonical content. Lawful erasure drops both and keeps the leaf, so that
// the chain still verifies and says nothing.
func ChainLeaf(salt string, content []byte) (string, error) {
	raw, err := hex.DecodeString(salt)
	if err != nil || len(raw) > 255 {
		return "", fmt.Errorf("syncproto: salt %q of a chain record", clip(salt))
	}
	h := sha256.New()
	h.Write([]byte{chainAlgorithm, 'l', byte(len(raw))})
	h.Write(raw)
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ChainNext is the head after a record: over the head before ("" before the first), the record's position (from 1) and its leaf.
func ChainNext(head string, pos uint64, leaf string) (string, error) {
	before, err := hex.DecodeString(head)
	if err == nil && len(before) != 0 && len(before) != sha256.Size {
		err = fmt.Errorf("%d bytes", len(before))
	}
	of, lerr := hex.DecodeString(leaf)
	if err != nil || lerr != nil || len(of) != sha256.Size {
		return "", fmt.Errorf("syncproto: head %q or leaf %q of a chain is no digest", clip(head), clip(leaf))
	}
	h := sha256.New()
	h.Write([]byte{chainAlgorithm, 'h', byte(len(before))})
	h.Write(before)
	h.Write(binary.BigEndian.AppendUint64(nil, pos))
	h.Write(of)
	return hex.EncodeToString(h.Sum(nil)), nil
}
