//go:build !resident

package engine

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
)

func openPlugin(plugin string, cuda bool) (be compute.Backend, err error) {
	if OpenXLA == nil {
		return nil, fmt.Errorf("XLA is not linked in (import _ \"odslab/odslib/engine/xla\", which needs a C compiler)")
	}
	if err := checkPlugin(plugin); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			be, err = nil, fmt.Errorf("plugin %s: %v", filepath.Base(plugin), r)
		}
	}()
	be, err = OpenXLA(plugin, cuda)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %s", filepath.Base(plugin), firstLine(err))
	}
	return be, nil
}

// checkPlugin refuses what the dynamic loader would crash on: junk and truncated files.
func checkPlugin(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("no plugin at %s; run: go run ./kernel setup", path)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return fmt.Errorf("%s is no file; run: go run ./kernel setup", path)
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is not a shared library (%v); run: go run ./kernel setup", path, err)
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > uint64(info.Size()) {
			return fmt.Errorf("%s is truncated; run: go run ./kernel setup", path)
		}
	}
	return nil
}
