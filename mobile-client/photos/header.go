package photos

import (
	"bytes"
	"encoding/binary"
)

// segments gives the segments of a JPEG before its pixels, without their lengths; f tells when it has seen enough.
func segments(raw []byte, f func(marker byte, data []byte) (enough bool)) {
	for at := 2; at+4 <= len(raw) && raw[at] == 0xff; {
		marker := raw[at+1]
		if marker == 0xff { // a filler
			at++
			continue
		}
		n := int(binary.BigEndian.Uint16(raw[at+2:]))
		const startOfScan = 0xda
		if marker == startOfScan || n < 2 || at+2+n > len(raw) || f(marker, raw[at+4:at+2+n]) {
			return
		}
		at += 2 + n
	}
}

// jpegCost reads from a JPEG's header how many samples it decodes to, and whether it is progressive: all its coefficients are then held
// at once.
func jpegCost(raw []byte, pixels int64) (samples int64, progressive bool) {
	samples = 4 * pixels // unless the header says less
	segments(raw, func(marker byte, data []byte) bool {
		// Start of frame: precision, height, width, components, each with its sampling.
		if marker < 0xc0 || marker > 0xc2 || len(data) < 6 || len(data) < 6+3*int(data[5]) {
			return false
		}
		progressive = marker == 0xc2
		var sum, hmax, vmax int64 = 0, 1, 1
		for i := range int(data[5]) {
			h, v := int64(data[7+3*i]>>4), int64(data[7+3*i]&15)
			sum, hmax, vmax = sum+h*v, max(hmax, h), max(vmax, v)
		}
		samples = pixels * sum / (hmax * vmax)
		return true
	})
	return samples, progressive
}

var exifHead = []byte("Exif\x00\x00")

// orientation is how the camera was held, from 1 (upright) to 8.
func orientation(raw []byte, format string) int {
	var tiff []byte
	switch format {
	case "jpeg":
		segments(raw, func(marker byte, data []byte) bool {
			if marker == 0xe1 && bytes.HasPrefix(data, exifHead) {
				tiff = data[len(exifHead):]
			}
			return tiff != nil
		})
	case "png":
		tiff = chunk(raw, 8, func(b []byte) (string, int, int) {
			return string(b[4:8]), int(binary.BigEndian.Uint32(b)), 12
		}, "eXIf")
	case "webp":
		tiff = chunk(raw, 12, func(b []byte) (string, int, int) {
			n := int(binary.LittleEndian.Uint32(b[4:]))
			return string(b[:4]), n, 8 + n&1
		}, "EXIF")
		tiff = bytes.TrimPrefix(tiff, exifHead)
	}
	return orientationOf(tiff)
}

// chunk finds the data of a chunk in a file of chunks whose heads are 8 bytes; head reads one: name, length, and what stands around.
func chunk(raw []byte, at int, head func([]byte) (name string, n, around int), want string) []byte {
	for at+8 <= len(raw) {
		name, n, around := head(raw[at:])
		if n < 0 || n > len(raw)-at-8 {
			return nil
		}
		if name == want {
			return raw[at+8 : at+8+n]
		}
		at += n + around
	}
	return nil
}

// orientationOf reads the tag out of the first directory of a TIFF.
func orientationOf(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		const size, tag = 12, 0x0112
		if len(entries) < size {
			break
		}
		if order.Uint16(entries) == tag {
			return int(order.Uint16(entries[8:]))
		}
		entries = entries[size:]
	}
	return 1
}
