package crypt

import (
	"encoding/binary"
	"math/bits"
)

// SQLite's write-ahead log is a 32-byte header and then frames of a 24-byte header and a page. 24 is not a multiple of 16:
// left as it is, the end of each other frame would share a cipher block with the start of the next, and appending a frame
// would rewrite 8 bytes of one that is committed. So on disk every frame header takes 32 bytes, the last 8 of them padding,
// and no write of SQLite ever touches a block that belongs to another.
const (
	walHeader   = 32
	frameHeader = 24
	framePad    = 8

	walMagic        = 0x377f0682 // the last bit tells the byte order of checksums
	defaultPageSize = 4096
)

// walPos maps an offset of SQLite's to the one on disk: where it lies, and how many bytes up to the end of its part (WAL
// header, frame header or page). A part starts on a block; only a frame header ends within one.
func walPos(off, page int64) (disk, left int64) {
	if off < walHeader {
		return off, walHeader - off
	}
	frame, in := (off-walHeader)/(frameHeader+page), (off-walHeader)%(frameHeader+page)
	start := walHeader + frame*(frameHeader+framePad+page)
	if in < frameHeader {
		return start + in, frameHeader - in
	}
	return start + framePad + in, frameHeader + page - in
}

// walSize maps a size on disk to the one SQLite sees: it never says that a frame is whole when it is not.
func walSize(disk, page int64) int64 {
	if disk <= walHeader {
		return disk
	}
	frame, in := (disk-walHeader)/(frameHeader+framePad+page), (disk-walHeader)%(frameHeader+framePad+page)
	start := walHeader + frame*(frameHeader+page)
	if in <= frameHeader+framePad {
		return start + min(in, frameHeader)
	}
	return start + in - framePad
}

// walPage reads the page size from the first bytes of a WAL header; 0 when they are none.
func walPage(head []byte) int64 {
	if len(head) < 12 || binary.BigEndian.Uint32(head)&^1 != walMagic {
		return 0
	}
	page := binary.BigEndian.Uint32(head[8:])
	if page < 512 || page > 65536 || bits.OnesCount32(page) != 1 {
		return 0
	}
	return int64(page)
}
