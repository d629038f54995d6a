package schema

import (
	"errors"
	"strings"
)

// Both is the label as one text, the way errors and verdicts carry words for people over the wire: the Chinese, a line feed, the
// English. The line feed is what tells them apart again, so there is none within either.
func (l Label) Both() string { return OneLine(l.ZH) + "\n" + OneLine(l.EN) }

// ReadBoth takes a text of both languages apart. One without a line feed is for everybody.
func ReadBoth(text string) Label {
	if zh, en, ok := strings.Cut(text, "\n"); ok {
		return Label{zh, en}
	}
	return Label{text, text}
}

// OneLine writes a text of both languages on one line, Chinese first: for terminals and logs.
func OneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }

// Words is what a person is told of an error that judging a value gave: a Problem's text in both languages.
func Words(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Text.Both()
	}
	return err.Error()
}
