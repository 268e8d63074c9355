package priors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var (
	_ odslib.HostGenerator = ExternalGenerator{}
	_ odslib.HostDiffusion = ExternalDiffusion{}
)

// ExternalGenerator is a generator x = f(z) in another process: the way in for models that no format carries. The process is started
// with the first batch, answers as long as this program runs, and is started anew after an error. For each batch it reads from its
// standard input a line of JSON and then the numbers, and answers likewise on its standard output:
//
//	{"shape":[64,16]}    64·16 float32, little-endian          z
//	{"shape":[64,8,8,1]} 64·64 float32                         x; or {"error":"what is wrong"} without numbers
//
// In Python that is
//
//	import json, sys, numpy as np
//	while line := sys.stdin.buffer.readline():
//	    shape = json.loads(line)["shape"]
//	    z = np.frombuffer(sys.stdin.buffer.read(4 * int(np.prod(shape))), "<f4").reshape(shape)
//	    x = np.asarray(model(z), "<f4")
//	    sys.stdout.buffer.write(json.dumps({"shape": x.shape}).encode() + b"\n" + x.tobytes())
//	    sys.stdout.buffer.flush()
//
// It has no gradient: elliptical slices, random walks, pCN and outsourced sampling take it.
type ExternalGenerator struct {
	Command []string      // program and arguments
	Dims    []int         // shape of a sample
	Noise   []int         // shape of its noise
	Timeout time.Duration // for an answer; 0 means a minute
}

// Shape implements odslib.Prior.
func (e ExternalGenerator) Shape() []int { return slices.Clone(e.Dims) }

// NoiseShape implements odslib.HostGenerator.
func (e ExternalGenerator) NoiseShape() []int { return slices.Clone(e.Noise) }

// Err says what is wrong with the settings, or nil.
func (e ExternalGenerator) Err() error {
	if err := positive("Noise", e.Noise); err != nil {
		return err
	}
	return checkExternal(e.Command, e.Dims, e.Timeout)
}

func checkExternal(command []string, dims []int, timeout time.Duration) error {
	switch {
	case len(command) == 0:
		return fmt.Errorf("external prior: Command is empty; it names the program to start")
	case timeout < 0:
		return fmt.Errorf("external prior: Timeout must be positive, got %v", timeout)
	}
	return positive("Dims", dims)
}

func positive(name string, dims []int) error {
	if len(dims) == 0 || slices.Min(dims) < 1 {
		return fmt.Errorf("external prior: %s is %v; it wants the shape of one row", name, dims)
	}
	return nil
}

// GenerateHost implements odslib.HostGenerator.
func (e ExternalGenerator) GenerateHost(ctx context.Context, z odslib.Array) (odslib.Array, error) {
	if err := e.Err(); err != nil {
		return odslib.Array{}, err
	}
	return ask(ctx, e.Command, e.Timeout, nil, z, append([]int{z.Len()}, e.Dims...))
}

// Sample implements odslib.Prior.
func (e ExternalGenerator) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := e.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, e, n, seed)
}

// String names the program.
func (e ExternalGenerator) String() string { return "generator in " + strings.Join(e.Command, " ") }

// ExternalDiffusion is a diffusion prior whose denoiser x̂0(x_t, t) lives in another process, which is asked as an
// [ExternalGenerator]'s is, the line having the level besides: {"shape":[64,2],"t":.5,"alpha":.7,"sigma":.7}. The chain runs here:
// guide.Plain, smc.Bootstrap and smc.FK take it, and [HostChain] makes a generator of it.
type ExternalDiffusion struct {
	Command []string        // program and arguments
	Dims    []int           // shape of a sample
	Noising odslib.Schedule // nil means diffusion.VPCosine{}
	Timeout time.Duration   // for an answer; 0 means a minute
}

// Shape implements odslib.Prior.
func (e ExternalDiffusion) Shape() []int { return slices.Clone(e.Dims) }

// Schedule implements odslib.HostDiffusion.
func (e ExternalDiffusion) Schedule() odslib.Schedule {
	if e.Noising == nil {
		return diffusion.VPCosine{}
	}
	return e.Noising
}

// Err says what is wrong with the settings, or nil.
func (e ExternalDiffusion) Err() error { return checkExternal(e.Command, e.Dims, e.Timeout) }

// DenoiseHost implements odslib.HostDiffusion.
func (e ExternalDiffusion) DenoiseHost(ctx context.Context, x odslib.Array, t float64) (odslib.Array, error) {
	if err := e.Err(); err != nil {
		return odslib.Array{}, err
	}
	s := e.Schedule()
	level := map[string]float64{"t": t, "alpha": s.Alpha(t), "sigma": s.Sigma(t)}
	return ask(ctx, e.Command, e.Timeout, level, x, append([]int{x.Len()}, e.Dims...))
}

// Sample implements odslib.Prior: the chain of [HostChain].
func (e ExternalDiffusion) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	return HostChain{Of: e}.Sample(ctx, n, seed)
}

// String names the program.
func (e ExternalDiffusion) String() string {
	return "diffusion prior in " + strings.Join(e.Command, " ")
}
