package courier

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// Files begin with one line that says what they are; a box follows, and in it a line of JSON and the body.
const (
	bundleMagic  = "minqing bundle 1 " + boxAlgorithm + "\n"
	receiptMagic = "minqing receipt 1 " + boxAlgorithm + "\n"
)

// Escrow is the purpose of boxes that hold the content of one change for the server alone.
const Escrow = "escrow"

// MaxFile bounds a file: the body of a request or answer as sent, and room for the rest.
const MaxFile = syncproto.MaxBodyBytes + 64<<10

// Keys is the answer of GET /v1/courier/key: what a device keeps in order to write bundles without a network.
type Keys struct {
	Recipient string `json:"recipient"`       // bundles and escrow boxes are encrypted to this
	Receipts  string `json:"receipts"`        // “ed25519 <base64url>”: receipts are signed by this
	Names     bool   `json:"names,omitempty"` // bundles may ask for the people of a verdict
}

// Bundle is a device's request: Body is that of POST /v1/sync as it would have been sent, in the content encoding Encoding.
type Bundle struct {
	Device   syncproto.DeviceID
	Made     int64 // the device's clock, Unix ms
	Reply    string
	Names    bool // the receipt may name the people of a verdict: only to a server whose Keys say that it knows of this
	Encoding string
	Body     []byte
}

// Receipt is the server's answer to the bundle whose body has the SHA-256 Of (hex).
type Receipt struct {
	Device   syncproto.DeviceID
	Of       string
	Made     int64 // the server's clock, Unix ms
	Encoding string
	Body     []byte
}

// BodyHash is the SHA-256 of a body in hex, which a Receipt names.
func BodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (b *Bundle) signed(to string) []byte {
	return []byte("minqing bundle 1\n" + string(b.Device) + "\n" + to + "\n" + strconv.FormatInt(b.Made, 10) + "\n" + b.Reply + "\n" + b.Encoding + "\n" + BodyHash(b.Body))
}

func (r *Receipt) signed() []byte {
	return []byte("minqing receipt 1\n" + string(r.Device) + "\n" + r.Of + "\n" + strconv.FormatInt(r.Made, 10) + "\n" + r.Encoding + "\n" + BodyHash(r.Body))
}

// PackBundle writes the file of a bundle for the server whose key is to.
func PackBundle(w io.Writer, to string, key ed25519.PrivateKey, b Bundle) error {
	h := header{device: string(b.Device), made: b.Made, reply: b.Reply, encoding: b.Encoding, signature: ed25519.Sign(key, b.signed(to))}
	if b.Names {
		h.names = asksNames
	}
	return pack(w, bundleMagic, to, h, b.Body)
}

// PackReceipt writes the file of a receipt for the device whose reply key is to.
func PackReceipt(w io.Writer, to string, key ed25519.PrivateKey, r Receipt) error {
	h := header{device: string(r.Device), made: r.Made, of: r.Of, encoding: r.Encoding, signature: ed25519.Sign(key, r.signed())}
	return pack(w, receiptMagic, to, h, r.Body)
}

func pack(w io.Writer, magic, to string, h header, body []byte) error {
	if len(body) > syncproto.MaxBodyBytes {
		return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "courier", Message: syncproto.Both("要带走的内容太多。", "Too much to carry in one file."),
			Hint: syncproto.Both("分成几个文件。", "Write several files.")}
	}
	box, err := Seal(to, magic, append(h.append(nil), body...))
	if err != nil {
		return err
	}
	if _, err := w.Write(append([]byte(magic), box...)); err != nil {
		return fmt.Errorf("courier: %w", err)
	}
	return nil
}

// OpenBundle decrypts a bundle with the server's private key. Whose it is stands in it, but is proven only by verify with that
// device's public key.
func OpenBundle(r io.Reader, private []byte) (b *Bundle, verify func(ed25519.PublicKey) error, err error) {
	h, body, err := unpack(r, bundleMagic, private)
	if err != nil {
		return nil, nil, err
	}
	b = &Bundle{Device: syncproto.DeviceID(h.device), Made: h.made, Reply: h.reply, Names: h.names != "", Encoding: h.encoding, Body: body}
	to, err := PublicKey(private)
	if err != nil {
		return nil, nil, err
	}
	return b, func(key ed25519.PublicKey) error { return check(key, b.signed(to), h.signature) }, nil
}

