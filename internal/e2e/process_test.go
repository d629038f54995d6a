package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"minqing/internal/sqlitex"
	"minqing/schema"
)

// programs are the executables under test, built once for all tests of the process.
var programs = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "minqing-e2e-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "minqing/server/cmd/minqing", "minqing/mobile-client/cmd/minqing-field")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// elsewhere is where the machine of all tests seems to stand: where it is another day than in the city. Servers and phones count their days by
// the city's all the same.
var elsewhere = func() string {
	if time.Now().In(schema.CityZone).Hour() < 18 {
		return "Pacific/Pago_Pago" // nineteen hours behind
	}
	return "Pacific/Kiritimati" // six hours ahead
}()

func TestMain(m *testing.M) {
	if err := os.Setenv("TZ", elsewhere); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	if os.Getenv(serveBookEnv) != "" {
		os.Exit(serveBook())
	}
	code := m.Run()
	if dir, err := programs(); err == nil {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err) // what is left lies in the folder for temporary files
		}
	}
	os.Exit(code)
}

// full tells how many faults a test plants: few in every run of the tests, n when MINQING_FAULTS=full (./task faults).
func full(few, n int) int {
	if os.Getenv("MINQING_FAULTS") == "full" {
		return n
	}
	return few
}

// town is a server of its own as a process, the network before it, and field devices as files.
type town struct {
	t      testing.TB
	dir    string // devices
	data   string // the server's folder
	bin    string
	server *process
	net    *relay
}

// The town's village, and how many households each user is assigned.
const (
	townVillage = "990102003004"
	ownHouses   = 3
)

// mustTown founds a city with a village of households and starts its server.
func mustTown(t testing.TB, households int) *town {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, dir: t.TempDir(), bin: bin}
	w.data = filepath.Join(w.dir, "server")
	t.Cleanup(w.tellLog)
	must(t, os.Mkdir(w.data, 0o700))
	var csv strings.Builder
	csv.WriteString("小组,户号,户主,住址\n")
	for i := range households {
		fmt.Fprintf(&csv, "%d组,%s,%s%d,柳溪村%d号\n", i%7+1, house(i), "户主", i, i)
	}
	register := filepath.Join(w.dir, "register.csv")
	must(t, os.WriteFile(register, []byte(csv.String()), 0o600))
	w.minqing("init", "--city", "临江市", "--code", "990000", "--login", "boss", "--name", "何婉清")
	w.minqing("place", "--under", "990000", "--level", "township", "--code", "990102", "--name", "河湾镇")
	w.minqing("place", "--under", "990102", "--level", "village", "--code", townVillage, "--name", "柳溪村")
	w.minqing("import", "--village", townVillage, register)
	w.start()
	w.net = mustRelay(t, w.server.address)
	return w
}

// tellLog shows the end of the server's log when a test failed.
func (w *town) tellLog() {
	raw, err := os.ReadFile(filepath.Join(w.dir, "serve.log"))
	if err == nil && w.t.Failed() {
		w.t.Logf("the server's log ends:\n%s", raw[max(0, len(raw)-4000):])
	}
}

func house(i int) string { return fmt.Sprintf("H%04d", i) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cadre adds a user with the households from first on.
func (w *town) cadre(login string, first int) {
	w.t.Helper()
	w.minqing("user", "add", "--login", login, "--name", login, "--role", "cadre", "--over", townVillage)
	var codes []string
	for i := range ownHouses {
		codes = append(codes, house(first+i))
	}
	w.minqing("assign", "--user", login, "--team", "cadre", "--households", strings.Join(codes, ","))
}

// minqing runs an administrator's command that must go well.
func (w *town) minqing(args ...string) string {
	w.t.Helper()
	out, err := w.try("minqing", append(args, "--data", w.data)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// try runs a program to its end; the error holds what it printed.
func (w *town) try(program string, args ...string) (string, error) {
	p, err := w.spawn(program, args...)
	if err != nil {
		return "", err
	}
	return p.wait()
}

// process is a program that runs.
type process struct {
	cmd     *exec.Cmd
	out     *bytes.Buffer // both outputs; complete after wait
	address string        // where a server listens
	drained chan struct{} // closed when a server's output has ended
}

// patience bounds every wait for a process: far above what it takes on a busy machine.
var patience = time.Duration(full(2, 15)) * time.Minute

func (w *town) spawn(program string, args ...string) (*process, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	w.t.Cleanup(stop)
	p := &process{cmd: exec.CommandContext(ctx, filepath.Join(w.bin, program), args...), out: &bytes.Buffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	return p, p.cmd.Start()
}

func (p *process) wait() (string, error) {
	err := p.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(p.cmd.Args[1:], " "), err, p.out.String())
	}
	return p.out.String(), err
}

// kill ends a process as a power cut does and waits for its end. One that has ended already stays ended.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if p.drained != nil {
		<-p.drained
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// start starts the server and points the network at it.
func (w *town) start(args ...string) {
	w.t.Helper()
	s, err := w.serve(w.data, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = s
	if w.net != nil {
		w.net.retarget(s.address)
	}
}

// serve starts a server on a folder and waits until it says where it listens.
func (w *town) serve(data string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(w.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args...)
	p := &process{cmd: exec.Command(filepath.Join(w.bin, "minqing"), args...), out: &bytes.Buffer{}, drained: make(chan struct{})}
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	found := make(chan string, 1)
	go func() {
		defer close(p.drained)
		defer log.Close() // a log: nothing rests on its last line
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, at, ok := strings.Cut(lines.Text(), "http://"); ok {
				found <- strings.TrimSpace(at)
			}
		}
	}()
	w.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			if err := p.kill(); err != nil {
				w.t.Error(err)
			}
		}
	})
	select {
	case p.address = <-found:
		return p, nil
	case <-p.drained:
	case <-time.After(patience):
	}
	raw, err := os.ReadFile(log.Name())
	return nil, errors.Join(fmt.Errorf("the server did not start:\n%s", raw), err, p.kill())
}

