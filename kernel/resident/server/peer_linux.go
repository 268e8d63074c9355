package server

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// sameUser refuses a peer of another user, should the socket's folder let one through.
func sameUser(nc net.Conn) error {
	u, ok := nc.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("a %T is no Unix socket", nc)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var inner error
	if err := raw.Control(func(fd uintptr) {
		peer, inner = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if inner != nil {
		return inner
	}
	if int(peer.Uid) != os.Getuid() {
		return fmt.Errorf("user %d is not the owner of this process", peer.Uid)
	}
	return nil
}
