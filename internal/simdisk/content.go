package simdisk

import "slices"

// chunkSize is the grain at which two versions of a file share memory.
const chunkSize = 4096

type chunk [chunkSize]byte

// content is one version of a file. Versions share chunks: the one that lives (inode.data) copies a chunk before writing to
// it when the durable version holds the same one, so that a sync and a power cut cost pointers and not bytes. A nil chunk is
// zeros, and so is every byte behind size.
type content struct {
	size   int64
	chunks []*chunk
}

func contentOf(p []byte) content {
	var c content
	c.write(p, 0, content{})
	return c
}

func (c *content) clone() content { return content{c.size, slices.Clone(c.chunks)} }

func (c *content) bytes() []byte {
	p := make([]byte, c.size)
	c.read(p, 0)
	return p
}

// copyFrom makes c the same version as from, in its own list.
func (c *content) copyFrom(from content) {
	c.size, c.chunks = from.size, append(c.chunks[:0], from.chunks...)
}

func (c *content) read(p []byte, off int64) int {
	n := int(max(min(c.size-off, int64(len(p))), 0))
	for done := 0; done < n; {
		i, in := (off+int64(done))/chunkSize, (off+int64(done))%chunkSize
		part := p[done:min(n, done+int(chunkSize-in))]
		if ch := c.chunks[i]; ch != nil {
			copy(part, ch[in:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	return n
}

// write never touches a chunk that shared holds.
func (c *content) write(p []byte, off int64, shared content) {
	c.size = max(c.size, off+int64(len(p)))
	for int64(len(c.chunks))*chunkSize < c.size {
		c.chunks = append(c.chunks, nil)
	}
	for len(p) > 0 {
		n := copy(c.own(off/chunkSize, shared)[off%chunkSize:], p)
		p, off = p[n:], off+int64(n)
	}
}

// own returns chunk i for writing.
func (c *content) own(i int64, shared content) *chunk {
	switch ch := c.chunks[i]; {
	case ch == nil:
		c.chunks[i] = new(chunk)
	case i < int64(len(shared.chunks)) && shared.chunks[i] == ch:
		fresh := *ch
		c.chunks[i] = &fresh
	}
	return c.chunks[i]
}

func (c *content) truncate(size int64, shared content) {
	if size < c.size {
		keep := (size + chunkSize - 1) / chunkSize
		clear(c.chunks[keep:]) // for the collector
		c.chunks = c.chunks[:keep]
		if in := size % chunkSize; in > 0 && c.chunks[keep-1] != nil {
			clear(c.own(keep-1, shared)[in:])
		}
	}
	for int64(len(c.chunks))*chunkSize < size {
		c.chunks = append(c.chunks, nil)
	}
	c.size = size
}
