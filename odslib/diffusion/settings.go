package diffusion

import (
	"encoding/json"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/internal/kinds"
)

var schedules = kinds.New[odslib.Schedule]("diffusion", "schedule", VPLinear{}, VPDiscrete{}, VPCosine{}, VE{}, EDM{}, Flow{})

// Register makes a schedule of one's own readable from checkpoints, by the name of its type: a struct of exported
// settings.
func Register(s odslib.Schedule) { schedules.Add(s) }

// EncodeSchedule writes a schedule as JSON: {"kind":"VPLinear","settings":{…}}.
func EncodeSchedule(s odslib.Schedule) (json.RawMessage, error) { return schedules.Encode(s) }

// DecodeSchedule reads what EncodeSchedule wrote.
func DecodeSchedule(data []byte) (odslib.Schedule, error) { return schedules.Decode(data) }

var kernels = kinds.New[Kernel]("diffusion", "kernel", Ancestral{}, Matched{}, Noisy{}, DDIM{}, EulerMaruyama{}, Euler{}, Heun{})

// RegisterKernel does for a kernel what Register does for a schedule.
func RegisterKernel(k Kernel) { kernels.Add(k) }

// EncodeKernel writes a kernel as JSON: {"kind":"Matched","settings":{…}}.
func EncodeKernel(k Kernel) (json.RawMessage, error) {
	if d, ok := k.(DDIM); ok && d.EtaAt != nil {
		return nil, fmt.Errorf("diffusion: a file cannot keep the function DDIM.EtaAt")
	}
	return kernels.Encode(k)
}

// DecodeKernel reads what EncodeKernel wrote.
func DecodeKernel(data []byte) (Kernel, error) { return kernels.Decode(data) }
