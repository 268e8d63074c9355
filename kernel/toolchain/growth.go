package toolchain

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sizes that set-up asks room for, in bytes.
const (
	toolRoom   = 64 << 20  // the largest linked program
	pluginRoom = 205 << 20 // the plugin, unpacked
	wheelRoom  = 65 << 20  // the wheel it comes in
)

// errNoRoom marks the one-line error of a cache that cannot grow.
var errNoRoom = errors.New("cannot grow")

// growth turns the many ways in which the system says that no more can be
// written into one line; other errors pass through.
func (l Layout) growth(err error) error {
	if err == nil || errors.Is(err, errNoRoom) {
		return err
	}
	var why, mend string
	text := err.Error()
	switch {
	case errors.Is(err, syscall.EFBIG) || strings.Contains(text, "ile size limit exceeded") || strings.Contains(text, "ile too large"):
		why, mend = "a file reached the limit of `ulimit -f`", "raise it (`ulimit -f unlimited`)"
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(text, "o space left on device"):
		why, mend = "the disk is full", "free some space"
	case errors.Is(err, syscall.EDQUOT) || strings.Contains(text, "uota exceeded"):
		why, mend = "the disk quota is used up", "free some space"
	case errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR):
		why, mend = "it cannot be written: "+text, "change its owner"
	default:
		return err
	}
	return fmt.Errorf("the cache %s %w: %s; %s, or set ODSLAB_CACHE to another folder, and start again", l.Root, errNoRoom, why, mend)
}

// room says beforehand that a file of this size cannot be written: a limit
// that is met in the middle of a build is reported far less clearly.
func (l Layout) room(bytes int64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err == nil && limit.Cur < uint64(bytes) {
		return l.growth(fmt.Errorf("%w (%s a file, %s needed)", syscall.EFBIG, sizeText(int64(limit.Cur)), sizeText(bytes)))
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(l.Root, &disk); err == nil && int64(disk.Bavail)*int64(disk.Bsize) < bytes {
		return l.growth(syscall.ENOSPC)
	}
	return nil
}

// sizeText writes bytes as people read them.
func sizeText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
