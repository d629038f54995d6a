package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// program is minqing-field as the shell of a phone starts it; slowed, on one processor and a slow disk.
type program struct {
	bin, file string
	slowed    bool
	cmd       *exec.Cmd
	in        io.WriteCloser
	said      chan string // addresses
	began     time.Time
	log       strings.Builder
}

// slowDisk is the build tag under which every sync of a database file takes 20 ms longer (internal/sqlitex/vfs).
const slowDisk = "slowdisk"

// appPatience bounds waits for the program: far above what it takes.
const appPatience = 5 * time.Minute

// build makes the program.
func (r *run) build(ctx context.Context, slowed bool) (*program, error) {
	dir, err := r.folder()
	if err != nil {
		return nil, err
	}
	p := &program{bin: filepath.Join(dir, "minqing-field"), file: filepath.Join(dir, "field.db"), slowed: slowed}
	args := []string{"build", "-o", p.bin}
	if slowed {
		args = append(args, "-tags", slowDisk)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "minqing/mobile-client/cmd/minqing-field")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return p, nil
}

// start starts it with a keystore and a network that stands as said, and gives an address to open.
func (p *program) start(ctx context.Context, network string) (string, error) {
	p.cmd = exec.CommandContext(ctx, p.bin, "serve", "--shell", "--file", p.file)
	p.cmd.Env = append(os.Environ(), "MINQING_FIELD_PIN=")
	if p.slowed {
		p.cmd.Env = append(p.cmd.Env, "GOMAXPROCS=1")
	}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return "", err
	}
	p.said, p.began = make(chan string, 8), time.Now()
	if err := p.cmd.Start(); err != nil {
		return "", err
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l struct{ Kind, Link string }
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Kind == "link" {
				p.said <- l.Link
			}
		}
		close(p.said)
	}()
	secret := base64.StdEncoding.EncodeToString([]byte("a keystore's secret of 32 bytes."))
	if err := p.say(map[string]any{"kind": "start", "secret": secret, "version": 1, "share": filepath.Dir(p.file)},
		map[string]any{"kind": "network", "state": network}); err != nil {
		return "", err
	}
	return p.link()
}

func (p *program) say(lines ...map[string]any) error {
	for _, l := range lines {
		raw, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if _, err := p.in.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// link asks for an address to open.
func (p *program) link() (string, error) {
	if err := p.say(map[string]any{"kind": "link"}); err != nil {
		return "", err
	}
	select {
	case link, ok := <-p.said:
		if ok {
			return link, nil
		}
		return "", fmt.Errorf("the program ended: %s", p.log.String())
	case <-time.After(appPatience):
		return "", errors.New("the program gave no address")
	}
}

// stop ends it as its shell does, by going away.
func (p *program) stop() error {
	err := p.in.Close()
	for range p.said {
	}
	return errors.Join(err, p.cmd.Wait())
}

// memory reads a field of the program's memory as the kernel tells it, in bytes.
func (p *program) memory(field string) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(raw), field+":")
	if !ok {
		return 0, fmt.Errorf("the kernel does not tell %s", field)
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb * 1024, err
}

// used is the processor time that the program took so far, in ms: where other work shares the machine, judge by it.
func (p *program) used() (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	const user, system, tick = 11, 12, 10 // fields after the name in parentheses; ms
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	u, err := strconv.ParseFloat(f[user], 64)
	if err != nil {
		return 0, err
	}
	s, err := strconv.ParseFloat(f[system], 64)
	return (u + s) * tick, err
}

// reader asks for pages without a browser: what it measures is the program's side of a page, and loopback.
type reader struct {
	client *http.Client
	base   string
}

func newReader(link string) (*reader, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	base, _, _ := strings.Cut(link, "/enter")
	r := &reader{client: &http.Client{Jar: jar, Transport: newTransport()}, base: base}
	_, _, err = r.get(strings.TrimPrefix(link, base), false)
	return r, err
}

// unlock opens the pages by the PIN, as their form does.
func (r *reader) unlock() error {
	req, err := http.NewRequest(http.MethodPost, r.base+"/lock", strings.NewReader(url.Values{"pin": {pin}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", r.base)
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && (resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/today") {
		err = fmt.Errorf("the PIN led to %s with %d", resp.Request.URL.Path, resp.StatusCode)
	}
	return err
}

// get gives a page as it travels, compressed, and how long its last byte took.
func (r *reader) get(path string, part bool) (body []byte, took time.Duration, err error) {
	req, err := http.NewRequest(http.MethodGet, r.base+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip") // said by hand, so that nothing unpacks it
	if part {
		req.Header.Set("X-Part", "main")
	}
	began := time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if took = time.Since(began); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s gave %d", path, resp.StatusCode)
	}
	return body, took, err
}
