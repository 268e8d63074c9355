package jupyter

import "syscall"

// ownGroup keeps Ctrl-C at a terminal from the kernel, and tells it to end when
// this process dies before it has begun to watch that by itself.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