// stop ends the server as an operator does.
func (w *town) stop() {
	w.t.Helper()
	must(w.t, w.server.cmd.Process.Signal(os.Interrupt))
	<-w.server.drained
	must(w.t, w.server.cmd.Wait())
}

// peak is the most memory that a process ever held, in bytes, as the kernel says.
func (p *process) peak(t testing.TB) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	must(t, err)
	_, rest, ok := strings.Cut(string(raw), "VmHWM:")
	if !ok {
		t.Fatalf("no VmHWM in\n%s", raw)
	}
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	must(t, err)
	return kb << 10
}

// field is a device: a plain file, so that any tool can look into it.
type field struct {
	w           *town
	login, file string
	saved       []uint64 // numbers of the changes that the program called saved
	made        []string // ids of rows that a statement wrote, committed
}

func (w *town) enrol(login string) *field {
	w.t.Helper()
	return w.enrolIn(w.dir, login)
}

func (w *town) enrolIn(dir, login string) *field {
	w.t.Helper()
	f := &field{w: w, login: login, file: filepath.Join(dir, login+".db")}
	f.must("enrol", "--plain", "--server", "http://"+w.net.address(), "--code", w.minqing("device", "invite", "--user", login, "--plain"))
	f.sync()
	return f
}

func (f *field) must(args ...string) string {
	f.w.t.Helper()
	out, err := f.try(args...)
	if err != nil {
		f.w.t.Fatal(f.login, err)
	}
	return out
}

func (f *field) try(args ...string) (string, error) {
	return f.w.try("minqing-field", append(args, "--file", f.file)...)
}

func (f *field) spawn(args ...string) *process {
	f.w.t.Helper()
	p, err := f.w.spawn("minqing-field", append(args, "--file", f.file)...)
	must(f.w.t, err)
	return p
}

// note remembers what a program printed as saved.
func (f *field) note(out string) {
	if _, rest, ok := strings.Cut(out, "已存在本机（第 "); ok {
		if n, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64); err == nil {
			f.saved = append(f.saved, n)
		}
	}
}

// sync syncs, which must go through.
func (f *field) sync() string {
	f.w.t.Helper()
	out := f.must("sync")
	if strings.Contains(out, "没有网") || strings.Contains(out, "没传完") {
		f.w.t.Fatalf("%s: a sync with a network did not complete: %s", f.login, out)
	}
	return out
}

// equal proves the device equal to the server's state restricted to it, bucket by bucket, and returns how many buckets.
func (f *field) equal() int {
	f.w.t.Helper()
	mine, theirs := strings.TrimSpace(f.must("verify", "--digests")), f.w.minqing("device", "digests", "--user", f.login)
	if mine != theirs || mine == "" {
		f.w.t.Fatalf("%s differs from the server:\ndevice:\n%s\nserver:\n%s", f.login, mine, theirs)
	}
	return strings.Count(mine, "\n") + 1
}

// query reads a column of text from a database file that may be in use.
func query(t testing.TB, path, q string, args ...any) (out []string) {
	t.Helper()
	db, err := sqlitex.Open(sqlitex.Options{Path: path, MustExist: true})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	rows, err := db.Read.QueryContext(t.Context(), q, args...)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var s sql.NullString
		must(t, rows.Scan(&s))
		out = append(out, s.String)
	}
	must(t, rows.Err())
	return out
}

// sound checks a database as a crash left it, on a copy: the real one is for the program to recover. Nobody may have it open.
func sound(t testing.TB, path string) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) && suffix != "" {
			continue
		}
		must(t, err)
		must(t, os.WriteFile(copied+suffix, raw, 0o600))
	}
	db, err := sqlitex.Open(sqlitex.Options{Path: copied, MustExist: true})
	must(t, err)
	if err := errors.Join(db.IntegrityCheck(t.Context()), db.Close()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(copied + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
