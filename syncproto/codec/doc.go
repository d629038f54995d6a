// Package codec reads and writes the frames of POST /v1/sync as lines of JSON, and the compression around them. It promises to
// stream (one line in memory at a time), to bound everything before memory is taken, to refuse whatever PROTOCOL.md does not
// allow with an error that names the line, and to lose nothing: a change is kept as its author wrote it.
package codec
