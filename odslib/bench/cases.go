package main

import (
	"fmt"

	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

// kind is a case that can be timed.
type kind struct {
	name   string
	random bool // the check value depends on random numbers, which differ between implementations
	ready  func(e *engine.Engine) (*ready, error)
}

// ready is a case that is compiled and ran once.
type ready struct {
	once    func() error // one repetition, its result on the host at the end
	per     int          // operations in a repetition: times are for one
	check   float64
	version string
}

const (
	batch     = 1024 // of the MLP
	images    = 32   // minibatch of the U-Net
	steps     = 100  // of the reverse process
	loopSteps = engine.DefaultChunk
)

// The names of the cases are the peers' too.
var cases = []kind{
	{"MLP forward, B=1024", false, forward},
	{"MLP Adam step, B=1024, one call each", true, mlpStep(engine.Host)},
	{"MLP Adam step, B=1024, 25 in a loop", true, mlpStep(engine.While)},
	{"100 sampling steps, B=1024, one call each", true, sampling(engine.Host)},
	{"100 sampling steps, B=1024, in a loop", true, sampling(engine.While)},
	{"DPS gradient, B=1024", false, guidance},
	{"U-Net 28x28 Adam step, B=32, one call each", true, unetStep(engine.Host)},
	{"U-Net 28x28 Adam step, B=32, 5 in a loop", true, unetStep(engine.While)},
}

func names() []string {
	var out []string
	for _, c := range cases {
		out = append(out, c.name)
	}
	return out
}

func setUp(name string) (*ready, error) {
	for _, c := range cases {
		if c.name != name {
			continue
		}
		e, err := engine.Open()
		if err != nil {
			return nil, err
		}
		r, err := c.ready(e)
		if err != nil {
			return nil, err
		}
		if r.version = e.Name; r.per == 0 {
			r.per = 1
		}
		return r, nil
	}
	return nil, fmt.Errorf("no case %q", name)
}

// chain is the reverse process that is sampled.
var chain = diffusion.Chain{Schedule: diffusion.VPCosine{}, Steps: steps, Kernel: diffusion.Ancestral{}}

// reverseTable is the chain for the peers: t, α, σ and the kernel's a, b, std for each step.
var reverseTable = func() [][]float32 {
	grid := diffusion.Uniform(chain.Schedule, steps)
	var rows [][]float32
	for i := range steps {
		t, s := grid[i], grid[i+1]
		a, b, std := diffusion.Ancestral{}.Coefficients(chain.Schedule, t, s)
		rows = append(rows, []float32{float32(t), float32(chain.Schedule.Alpha(t)), float32(chain.Schedule.Sigma(t)), float32(a), float32(b), float32(std)})
	}
	return rows
}()
