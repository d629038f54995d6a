package pages

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"

	"minqing/schema"
)

// choices are how somebody wants the pages: nothing about a person. They lie beside the replica and not in it, since the page that
// asks for the PIN is to speak his language.
type choices struct {
	Lang   schema.Lang `json:"lang"`
	Big    bool        `json:"big"`    // 大字版
	Scheme string      `json:"scheme"` // light, dark; "" as the phone has it
}

func (c choices) class() string {
	out := c.Scheme
	if c.Big {
		if out != "" {
			out += " "
		}
		out += "big"
	}
	return out
}

// settings keeps choices in a file.
type settings struct {
	path string
	mu   sync.Mutex
	now  choices
}

func loadSettings(path string) (*settings, error) {
	s := &settings{path: path, now: choices{Lang: schema.ZH}}
	if path == "" {
		return s, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var c choices
	if json.Unmarshal(raw, &c) == nil && c.valid() {
		s.now = c
	} // a file that a crash cut is as good as none: the choices are two taps
	return s, nil
}

func (c choices) valid() bool {
	return (c.Lang == schema.ZH || c.Lang == schema.EN) && (c.Scheme == "" || c.Scheme == "light" || c.Scheme == "dark")
}

func (s *settings) get() choices {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *settings) set(c choices) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = c
	if s.path == "" {
		return nil
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path, raw, 0o600)
}
