package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// compiler is the C compiler that cgo, and so XLA, needs.
func compiler() (string, error) {
	if os.Getenv("CGO_ENABLED") == "0" {
		return "", errors.New("CGO_ENABLED=0 switches C off")
	}
	// The go command looks for these and no others.
	name := "gcc"
	if runtime.GOOS == "darwin" {
		name = "clang"
	}
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		name = cc[0]
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no C compiler (%s) on PATH", name)
	}
	return p, nil
}

func noCompiler() bool {
	_, err := compiler()
	return err != nil
}

// tryCompiler compiles one line of C: gcc without the C library's headers is common.
func tryCompiler(ctx context.Context) (string, error) {
	cc, err := compiler()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "odslab-cc-") // doctor asks without the lock, and a set-up sweeps the cache's work
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	src := filepath.Join(dir, "try.c")
	if err := os.WriteFile(src, []byte("#include <stdlib.h>\n#include <dlfcn.h>\nint main(void) { return dlopen(0, 1) == 0; }\n"), 0o644); err != nil {
		return "", err
	}
	if err := run(ctx, command{Args: []string{cc, src, "-o", filepath.Join(dir, "try"), "-ldl"}}); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("the C compiler %s does not work (%s): are the C library's headers there?", cc, lineOf(err))
	}
	return cc, nil
}
