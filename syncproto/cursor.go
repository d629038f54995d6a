package syncproto

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// StreamAt is where a stream stood: its seq, and the position and head (hex) of its chain.
type StreamAt struct {
	ID   string // of its place
	Seq  uint64
	Pos  uint64
	Head string // seals keep its first headDigits
}

// headDigits of a chain head travel: 64 bits inside a seal, which nobody can try out, tell one history from another, and three streams must
// fit into a sync of 1,200 bytes. A server takes whatever prefix a seal holds.
const headDigits = 16

// EpochLink is one epoch of a server's line and where it began: the seqs of the streams named.
type EpochLink struct {
	ID      EpochID
	Streams []StreamAt // ID and Seq only
}

// Cursor is what the server seals for a device at a checkpoint: up to where the device knows, and what the server needs to know
// of it again without remembering.
type Cursor struct {
	Device   DeviceID
	Epoch    EpochID
	Now      int64  // server time of the cut, Unix ms: what was granted then is provable by it
	Verdicts uint64 // the newest verdict seq that the device heard of
	Held     Digest // DigestHeld of the buckets held
	Root     uint64 // the high half of DigestRoot of them at the cut: enough to tell that a phone holds something else
	Nonce    string // lineage nonce
	Streams  []StreamAt
	Line     []EpochLink // the epochs before Epoch back to the newest backup known, newest first
}

// Resume is what the server seals into a Mark: behind which bucket a broken answer goes on.
type Resume struct {
	Device  DeviceID
	Cursor  Digest // DigestText of the sealed cursor it belongs to
	Last    BucketID
	Scopes  Digest // of the scopes granted
	Streams []StreamAt
	Epoch   EpochID // in which the streams stood there; "" in a mark of an older server
}

// ChainHead is the sealed head after a commit: where the chains of the streams it moved then stood.
type ChainHead struct {
	Epoch   EpochID
	Streams []StreamAt
	Line    []EpochLink
}

// SealCursor, OpenCursor and their like turn the records into seals and back.
func (s *Sealer) SealCursor(c Cursor) (string, error) { return s.Seal(SealCursor, c.encode()) }

// SealResume seals a mark.
func (s *Sealer) SealResume(r Resume) (string, error) { return s.Seal(SealResume, r.encode()) }

// SealHead seals a chain head.
func (s *Sealer) SealHead(h ChainHead) (string, error) { return s.Seal(SealHead, h.encode()) }

// OpenCursor opens a cursor; the error has CodeCursor.
func (s *Sealer) OpenCursor(sealed string) (*Cursor, error) {
	plain, err := s.Open(SealCursor, sealed)
	if err != nil {
		return nil, err
	}
	r := unpacker{b: plain}
	c := &Cursor{Device: DeviceID(r.text()), Epoch: EpochID(r.text()), Now: int64(r.number()), Verdicts: r.number(), Held: r.digest(), Root: r.half(),
		Nonce: r.text(), Streams: r.streams()}
	c.Line = r.line(c.Streams)
	return c, r.end()
}

// OpenResume opens a mark; the error has CodeCursor.
func (s *Sealer) OpenResume(sealed string) (*Resume, error) {
	plain, err := s.Open(SealResume, sealed)
	if err != nil {
		return nil, err
	}
	r := unpacker{b: plain}
	m := &Resume{Device: DeviceID(r.text()), Cursor: r.digest(), Last: BucketID{r.text(), r.text()}, Scopes: r.digest(), Streams: r.streams()}
	if len(r.b) > 0 {
		m.Epoch = EpochID(r.text())
	}
	return m, r.end()
}

// OpenHead opens a chain head; the error has CodeCursor.
func (s *Sealer) OpenHead(sealed string) (*ChainHead, error) {
	plain, err := s.Open(SealHead, sealed)
	if err != nil {
		return nil, err
	}
	r := unpacker{b: plain}
	h := &ChainHead{Epoch: EpochID(r.text()), Streams: r.streams()}
	h.Line = r.line(h.Streams)
	return h, r.end()
}

func (c *Cursor) encode() []byte {
	b := packText(packText(nil, string(c.Device)), string(c.Epoch))
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(c.Now)), c.Verdicts)
	b = packText(binary.BigEndian.AppendUint64(packDigest(b, c.Held), c.Root), c.Nonce)
	return packLine(packStreams(b, c.Streams), c.Line, c.Streams)
}

func (r *Resume) encode() []byte {
	b := packDigest(packText(nil, string(r.Device)), r.Cursor)
	b = packText(packText(b, r.Last.Scope), r.Last.Period)
	return packText(packStreams(packDigest(b, r.Scopes), r.Streams), string(r.Epoch))
}

