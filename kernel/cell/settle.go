package cell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// settle puts the files that a finished save has written in place of the old
// ones. What a save that was cut short has left goes: its cell has changed
// nothing.
func (s *Session) settle(n int, now saved) error {
	var first error
	for _, g := range now.Groups {
		file := filepath.Join(s.opt.KeepDir, g.File)
		err := os.Rename(file+newSuffix, file)
		if errors.Is(err, os.ErrNotExist) { // as it was loaded, and not written again
			_, err = os.Stat(file)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("what cell %d kept can't be put in its place: %w", n, err)
		}
	}
	for _, pattern := range []string{"*.val" + newSuffix, "saved.json.tmp*"} {
		left, _ := filepath.Glob(filepath.Join(s.opt.KeepDir, pattern))
		for _, file := range left {
			os.Remove(file)
		}
	}
	return first
}

// newSuffix is what package live puts behind the name of a file until all of
// its save is written.
const newSuffix = ".new"
