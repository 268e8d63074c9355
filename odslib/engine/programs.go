//go:build !resident

package engine

import (
	"fmt"
	"os"
	"strconv"

	"github.com/gomlx/compute"

	"odslab/odslib/engine/record"
)

// caching gives the backend a cache of compiled programs.
func caching(be compute.Backend) (compute.Backend, error) {
	keep := 0
	if v := os.Getenv(EnvPrograms); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s=%s: say how many compiled programs to keep, 1 or more, or leave it unset", EnvPrograms, v)
		}
		keep = n
	}
	return record.NewBackend(be, record.NewCache(keep), Locate), nil
}
