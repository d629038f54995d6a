// Package camera reads the codes on pictures of a screen, as the camera of a phone before it would. It promises to read what is drawn there and
// nothing else: no page and no address is known to it.
package camera

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Read is what the one QR code on a picture holds, a PNG.
func Read(picture []byte) (string, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("a picture of a code: %w", err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", fmt.Errorf("a picture of a code: %w", err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil { // its search for where the code lies misses one in fifteen that are drawn sharp: read as it stands, then
		if found, err = qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}); err != nil {
			return "", fmt.Errorf("no code is read on the picture: %w", err)
		}
	}
	return found.GetText(), nil
}
