package demo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// programs are the executables of the story.
type programs struct {
	server, field string
	data          string // the server's folder
}

// pin wraps the keys of the story's phones: their files are encrypted, as a cadre's are.
const pin = "2468"

// output is what a command printed. A command that failed has err set and its reason in text.
type output struct {
	text string
	err  error
}

func (p programs) minqing(ctx context.Context, args ...string) output {
	return run(ctx, p.server, append(args, "--data", p.data)...)
}

func (p programs) phone(ctx context.Context, file string, args ...string) output {
	return run(ctx, p.field, append(args, "--file", file)...)
}

func run(ctx context.Context, program string, args ...string) output {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "MINQING_FIELD_PIN="+pin)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, both.String())
	}
	return output{text: strings.TrimRight(both.String(), "\n"), err: err}
}

// serving is a running program of the story that answers at an address.
type serving struct {
	cmd     *exec.Cmd
	url     string
	ended   chan struct{} // its output is at an end
	log     *os.File
	stopped bool
}

// serve starts the server on a free port.
func (p programs) serve() (*serving, error) {
	return start(filepath.Join(p.data, "serve.log"), p.server, "serve", "--data", p.data, "--listen", "127.0.0.1:0")
}

// app starts the field app over a phone's file; its address is a link that is good once.
func (p programs) app(file string) (*serving, error) {
	return start(file+".log", p.field, "serve", "--file", file)
}

// startLimit bounds the wait for a program's address.
const startLimit = 60 * time.Second

// start runs a program and waits until it says where it listens. It lives until stop: Ctrl+C must not kill it amid what it does.
func start(logFile, program string, args ...string) (*serving, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "MINQING_FIELD_PIN="+pin)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &serving{cmd: cmd, ended: make(chan struct{}), log: log}
	found := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if at := strings.Index(lines.Text(), "http://"); at >= 0 {
				found <- strings.TrimRight(strings.Fields(lines.Text()[at:])[0], "/")
				break
			}
		}
		if _, err := io.Copy(log, out); err != nil {
			fmt.Fprintln(log, "demo: reading the program's output:", err)
		}
	}()
	select {
	case s.url = <-found:
		return s, nil
	case <-s.ended:
		return nil, errors.Join(fmt.Errorf("%s ended before it said where it listens; see %s", filepath.Base(program), logFile), s.stop())
	case <-time.After(startLimit):
		return nil, errors.Join(fmt.Errorf("%s did not say where it listens; see %s", filepath.Base(program), logFile), cmd.Process.Kill(), s.stop())
	}
}

// address is where it listens, without the scheme.
func (s *serving) address() string { return strings.TrimPrefix(s.url, "http://") }

// stop ends the program as an operator would, and waits for it. A terminal sends Ctrl+C to every program at once, so it may be gone
// already, or be ended by the second signal on its way out.
func (s *serving) stop() error {
	if s.stopped {
		return nil
	}
	s.stopped = true
	err := s.cmd.Process.Signal(os.Interrupt)
	if runtime.GOOS == "windows" {
		err = s.cmd.Process.Kill() // there is no other signal
	}
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.ended
	ended := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(ended, &exit) && !exit.Exited() {
		ended = nil
	}
	return errors.Join(err, ended, s.log.Close())
}
