package look

import (
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the border of a code, in modules (ISO/IEC 18004, 4 modules).
const quiet = 4

// QR draws a code as one path, dark on white in either scheme: cameras want it so. The name is what screen readers say of it.
func QR(content, name string) (template.HTML, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for x+run < size && code.At(x+run, y) == color.Black {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	side := size + 2*quiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path class="pale" d="M0 0h%dv%dH0z"/><path class="ink" d="%s"/></svg>`,
		template.HTMLEscapeString(name), side, side, side, side, path.String())), nil // #nosec G203 -- numbers and an escaped name
}
