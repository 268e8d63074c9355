package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
)

// Write writes a Result as NumPy's .npz: samples [n, shape…] float32, and where there are any log_weights, particles,
// particle_log_weights, noise, ess and log_z by step; log_z, seed and engine, a text, are scalars. The bytes depend on
// the Result alone.
func Write(path string, r *odslib.Result) error {
	type entry struct {
		name  string
		shape []int
		data  any // []float32, []float64, []uint64 or string
	}
	entries := []entry{{"samples", r.Samples.Shape, r.Samples.Data}, {"log_z", nil, []float64{r.LogZ}}, {"seed", nil, []uint64{r.Seed}}}
	if r.Engine != "" {
		entries = append(entries, entry{"engine", nil, r.Engine})
	}
	vector := func(name string, v []float64) {
		if len(v) > 0 {
			entries = append(entries, entry{name, []int{len(v)}, v})
		}
	}
	vector("log_weights", r.LogWeights)
	if r.Particles != nil {
		entries = append(entries, entry{"particles", r.Particles.X.Shape, r.Particles.X.Data})
		vector("particle_log_weights", r.Particles.LogWeights)
	}
	if r.Noise != nil {
		entries = append(entries, entry{"noise", r.Noise.Shape, r.Noise.Data})
	}
	var ess, logZ []float64
	for _, s := range r.Trace {
		ess, logZ = append(ess, s.ESS), append(logZ, s.LogZ)
	}
	vector("ess_by_step", ess)
	vector("log_z_by_step", logZ)

	err := atomicfile.Create(path, 0o644, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, e := range entries {
			w, err := z.Create(e.name + ".npy")
			if err == nil {
				err = writeNPY(w, e.shape, e.data)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
		return z.Close()
	})
	if err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	return nil
}

// writeNPY writes one array in NumPy's format 1.0 (NEP 1): magic, a header padded to 64 bytes, little-endian values.
func writeNPY(w io.Writer, shape []int, data any) error {
	var kind string
	var raw []byte
	switch d := data.(type) {
	case []float32:
		kind, raw = "<f4", make([]byte, 0, 4*len(d))
		for _, v := range d {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	case []float64:
		kind, raw = "<f8", make([]byte, 0, 8*len(d))
		for _, v := range d {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
	case []uint64:
		kind, raw = "<u8", make([]byte, 0, 8*len(d))
		for _, v := range d {
			raw = binary.LittleEndian.AppendUint64(raw, v)
		}
	case string: // UTF-32
		for _, v := range d {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
		}
		kind = fmt.Sprintf("<U%d", len(raw)/4)
	}
	dims := make([]string, len(shape))
	for i, n := range shape {
		dims[i] = fmt.Sprint(n) + ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, strings.Join(dims, " "))
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	if _, err := w.Write(append(out, header...)); err != nil {
		return err
	}
	_, err := w.Write(raw)
	return err
}
