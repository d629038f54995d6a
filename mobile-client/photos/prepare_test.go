package photos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"minqing/syncproto"
)

const canary = "canary-GPS-29.5N-106.5E"

// scene is a picture such as cameras take: a slope of light, some grain, and each corner of its own colour.
func scene(w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	dice := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			m.Y[m.YOffset(x, y)] = uint8(60 + 120*x/w + 40*y/h + dice.IntN(24))
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	for i, c := range []color.YCbCr{{Y: 76, Cb: 85, Cr: 255}, {Y: 150, Cb: 44, Cr: 21}, {Y: 29, Cb: 255, Cr: 107}, {Y: 235, Cb: 128, Cr: 128}} {
		for y := range h / 4 {
			for x := range w / 4 {
				px, py := x+(i%2)*(w-w/4), y+(i/2)*(h-h/4)
				m.Y[m.YOffset(px, py)], m.Cb[m.COffset(px, py)], m.Cr[m.COffset(px, py)] = c.Y, c.Cb, c.Cr
			}
		}
	}
	return m
}

// tiff is an EXIF block that says how the camera was held, and where.
func tiff(orientation int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01")
	b = binary.BigEndian.AppendUint16(b, 0x0112)
	b = append(b, 0, 3, 0, 0, 0, 1, 0, byte(orientation), 0, 0, 0, 0, 0, 0)
	return append(b, canary...)
}

func asJPEG(tb testing.TB, m image.Image, orientation int) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	exif := append([]byte("Exif\x00\x00"), tiff(orientation)...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	comment := binary.BigEndian.AppendUint16([]byte{0xff, 0xfe}, uint16(len(canary)+2))
	raw := out.Bytes()
	return bytes.Join([][]byte{raw[:2], segment, exif, comment, []byte(canary), raw[2:], []byte(canary)}, nil)
}

func asPNG(tb testing.TB, m image.Image, orientation int) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		tb.Fatal(err)
	}
	data := append([]byte("eXIf"), tiff(orientation)...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, data...), crc32.ChecksumIEEE(data))
	raw := out.Bytes()
	const head = 8 + 25
	return bytes.Join([][]byte{raw[:head], chunk, raw[head:]}, nil)
}

func corners(tb testing.TB, raw []byte) (w, h int, at [4]string) {
	tb.Helper()
	m, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	b := m.Bounds()
	for i := range at {
		r, g, bl, _ := m.At(b.Dx()/8+(i%2)*(b.Dx()*3/4), b.Dy()/8+(i/2)*(b.Dy()*3/4)).RGBA()
		switch {
		case r > 0xa000 && g > 0xa000 && bl > 0xa000:
			at[i] = "white"
		case r > 0xa000:
			at[i] = "red"
		case g > 0xa000:
			at[i] = "green"
		case bl > 0xa000:
			at[i] = "blue"
		}
	}
	return b.Dx(), b.Dy(), at
}

// Whatever the camera says of itself and of the place stays behind, and the picture stands upright.
func TestPreparedPicturesAreUprightAndSayNothing(t *testing.T) {
	upright := map[int][4]string{1: {"red", "green", "blue", "white"}, 2: {"green", "red", "white", "blue"}, 3: {"white", "blue", "green", "red"},
		4: {"blue", "white", "red", "green"}, 5: {"red", "blue", "green", "white"}, 6: {"blue", "red", "white", "green"},
		7: {"white", "green", "blue", "red"}, 8: {"green", "white", "red", "blue"}, 9: {"red", "green", "blue", "white"}}
	m := scene(403, 301)
	rgba := image.NewNRGBA(m.Rect)
	for y := range 301 {
		for x := range 403 {
			rgba.Set(x, y, m.At(x, y))
		}
	}
	for o, want := range upright {
		for name, raw := range map[string][]byte{"jpeg": asJPEG(t, m, o), "png": asPNG(t, rgba, o)} {
			t.Run(fmt.Sprint(name, o), func(t *testing.T) {
				p, err := Prepare(bytes.NewReader(raw))
				if err != nil {
					t.Fatal(err)
				}
				for what, out := range map[string][]byte{"content": p.Content, "thumbnail": p.Thumb} {
					w, h, at := corners(t, out)
					if at != want {
						t.Errorf("the %s has the corners %v, want %v", what, at, want)
					}
					if turned := o > 4 && o < 9; turned != (h > w) {
						t.Errorf("the %s is %d × %d", what, w, h)
					}
					if bytes.Contains(out, []byte("canary")) || bytes.Contains(out, []byte("Exif")) {
						t.Errorf("the %s tells on the camera", what)
					}
				}
			})
		}
	}
}

