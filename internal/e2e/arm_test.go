package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// armLoader stands in for Android's linker: a program for Android without cgo asks for a loader and links nothing.
const armLoader = "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1"

// arm gives the words before minqing-field's own that run it on an arm64 system: natively there, under qemu elsewhere.
func arm(t *testing.T, system string) []string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "minqing-field")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "minqing/mobile-client/cmd/minqing-field")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build for %s/arm64: %v\n%s", system, err, out)
	}
	var words []string
	loader := armLoader
	if runtime.GOARCH == "arm64" {
		loader = "/lib/ld-linux-aarch64.so.1"
	} else {
		qemu, err := exec.LookPath("qemu-aarch64-static")
		if err != nil {
			if qemu, err = exec.LookPath("qemu-aarch64"); err != nil {
				t.Fatalf("%v; ./task setup installs it", err)
			}
		}
		words = append(words, qemu)
	}
	if system == "android" {
		words = append(words, loader)
	}
	return append(words, bin)
}

// The program for 64-bit ARM, of a Linux and of a phone, does a cadre's day against a real server: it is enrolled, works without a
// network, syncs, forgets a household, and holds what the server says it should. On the phone nothing of a desktop's is set: no home,
// no folder for temporary files, no zone but the one handed over.
func TestArmProgramsDoADay(t *testing.T) {
	for _, system := range []string{"linux", "android"} {
		t.Run(system, func(t *testing.T) {
			w := mustTown(t, ownHouses)
			w.cadre("ann", 0)
			words := arm(t, system)
			file := filepath.Join(w.dir, "arm.db")
			run := func(args ...string) string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), words[0], append(append(words[1:len(words):len(words)], args...), "--file", file)...)
				cmd.Env = []string{"MINQING_FIELD_PIN=4711"}
				cmd.Dir = w.dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
				return string(out)
			}
			says := func(out string, words ...string) {
				t.Helper()
				for _, want := range words {
					if !strings.Contains(out, want) {
						t.Errorf("“%s” is not in:\n%s", want, out)
					}
				}
			}
			equal := func() {
				t.Helper()
				mine, theirs := strings.TrimSpace(run("verify", "--digests")), w.minqing("device", "digests", "--user", "ann")
				if mine != theirs || mine == "" {
					t.Errorf("the device holds\n%s\nand should hold\n%s", mine, theirs)
				}
			}
			code := w.minqing("device", "invite", "--user", "ann", "--plain")
			says(run("enrol", "--server", "http://"+w.net.address(), "--code", code), "现在是ann的")
			says(run("sync"), "收到")
			equal()
			w.net.cutAfter(up, 0)
			says(run("visit", "--household", house(0), "--met", "户主", "--task", "listen", "--text", "水沟堵了。", "--submit"), "已存在本机（第 1 条）")
			says(run("matter", "--household", house(1), "--kind", "difficulty", "--title", "自来水断续"), "已存在本机")
			says(run("edit", "household", house(2), "note=雨天进水", "tags+=empty_nest"), "已存在本机")
			says(run("sync"), "没有网，3 条")
			says(run("status"), "3 条未上传")
			w.net.heal()
			says(run("sync"), "传出 3 条", "第 1 条（走访、民情工作日志）：已上传")
			says(run("households"), house(0), "上次走访")
			equal()
			w.minqing("assign", "--user", "ann", "--end", "--households", house(2))
			says(run("sync"), "不再归您联系")
			if out := run("households"); strings.Contains(out, house(2)) {
				t.Errorf("what was taken away is still there:\n%s", out)
			}
			equal()
			says(w.minqing("device", "list"), system+"/arm64")
			says(w.minqing("stats"), "走访")
			raw, err := os.ReadFile(file)
			must(t, err)
			if strings.HasPrefix(string(raw), "SQLite format") {
				t.Error("the file is not encrypted")
			}
		})
	}
}
