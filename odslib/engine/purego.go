//go:build !resident

package engine

import (
	"sync"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
)

var pureGo = sync.OnceValues(func() (be compute.Backend, err error) {
	// The parallel scheduler of the pure-Go backend deadlocks on graphs with independent products.
	be, err = compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		return nil, oneLine(err)
	}
	return be, nil
})
