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

// serving is a running `minqing serve`.
type serving struct {
	cmd     *exec.Cmd
	address string
	log     *os.File
}

// serve starts the server on a free port and waits until it says where it listens.
func (p programs) serve(ctx context.Context) (*serving, error) {
	log, err := os.OpenFile(filepath.Join(p.data, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.server, "serve", "--data", p.data, "--listen", "127.0.0.1:0")
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if at := strings.Index(lines.Text(), "http://"); at >= 0 {
				found <- strings.TrimRight(strings.Fields(lines.Text()[at:])[0], "/")
				break
			}
		}
		if _, err := io.Copy(log, out); err != nil && !errors.Is(err, os.ErrClosed) {
			fmt.Fprintln(log, "demo: reading the server's output:", err)
		}
	}()
	select {
	case url := <-found:
		return &serving{cmd: cmd, address: strings.TrimPrefix(url, "http://"), log: log}, nil
	case <-time.After(20 * time.Second):
		stopErr := cmd.Process.Kill()
		return nil, errors.Join(fmt.Errorf("the server did not say where it listens within 20 s; see %s", log.Name()), stopErr)
	}
}

// stop ends the server as an operator would, and waits for it.
func (s *serving) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	err := s.cmd.Wait()
	return errors.Join(err, s.log.Close())
}
