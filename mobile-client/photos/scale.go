package photos

import (
	"image"
	"image/color"
	"image/draw"
)

// picture is a small one, as planes of one byte a sample: one for grey, Y′CbCr with the colours at half size, or RGB beside a filler.
type picture struct {
	w, h   int
	planes []plane
}

// plane is a rectangle of samples; each has n bytes side by side.
type plane struct {
	w, h, n int
	pix     []byte
}

// shrink averages a picture down: each pixel is the mean of the area that it covers. The camera's form is taken plane by plane, so that
// nothing but the result is held beside what was decoded.
func shrink(m image.Image, w, h int) *picture {
	b := m.Bounds()
	switch m := m.(type) {
	case *image.YCbCr:
		return shrinkYCbCr(m, w, h)
	case *image.Gray:
		return &picture{w, h, []plane{area(b.Dx(), b.Dy(), w, h, 1, func(y int) []byte { return m.Pix[y*m.Stride:] })}}
	}
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	white := image.NewUniform(color.White)
	return &picture{w, h, []plane{area(b.Dx(), b.Dy(), w, h, 4, func(y int) []byte {
		draw.Draw(strip, strip.Rect, white, image.Point{}, draw.Src)
		draw.Draw(strip, strip.Rect, m, image.Pt(b.Min.X, b.Min.Y+y), draw.Over)
		return strip.Pix
	})}}
}

func shrinkYCbCr(m *image.YCbCr, w, h int) *picture {
	b := m.Bounds()
	y0, c0 := m.YOffset(b.Min.X, b.Min.Y), m.COffset(b.Min.X, b.Min.Y)
	// Columns and rows of colours that the picture's pixels use.
	cw := m.COffset(b.Max.X-1, b.Min.Y) - c0 + 1
	ch := (m.COffset(b.Min.X, b.Max.Y-1)-c0)/m.CStride + 1
	colour := func(pix []byte) plane {
		return area(cw, ch, (w+1)/2, (h+1)/2, 1, func(y int) []byte { return pix[c0+y*m.CStride:] })
	}
	return &picture{w, h, []plane{area(b.Dx(), b.Dy(), w, h, 1, func(y int) []byte { return m.Y[y0+y*m.YStride:] }), colour(m.Cb), colour(m.Cr)}}
}

// area averages sw × sh samples into dw × dh. Lengths are counted in units of which a source sample is dw (or dh) long and a result is
// sw (or sh), so all weights are whole numbers. Sums fit 32 bits for sides up to 65,000.
func area(sw, sh, dw, dh, n int, row func(y int) []byte) plane {
	out := plane{dw, dh, n, make([]byte, dw*dh*n)}
	across, down := make([]uint32, dw*n), make([]uint32, dw*n)
	spread := overlaps(sw, dw)
	flush := func(y int) {
		for i, v := range down {
			out.pix[y*dw*n+i] = byte((v/uint32(sh) + 128) >> 8)
		}
		clear(down)
	}
	for y := range sh {
		clear(across)
		pix := row(y)
		for _, o := range spread {
			for c := range n {
				across[int(o.to)*n+c] += uint32(pix[int(o.from)*n+c]) * o.weight
			}
		}
		for i, v := range across {
			across[i] = (v<<8 + uint32(sw)/2) / uint32(sw) // 8.8 fixed point
		}
		first, last := y*dh/sh, ((y+1)*dh-1)/sh
		for to := first; to <= last; to++ {
			weight := uint32(min((y+1)*dh, (to+1)*sh) - max(y*dh, to*sh))
			for i, v := range across {
				down[i] += v * weight
			}
			if (y+1)*dh >= (to+1)*sh {
				flush(to)
			}
		}
	}
	return out
}

// overlap says how much of a source sample a result covers.
type overlap struct {
	from, to int32
	weight   uint32
}

func overlaps(sw, dw int) []overlap {
	out := make([]overlap, 0, sw+dw)
	for x := range sw {
		for to := x * dw / sw; to <= ((x+1)*dw-1)/sw; to++ {
			out = append(out, overlap{int32(x), int32(to), uint32(min((x+1)*dw, (to+1)*sw) - max(x*dw, to*sw))})
		}
	}
	return out
}

// fit makes a picture smaller still.
func (p *picture) fit(side int) *picture {
	w, h := fit(p.w, p.h, side)
	out := &picture{w: w, h: h}
	for i, pl := range p.planes {
		dw, dh := w, h
		if i > 0 {
			dw, dh = (w+1)/2, (h+1)/2
		}
		out.planes = append(out.planes, area(pl.w, pl.h, dw, dh, pl.n, func(y int) []byte { return pl.pix[y*pl.w*pl.n:] }))
	}
	return out
}

// upright turns a picture as the camera was held (EXIF, tag 0x0112).
func (p *picture) upright(o int) *picture {
	if o < 2 || o > 8 {
		return p
	}
	out := &picture{w: p.w, h: p.h}
	if o > 4 {
		out.w, out.h = p.h, p.w
	}
	for _, pl := range p.planes {
		out.planes = append(out.planes, pl.turned(o))
	}
	return out
}

func (p plane) turned(o int) plane {
	out := plane{p.w, p.h, p.n, make([]byte, len(p.pix))}
	if o > 4 {
		out.w, out.h = p.h, p.w
	}
	for y := range out.h {
		for x := range out.w {
			sx, sy := x, y
			switch o {
			case 2:
				sx = p.w - 1 - x
			case 3:
				sx, sy = p.w-1-x, p.h-1-y
			case 4:
				sy = p.h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, p.h-1-x
			case 7:
				sx, sy = p.w-1-y, p.h-1-x
			case 8:
				sx, sy = p.w-1-y, x
			}
			copy(out.pix[(y*out.w+x)*p.n:], p.pix[(sy*p.w+sx)*p.n:(sy*p.w+sx+1)*p.n])
		}
	}
	return out
}

// image is the picture as the encoder takes it.
func (p *picture) image() image.Image {
	r := image.Rect(0, 0, p.w, p.h)
	first := p.planes[0]
	switch {
	case len(p.planes) == 3:
		return &image.YCbCr{Y: first.pix, Cb: p.planes[1].pix, Cr: p.planes[2].pix, YStride: p.w, CStride: p.planes[1].w, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: r}
	case first.n == 1:
		return &image.Gray{Pix: first.pix, Stride: p.w, Rect: r}
	}
	return &image.RGBA{Pix: first.pix, Stride: p.w * first.n, Rect: r}
}
