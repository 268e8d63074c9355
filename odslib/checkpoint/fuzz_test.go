package checkpoint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib/safetensors"
)

// FuzzSettings: whatever a file says of its settings is compared or an error.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":1}`, `{"a":{"b":[1,2]}}`, `[1]`, `null`, `{"a":1,"a":2}`, `{"a":1e999}`, "{", "\xff"} {
		f.Add(s, `{"a":1}`)
	}
	f.Fuzz(func(t *testing.T, have, want string) {
		if diff, err := difference(have, want); err == nil && have == want && diff != "" {
			t.Errorf("%q differs from itself: %s", have, diff)
		}
	})
}

// FuzzResult: whatever a file says of a Result, with whatever beside it, is read or an error of one line.
func FuzzResult(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"sampler":"a"}`, `{"sampler":"a","states":1}`, `{"sampler":"a","states":9000000000000000000}`, `{"sampler":"a","resampled":1}`, `{"sampler":"a","resampled":-1}`,
		`{"sampler":"a","seed":-1}`, `{"sampler":["a"]}`, `{"sampler":"a","names":[null,"\u0000"],"notes":["\n"]}`,
	} {
		f.Add(s, "samples", 3)
		f.Add(s, "states/0", 1)
		f.Add(s, "ancestors/0", 2)
	}
	path := filepath.Join(f.TempDir(), "result")
	f.Fuzz(func(t *testing.T, about, name string, n int) {
		v := make([]float32, n&15)
		ts := []safetensors.Tensor{safetensors.Float32(name, []int{len(v)}, v), Float64("numbers", []float64{1}), Float64("islands", []float64{1, 2, 3}), Float64("trace", []float64{1})}
		b, err := (&safetensors.File{Metadata: map[string]string{aboutKey: about}, Tensors: ts}).Encode()
		if err != nil {
			return // two of one name
		}
		if err := os.WriteFile(path+".safetensors", b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenResult(path)
		if (r == nil) == (err == nil) || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, %v", about, r, err)
		}
		if err == nil {
			_ = r.String() + r.Report()
		}
	})
}
