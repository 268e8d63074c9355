//go:build cgo && !noxla

package xla

import (
	"fmt"
	"slices"

	"github.com/gomlx/go-xla/pjrt"

	"odslab/odslib/engine"
)

func init() { engine.OpenExported = openExported }

// exported is a program on a client of its own, which lives as long as the process.
type exported struct {
	client  *pjrt.Client
	program *pjrt.LoadedExecutable
}

func openExported(plugin string, program []byte) (engine.Exported, error) {
	p, err := pjrt.GetPlugin(plugin)
	if err != nil {
		return nil, err
	}
	options := pjrt.NamedValuesMap{}
	if !p.IsCUDA() {
		options["cpu_device_count"] = int64(1)
	}
	client, err := p.NewClient(options)
	if err != nil {
		return nil, err
	}
	loaded, err := client.Compile().WithStableHLO(program).Done()
	if err != nil {
		return nil, err
	}
	return &exported{client: client, program: loaded}, nil
}

// Run implements engine.Exported.
func (e *exported) Run(in ...engine.Array) (out []engine.Array, err error) {
	var buffers []*pjrt.Buffer
	defer func() {
		for _, b := range buffers {
			if e := b.Destroy(); e != nil && err == nil {
				err = e
			}
		}
	}()
	for _, a := range in {
		b, err := e.client.BufferFromHost().FromFlatDataWithDimensions(a.Data, a.Shape).Done()
		if err != nil {
			return nil, err
		}
		buffers = append(buffers, b)
	}
	results, err := e.program.Execute(buffers...).Done()
	if err != nil {
		return nil, err
	}
	buffers = append(buffers, results...)
	for i, b := range results {
		flat, dims, err := b.ToFlatDataAndDimensions()
		if err != nil {
			return nil, err
		}
		data, ok := flat.([]float32)
		if !ok {
			return nil, fmt.Errorf("output %d of the exported program is %T, not float32", i, flat)
		}
		out = append(out, engine.Array{Shape: slices.Clone(dims), Data: slices.Clone(data)})
	}
	return out, nil
}
