//go:build !linux

package jupyter

import "syscall"

// ownGroup keeps Ctrl-C at a terminal from the kernel.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
