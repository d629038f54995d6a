package demo_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/demo"
)

// The story holds with the real programs, the first time and when it goes on.
func TestStory(t *testing.T) {
	dir := t.TempDir()
	opt := demo.Options{Dir: filepath.Join(dir, "story"), NoServe: true}
	for program, pkg := range map[*string]string{&opt.Server: "minqing/server/cmd/minqing", &opt.Field: "minqing/mobile-client/cmd/minqing-field"} {
		*program = filepath.Join(dir, filepath.Base(pkg))
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", *program, pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, out)
		}
	}
	var first bytes.Buffer
	opt.Out = &first
	if err := demo.Run(t.Context(), opt); err != nil {
		t.Fatalf("%v\n%s", err, first.String())
	}
	for _, want := range []string{"没有变化，系统里本来就是这样", "已合并", "等决定", "晚到", "管理员定了，采用您写的", "三部手机都与服务器相等"} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("the story does not tell “%s”:\n%s", want, first.String())
		}
	}
	var second bytes.Buffer
	opt.Out = &second
	if err := demo.Run(t.Context(), opt); err != nil {
		t.Fatalf("the second run: %v\n%s", err, second.String())
	}
	if !strings.Contains(second.String(), "三部手机都与服务器相等") {
		t.Errorf("the second run does not end with the proof:\n%s", second.String())
	}
}
