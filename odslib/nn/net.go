package nn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute/shapes"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Net is a network with a time input: x [B, shape…] → the same shape. Its weights are read through the scope with
// [engine.Weight], so that the struct holds settings only.
type Net interface {
	Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node
}

var (
	_ Net = MLP{}
	_ Net = UNet{}
)

// or is the default of a setting whose zero value means "choose for me".
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

var kinds = struct {
	sync.Mutex
	byName map[string]reflect.Type
}{byName: map[string]reflect.Type{"MLP": reflect.TypeFor[MLP](), "UNet": reflect.TypeFor[UNet]()}}

// Register makes a network of one's own readable from checkpoints, by the name of its type. The type must be a struct
// of exported settings.
func Register(net Net) {
	t := reflect.TypeOf(net)
	kinds.Lock()
	defer kinds.Unlock()
	kinds.byName[t.Name()] = t
}

// Encode writes the settings of a network as JSON: {"kind":"MLP","settings":{...}}.
func Encode(net Net) (json.RawMessage, error) {
	settings, err := json.Marshal(net)
	if err != nil {
		return nil, fmt.Errorf("nn: settings of %T: %w", net, err)
	}
	return json.Marshal(kind{Kind: reflect.TypeOf(net).Name(), Settings: settings})
}

type kind struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

// Decode reads what Encode wrote.
func Decode(data []byte) (Net, error) {
	var k kind
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("nn: not the settings of a network: %w", err)
	}
	kinds.Lock()
	defer kinds.Unlock()
	t, ok := kinds.byName[k.Kind]
	if !ok {
		var names []string
		for n := range kinds.byName {
			names = append(names, n)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("nn: no network of kind %q; there are %s (nn.Register adds one)", k.Kind, strings.Join(names, ", "))
	}
	v := reflect.New(t)
	dec := json.NewDecoder(bytes.NewReader(k.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v.Interface()); err != nil {
		return nil, fmt.Errorf("nn: settings of %s: %w", k.Kind, err)
	}
	return v.Elem().Interface().(Net), nil
}

// Initial returns the weights of a network for samples of a shape, drawn from seed: the same on every backend.
func Initial(net Net, shape []int, seed uint64) (engine.Params, error) {
	batch := append([]int{2}, shape...)
	level := engine.Float32(2)
	return engine.Initial(seed, []shapes.Shape{engine.Float32(batch...), level, level, level}, func(scope *engine.Scope, in []*engine.Node) {
		out := net.Apply(scope, in[0], odslib.Level{T: in[1], Alpha: in[2], Sigma: in[3]})
		if !slices.Equal(out.Shape().Dimensions, batch) {
			engine.Fail("%T turns %v into %v; a network here must keep the shape", net, shape, out.Shape().Dimensions[1:])
		}
	})
}
