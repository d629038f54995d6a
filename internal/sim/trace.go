package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// trace is everything that happened, as a running hash; with an echo also in words.
type trace struct {
	hash hash.Hash
	echo io.Writer // nil: the hash only
	line int
}

func newTrace(echo io.Writer) *trace { return &trace{hash: sha256.New(), echo: echo} }

// note takes one line of what happened.
func (t *trace) note(format string, args ...any) {
	t.line++
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(t.hash, "%s\n", line)
	if t.echo != nil {
		fmt.Fprintf(t.echo, "%5d %s\n", t.line, line)
	}
}

// aside is for readers only.
func (t *trace) aside(format string, args ...any) {
	if t.echo != nil {
		fmt.Fprintf(t.echo, format+"\n", args...)
	}
}

// bytes takes what travelled, in the hash only.
func (t *trace) bytes(what string, b []byte) {
	sum := sha256.Sum256(b)
	t.note("%s %d bytes %s", what, len(b), hex.EncodeToString(sum[:4]))
}

func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)[:8]) }
