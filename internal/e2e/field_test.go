package e2e_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"minqing/schema"
)

// TestFieldScripts runs the field's commands as people do, against a real server.
func TestFieldScripts(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/field",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TZ", elsewhere)
			env.Values[browserKey{}] = &window{}
			awaitMonth()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serve": serve, "invite": invite, "browse": browse, "page": page,
			"stranger": stranger},
	})
}

// awaitMonth waits while a month is about to end where the scripts are: the pages count what was done in one, and a script may not lie in two.
func awaitMonth() {
	const script = 3 * time.Minute
	for now := time.Now().In(schema.CityZone); now.Add(script).Month() != now.Month(); now = time.Now().In(schema.CityZone) {
		time.Sleep(time.Second)
	}
}

// servers are the running ones, script by script.
var servers sync.Map // *testscript.TestScript → *exec.Cmd

// serve starts a server on the data folder srv and sets SERVER to its address; it ends with the script.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	cmd := exec.Command(filepath.Join(firstPath(ts), "minqing"), append([]string{"serve", "--data", ts.MkAbs("srv"), "--db", ts.Getenv("MINQING_DB"), "--listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	var log bytes.Buffer
	cmd.Stderr = &log
	ts.Check(cmd.Start())
	servers.Store(ts, cmd)
	ts.Defer(func() {
		if _, runs := servers.LoadAndDelete(ts); !runs {
			return
		}
		ts.Check(cmd.Process.Signal(os.Interrupt))
		if err := cmd.Wait(); err != nil {
			ts.Logf("the server ended with %v\n%s", err, log.String())
		}
	})
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if at := strings.Index(lines.Text(), "http://"); at >= 0 {
				select {
				case found <- strings.TrimRight(strings.Fields(lines.Text()[at:])[0], "/"):
				default:
				}
			}
		}
	}()
	select {
	case url := <-found:
		ts.Setenv("SERVER", url)
	case <-time.After(patience):
		ts.Fatalf("the server did not say where it listens")
	}
}

// invite sets CODE to an enrolment code for a user.
func invite(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv("CODE", strings.TrimSpace(minqingIn(ts, "device", "invite", "--user", args[0], "--plain")))
}

func firstPath(ts *testscript.TestScript) string {
	dir, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	return dir
}
