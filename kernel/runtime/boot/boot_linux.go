package boot

import (
	"os"
	"syscall"

	"odslab/kernel/runtime/contract"
)

const prSetPdeathsig = 1

func init() {
	path := os.Getenv(contract.EnvStdin)
	if path == "" {
		return // an ordinary program, not a cell
	}
	// The main thread runs init, and lives as long as the program.
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) == nil {
		syscall.Dup3(fd, 0, 0)
	}
}
