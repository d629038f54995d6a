package mutants

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
	"regexp"
	"strconv"
	"strings"
	"time"
)

// simulator is a built minqing-sim.
type simulator struct {
	path string
}

// goTool runs the go command in the module.
func goTool(ctx context.Context, root string, args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &out, &said
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, said.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// moduleRoot finds the source that is built: that of the module around the present directory.
func moduleRoot(ctx context.Context) (string, error) {
	root, err := goTool(ctx, "", "list", "-m", "-f", "{{.Dir}}", "minqing")
	if err == nil && root == "" {
		err = errors.New("mutants: run this in the module minqing: it builds the source anew")
	}
	return root, err
}

// build builds the simulator with some files replaced. Paths are trimmed so that all builds share one cache.
func build(ctx context.Context, root, dir string, files map[string]string) (*simulator, error) {
	path, err := overlay(root, dir, files)
	if err != nil {
		return nil, err
	}
	sim := &simulator{path: filepath.Join(dir, "minqing-sim")}
	_, err = goTool(ctx, root, "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-overlay", path, "-o", sim.path, "./internal/cmd/minqing-sim")
	return sim, err
}

// finding is a history that failed.
type finding struct {
	seed      uint64
	directed  string
	invariant string // like “I7 Causality”; “S Soundness” is none of DESIGN's
	text      string
}

// named tells that it was an invariant of DESIGN section 7 that was broken: a panic, or a server that calls its state broken, is not enough.
func (f *finding) named() bool { return strings.HasPrefix(f.invariant, "I") }

// number is the short form of the invariant.
func (f *finding) number() string {
	n, _, _ := strings.Cut(f.invariant, " ")
	return n
}

// failure is what the simulator says of a history that failed: how to replay it, then the invariant and what is wrong.
var failure = regexp.MustCompile(`^(?:minqing-sim -(seed|directed) ([^\s:]+).*?:)?\s*((?:I\d+|S) [A-Z][A-Za-z ]*): (.*)`)

// replay is a line that only says how to replay what the next one tells.
var replay = regexp.MustCompile(`^minqing-sim -(seed|directed) ([^\s:]+)`)

// patience is how long a simulator may take for so many histories before it counts as hung.
func patience(histories int) time.Duration {
	return 2*time.Minute + time.Duration(histories)*15*time.Second
}

// run runs the simulator until the first history that fails; nil when none does.
func (s *simulator) run(ctx context.Context, histories int, args ...string) (*finding, error) {
	ctx, cancel := context.WithTimeout(ctx, patience(histories))
	defer cancel()
	cmd := exec.CommandContext(ctx, s.path, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found := firstFailure(out)
	if found != nil {
		cancel() // it ends by itself, but for what a directed history still tries
	}
	_, _ = io.Copy(io.Discard, out) // a program that was stopped says nothing of use
	err = cmd.Wait()
	switch {
	case found != nil:
		return found, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("minqing-sim %s: hangs: %w", strings.Join(args, " "), ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("minqing-sim %s: %w: %s", strings.Join(args, " "), err, tail(said.String()))
	}
	return nil, nil
}

// tail keeps the end of what a program said.
func tail(s string) string {
	const most = 500
	if len(s) > most {
		s = "…" + s[len(s)-most:]
	}
	return s
}

func firstFailure(out io.Reader) *finding {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	var of []string
	for lines.Scan() {
		line := lines.Text()
		if m := replay.FindStringSubmatch(line); m != nil {
			of = m
		}
		m := failure.FindStringSubmatch(line)
		if m == nil || of == nil {
			continue
		}
		f := &finding{invariant: m[3], text: m[4]}
		if of[1] == "directed" {
			f.directed = of[2]
			return f
		}
		seed, err := strconv.ParseUint(of[2], 10, 64)
		if err != nil {
			continue
		}
		f.seed = seed
		return f
	}
	return nil
}

// seeds runs the histories of n seeds from one on.
func (s *simulator) seeds(ctx context.Context, from uint64, n int) (*finding, error) {
	return s.run(ctx, n, "-first", "-workers", "1", "-from", strconv.FormatUint(from, 10), "-n", strconv.Itoa(n))
}

// again runs one history anew.
func (s *simulator) again(ctx context.Context, f *finding) (*finding, error) {
	if f.directed != "" {
		return s.run(ctx, 1, "-directed", f.directed)
	}
	return s.seeds(ctx, f.seed, 1)
}
