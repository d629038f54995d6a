package syncproto

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"

	"minqing/schema"
)

// digestAlgorithm stands before every digest on the wire, so that others can join: “s” is the sum mod 2^128 of the first 16 bytes of
// SHA-256, read as big-endian numbers.
const digestAlgorithm = "s:"

// Digest is a sum mod 2^128 of hashes: it does not depend on order, and one cell's change costs one subtraction and one addition.
// The zero Digest is that of nothing.
type Digest struct{ Lo, Hi uint64 }

// Add gives d + e.
func (d Digest) Add(e Digest) Digest {
	lo, carry := bits.Add64(d.Lo, e.Lo, 0)
	hi, _ := bits.Add64(d.Hi, e.Hi, carry)
	return Digest{Lo: lo, Hi: hi}
}

// Sub gives d - e.
func (d Digest) Sub(e Digest) Digest {
	lo, borrow := bits.Sub64(d.Lo, e.Lo, 0)
	hi, _ := bits.Sub64(d.Hi, e.Hi, borrow)
	return Digest{Lo: lo, Hi: hi}
}

// String is the form on the wire: the algorithm and 32 hex digits, most significant first.
func (d Digest) String() string { return string(d.append(make([]byte, 0, 34))) }

func (d Digest) append(b []byte) []byte {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], d.Hi)
	binary.BigEndian.PutUint64(raw[8:], d.Lo)
	return hex.AppendEncode(append(b, digestAlgorithm...), raw[:])
}

// ParseDigest reads the form on the wire.
func ParseDigest(s string) (Digest, error) {
	var raw [16]byte
	if len(s) != len(digestAlgorithm)+32 || s[:2] != digestAlgorithm || !lowerHex(s[2:]) {
		return Digest{}, fmt.Errorf("want a digest like %s, got %q", Digest{}, clip(s))
	}
	if _, err := hex.Decode(raw[:], []byte(s[2:])); err != nil {
		return Digest{}, err
	}
	return digestOf(raw[:]), nil
}

func digestOf(raw []byte) Digest {
	return Digest{Hi: binary.BigEndian.Uint64(raw), Lo: binary.BigEndian.Uint64(raw[8:])}
}

func digestBytes(b []byte) Digest {
	sum := sha256.Sum256(b)
	return digestOf(sum[:16])
}

// DigestText is the hash of one text.
func DigestText(s string) Digest { return digestBytes([]byte(s)) }

// CellHasher hashes the cells of many rows without allocating. The zero CellHasher is ready; it is not for use by several
// goroutines at once.
type CellHasher struct {
	buf []byte
	row int
}

// Row says to which row the cells that follow belong.
func (h *CellHasher) Row(table string, id RowID) {
	h.buf = append(h.buf[:0], table...)
	h.buf = append(h.buf, 0)
	h.buf = append(h.buf, id...)
	h.buf = append(h.buf, 0)
	h.row = len(h.buf)
}

// Cell is the hash of one column of the row; null hashes to nothing.
func (h *CellHasher) Cell(column string, v schema.Value) Digest {
	if v.IsNull() {
		return Digest{}
	}
	h.buf = append(h.buf[:h.row], column...)
	h.buf = append(h.buf, 0)
	h.buf = v.AppendJSON(h.buf)
	return digestBytes(h.buf)
}

// DigestCell is the hash of one column of one row: table, id, column and the canonical JSON of the value, parted by zero bytes. Null
// hashes to nothing.
func DigestCell(table string, id RowID, column string, v schema.Value) Digest {
	h := CellHasher{buf: make([]byte, 0, 256)}
	h.Row(table, id)
	return h.Cell(column, v)
}

// DigestHeld is the digest of a list of buckets, whatever its order: the sum of the hashes of scope and period, parted by a zero
// byte.
func DigestHeld(held []BucketID) Digest {
	var sum Digest
	b := make([]byte, 0, 128)
	for _, id := range held {
		sum = sum.Add(digestBytes(appendBucketID(b, id)))
	}
	return sum
}

// DigestRoot is the digest of the states of all buckets held, whatever their order: the sum of DigestBucket.
func DigestRoot(states []BucketState) Digest {
	var sum Digest
	for i := range states {
		sum = sum.Add(DigestBucket(&states[i]))
	}
	return sum
}

// DigestBucket is the hash of one bucket's state: scope, period, the number of rows and each digest, every one behind the first
// after a zero byte. A bucket without rows hashes to nothing: whether it exists need not be agreed on.
func DigestBucket(s *BucketState) Digest {
	if s.Rows == 0 {
		return Digest{}
	}
	b := append(appendBucketID(make([]byte, 0, 256), s.ID), 0)
	b = strconv.AppendInt(b, int64(s.Rows), 10)
	for _, d := range trimZeros(s.Digests) {
		b = d.append(append(b, 0))
	}
	return digestBytes(b)
}

// trimZeros leaves out the zeros at the end: a since-version that no cell uses yet must not tell two builds apart.
func trimZeros(digests []Digest) []Digest {
	for len(digests) > 0 && digests[len(digests)-1] == (Digest{}) {
		digests = digests[:len(digests)-1]
	}
	return digests
}

func appendBucketID(b []byte, id BucketID) []byte {
	b = append(append(b, id.Scope...), 0)
	return append(b, id.Period...)
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
