package diffusion

import (
	"encoding/json"

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
