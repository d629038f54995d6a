package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"minqing/internal/testenv"
)

// TestAdminScripts runs the administrator's commands as people do, with phones at work: on SQLite and on PostgreSQL, each against a running
// server and against a stopped one. Scripts name the server's folder srv; MINQING_DB says where its database is.
func TestAdminScripts(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: "testdata/admin", RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
					env.Setenv("TZ", elsewhere)
					env.Setenv("MINQING_DB", "")
					env.Setenv("OTHER_DB", "")
					if database == "postgres" {
						env.Setenv("MINQING_DB", testenv.MustRelaxedPostgres(t))
						env.Setenv("OTHER_DB", testenv.MustRelaxedPostgres(t))
					}
					return os.WriteFile(filepath.Join(env.WorkDir, "reg.csv"), []byte(adminRegister), 0o600)
				},
				Condition: func(cond string) (bool, error) {
					if cond != "on:postgres" {
						return false, fmt.Errorf("no such condition: %s", cond)
					}
					return database == "postgres", nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"city": foundCity, "serve": serve, "stop": stopServing, "invite": invite, "phone": phoneOf, "capture": capture, "fill": fill,
				},
			})
		})
	}
}

const adminRegister = `户号,小组,户主,住址,姓名,性别,与户主关系
H1,一组,王一,东街1号,王一,男,户主
H1,一组,王一,东街1号,李二,女,妻
H2,一组,张三,东街2号,张三,男,户主
H3,二组,赵四,西街3号,赵四,男,户主
`

// minqingIn runs an administrator's command that must go well and gives what it printed.
func minqingIn(ts *testscript.TestScript, args ...string) string {
	cmd := exec.Command(filepath.Join(firstPath(ts), "minqing"), append(args, "--data", ts.MkAbs("srv"), "--db", ts.Getenv("MINQING_DB"))...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("minqing %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// foundCity founds a city with a village of three households, a secretary, and two cadres: zhao with H1 and H2, qian with H2.
func foundCity(ts *testscript.TestScript, _ bool, _ []string) {
	for _, line := range []string{
		"init --city 临江市 --code 990000 --login he --name 何",
		"place --under 990000 --level township --code 990102 --name 白鹭镇",
		"place --under 990102 --level village --code 990102003004 --name 青石村",
		"import --village 990102003004 " + ts.MkAbs("reg.csv"),
		"user add --login zhou --name 周 --role secretary --over 990102003004",
		"user add --login zhao --name 赵 --role cadre --over 990102003004",
		"user add --login qian --name 钱 --role cadre --over 990102003004",
		"assign --user zhao --team cadre --households H1,H2",
		"assign --user qian --team member --households H2",
	} {
		minqingIn(ts, strings.Fields(line)...)
	}
}

// stopServing ends the server as an operator does and wants it to end well.
func stopServing(ts *testscript.TestScript, _ bool, _ []string) {
	s, ok := servers.LoadAndDelete(ts)
	if !ok {
		ts.Fatalf("no server runs")
	}
	cmd := s.(*exec.Cmd)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	ts.Check(cmd.Wait())
}

// phoneOf LOGIN enrols a phone and syncs it.
func phoneOf(ts *testscript.TestScript, _ bool, args []string) {
	code := strings.TrimSpace(minqingIn(ts, "device", "invite", "--user", args[0], "--plain"))
	for _, words := range [][]string{{"enrol", "--server", ts.Getenv("SERVER"), "--code", code, "--plain"}, {"sync"}} {
		cmd := exec.Command(filepath.Join(firstPath(ts), "minqing-field"), append(words, "--file", ts.MkAbs(args[0]+".db"))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			ts.Fatalf("minqing-field %s: %v\n%s", words[0], err, out)
		}
	}
}

// capture NAME REGEXP sets a variable to the first group of a match in the last output.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// fill FILE TEXT writes a text a million times into a new file.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	const n = 1 << 20
	if _, err := os.Stat(ts.MkAbs(args[0])); !errors.Is(err, fs.ErrNotExist) {
		ts.Fatalf("%s is there", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(args[1]), n), 0o600))
}
