package setup

import "syscall"

// ownGroup keeps Ctrl-C from the server, which we end ourselves with its
// kernels, and ends it too when this process is killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
