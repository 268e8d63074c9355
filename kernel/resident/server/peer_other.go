//go:build !linux

package server

import "net"

// sameUser relies on the permissions of the socket and its folder.
func sameUser(net.Conn) error { return nil }
