package priors

import (
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Fit says how a prior is trained; its zero value works. With the same data, settings and seed the weights are the same to the
// bit on one engine, however often the work was interrupted and went on from its checkpoint.
type Fit struct {
	Batch int     // 0 means 128
	Rate  nn.Rate // zero value: 1e-3 after a warm-up of 100 steps
	Adam  nn.Adam
	Clip  float64 // bound on the gradient's norm; 0 means 1, negative means none
	EMA   float64 // decay of the average that is the result's weights; 0 means .999, negative means no average
	// Bin is the width of a step of quantised data: uniform noise of this width is added to every value, so that a density
	// of values can be trained, and bits per dimension count such steps (Theis et al. 1511.01844). 0 means none.
	Bin float64

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that
	// training goes on from. Empty means none.
	Checkpoint string
	Chunk      int // steps between two looks at clock, context and observer; 0 means 25, or 10 for images
	Driver     engine.Driver
	// Devices is over how many of the engine's devices a batch is spread, which must divide it; 0 means one. The weights are
	// those of one device to rounding. It is one host.
	Devices int
}

// resolve fills in the defaults and checks what the user can get wrong.
func (f Fit) resolve(data odslib.Array) (Fit, error) {
	if len(data.Shape) < 2 || data.Len() == 0 || data.Dim() == 0 {
		return f, fmt.Errorf("training wants data [n, shape…] with at least one sample, got shape %v", data.Shape)
	}
	if len(data.Data) != data.Len()*data.Dim() {
		return f, fmt.Errorf("training: data of shape %v have %d values, want %d", data.Shape, len(data.Data), data.Len()*data.Dim())
	}
	if data.Len() >= 1<<24 {
		return f, fmt.Errorf("training takes fewer than %d samples, got %d", 1<<24, data.Len())
	}
	if bad := data.NonFinite(); bad > 0 {
		return f, fmt.Errorf("%d of %d values of the training data are not finite", bad, len(data.Data))
	}
	if f.Batch == 0 {
		f.Batch = 128
	}
	if f.Chunk == 0 {
		f.Chunk = engine.DefaultChunk
		if len(data.Shape) == 4 {
			f.Chunk = 10
		}
	}
	if f.Clip == 0 {
		f.Clip = 1
	}
	if f.EMA == 0 {
		f.EMA = .999
	}
	switch {
	case f.Batch < 0 || f.Chunk < 0:
		return f, fmt.Errorf("training: Batch and Chunk must be positive, got %d and %d", f.Batch, f.Chunk)
	case f.Rate.Peak < 0:
		return f, fmt.Errorf("training: the learning rate must be positive, got %g", f.Rate.Peak)
	case f.Bin < 0:
		return f, fmt.Errorf("training: Bin is the width of a step of the data, got %g", f.Bin)
	case f.EMA >= 1:
		return f, fmt.Errorf("training: EMA is a decay below 1, got %g", f.EMA)
	}
	return f, nil
}

// standard is the mean of each value and the standard deviation of all, or nil and 0 for data that may stay as they are: means
// within [-1, 1], standard deviation between ¼ and 4.
func standard(data odslib.Array) (mean []float64, scale float64) {
	n, d := float64(data.Len()), data.Dim()
	mean = make([]float64, d)
	for i := range data.Len() {
		for j, v := range data.Row(i) {
			mean[j] += float64(v) / n
		}
	}
	for i := range data.Len() {
		for j, v := range data.Row(i) {
			off := float64(v) - mean[j]
			scale += off * off / n / float64(d)
		}
	}
	scale = math.Sqrt(scale)
	far := scale < .25 || scale > 4
	for _, m := range mean {
		far = far || math.Abs(m) > 1+1e-6 // a mean of ones rounds
	}
	if !far {
		return nil, 0
	}
	if scale == 0 { // one sample, over and over
		scale = 1
	}
	return mean, scale
}

func standardised(data odslib.Array, mean []float64, scale float64) odslib.Array {
	out := data.Clone()
	for i := range out.Len() {
		for j, v := range out.Row(i) {
			out.Row(i)[j] = float32((float64(v) - mean[j]) / scale)
		}
	}
	return out
}
