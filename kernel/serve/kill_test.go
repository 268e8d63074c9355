package serve

import "syscall"

func kill9(pid int)     { syscall.Kill(pid, syscall.SIGKILL) }
func terminate(pid int) { syscall.Kill(pid, syscall.SIGTERM) }
func interrupt(pid int) { syscall.Kill(pid, syscall.SIGINT) }