// OpenReceipt decrypts a receipt with the device's reply key and proves that the server with that public key wrote it, for that
// device.
func OpenReceipt(r io.Reader, private []byte, key ed25519.PublicKey, device syncproto.DeviceID) (*Receipt, error) {
	h, body, err := unpack(r, receiptMagic, private)
	if err != nil {
		return nil, err
	}
	out := &Receipt{Device: syncproto.DeviceID(h.device), Of: h.of, Made: h.made, Encoding: h.encoding, Body: body}
	if err := check(key, out.signed(), h.signature); err != nil {
		return nil, err
	}
	if out.Device != device {
		return nil, &syncproto.Error{Code: syncproto.CodeForbidden, Op: "receipt", Message: syncproto.Both("这是另一台设备的回执。", "This receipt is for another device."),
			Hint: syncproto.Both("请带到那台设备。", "Bring it to that device.")}
	}
	return out, nil
}

func check(key ed25519.PublicKey, text, signature []byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, text, signature) {
		return &syncproto.Error{Code: syncproto.CodeAuth, Op: "courier", Message: syncproto.Both("签名不对，内容不可信。", "The signature is wrong."),
			Hint: syncproto.Both("请重新导出。", "Export it again.")}
	}
	return nil
}

func unpack(r io.Reader, magic string, private []byte) (h header, body []byte, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return h, nil, fmt.Errorf("courier: %w", err)
	}
	if len(raw) > MaxFile {
		return h, nil, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "courier", Message: syncproto.Both("文件太大。", "The file is too large."),
			Hint: syncproto.Both("这不是民情通导出的文件。", "It was not written by Minqing.")}
	}
	box, ok := bytes.CutPrefix(raw, []byte(magic))
	if !ok {
		return h, nil, invalid(syncproto.Both("这不是民情通导出的文件，或者版本不同。", "This is no such file of Minqing, or of another version."), errors.New("wrong first line"))
	}
	plain, err := Open(private, magic, box)
	if err != nil {
		return h, nil, err
	}
	line, body, ok := bytes.Cut(plain, []byte{'\n'})
	if !ok || !utf8.Valid(line) {
		return h, nil, invalid(syncproto.Both("文件内容不合规。", "The file breaks its format."), errors.New("no header"))
	}
	if err := h.parse(string(line)); err != nil {
		return h, nil, invalid(syncproto.Both("文件内容不合规。", "The file breaks its format."), err)
	}
	return h, body, nil
}

func invalid(message string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "courier", Message: message, Hint: syncproto.Both("请重新导出。", "Export it again."), Err: err}
}

// header is the line of JSON before the body.
type header struct {
	device, reply, of, encoding, names string
	made                               int64
	signature                          []byte
}

// asksNames is what the key names of a bundle says. It is not signed: only who can open the box could take it out, and that is the server.
const asksNames = "1"

func (h *header) append(b []byte) []byte {
	b = append(b, `{"alg":"`+syncproto.AlgEd25519+`"`...)
	for _, m := range []struct{ name, value string }{{"device", h.device}, {"encoding", h.encoding}, {"names", h.names}, {"of", h.of}, {"reply", h.reply},
		{"signature", base64.RawURLEncoding.EncodeToString(h.signature)}} {
		if m.value != "" {
			b = append(append(append(b, ',', '"'), m.name...), '"', ':')
			b = strict.AppendText(b, m.value)
		}
	}
	b = append(b, `,"made":`...)
	return append(strconv.AppendInt(b, h.made, 10), '}', '\n')
}

func (h *header) parse(line string) error {
	s := strict.New(line, 2)
	alg := ""
	err := s.Object(func(key string) (err error) {
		switch key {
		case "alg":
			alg, err = s.Text()
		case "device":
			h.device, err = s.Text()
		case "encoding":
			h.encoding, err = s.Text()
		case "names":
			if h.names, err = s.Text(); err == nil && h.names != asksNames {
				err = s.Fail("names is %q", strict.Clip(h.names))
			}
		case "of":
			h.of, err = s.Text()
		case "reply":
			h.reply, err = s.Text()
		case "signature":
			var text string
			if text, err = s.Text(); err == nil {
				h.signature, err = base64.RawURLEncoding.Strict().DecodeString(text)
			}
		case "made":
			h.made, err = s.Int()
		default:
			err = s.Fail("no key %q here", strict.Clip(key))
		}
		return err
	})
	if err == nil {
		err = s.End()
	}
	if err == nil && alg != syncproto.AlgEd25519 {
		err = fmt.Errorf("signature algorithm %q", strict.Clip(alg))
	}
	if err == nil && !schema.ValidID(h.device) {
		err = fmt.Errorf("%q is no id of a device", strict.Clip(h.device))
	}
	return err
}
