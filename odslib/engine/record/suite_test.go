//go:build !race

// The race detector checks pointers too, and stops at the pure-Go backend's matrix products.

package record_test

import (
	"testing"

	"github.com/gomlx/compute/support/backendtest"
)

// The suite of the array library's own backends, recorded and replayed in this process. (XLA passes it too, through the
// socket of a resident process: package odslab/kernel/resident.)
func TestBackendSuite(t *testing.T) { backendtest.RunAll(t, cached(t, 0), nil) }
