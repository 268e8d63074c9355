package resident

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/gomlx/compute"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// refusal is an error of the resident process.
type refusal struct{ wire.Failure }

func (r *refusal) Error() string { return r.Msg }

// Is keeps the mark that the array library looks for.
func (r *refusal) Is(target error) bool {
	return r.NotImplemented && target == compute.ErrNotImplemented
}

func failure(d *record.Dec) error {
	f := wire.DecFailure(d)
	if f.Op >= 0 {
		return &record.OpError{Op: f.Op, Err: &refusal{*f}}
	}
	return &refusal{*f}
}

func dial(socket string) (*wire.Conn, error) {
	if socket == "" {
		return nil, errors.New("resident: no socket is named")
	}
	nc, err := connect(socket)
	if err != nil {
		return nil, gone(err)
	}
	return wire.NewConn(nc), nil
}

// connect is net.Dial for a Unix socket: the linker would spend as long on that package as on all of the cell's own.
func connect(socket string) (*os.File, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for {
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket})
		if err != syscall.EINTR {
			break
		}
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true) // so that reads wait with Go's poller
	}
	if err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return os.NewFile(uintptr(fd), socket), nil
}

// gone says in one line that there is no resident process.
func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return errors.New("the resident process has ended; run the cell again, a new one will be there")
	}
	return fmt.Errorf("resident process: %w", err)
}

// exchange is one request and its answer. read gets the answer's payload, which is valid during the call.
func exchange(c *wire.Conn, kind byte, payload, bulk, dst []byte, read func(*record.Dec) error) error {
	if err := c.Send(kind, payload, bulk); err != nil {
		return gone(err)
	}
	status, answer, err := c.Recv(func(byte, []byte, uint64) ([]byte, error) { return dst, nil })
	if err != nil {
		return gone(err)
	}
	d := &record.Dec{B: answer}
	if status != contract.AnswerOK {
		err = failure(d)
	} else if read != nil {
		err = read(d)
	}
	if d.Err != nil {
		return d.Err
	}
	return err
}

// call does one request over a connection of its own. Handles dropped since the last one go in front.
func (b *Backend) call(kind byte, fill func(*record.Enc), bulk, dst []byte, read func(*record.Dec) error) error {
	c, err := b.connection()
	if err != nil {
		return err
	}
	e := &record.Enc{B: make([]byte, 0, 256)}
	b.mu.Lock()
	e.Uint(uint64(len(b.dropped)))
	for _, h := range b.dropped {
		e.Uint(h)
	}
	b.dropped = b.dropped[:0]
	b.mu.Unlock()
	if fill != nil {
		fill(e)
	}
	err = exchange(c, kind, e.B, bulk, dst, read)
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		c.Close() // out of step
		return err
	}
	b.mu.Lock()
	b.pool = append(b.pool, c)
	b.mu.Unlock()
	return err
}

func (b *Backend) connection() (*wire.Conn, error) {
	b.mu.Lock()
	if b.finalized {
		b.mu.Unlock()
		return nil, errFinalized
	}
	if n := len(b.pool); n > 0 {
		c := b.pool[n-1]
		b.pool = b.pool[:n-1]
		b.mu.Unlock()
		return c, nil
	}
	b.mu.Unlock()
	c, err := dial(b.socket)
	if err != nil {
		return nil, err
	}
	e := &record.Enc{}
	e.Uint(b.lease)
	if err := exchange(c, contract.AskAttach, e.B, nil, nil, nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// drop queues a handle that is no longer used.
func (b *Backend) drop(handle uint64) {
	b.mu.Lock()
	b.dropped = append(b.dropped, handle)
	b.mu.Unlock()
}
