package main

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/support/backendtest"

	"odslab/kernel/resident/server"
	"odslab/kernel/runtime/resident"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine"
)

// serve runs a server of the backend and returns a client of it.
func serve(t testing.TB, be compute.Backend, o server.Options) (*resident.Backend, *server.Server, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(be, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := resident.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Finalize()
		l.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return c, s, socket
}

func realBackend(t testing.TB) compute.Backend {
	t.Helper()
	toolchain.NeedXLA(t)
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(e.Why)
	return e.Backend
}

// The suite of the array library's own backends, through the socket.
func TestBackendSuite(t *testing.T) {
	c, s, _ := serve(t, realBackend(t), server.Options{})
	backendtest.RunAll(t, c, nil)
	t.Logf("%+v", s.Stats())
	if p := s.Stats().Panics; p > 0 {
		t.Errorf("%d panics of the backend", p)
	}
}
