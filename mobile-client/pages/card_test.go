package pages_test

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

// scan reads the code of a card as a phone's camera does: the drawing becomes a picture, and another library decodes it.
func scan(t *testing.T, p *pagetest.Page) string {
	t.Helper()
	const module = 6
	box := strings.Fields(reader.Attr(p.One("svg.qr"), "viewbox") + reader.Attr(p.One("svg.qr"), "viewBox"))
	side, err := strconv.Atoi(box[2])
	if err != nil {
		t.Fatal(err)
	}
	m := image.NewGray(image.Rect(0, 0, side*module, side*module))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`).FindAllStringSubmatch(reader.Attr(p.One("svg.qr .ink"), "d"), -1) {
		var n [3]int
		for i := range n {
			if n[i], err = strconv.Atoi(run[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		for x := n[0] * module; x < (n[0]+n[2])*module; x++ {
			for y := n[1] * module; y < (n[1]+1)*module; y++ {
				m.SetGray(x, y, color.Gray{})
			}
		}
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}

// TestCardIsScanned: an issued card leads to its own page at the server; before that its code is the contact himself.
func TestCardIsScanned(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	if got := scan(t, b.Get("/h/{home}/card").Want(200)); got != "https://minqing.example/c/7K4M-2Q9X" {
		t.Errorf("the code says %q", got)
	}
	if got := scan(t, b.Get("/h/{ou}/card").Want(200)); got != "MECARD:N:陈秀兰;TEL:12800002206;NOTE:村妇联主席;;" {
		t.Errorf("the code of a card that was not issued says %q", got)
	}
	long := pagetest.MustOpen(t, pagetest.Long)
	if got := scan(t, long.Get("/h/{home}/card").Want(200)); got != "https://minqing.example/c/"+strings.Repeat("7K4M2Q9X", 5) {
		t.Errorf("the longest code says %q", got)
	}
}