func (h *ChainHead) encode() []byte {
	return packLine(packStreams(packText(nil, string(h.Epoch)), h.Streams), h.Line, h.Streams)
}

// Texts are packed as their length and bytes; hex and UUIDs, which are most of a cursor, as half or 16 bytes with a mark in the
// length: bit 0 says packed hex, bit 1 says with the dashes of a UUID.
func packText(b []byte, s string) []byte {
	bare, mark := s, uint64(0)
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		bare, mark = s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:], 2
	}
	raw, err := hex.DecodeString(bare)
	if err == nil && hex.EncodeToString(raw) == bare && len(bare) > 0 {
		b = binary.AppendUvarint(b, uint64(len(raw))<<2|mark|1)
		return append(b, raw...)
	}
	b = binary.AppendUvarint(b, uint64(len(s))<<2)
	return append(b, s...)
}

func packDigest(b []byte, d Digest) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, d.Hi), d.Lo)
}

func packStreams(b []byte, streams []StreamAt) []byte {
	b = binary.AppendUvarint(b, uint64(len(streams)))
	for _, s := range streams {
		b = packText(b, s.ID)
		b = packText(binary.AppendUvarint(binary.AppendUvarint(b, s.Seq), s.Pos), s.Head[:min(len(s.Head), headDigits)])
	}
	return b
}

// packLine leaves the ids out of epochs that name just the streams of the record itself, as nearly all do: a server that restarts
// every day has many epochs between two backups.
func packLine(b []byte, line []EpochLink, own []StreamAt) []byte {
	b = binary.AppendUvarint(b, uint64(len(line)))
	for _, e := range line {
		b = packText(b, string(e.ID))
		if !sameStreams(e.Streams, own) {
			b = packStreams(append(b, 0), e.Streams)
			continue
		}
		b = append(b, 1)
		for _, s := range e.Streams {
			b = binary.AppendUvarint(b, s.Seq)
		}
	}
	return b
}

func sameStreams(a, own []StreamAt) bool {
	return slices.EqualFunc(a, own, func(x, y StreamAt) bool { return x.ID == y.ID && x.Pos == 0 && x.Head == "" })
}

// unpacker reads what pack… wrote. Seals are authentic, so a fault is our own; it is still an error and never a panic.
type unpacker struct {
	b   []byte
	bad bool
}

func (r *unpacker) number() uint64 {
	n, used := binary.Uvarint(r.b)
	if used <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[used:]
	return n
}

func (r *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *unpacker) text() string {
	head := r.number()
	raw := r.bytes(head >> 2)
	switch {
	case head&1 == 0:
		return string(raw)
	case head&2 == 0:
		return hex.EncodeToString(raw)
	case len(raw) != 16:
		r.bad = true
		return ""
	}
	x := hex.EncodeToString(raw)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func (r *unpacker) digest() Digest {
	raw := r.bytes(16)
	if r.bad {
		return Digest{}
	}
	return Digest{Hi: binary.BigEndian.Uint64(raw), Lo: binary.BigEndian.Uint64(raw[8:])}
}

func (r *unpacker) half() uint64 {
	raw := r.bytes(8)
	if r.bad {
		return 0
	}
	return binary.BigEndian.Uint64(raw)
}

func (r *unpacker) streams() []StreamAt {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	var out []StreamAt
	for range n {
		out = append(out, StreamAt{ID: r.text(), Seq: r.number(), Pos: r.number(), Head: r.text()})
	}
	return out
}

func (r *unpacker) line(own []StreamAt) []EpochLink {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	var out []EpochLink
	for range n {
		e := EpochLink{ID: EpochID(r.text())}
		switch form := r.bytes(1); {
		case len(form) == 1 && form[0] == 0:
			e.Streams = r.streams()
		case len(form) == 1 && form[0] == 1:
			for _, s := range own {
				e.Streams = append(e.Streams, StreamAt{ID: s.ID, Seq: r.number()})
			}
		default:
			r.bad = true
		}
		if r.bad {
			return nil
		}
		out = append(out, e)
	}
	return out
}

func (r *unpacker) end() error {
	if r.bad || len(r.b) > 0 {
		return &Error{Code: CodeCursor, Op: "open", Message: Both("这个凭据读不懂。", "This seal cannot be read."),
			Hint: Both("手机会从头核对一遍，不会丢东西。", "The phone compares everything anew; nothing is lost."), Err: fmt.Errorf("%d bytes left, bad=%v", len(r.b), r.bad)}
	}
	return nil
}
