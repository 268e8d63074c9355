package server

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// connection is one socket of a client.
type connection struct {
	s     *Server
	c     *wire.Conn
	l     *lease
	watch bool // its end is the end of the lease

	flat any   // the array that arrived with a request
	full error // why it was not taken
}

func (s *Server) serve(c *wire.Conn) {
	k := &connection{s: s, c: c}
	defer func() {
		if recover() != nil { // what one peer sends ends nothing for the others
			s.refuse()
		}
		c.Close()
		if k.watch {
			s.endLease(k.l)
		}
	}()
	for {
		k.flat, k.full = nil, nil
		kind, payload, err := c.Recv(k.place)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.refuse()
			}
			return
		}
		var e record.Enc
		bulk, err := k.answer(kind, payload, &e)
		status := byte(contract.AnswerOK)
		if err != nil {
			e, bulk, status = record.Enc{}, nil, contract.AnswerFailed
			failureOf(err).Enc(&e)
		}
		if err := c.Send(status, e.B, bulk); err != nil {
			return
		}
		if errors.Is(err, record.ErrCode) || k.l == nil {
			s.refuse()
			return
		}
	}
}

// place makes room for the array of a FromHost request, within the quota.
func (k *connection) place(kind byte, payload []byte, n uint64) ([]byte, error) {
	if kind != contract.AskFromHost || k.l == nil {
		return nil, wire.ErrFrame
	}
	d := &record.Dec{B: payload}
	for range d.Count() { // dropped handles
		d.Uint()
	}
	d.Int() // device
	shape := record.DecShape(d)
	if d.Err != nil || !shape.Ok() || shape.IsDynamic() || slices.ContainsFunc(shape.Dimensions, func(n int) bool { return n < 0 }) {
		return nil, wire.ErrFrame
	}
	if k.full = k.s.room(int64(n)); k.full != nil {
		return nil, wire.ErrSkip
	}
	flat, err := record.MakeFlat(shape.DType, uint64(shape.Size()), n)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", wire.ErrFrame, err)
	}
	k.flat = flat
	return dtypes.UnsafeByteSliceFromAny(flat), nil
}

// answer does one request. A panic of the backend is that request's error.
func (k *connection) answer(kind byte, payload []byte, e *record.Enc) (bulk []byte, err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		k.s.mu.Lock()
		k.s.stats.Panics++
		k.s.mu.Unlock()
		err = panicked(r)
	}()
	d := &record.Dec{B: payload}
	switch {
	case kind == contract.AskHello && k.l == nil:
		k.l, err = k.s.hello(d, e)
		k.watch = k.l != nil
		return nil, err
	case kind == contract.AskAttach && k.l == nil:
		k.l, err = k.s.lease(d.Uint())
		return nil, err
	case k.l == nil || k.watch:
		return nil, record.ErrCode
	}
	k.dropped(d)
	switch kind {
	case contract.AskRecord:
		err = k.record(d, e)
	case contract.AskLookup:
		err = k.lookup(d, e)
	case contract.AskCompile:
		err = k.compile(d, e)
	case contract.AskExecute:
		err = k.execute(d, e)
	case contract.AskFromHost:
		err = k.fromHost(d, e)
	case contract.AskToHost:
		bulk, err = k.toHost(d, e)
	case contract.AskCopyDevice:
		err = k.copyDevice(d, e)
	case contract.AskKeep:
		err = k.keep(d, e)
	case contract.AskGet:
		err = k.get(d, e)
	case contract.AskFind:
		err = k.find(d, e)
	default:
		err = fmt.Errorf("%w: request %d", record.ErrCode, kind)
	}
	if err == nil {
		err = d.Err
	}
	return bulk, err
}

func panicked(r any) error {
	if cause, ok := r.(error); ok {
		return cause
	}
	return fmt.Errorf("%v", r)
}

// dropped releases the buffers and programs that the client has given up.
func (k *connection) dropped(d *record.Dec) {
	n := d.Count()
	if n == 0 {
		return
	}
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	for range n {
		h := d.Uint()
		if e := k.l.buffers[h]; e != nil {
			delete(k.l.buffers, h)
			k.s.release(e)
		}
		if p := k.l.programs[h]; p != nil {
			delete(k.l.programs, h)
			p.Release()
		}
	}
}

// failureOf is the error as the client gets it: its first line, for stacks mean nothing over there.
func failureOf(err error) *wire.Failure {
	f := &wire.Failure{NotImplemented: compute.IsNotImplemented(err), Op: -1}
	var at *record.OpError
	if errors.As(err, &at) {
		f.Op = at.Op
	}
	f.Msg, _, _ = strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return f
}
