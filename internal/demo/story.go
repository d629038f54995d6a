package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"minqing/internal/register"
)

// Options say where the story plays.
type Options struct {
	Server, Field string // the executables
	Dir           string // where its files lie; kept between runs
	Fresh         bool   // start over
	NoServe       bool   // end after the proof
	Out           io.Writer
}

// phone is one cadre's device in the story.
type phone struct {
	login, name string
	team        string
	file        string
	households  []string // codes, in the order assigned
}

// teller tells the story and remembers the first thing that went wrong.
type teller struct {
	began   time.Time
	ctx     context.Context
	opt     Options
	p       programs
	net     *link
	server  *serving
	running []*serving // the server first, then what was started over it
	village *register.Register
	cast    []*phone // all thirty
	phones  []*phone // the three with a device
	round   int      // how often the story was told before
	section int
}

// Run tells the story. Its error names the command that failed and what it printed.
func Run(ctx context.Context, opt Options) (err error) {
	v, err := village()
	if err != nil {
		return err
	}
	t := &teller{began: time.Now(), village: v, cast: cast(v), ctx: ctx, opt: opt, p: programs{server: opt.Server, field: opt.Field, data: filepath.Join(opt.Dir, "server")}}
	if opt.Fresh {
		if err := os.RemoveAll(opt.Dir); err != nil {
			return err
		}
	}
	_, err = os.Stat(filepath.Join(t.p.data, "minqing.db"))
	again := err == nil
	if err := os.MkdirAll(t.p.data, 0o700); err != nil {
		return err
	}
	if t.round, err = countRun(opt.Dir); err != nil {
		return err
	}
	if again {
		t.say("上次的数据还在，接着做（--fresh 从头来）。 Going on with the data of the last run; --fresh starts over.")
	} else if err := t.prepare(); err != nil {
		return err
	}
	if t.server, err = t.p.serve(); err != nil {
		return err
	}
	t.running = append(t.running, t.server)
	defer func() { err = errors.Join(err, t.finish()) }()
	if t.net, err = newLink(t.server.address()); err != nil {
		return err
	}
	defer t.net.Close()
	for _, step := range t.steps(again) {
		if err := step(); err != nil {
			return fmt.Errorf("%w\n(the server's log: %s)", err, filepath.Join(t.p.data, "serve.log"))
		}
	}
	return nil
}

// countRun gives how often the story was told in a folder, and counts this time.
func countRun(dir string) (int, error) {
	path := filepath.Join(dir, "runs")
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	return len(before), os.WriteFile(path, append(before, '.'), 0o600)
}

func (t *teller) steps(again bool) []func() error {
	steps := []func() error{t.enrol, t.work, t.reconnect, t.decide, t.prove}
	if again {
		steps = []func() error{t.meet, t.work, t.reconnect, t.decide, t.prove}
	}
	if t.opt.NoServe {
		return append(steps, t.finish)
	}
	return append(steps, t.part, t.stay)
}

func (t *teller) say(format string, args ...any) { fmt.Fprintf(t.opt.Out, format+"\n", args...) }

func (t *teller) head(zh, en string) {
	t.section++
	t.say("\n%d. %s\n   %s", t.section, zh, en)
}

// tell prints what a command printed, indented, and passes its error on.
func (t *teller) tell(o output) error {
	if o.err != nil {
		return o.err
	}
	for line := range strings.Lines(o.text) {
		t.say("   %s", strings.TrimRight(line, "\n"))
	}
	return nil
}

func (t *teller) minqing(args ...string) output { return t.p.minqing(t.ctx, args...) }

func (t *teller) phone(ph *phone, args ...string) output { return t.p.phone(t.ctx, ph.file, args...) }
