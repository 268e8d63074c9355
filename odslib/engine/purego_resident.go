//go:build resident

package engine

import (
	"fmt"

	"github.com/gomlx/compute"
)

// pureGo is left out of cells that compute in a resident process: the linker would spend a third of its time on it.
func pureGo() (compute.Backend, error) {
	return nil, fmt.Errorf("the pure-Go engine is not linked into cells that compute in the resident process; start the kernel with %s=go", EnvEngine)
}

// openPlugin is the resident process's as well.
func openPlugin(string, bool) (compute.Backend, error) {
	return nil, fmt.Errorf("the resident process opens plugins; start the kernel with %s=go to do without", EnvEngine)
}

// caching is left to the resident process.
func caching(be compute.Backend) (compute.Backend, error) { return be, nil }
