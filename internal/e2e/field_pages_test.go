package e2e_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// browserKey names the browser of a script.
type browserKey struct{}

// window is a browser without a screen, at the pages of one phone.
type window struct {
	client *http.Client
	base   string
}

// browse runs minqing-field serve with its arguments and opens the address that it prints; it ends with the script.
func browse(ts *testscript.TestScript, neg bool, args []string) {
	cmd := exec.Command(filepath.Join(firstPath(ts), "minqing-field"), append(args, "serve", "--open")...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	w := &window{client: &http.Client{Jar: jar, Timeout: time.Minute}}
	ts.Defer(func() {
		w.client.CloseIdleConnections()
		ts.Check(cmd.Process.Signal(os.Interrupt))
		ts.Check(cmd.Wait()) // being interrupted is how it ends, and no mistake
	})
	link, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	link = strings.TrimSpace(link)
	base, _, ok := strings.Cut(link, "/enter?")
	if !ok || !strings.HasPrefix(base, "http://127.0.0.1:") {
		ts.Fatalf("the address is %q", link)
	}
	w.base = base
	ts.Setenv("LINK", link)
	*ts.Value(browserKey{}).(*window) = *w
	resp, err := w.client.Get(link)
	ts.Check(err)
	ts.Check(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("the link gave %d", resp.StatusCode)
	}
}

// page opens a path of the phone's pages and wants words on it; with ! it wants them not to be there, or the page to be refused.
func page(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(browserKey{}).(*window)
	resp, err := w.client.Get(w.base + args[0])
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(resp.Body.Close())
	for _, words := range args[1:] {
		if found := resp.StatusCode == http.StatusOK && strings.Contains(string(body), words); found == neg {
			ts.Fatalf("%s (%d): %q found: %v\n%s", args[0], resp.StatusCode, words, found, body)
		}
	}
}

// stranger opens an address in another browser, and wants to be refused.
func stranger(ts *testscript.TestScript, neg bool, args []string) {
	resp, err := http.Get(args[0])
	ts.Check(err)
	ts.Check(resp.Body.Close())
	if resp.StatusCode != http.StatusForbidden {
		ts.Fatalf("%s gave a stranger %d", args[0], resp.StatusCode)
	}
}
