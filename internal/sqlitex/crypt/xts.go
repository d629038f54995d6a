package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

const (
	block     = 16                 // AES block: the grain at which bytes depend on each other
	unit      = 512                // XTS data unit: one derived tweak for each, then doubling
	perUnit   = unit / block       // blocks in a unit
	xtsKeyLen = 64                 // two AES-256 keys
	reduce    = uint64(0b10000111) // x^128 = x^7 + x^2 + x + 1
)

// xts is AES-256-XTS (IEEE 1619) over a file seen as a run of 16-byte blocks: a block's ciphertext depends on its number,
// its 16 bytes and the key, on nothing else. Tests hold it to golang.org/x/crypto/xts byte for byte; it is written again
// because that package works block by block through bytes, at a quarter of the speed: here the tweaks of a whole page are
// made first, so that the additions run as vectors and the AES calls do not wait for one another.
type xts struct{ data, tweak cipher.Block }

func newXTS(key []byte) (*xts, error) {
	data, err := aes.NewCipher(key[:xtsKeyLen/2])
	if err != nil {
		return nil, err
	}
	tweak, err := aes.NewCipher(key[xtsKeyLen/2:])
	if err != nil {
		return nil, err
	}
	return &xts{data, tweak}, nil
}

// tweaks fills dst, a multiple of 16 bytes, with the tweaks of the blocks from number first on.
func (x *xts) tweaks(dst []byte, first int64) {
	var lo, hi uint64
	double := func() {
		carry := hi >> 63
		hi = hi<<1 | lo>>63
		lo = lo<<1 ^ carry*reduce
	}
	start := func(n int64) {
		clear(dst[:block])
		binary.LittleEndian.PutUint64(dst, uint64(n))
		x.tweak.Encrypt(dst[:block], dst[:block])
		lo, hi = binary.LittleEndian.Uint64(dst), binary.LittleEndian.Uint64(dst[8:])
	}
	n, j := first/perUnit, first%perUnit
	start(n)
	for range j {
		double()
	}
	for len(dst) > 0 {
		if j == perUnit {
			n, j = n+1, 0
			start(n)
		}
		binary.LittleEndian.PutUint64(dst, lo)
		binary.LittleEndian.PutUint64(dst[8:], hi)
		double()
		dst, j = dst[block:], j+1
	}
}

// encrypt writes the ciphertext of src, whole blocks from number first on, to dst; scratch holds as many bytes. dst and src
// are the same or do not overlap.
func (x *xts) encrypt(dst, src, scratch []byte, first int64) {
	tw := scratch[:len(src)]
	x.tweaks(tw, first)
	subtle.XORBytes(dst, src, tw)
	for i := 0; i < len(src); i += block {
		x.data.Encrypt(dst[i:i+block], dst[i:i+block])
	}
	subtle.XORBytes(dst, dst[:len(src)], tw)
}

func (x *xts) decrypt(dst, src, scratch []byte, first int64) {
	tw := scratch[:len(src)]
	x.tweaks(tw, first)
	subtle.XORBytes(dst, src, tw)
	for i := 0; i < len(src); i += block {
		x.data.Decrypt(dst[i:i+block], dst[i:i+block])
	}
	subtle.XORBytes(dst, dst[:len(src)], tw)
}
