package courier

import (
	"bytes"
	"errors"

	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// answer gathers the frames of a receipt.
type answer struct {
	plain    bytes.Buffer
	frames   *codec.Writer
	verdicts int
}

func newAnswer() *answer {
	a := &answer{}
	a.frames = codec.NewWriter(&a.plain)
	return a
}

// Write takes a frame.
func (a *answer) Write(f syncproto.Frame) error {
	if _, ok := f.(*syncproto.Verdict); ok {
		a.verdicts++
	}
	return a.frames.Write(f)
}

// Flush does nothing: a receipt is one piece.
func (a *answer) Flush() error { return nil }

// smallBody is from how many plain bytes on compression pays.
const smallBody = 1 << 10

// body is the answer as it goes into the receipt.
func (a *answer) body() (body []byte, encoding string, err error) {
	if err := a.frames.Flush(); err != nil {
		return nil, "", err
	}
	if a.plain.Len() < smallBody {
		return a.plain.Bytes(), codec.EncodingPlain, nil
	}
	var out bytes.Buffer
	squeeze, err := codec.Compress(codec.EncodingZstd, &out)
	if err != nil {
		return nil, "", err
	}
	_, err = squeeze.Write(a.plain.Bytes())
	err = errors.Join(err, squeeze.Close()) // before its bytes are looked at
	return out.Bytes(), codec.EncodingZstd, err
}
