package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"minqing/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"minqing": main})
}

// onPostgres are the scripts run on PostgreSQL as well.
var onPostgres = map[string]bool{"first.txtar": true, "lists.txtar": true}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run("sqlite/"+name, func(t *testing.T) { runScript(t, file, nil) })
		if onPostgres[name] {
			t.Run("postgres/"+name, func(t *testing.T) {
				runScript(t, file, []string{"MINQING_DB=" + testenv.MustRelaxedPostgres(t), "OTHER_DB=" + testenv.MustRelaxedPostgres(t)})
			})
		}
	}
}

func runScript(t *testing.T, file string, env []string) {
	testscript.Run(t, testscript.Params{Files: []string{file}, RequireExplicitExec: true, Setup: func(e *testscript.Env) error {
		e.Setenv("MINQING_DB", "")
		e.Setenv("OTHER_DB", "")
		for _, pair := range env {
			name, value, _ := strings.Cut(pair, "=")
			e.Setenv(name, value)
		}
		return nil
	}, Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"capture": capture}})
}

// capture NAME REGEXP sets an environment variable to the first group of a match in the last output.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], m[1])
}
