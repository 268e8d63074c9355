package cell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"odslab/kernel/runtime/contract"
)

// settle puts the files that a finished save has written in place of the old
// ones. What a save that was cut short has left goes: its cell has changed
// nothing.
func (s *Session) settle(n int, now contract.Saved) error {
	var first error
	for _, g := range now.Groups {
		file := filepath.Join(s.opt.KeepDir, g.File)
		err := replace(file)
		if errors.Is(err, os.ErrNotExist) { // as it was loaded, and not written again
			_, err = os.Stat(file)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("what cell %d kept can't be put in its place: %w", n, err)
		}
	}
	for _, pattern := range []string{"*" + contract.KeptSuffix + contract.NewSuffix, "*" + contract.KeptSuffix + oldSuffix, contract.SavedFile + contract.TmpSuffix + "*"} {
		left, _ := filepath.Glob(filepath.Join(s.opt.KeepDir, pattern))
		for _, file := range left {
			os.Remove(file)
		}
	}
	return first
}

// replace puts a new file in place of the old one, which waits aside meanwhile: over one that exists, ext4 does not
// rename before it has begun to write the new one out to the disk, some milliseconds for each 8 MB.
func replace(file string) error {
	if _, err := os.Stat(file + contract.NewSuffix); err != nil {
		return err
	}
	if err := os.Rename(file, file+oldSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := os.Rename(file+contract.NewSuffix, file)
	if err != nil {
		_ = os.Rename(file+oldSuffix, file) // as it was
		return err
	}
	os.Remove(file + oldSuffix)
	return nil
}

// oldSuffix is behind the name of a file whose place another is about to take.
const oldSuffix = ".old"
