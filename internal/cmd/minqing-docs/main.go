// Minqing-docs writes the reference pages that are derived from the rule book. `./task docs` runs it in the root of the
// repository; a test of schema holds the committed pages to it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"minqing/schema"
)

func main() {
	dir := "docs"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "minqing-docs:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, lang := range map[string]schema.Lang{"SCHEMA.md": schema.EN, "SCHEMA.zh.md": schema.ZH} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(schema.Reference(schema.Minqing(), lang)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
