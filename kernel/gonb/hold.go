package gonb

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"odslab/kernel/runtime/contract"
)

// Hold puts the program of the run at work at path, from where it can be started
// again, and returns the environment and the folder that GoNB runs it in, without
// what leads back to GoNB. It is for callbacks of the run.
func (c *Child) Hold(path string) (env []string, dir string, err error) {
	if err := os.Link(c.next(), path); err != nil {
		return nil, "", err
	}
	env = slices.Concat(c.cmd.Env, c.env)
	for _, name := range []string{contract.EnvError, contract.EnvGrace, contract.EnvStdin, contract.EnvOrder, contract.EnvPrints} {
		env = append(env, name+"=")
	}
	dir, err = os.Readlink(filepath.Join("/proc", strconv.Itoa(c.PID()), "cwd")) // where %cd has led
	if err != nil {
		dir = ""
	}
	return env, dir, nil
}
