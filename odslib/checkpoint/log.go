package checkpoint

import (
	"encoding/json"
	"fmt"
	"math"
)

// Log is what the training of a network left behind.
type Log struct {
	Steps    int       // done in all
	Loss     []float32 // of every step; NaN where the gradient was not finite and the step was left out
	Seconds  float64
	Seed     uint64
	Engine   string
	Settings string   // of the training, as JSON
	HeldOut  float64  // loss on data kept from training, where it was taken; else 0
	Notes    []string // an early stop, steps left out
}

// Lost is how many steps were left out.
func (l Log) Lost() (n int) {
	for _, v := range l.Loss {
		if v-v != 0 {
			n++
		}
	}
	return n
}

// Mean is the mean of the finite losses among the last steps.
func (l Log) Mean(last int) float64 {
	sum, n := 0., 0
	for _, v := range l.Loss[max(0, len(l.Loss)-last):] {
		if v-v == 0 {
			sum += float64(v)
			n++
		}
	}
	return sum / float64(max(1, n))
}

// Recent says the loss of the last hundred steps in words, for a line about what was trained.
func (l Log) Recent() string {
	if len(l.Loss) == 0 {
		return ""
	}
	return fmt.Sprintf(", loss %.4f", l.Mean(100))
}

// Record is a Log as the JSON beside the weights has it: embedded in what describes them.
type Record struct {
	Steps    int             `json:"steps"`
	Seed     uint64          `json:"seed"`
	Engine   string          `json:"engine"`
	Seconds  float64         `json:"seconds"`
	Notes    []string        `json:"notes,omitempty"`
	Loss     []float32       `json:"loss,omitempty"` // of the first steps
	HeldOut  float64         `json:"held_out_loss,omitempty"`
	Training json.RawMessage `json:"training,omitempty"` // settings of the training
}

// keptLosses is how many losses of the beginning the JSON keeps: enough to compare a new run with.
const keptLosses = 200

// Record is the log for a file.
func (l Log) Record() Record {
	out := Record{
		Steps: l.Steps, Seed: l.Seed, Engine: l.Engine, Seconds: math.Round(l.Seconds*10) / 10, Notes: l.Notes, HeldOut: l.HeldOut,
	}
	for _, v := range l.Loss[:min(keptLosses, len(l.Loss))] {
		if v-v != 0 {
			break
		}
		out.Loss = append(out.Loss, v)
	}
	if l.Settings != "" {
		out.Training = json.RawMessage(l.Settings)
	}
	return out
}

// Log is what a file has of the log.
func (r Record) Log() Log {
	return Log{
		Steps: r.Steps, Seed: r.Seed, Engine: r.Engine, Seconds: r.Seconds, Notes: r.Notes, HeldOut: r.HeldOut, Loss: r.Loss,
		Settings: string(r.Training),
	}
}
