package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
	"odslab/odslib/engine"
	"odslab/odslib/safetensors"
)

// Keys of a file's metadata.
const (
	aboutKey    = "odslab"
	settingsKey = "training"
)

// Write writes tensors, and about as JSON within them and beside them.
func Write(path string, about any, ts []safetensors.Tensor) error {
	return write(path, about, ts, nil)
}

// Save writes the state of a run that may go on: settings is a JSON object of what must be the same for that.
func Save(path string, about any, settings string, ts []safetensors.Tensor) error {
	if err := write(path, about, ts, map[string]string{settingsKey: settings}); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func write(path string, about any, ts []safetensors.Tensor, meta map[string]string) error {
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	all := map[string]string{aboutKey: string(text)}
	for k, v := range meta {
		all[k] = v
	}
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := safetensors.WriteFile(path+".safetensors", &safetensors.File{Metadata: all, Tensors: ts}); err != nil {
		return err
	}
	text, err = json.MarshalIndent(about, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.Write(path+".json", append(text, '\n'), 0o644)
}

// Read reads a file that Write or Save wrote; path may have its ending.
func Read(path string) (*safetensors.File, error) {
	return safetensors.ReadFile(strings.TrimSuffix(path, ".safetensors") + ".safetensors")
}

// About reads into v what Write or Save were told of the numbers.
func About(f *safetensors.File, v any) error {
	return json.Unmarshal([]byte(f.Metadata[aboutKey]), v)
}

// IsState says whether the file is a run that may go on, rather than a finished result.
func IsState(f *safetensors.File) bool {
	_, ok := f.Metadata[settingsKey]
	return ok
}

// Resume reads the state that Save wrote for a run of the same settings. Without a file it returns nil and no error.
func Resume(path, settings string) (*safetensors.File, error) {
	name := path + ".safetensors"
	if _, err := os.Stat(name); os.IsNotExist(err) {
		return nil, nil
	}
	f, err := safetensors.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w; remove the file to begin anew", err)
	}
	if !IsState(f) {
		return nil, fmt.Errorf("checkpoint: %s is a finished result, not a training state; choose another name", name)
	}
	diff, err := difference(f.Metadata[settingsKey], settings)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", name, err)
	}
	if diff != "" {
		return nil, fmt.Errorf("checkpoint: %s was made with another %s; choose another name, or remove it to begin anew", name, diff)
	}
	return f, nil
}

// Tensors are parameters as tensors, with a prefix to their names.
func Tensors(prefix string, params odslib.Params) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(params))
	for i, p := range params {
		out[i] = safetensors.Float32(prefix+p.Name, p.Value.Shape, p.Value.Data)
	}
	return out
}

// Params reads the parameters called for by like, in its order.
func Params(f *safetensors.File, prefix string, like odslib.Params) (odslib.Params, error) {
	out := make(odslib.Params, len(like))
	for i, p := range like {
		t, ok := f.Lookup(prefix + p.Name)
		if !ok {
			return nil, fmt.Errorf("the file lacks %q, which its network has", prefix+p.Name)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		if len(data) != len(p.Value.Data) {
			return nil, fmt.Errorf("%q has shape %v, its network wants %v", prefix+p.Name, t.Shape, p.Value.Shape)
		}
		out[i] = engine.Param{Name: p.Name, Value: odslib.Array{Shape: p.Value.Shape, Data: data}}
	}
	return out, nil
}

// Under are all parameters whose names begin with the prefix, which they lose.
func Under(f *safetensors.File, prefix string) (out odslib.Params, err error) {
	for _, t := range f.Tensors {
		if name, ok := strings.CutPrefix(t.Name, prefix); ok {
			data, err := t.Float32s()
			if err != nil {
				return nil, err
			}
			out = append(out, engine.Param{Name: name, Value: odslib.Array{Shape: t.Shape, Data: data}})
		}
	}
	return out, nil
}

// Values reads a list of numbers of one type.
func Values[T int64 | float64 | float32](f *safetensors.File, name string) ([]T, error) {
	t, ok := f.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("the file lacks %q", name)
	}
	v, ok := t.Data.([]T)
	if !ok {
		return nil, fmt.Errorf("%q holds %s, not %T", name, t.DType, v)
	}
	return v, nil
}

// Float64 is a list of numbers as a tensor.
func Float64(name string, v []float64) safetensors.Tensor {
	return safetensors.Tensor{Name: name, DType: safetensors.F64, Shape: []int{len(v)}, Data: v}
}

// Int64 is a list of whole numbers as a tensor.
func Int64(name string, v []int64) safetensors.Tensor {
	return safetensors.Tensor{Name: name, DType: safetensors.I64, Shape: []int{len(v)}, Data: v}
}
