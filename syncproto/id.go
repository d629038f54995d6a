package syncproto

import (
	"fmt"
	"io"

	"github.com/google/uuid"
)

// NewID makes a UUIDv7 from a time (Unix ms) and randomness, both handed in: ids of rows and devices sort roughly by when they were
// made, wherever that was.
func NewID(ms int64, r io.Reader) (string, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(r, id[6:]); err != nil {
		return "", fmt.Errorf("syncproto: reading randomness: %w", err)
	}
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80 // version 7, variant of RFC 9562
	return id.String(), nil
}
