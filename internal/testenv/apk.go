package testenv

import (
	"bytes"
	"encoding/binary"
)

// APK makes a file that looks like a signed Android package from outside: some bytes, a signing block of scheme v2 with one signer's
// certificate, an empty list of files. Nothing in it is signed.
func APK(certificate, content []byte) []byte {
	sized := func(parts ...[]byte) []byte {
		whole := bytes.Join(parts, nil)
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(whole))), whole...)
	}
	signed := sized(sized([]byte("digests")), sized(sized(certificate)), sized())
	value := sized(sized(signed, sized([]byte("signatures")), sized([]byte("key"))))
	pair := binary.LittleEndian.AppendUint64(nil, uint64(4+len(value)))
	pair = append(binary.LittleEndian.AppendUint32(pair, 0x7109871a), value...)
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(pair)+24))
	block := bytes.Join([][]byte{length, pair, length, []byte("APK Sig Block 42")}, nil)
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint32(end[16:], uint32(len(content)+len(block)))
	return bytes.Join([][]byte{content, block, end}, nil)
}
