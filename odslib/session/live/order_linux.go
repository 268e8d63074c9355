package live

import (
	"syscall"
	"unsafe"
)

// unread is how many bytes lie in the pipe at fd; 0 for what is no pipe.
func unread(fd int) int {
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return 0
	}
	const fionread = 0x541b
	var n int32
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), fionread, uintptr(unsafe.Pointer(&n))); e != 0 {
		return 0
	}
	return int(n)
}
