package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"odslab/kernel/trace"
)

// Link is what a program can be compiled and linked from without the go command,
// which takes as long again to find out that nothing has changed. The zero value
// is nothing.
type Link struct {
	Tools  string    // folder of the compiler and the linker
	Config string    // file of the compiler's -importcfg
	Key    string    // covers Go's version and settings, and the modules
	Since  time.Time // when the export data in Config was current
	Module string    // folder of the go.mod to build in, where it is not that of all cells
}

// Settled is how old sources must be when they are read: file times are coarse,
// and a second change within one tick would leave no trace.
const Settled = 2 * time.Second

// Current reports whether sources that were last changed then are those that the
// export data was made of.
func (l Link) Current(changed time.Time) bool {
	return l.Config != "" && changed.Before(l.Since.Add(-Settled))
}

// Build makes the binary to of the files of package main, as the go command would
// with BuildFlags. start changes the commands before they start.
func (l Link) Build(ctx context.Context, to string, files []string, start func(*exec.Cmd)) error {
	object := to + ".a"
	defer os.Remove(object)
	for _, args := range [][]string{
		slices.Concat([]string{"compile"}, compilerFlags, []string{"-p", "main", "-complete", "-pack", "-importcfg", l.Config, "-o", object}, files),
		{"link", "-s", "-importcfg", l.Config, "-o", to, object},
	} {
		cmd := exec.CommandContext(ctx, filepath.Join(l.Tools, args[0]), args[1:]...)
		start(cmd)
		// Both are done before their garbage is worth collecting.
		cmd.Env = append(cmd.Env, "GOGC=off", "GOMEMLIMIT=1GiB")
		end := trace.Span(args[0])
		err := cmd.Run()
		if end(); err != nil {
			return err
		}
	}
	return nil
}
