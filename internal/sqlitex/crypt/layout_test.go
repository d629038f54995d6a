package crypt

import "testing"

func TestWALLayout(t *testing.T) {
	for _, page := range []int64{512, 1024, 4096, 65536} {
		next := int64(0)
		for off := int64(0); off < walHeader+3*(frameHeader+page); off++ {
			disk, left := walPos(off, page)
			if disk < next {
				t.Fatalf("page %d: offset %d lies at %d, behind its predecessor", page, off, disk)
			}
			next = disk + 1
			// The last byte of a part, and only it, has one byte left; the byte after it starts on a block.
			if left == 1 {
				if start, _ := walPos(off+1, page); start%block != 0 {
					t.Fatalf("page %d: the part after offset %d starts at %d, within a block", page, off, start)
				}
			}
			if got := walSize(disk+1, page); got != off+1 {
				t.Fatalf("page %d: a log cut after offset %d (disk %d) is taken for %d long", page, off, disk, got)
			}
		}
	}
}

func TestWALSizeNeverMakesAFrameWhole(t *testing.T) {
	const page = 512
	for disk := int64(0); disk < walHeader+2*(frameHeader+framePad+page); disk++ {
		frames := (walSize(disk, page) - walHeader) / (frameHeader + page)
		if whole := (disk - walHeader) / (frameHeader + framePad + page); frames > max(whole, 0) {
			t.Fatalf("%d bytes on disk hold %d frames, SQLite would see %d", disk, whole, frames)
		}
	}
}
