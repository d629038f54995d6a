package photos

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // decoded too
	"io"

	_ "golang.org/x/image/webp" // decoded too

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// The bounds of a picture.
const (
	// maxInput bounds the file as it comes from the camera: 20 megapixels at the finest quality take less.
	maxInput = 32 << 20
	// maxPixels is what cheap phones take; more tells a person nothing here.
	maxPixels = 20_000_000
	// maxDecoded bounds the memory that decoding takes. Baseline JPEGs stay far below; a progressive one needs all of its coefficients.
	maxDecoded = 160 << 20
	// MaxContent is the most that a picture weighs when it leaves.
	MaxContent = 300_000
	// longSide is how large pictures are kept: a page of print is readable, a face is not a poster.
	longSide = 1600
	// thumbSide is for lists, at twice the density.
	thumbSide = 240
)

// quality is where encoding begins, and lowest where making the picture smaller looks better than making it coarser.
const (
	quality      = 82
	lowest       = 55
	thumbQuality = 70
)

// Media is the type of every picture that leaves.
const Media = "image/jpeg"

// Photo is a picture ready to be kept.
type Photo struct {
	Content []byte // JPEG
	Thumb   []byte // JPEG
	Hash    string // SHA-256 of Content, hex
}

// one lets one picture at a time take the memory that decoding takes.
var one = make(chan struct{}, 1)

// Prepare reads a JPEG, PNG or WebP and makes what is kept of it.
func Prepare(in io.Reader) (*Photo, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(raw) > maxInput {
		return nil, tooLarge(fmt.Errorf("more than %d bytes", maxInput))
	}
	one <- struct{}{}
	defer func() { <-one }()
	p, err := scaled(raw, longSide)
	if err != nil {
		return nil, err
	}
	content, err := p.within(MaxContent)
	if err != nil {
		return nil, err
	}
	small := p.fit(thumbSide)
	thumb, err := small.encode(thumbQuality)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	return &Photo{Content: content, Thumb: thumb, Hash: hex.EncodeToString(sum[:])}, nil
}

// Attach writes the row of a photo under a visit, and keeps the photo, in one transaction.
func (p *Photo) Attach(tx *replica.Tx, visit syncproto.RowID, author syncproto.UserID) (syncproto.RowID, error) {
	id, err := tx.NewID()
	if err != nil {
		return "", err
	}
	err = tx.Create("attachment", id, map[string]schema.Value{"visit": schema.Text(string(visit)), "author": schema.Text(string(author)),
		"hash": schema.Text(p.Hash), "media": schema.Text(Media), "bytes": schema.Int(int64(len(p.Content)))})
	if err != nil {
		return "", err
	}
	return id, tx.KeepContent(id, p.Hash, p.Content, p.Thumb)
}

// scaled decodes a picture and makes it upright, its long side at most side.
func scaled(raw []byte, side int) (*picture, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, unreadable(err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPixels || cfg.Height > maxPixels || cfg.Width*cfg.Height > maxPixels {
		return nil, tooLarge(fmt.Errorf("%d × %d pixels", cfg.Width, cfg.Height))
	}
	if cost := decodedBytes(raw, format, cfg); cost > maxDecoded {
		return nil, tooLarge(fmt.Errorf("decoding takes %d bytes", cost))
	}
	m, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, unreadable(err)
	}
	w, h := fit(cfg.Width, cfg.Height, side)
	return shrink(m, w, h).upright(orientation(raw, format)), nil
}

// decodedBytes is what decoding a picture takes, from its header alone.
func decodedBytes(raw []byte, format string, cfg image.Config) int64 {
	pixels := int64(cfg.Width) * int64(cfg.Height)
	if format == "jpeg" {
		samples, progressive := jpegCost(raw, pixels)
		if progressive {
			const coefficient = 4
			return samples * (1 + coefficient)
		}
		return samples
	}
	each := int64(4)
	switch cfg.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model:
		each = 8
	case color.Gray16Model:
		each = 2
	case color.YCbCrModel:
		each = 2
	}
	return pixels*each + pixels/4
}

// fit gives the size of a picture whose long side is at most side.
func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
}

// within encodes a picture in at most so many bytes.
func (p *picture) within(most int) ([]byte, error) {
	for {
		for q := quality; q >= lowest; q -= 9 {
			out, err := p.encode(q)
			if err != nil || len(out) <= most {
				return out, err
			}
		}
		p = p.fit(max(p.w, p.h) * 4 / 5)
	}
}

func (p *picture) encode(q int) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, p.image(), &jpeg.Options{Quality: q})
	return out.Bytes(), err
}

func unreadable(err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "photos.Prepare", Message: syncproto.Both("这张照片打不开，或者不是 JPEG、PNG、WebP。", "The picture cannot be read; JPEG, PNG and WebP can."),
		Hint: syncproto.Both("重新拍一张。", "Take it again."), Err: err}
}

func tooLarge(err error) error {
	return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "photos.Prepare", Message: syncproto.Both("照片太大，最多 2000 万像素。", "The picture is too large; 20 megapixels at most."),
		Hint: syncproto.Both("在相机里选小一点的尺寸再拍。", "Choose a smaller size in the camera."), Err: err}
}
