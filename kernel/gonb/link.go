package gonb

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Link says what a program can be compiled and linked from without the go
// command; the zero value: nothing.
type Link struct {
	Tools  string    // folder of the compiler and the linker
	Config string    // file of the compiler's -importcfg
	Since  time.Time // when the export data in it was current
}

// settle is how old sources must be when they are read: file times are coarse.
const settle = 2 * time.Second

// current reports whether no source has changed since the export data was made.
func (l Link) current(changed time.Time) bool {
	return l.Config != "" && changed.Before(l.Since.Add(-settle))
}

// link calls the compiler and the linker as the go command would, without its
// look at every package: half of the time that go build takes. Where that is not
// to be had, or does not work, it reports false and the go command is asked,
// which knows what to say.
func (c *Child) link(ctx context.Context, from Link, to string, files []string) bool {
	object := to + ".a"
	defer os.Remove(object)
	for _, args := range [][]string{
		slices.Concat([]string{"compile", "-p", "main", "-complete", "-pack", "-importcfg", from.Config, "-o", object}, files),
		{"link", "-s", "-importcfg", from.Config, "-o", to, object},
	} {
		cmd := exec.CommandContext(ctx, filepath.Join(from.Tools, args[0]), args[1:]...)
		cmd.Dir, cmd.Env = c.path("next"), c.cmd.Env
		DeathSignal(cmd)
		if cmd.Run() != nil {
			return false
		}
	}
	return true
}
