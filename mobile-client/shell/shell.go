package shell

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxLine bounds a line of the shell: a path, or a list of name servers. Longer ones are passed over: a link may come from anybody.
const maxLine = 64 << 10

// Start is what the shell says first. Secret is empty where the phone has no keystore that works.
type Start struct {
	Secret  []byte
	Version int    // version code of the APK
	Share   string // folder of files to hand on
	Package string // where the phone keeps the APK
}

// Heard is what the program does when the shell says something. Each is called from Run, one at a time; all must be set.
type Heard struct {
	Link    func(code string) (string, error) // an address to open; with a code for enrolment, if a link of one was opened
	Bundle  func(path string)
	Network func(Network)
	Looked  func(looks bool) // whether somebody looks at the pages
}

// Shell is the other end.
type Shell struct {
	in  *bufio.Reader
	mu  sync.Mutex
	out io.Writer
}

type line struct {
	Kind    string   `json:"kind"`
	Secret  string   `json:"secret,omitempty"`
	Version int      `json:"version,omitempty"`
	Share   string   `json:"share,omitempty"`
	Package string   `json:"package,omitempty"`
	State   State    `json:"state,omitempty"`
	DNS     []string `json:"dns,omitempty"`
	Path    string   `json:"path,omitempty"`
	Link    string   `json:"link,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// Open reads the first line. An input that begins otherwise is an error: nobody but the shell should start the program this way.
func Open(in io.Reader, out io.Writer) (*Shell, Start, error) {
	s := &Shell{in: bufio.NewReaderSize(in, maxLine), out: out}
	l, err := s.read()
	if err == nil && l.Kind != "start" {
		err = fmt.Errorf("the first line is of kind %q", l.Kind)
	}
	var secret []byte
	if err == nil {
		secret, err = base64.StdEncoding.DecodeString(l.Secret)
	}
	if err != nil {
		return nil, Start{}, fmt.Errorf("shell: want a start line: %w", err)
	}
	return s, Start{Secret: secret, Version: l.Version, Share: l.Share, Package: l.Package}, nil
}

func (s *Shell) read() (l line, err error) {
	raw, err := s.in.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = s.in.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return l, err
	}
	if long {
		raw = nil
	}
	return l, json.Unmarshal(raw, &l)
}

// Run hears the shell until its end goes away, which is no error, or ctx ends; a line that is none is passed over.
func (s *Shell) Run(ctx context.Context, h Heard) error {
	for ctx.Err() == nil {
		l, err := s.read()
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &syntax), errors.As(err, &kind):
			continue
		case err != nil:
			return fmt.Errorf("shell: %w", err)
		}
		if err := s.hear(h, l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Shell) hear(h Heard, l line) error {
	switch l.Kind {
	case "link":
		link, err := h.Link(l.Link)
		if err != nil {
			return err
		}
		return s.Open(link)
	case "bundle":
		h.Bundle(l.Path)
	case "network":
		h.Network(Network{State: l.State, DNS: l.DNS})
	case "hidden", "shown":
		h.Looked(l.Kind == "shown")
	}
	return nil
}

// Open has the shell open an address of the pages.
func (s *Shell) Open(link string) error { return s.say(line{Kind: "link", Link: link}) }

// Busy tells that a sync runs; text is one line for the notification.
func (s *Shell) Busy(text string) error { return s.say(line{Kind: "busy", Text: text}) }

// Idle tells that it is over.
func (s *Shell) Idle() error { return s.say(line{Kind: "idle"}) }

// Share offers a file of the share folder to other apps.
func (s *Shell) Share(path string) error { return s.say(line{Kind: "share", Path: path}) }

// Install offers an APK of the share folder to the phone's installer.
func (s *Shell) Install(path string) error { return s.say(line{Kind: "install", Path: path}) }

// Taken tells that the camera's file is not needed any more.
func (s *Shell) Taken() error { return s.say(line{Kind: "taken"}) }

// Wiped tells that the replica is gone.
func (s *Shell) Wiped() error { return s.say(line{Kind: "wiped"}) }

func (s *Shell) say(l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.out.Write(append(raw, '\n'))
	return err
}
