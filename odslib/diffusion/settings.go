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

// SavedChain is a chain as a file's JSON has it, but for what only concerns one run.
type SavedChain struct {
	Schedule json.RawMessage `json:"schedule,omitempty"`
	Kernel   json.RawMessage `json:"kernel,omitempty"`
	Grid     []float64       `json:"grid,omitempty"`
	Steps    int             `json:"steps,omitempty"` // where there is no grid
}

// EncodeChain writes schedule, kernel and grid, where the chain has them.
func EncodeChain(c Chain) (s SavedChain, err error) {
	if s.Grid = c.Grid; c.Grid == nil {
		s.Steps = c.Steps
	}
	if c.Schedule != nil {
		if s.Schedule, err = EncodeSchedule(c.Schedule); err != nil {
			return s, err
		}
	}
	if c.Kernel != nil {
		s.Kernel, err = EncodeKernel(c.Kernel)
	}
	return s, err
}

// Chain reads what EncodeChain wrote.
func (s SavedChain) Chain() (c Chain, err error) {
	if c.Grid, c.Steps = s.Grid, s.Steps; s.Grid != nil {
		c.Steps = len(s.Grid) - 1
	}
	if s.Schedule != nil {
		if c.Schedule, err = DecodeSchedule(s.Schedule); err != nil {
			return c, err
		}
	}
	if s.Kernel != nil {
		c.Kernel, err = DecodeKernel(s.Kernel)
	}
	return c, err
}
