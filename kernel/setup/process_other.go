//go:build !linux

package setup

import "syscall"

// ownGroup keeps Ctrl-C from the server, which we end ourselves with its kernels.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
