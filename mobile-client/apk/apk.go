// Package apk tells who signed an Android package, so that a newer one from the server is not even offered unless it is signed as the
// one that runs.
//
// It promises: it reads the certificate where Android looks first (signature schemes v3 and v2) and bounds all that it reads. It does not
// verify the signature: the phone's installer does, and refuses another signer's package for an app that is there.
package apk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// The parts of a package that are looked at, and the most that each may be long.
const (
	endLength   = 22 // of a ZIP's end record, without its comment
	endMagic    = "PK\x05\x06"
	blockMagic  = "APK Sig Block 42"
	maxComment  = 1 << 16
	maxBlock    = 1 << 20
	schemeV2    = 0x7109871a
	schemeV3    = 0xf05368c0
	blockFooter = 8 + len(blockMagic)
)

var errUnsigned = errors.New("apk: no signature of scheme v2 or v3")

// Signer gives the SHA-256 of the certificate that signed a package, in hex.
func Signer(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // reading is over: nothing is lost by its error
	block, err := signingBlock(f)
	if err != nil {
		return "", err
	}
	var found []byte
	for len(block) >= 12 { // pairs: length, id, value
		n := binary.LittleEndian.Uint64(block)
		if n < 4 || n > uint64(len(block)-8) {
			return "", errUnsigned
		}
		id, value := binary.LittleEndian.Uint32(block[8:]), block[12:8+n]
		if id == schemeV3 || id == schemeV2 && found == nil {
			found = value
		}
		block = block[8+n:]
	}
	// A sequence of signers; in each, signed data; in that, digests and then certificates.
	r := &reader{rest: found}
	signed := r.in().in().in()
	signed.in()
	certificate := signed.in().in()
	if r.bad || len(certificate.rest) == 0 {
		return "", errUnsigned
	}
	sum := sha256.Sum256(certificate.rest)
	return hex.EncodeToString(sum[:]), nil
}

// reader takes values with their length before them, one out of another.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) in() *reader {
	if len(r.rest) < 4 || uint64(binary.LittleEndian.Uint32(r.rest)) > uint64(len(r.rest)-4) {
		r.bad, r.rest = true, nil
		return &reader{bad: true}
	}
	n := 4 + int(binary.LittleEndian.Uint32(r.rest))
	out := &reader{rest: r.rest[4:n]}
	r.rest = r.rest[n:]
	return out
}

// signingBlock reads what lies before the ZIP's list of files.
func signingBlock(f *os.File) ([]byte, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	tail := make([]byte, min(size, endLength+maxComment))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	at := bytes.LastIndex(tail, []byte(endMagic))
	if at < 0 || len(tail)-at < endLength {
		return nil, errUnsigned
	}
	list := int64(binary.LittleEndian.Uint32(tail[at+16:]))
	footer := make([]byte, blockFooter)
	if list < int64(blockFooter) || list > size {
		return nil, errUnsigned
	}
	if _, err := f.ReadAt(footer, list-int64(blockFooter)); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(footer)
	if string(footer[8:]) != blockMagic || n < uint64(blockFooter) || n > maxBlock || int64(n) > list-8 {
		return nil, errUnsigned
	}
	block := make([]byte, int64(n)-int64(blockFooter))
	_, err = f.ReadAt(block, list-int64(n))
	return block, err
}
