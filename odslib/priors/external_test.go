package priors

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// python is the command of testdata/external.py in one of its modes.
func python(t *testing.T, mode string) []string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no python3 under CI")
		}
		t.Skip("no python3")
	}
	return []string{path, filepath.Join("testdata", "external.py"), mode}
}

// TestExternalGenerator: rows go there and back, batches of thousands too, and the noise can be put under a constraint.
func TestExternalGenerator(t *testing.T) {
	ctx := context.Background()
	g := ExternalGenerator{Command: python(t, "generator"), Dims: []int{3}, Noise: []int{2}}
	for _, n := range []int{1, 20000} {
		z, err := odslib.Normal{Dims: g.Noise}.Sample(ctx, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		x, err := g.GenerateHost(ctx, z)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			a, b := z.Row(i)[0], z.Row(i)[1]
			for j, want := range []float32{a + 1, 2 * b, a * b} {
				if math.Abs(float64(x.Row(i)[j]-want)) > 1e-6*(1+math.Abs(float64(want))) {
					t.Fatalf("row %d of %d: %v from %v", i, n, x.Row(i), z.Row(i))
				}
			}
		}
	}
	in, err := odslib.Given(g, nil).Inside()
	if err != nil {
		t.Fatal(err)
	}
	if x, err := in.Out(ctx, engine.FromRows([][]float64{{1, 1}})); err != nil || x.Data[0] != 2 {
		t.Errorf("through the noise: %v, %v", x, err)
	}
}

// TestExternalDiffusion: the chain of a denoiser in another process draws what its denoiser is that of.
func TestExternalDiffusion(t *testing.T) {
	p := ExternalDiffusion{Command: python(t, "denoiser"), Dims: []int{2}}
	x, err := p.Sample(context.Background(), 2000, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean, square := 0., 0.
	for _, v := range x.Data {
		mean += float64(v) / 4000
		square += float64(v) * float64(v) / 4000
	}
	if v := square - mean*mean; math.Abs(mean-3) > .04 || math.Abs(v-.25) > .05 { // five standard errors, and the chain's own error
		t.Errorf("mean %.3f, variance %.3f; want 3 and .25", mean, v)
	}
}

// TestExternalFails: whatever the process does, the caller gets one line, soon, and the next call begins anew.
func TestExternalFails(t *testing.T) {
	z := odslib.Array(engine.NewArray(4, 2))
	for _, c := range []struct{ mode, want string }{
		{"dies", "it ended in the middle of an answer; its last words: the weights are on another disk"},
		{"shape", "it answered an array of shape [4 2], wanted is [4 3]"},
		{"hangs", "no answer within 300ms"},
		{"chatter", `its answer begins with "loading the model ...", which is no JSON`},
		{"error", `it says: "out of memory"`},
		{"half", "it ended in the middle of an answer"},
		{"endless", "a line of more than 65536 bytes"},
	} {
		g := ExternalGenerator{Command: python(t, c.mode), Dims: []int{3}, Noise: []int{2}, Timeout: 300 * time.Millisecond}
		if c.mode != "hangs" {
			g.Timeout = 20 * time.Second
		}
		for range 2 {
			_, err := g.GenerateHost(context.Background(), z)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want one line with %q", c.mode, err, c.want)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	g := ExternalGenerator{Command: python(t, "hangs"), Dims: []int{3}, Noise: []int{2}}
	if _, err := g.GenerateHost(ctx, z); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an interrupt: %v", err)
	}
	for _, c := range []struct {
		of   interface{ Err() error }
		want string
	}{
		{ExternalGenerator{Command: []string{"no-such-program-here"}}, "Noise is []"},
		{ExternalGenerator{Noise: []int{2}, Dims: []int{2}}, "Command is empty"},
		{ExternalDiffusion{Command: []string{"x"}, Dims: []int{0}}, "Dims is [0]"},
		{HostChain{Of: ExternalDiffusion{Command: []string{"x"}, Dims: []int{1}}, Steps: -1}, "got -1"},
		{HostChain{Of: ExternalDiffusion{Command: []string{"x"}, Dims: []int{1}, Noising: diffusion.VPDiscrete{N: 20}}}, "50 steps of a schedule that has 20"},
		{HostChain{}, "no diffusion prior"},
	} {
		if err := c.of.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.of, err, c.want)
		}
	}
	g = ExternalGenerator{Command: []string{"no-such-program-here"}, Dims: []int{2}, Noise: []int{2}}
	if _, err := g.GenerateHost(context.Background(), z); err == nil || !strings.Contains(err.Error(), "cannot be started") {
		t.Errorf("a program that is not there: %v", err)
	}
}
