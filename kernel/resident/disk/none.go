//go:build !cgo || noxla

package disk

import (
	"os"

	"odslab/kernel/diskcache"
)

// Programs are XLA's compiled programs on disk; this build has no XLA.
type Programs struct {
	Cache *diskcache.Cache
	Sum   string
}

// Install does nothing.
func (p *Programs) Install(plugin string, file *os.File) error { return nil }

// Loaded is 0.
func (p *Programs) Loaded() int { return 0 }
