package notebook

import (
	"context"
	"fmt"
	"path/filepath"

	"odslab/kernel/jupyter"
)

// Command says how a kernel is started. "{connection_file}" in Argv stands for
// the file that tells it its ports.
type Command struct {
	Argv []string
	Env  []string // KEY=VALUE, added to the environment of this process
}

// client is what a run needs of a kernel.
type client interface {
	Execute(ctx context.Context, code string, opts jupyter.ExecuteOptions) (*jupyter.Reply, error)
	Interrupt() error
	Shutdown(ctx context.Context) error
}

var _ client = (*jupyter.Client)(nil)

// start starts a kernel that works in dir, as Jupyter does with the folder of
// the notebook, so that a cell finds the files beside it.
func (k Command) start(ctx context.Context, dir string) (client, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// The shell changes folder and becomes the kernel.
	argv := append([]string{"/bin/sh", "-c", `cd -- "$1" && shift && exec "$@"`, "sh", dir}, k.Argv...)
	c, err := jupyter.Launch(ctx, argv, k.Env)
	if err != nil {
		return nil, fmt.Errorf("the kernel does not start: %w", err)
	}
	return c, nil
}
