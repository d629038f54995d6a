package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minqing/internal/thumb"
)

// app is the field app of one person: the real program, its file, and the screen that its pages are on.
type app struct {
	*thumb.Screen
	w          *town
	login, pin string
	file       string
	temporary  string   // the program's folder for temporary files
	typed      []string // what was typed into its pages
	base       string
	cmd        *exec.Cmd
	log        strings.Builder
}

// mustApp makes the phone of a person who is not enrolled yet, and opens its pages.
func (w *town) mustApp(login string) *app {
	w.t.Helper()
	s, err := thumb.Open(w.t.Context(), filepath.Join(w.t.TempDir(), "profile"))
	must(w.t, err)
	w.t.Cleanup(s.Close)
	a := &app{Screen: s, w: w, login: login, pin: "24681012", file: filepath.Join(w.dir, login+"-app.db"), temporary: filepath.Join(w.dir, login+"-tmp")}
	must(w.t, os.Mkdir(a.temporary, 0o700))
	w.t.Cleanup(func() {
		if a.cmd != nil {
			a.end()
		}
	})
	a.begin("#f-code")
	return a
}

// begin starts the program and opens the address that it prints.
func (a *app) begin(want string) {
	a.w.t.Helper()
	a.cmd = exec.Command(filepath.Join(a.w.bin, "minqing-field"), "--file", a.file, "serve", "--open")
	a.cmd.Env, a.cmd.Stderr = append(os.Environ(), "TMPDIR="+a.temporary), &a.log
	out, err := a.cmd.StdoutPipe()
	must(a.w.t, err)
	must(a.w.t, a.cmd.Start())
	link, err := bufio.NewReader(out).ReadString('\n')
	must(a.w.t, err)
	a.base, _, _ = strings.Cut(link, "/enter?")
	must(a.w.t, a.Go(strings.TrimSpace(link), want))
}

// end ends the program as its user does.
func (a *app) end() {
	a.w.t.Helper()
	must(a.w.t, a.cmd.Process.Signal(os.Interrupt))
	err := a.cmd.Wait()
	a.cmd = nil
	if err != nil {
		a.w.t.Errorf("the program ended with %v: %s", err, a.log.String())
	}
}

// kill ends it as Android does, or a battery.
func (a *app) kill() {
	a.w.t.Helper()
	must(a.w.t, a.cmd.Process.Kill())
	var exit *exec.ExitError
	if err := a.cmd.Wait(); !errors.As(err, &exit) {
		a.w.t.Errorf("the program had ended by itself: %v", err)
	}
	a.cmd = nil
}

// see opens a page of the app that must have an element.
func (a *app) see(path, want string) {
	a.w.t.Helper()
	must(a.w.t, a.Go(a.base+path, want))
}

// tap, follow and fill do what they say, or end the test.
func (a *app) tap(selector string)          { a.w.t.Helper(); must(a.w.t, a.Tap(selector)) }
func (a *app) follow(selector, want string) { a.w.t.Helper(); must(a.w.t, a.Follow(selector, want)) }
func (a *app) fill(selector, text string) {
	a.w.t.Helper()
	a.typed = append(a.typed, text)
	must(a.w.t, a.Fill(selector, text))
}
func (a *app) wait(script string) { a.w.t.Helper(); must(a.w.t, a.Wait(script)) }

// says wants words in what a selector finds.
func (a *app) says(selector string, words ...string) {
	a.w.t.Helper()
	text, err := a.Text(selector)
	must(a.w.t, err)
	for _, want := range words {
		if !strings.Contains(text, want) {
			a.w.t.Errorf("%s does not say %q: %q", selector, want, text)
		}
	}
}

// unreadable looks for what was typed, for the register and for pictures in every file that the phone has by now, while it runs, and for files in
// its folder for temporary ones: of an encrypted phone nothing can be read without its PIN.
func (a *app) unreadable() {
	a.w.t.Helper()
	files, err := filepath.Glob(a.file + "*")
	must(a.w.t, err)
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went meanwhile
		}
		must(a.w.t, err)
		for _, word := range append([]string{"户主1", "户主2", "户主3", "柳溪村", jpegHead, a.w.net.address()}, a.typed...) {
			if len(word) > 6 && bytes.Contains(raw, []byte(word)) { // shorter ones stand in random bytes now and then
				a.w.t.Errorf("%q can be read in %s", word, filepath.Base(path))
			}
		}
	}
	if left, err := os.ReadDir(a.temporary); err != nil || len(left) > 0 {
		a.w.t.Errorf("in the folder for temporary files there lie %v, %v", left, err)
	}
}

// until opens a page again and again until something is true of it: what the program does by itself takes its time.
func (a *app) until(path, script string) {
	a.w.t.Helper()
	for began := time.Now(); ; time.Sleep(300 * time.Millisecond) {
		a.see(path, "body")
		ok, err := thumb.Ask[bool](a.Screen, "!!("+script+")")
		must(a.w.t, err)
		if ok {
			return
		}
		if time.Since(began) > patience {
			text, err := a.Text("body")
			must(a.w.t, err)
			a.w.t.Fatalf("%s never came to %s: %q; %s", path, script, text, a.log.String())
		}
	}
}

// home finds a household's own address on the page of all of them.
func (a *app) home(name string) string {
	a.w.t.Helper()
	a.see("/households?q="+name, "main a.nm")
	href, err := thumb.Ask[string](a.Screen, `document.querySelector("main a.nm").getAttribute("href")`)
	must(a.w.t, err)
	return href
}

// sync asks for a sync by its button and waits until nothing of one's own waits any more.
func (a *app) sync() {
	a.w.t.Helper()
	a.until("/sync", `document.querySelector("main form button.main")`)
	a.follow("main form button.main", ".state")
	a.until("/sync", `document.querySelector(".state h2").textContent === "都已上传。"`)
}

// mustTools gives a person a device of plain tools that does not go over the town's network, which the tests cut.
func (w *town) mustTools(login string) *field {
	w.t.Helper()
	f := &field{w: w, login: login, file: filepath.Join(w.dir, login+".db")}
	f.must("enrol", "--plain", "--server", "http://"+w.server.address, "--code", w.minqing("device", "invite", "--user", login, "--plain"))
	f.sync()
	return f
}

// holds wants a statement over a device's file to give a value.
func (f *field) holds(t *testing.T, want, q string, args ...any) {
	t.Helper()
	if got := strings.Join(query(t, f.file, q, args...), "|"); got != want {
		t.Errorf("%s has %q, want %q: %s", f.login, got, want, q)
	}
}

// hold keeps everything that comes down on its way until release is called.
func (k *relay) hold() (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	held := make(chan struct{})
	k.held = held
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.held = nil
		close(held)
	}
}

func (k *relay) wait(direction int) {
	k.mu.Lock()
	held := k.held
	k.mu.Unlock()
	if direction == down && held != nil {
		<-held
	}
}
