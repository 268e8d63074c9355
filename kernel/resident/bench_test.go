package main

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/resident/server"
	"odslab/odslib/engine"
)

// Each of these runs in this process and through the socket: the difference is what the resident process costs.
//
//	go test ./kernel/resident -run '^$' -bench . -count 5
func both(b *testing.B, run func(b *testing.B, be compute.Backend)) {
	real := realBackend(b)
	client, _, _ := serve(b, real, server.Options{})
	b.Run("inprocess", func(b *testing.B) { run(b, real) })
	b.Run("resident", func(b *testing.B) { run(b, client) })
}

// BenchmarkExecute is a program of one addition, its input and output on the device.
func BenchmarkExecute(b *testing.B) {
	both(b, func(b *testing.B, be compute.Backend) {
		exec := graph.MustNewExec(be, func(x *graph.Node) *graph.Node { return graph.AddScalar(x, 1) })
		x := exec.MustCall1(float32(0))
		for b.Loop() {
			y := exec.MustCall1(x)
			x.MustFinalizeAll()
			x = y
		}
	})
}

// BenchmarkSampling is 100 steps of an MLP of 128 units over 1024 points, a call each, the state donated.
func BenchmarkSampling(b *testing.B) {
	both(b, func(b *testing.B, be compute.Backend) {
		exec := mlpStep(be)
		x := tensors.FromShape(shapes.Make(dtypes.Float32, 1024, 2))
		for b.Loop() {
			for range 100 {
				d, err := graph.DonateTensorBuffer(x, be, 0)
				if err != nil {
					b.Fatal(err)
				}
				x = exec.MustCall1(d)
			}
			x.MustConstFlatData(func(any) {}) // wait for it
		}
	})
}

// mlpStep is x + net(x)/100 with fixed weights.
func mlpStep(be compute.Backend) *graph.Exec {
	return graph.MustNewExec(be, func(x *graph.Node) *graph.Node {
		h := x
		for _, n := range []int{128, 128, 2} {
			shape := shapes.Make(dtypes.Float32, h.Shape().Dimensions[1], n)
			w := graph.Sin(graph.IotaFull(x.Graph(), shape))
			h = graph.Tanh(graph.Dot(h, w).Product())
		}
		return graph.Add(x, graph.MulScalar(h, .01))
	})
}

// BenchmarkWeights is a prior's weights (40 arrays, 2 MB) on their way to the device: sent, and found there.
func BenchmarkWeights(b *testing.B) {
	client, _, _ := serve(b, realBackend(b), server.Options{})
	weights := make([]engine.Array, 40)
	for i := range weights {
		weights[i] = filled(float32(i), 100, 125)
	}
	b.Run("sent", func(b *testing.B) {
		for b.Loop() {
			for _, a := range weights {
				buf, err := client.BufferFromFlatData(0, a.Data, engine.Float32(a.Shape...))
				if err != nil {
					b.Fatal(err)
				}
				buf.Finalize()
			}
		}
	})
	b.Run("found", func(b *testing.B) {
		for b.Loop() {
			buffers, err := client.Share(weights)
			if err != nil {
				b.Fatal(err)
			}
			for _, buf := range buffers {
				buf.Finalize()
			}
		}
	})
}
