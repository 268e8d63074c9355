//go:build !linux

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

func unnamed(string, fs.FileMode) (*os.File, string, error) { return nil, "", errors.ErrUnsupported }

func link(*os.File, string) error { return errors.ErrUnsupported }
