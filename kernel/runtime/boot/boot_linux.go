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
	// What GoNB reads it makes JSON of piece by piece, and breaks characters.
	// Where the kernel takes no numbers out, GoNB writes the prints to a file.
	if dir := os.Getenv(contract.EnvPrints); dir != "" && syscall.Access(os.Getenv(contract.EnvOrder), 0) == nil {
		for fd, name := range []string{1: "/1", 2: "/2"} {
			if name == "" {
				continue
			}
			if p, err := syscall.Open(dir+name, syscall.O_WRONLY|syscall.O_CLOEXEC, 0); err == nil {
				syscall.Dup3(p, fd, 0)
				syscall.Close(p)
			}
		}
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) == nil {
		syscall.Dup3(fd, 0, 0)
	}
}
