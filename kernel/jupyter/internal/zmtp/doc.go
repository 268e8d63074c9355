// Package zmtp speaks ZMTP 3.0 with the NULL mechanism over TCP and Unix
// sockets: as much of ZeroMQ as the Jupyter protocol uses.
//
// A [Listener] accepts peers as ROUTER, PUB or REP and hands their messages to
// a callback; a [Conn] is one peer, dialled as DEALER, SUB or REQ or accepted
// by a Listener. Every Conn owns a queue and a writing goroutine, so that one
// stalled peer holds up nobody.
//
// It is own code, because the kernel's ports are open to whoever can reach them
// before any signature is checked: github.com/go-zeromq/zmq4 v0.17 allocates
// what a frame header claims (and panics above the address space), lets one
// silent peer hold up all others in its accept loop, and hides the
// subscriptions that iopub_welcome must answer. The tests run both against each
// other.
//
// Reference: https://rfc.zeromq.org/spec/23/ (ZMTP 3.0).
package zmtp
