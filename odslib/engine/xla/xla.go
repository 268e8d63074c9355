//go:build cgo && !noxla

// Package xla links XLA into the program: import it for its effect, and odslab/odslib/engine finds it.
//
//	import _ "odslab/odslib/engine/xla"
//
// It needs a C compiler. Without one, or with the build tag noxla, the import does nothing and the engine is pure Go.
package xla

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"odslab/odslib/engine"
)

func init() {
	engine.OpenXLA = open
	xla.EnableAutoInstall(false) // set-up is ours: nothing is downloaded behind the user's back
}

func open(plugin string, cuda bool) (compute.Backend, error) {
	// ReduceMax and Max drop NaN under the fast flag. XLA reads its flags when the first client is made.
	const flag = "--xla_cpu_enable_fast_min_max=false"
	if flags := os.Getenv("XLA_FLAGS"); !strings.Contains(flags, "xla_cpu_enable_fast_min_max") {
		if err := os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" "+flag)); err != nil {
			return nil, err
		}
	}
	if cuda {
		return xla.NewWithOptions(plugin+",tf32=false", nil)
	}
	// One device, unless more are asked for: the plugin's default is four.
	devices := int64(1)
	if text := os.Getenv(engine.EnvDevices); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || n > 256 {
			return nil, fmt.Errorf("%s=%s: want a number of devices, 1 to 256", engine.EnvDevices, text)
		}
		devices = n
	}
	return xla.NewWithOptions(plugin+",shared_buffers=true", pjrt.NamedValuesMap{"cpu_device_count": devices})
}