func TestPicturesWeighAtMostTheirLimit(t *testing.T) {
	grain := image.NewNRGBA(image.Rect(0, 0, 2400, 1700)) // nothing compresses worse
	dice := rand.New(rand.NewPCG(3, 4))
	for i := range grain.Pix {
		grain.Pix[i] = uint8(dice.Uint32())
	}
	p, err := Prepare(bytes.NewReader(asPNG(t, grain, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Content) > MaxContent || len(p.Thumb) > MaxContent/10 {
		t.Errorf("%d bytes, thumbnail %d", len(p.Content), len(p.Thumb))
	}
	for _, size := range [][2]int{{1, 1}, {1, 5000}, {5000, 1}, {3, 2}, {1600, 1600}} {
		p, err := Prepare(bytes.NewReader(asJPEG(t, scene(size[0], size[1]), 6)))
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(p.Content))
		if err != nil || max(cfg.Width, cfg.Height) > longSide || min(cfg.Width, cfg.Height) < 1 {
			t.Errorf("%v became %d × %d, %v", size, cfg.Width, cfg.Height, err)
		}
	}
}

// What would take too much memory is refused by its head; what is no picture by its content.
func TestTooLargeAndUnreadableAreRefused(t *testing.T) {
	small := asJPEG(t, scene(64, 64), 1)
	sized := func(w, h uint16, progressive bool) []byte {
		out := bytes.Clone(small)
		at := bytes.Index(out, []byte{0xff, 0xc0})
		binary.BigEndian.PutUint16(out[at+5:], h)
		binary.BigEndian.PutUint16(out[at+7:], w)
		if progressive {
			out[at+1] = 0xc2
		}
		return out
	}
	for name, c := range map[string]struct {
		raw  []byte
		code syncproto.Code
	}{
		"a bomb":                 {sized(65500, 65500, false), syncproto.CodeTooLarge},
		"more than 20 megapixel": {sized(5200, 4000, false), syncproto.CodeTooLarge},
		"endless":                {make([]byte, maxInput+1), syncproto.CodeTooLarge},
		"a page":                 {[]byte("<html>"), syncproto.CodeInvalid},
		"half a picture":         {small[:len(small)/2], syncproto.CodeInvalid},
		"nothing":                {nil, syncproto.CodeInvalid},
	} {
		_, err := Prepare(bytes.NewReader(c.raw))
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, progressive := jpegCost(sized(4000, 3000, true), 12_000_000); !progressive {
		t.Error("a progressive picture was not known as one")
	}
	if samples, _ := jpegCost(small, 64*64); samples != 64*64*3/2 {
		t.Errorf("%d samples", samples)
	}
}

func BenchmarkPrepare12MP(b *testing.B) {
	raw := asJPEG(b, scene(4000, 3000), 6)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Prepare(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(p.Content)), "content-bytes")
		b.ReportMetric(float64(len(p.Thumb)), "thumb-bytes")
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add(asJPEG(f, scene(40, 30), 6))
	f.Add(asPNG(f, image.NewGray(image.Rect(0, 0, 9, 7)), 3))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			return
		}
		p, err := Prepare(bytes.NewReader(raw))
		if err == nil && (len(p.Content) > MaxContent || len(p.Thumb) == 0) {
			t.Errorf("%d bytes, thumbnail %d", len(p.Content), len(p.Thumb))
		}
	})
}
