// Command minqing-demo builds the two programs and tells the main job with them as a story.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"minqing/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	opt := demo.Options{Out: os.Stdout}
	flag.StringVar(&opt.Dir, "dir", filepath.Join("bin", "demo"), "where the story keeps its files")
	flag.BoolVar(&opt.Fresh, "fresh", false, "start over")
	flag.BoolVar(&opt.NoServe, "no-serve", false, "end after the proof instead of keeping the server up")
	flag.Parse()
	fmt.Println("编译两个程序…… Building the two programs…")
	for program, pkg := range map[*string]string{&opt.Server: "./server/cmd/minqing", &opt.Field: "./mobile-client/cmd/minqing-field"} {
		*program = filepath.Join("bin", filepath.Base(pkg))
		if runtime.GOOS == "windows" {
			*program += ".exe"
		}
		build := exec.CommandContext(ctx, "go", "build", "-o", *program, pkg)
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("go build %s: %w", pkg, err)
		}
	}
	return demo.Run(ctx, opt)
}
