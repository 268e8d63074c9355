package priors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// trainable is a family as the tests see it.
type trainable struct {
	name  string
	train func(ctx context.Context, f Fit, data odslib.Array, b odslib.Budget, seed uint64) (generator, error)
}

type generator interface {
	odslib.Generator
	Save(path string) error
	Err() error
	String() string
}

// fitted drops what a typed nil pointer would hide.
func fitted[P interface {
	generator
	comparable
}](p P, err error) (generator, error) {
	var none P
	if p == none {
		return nil, err
	}
	return p, err
}

func families4() []trainable {
	small := nn.Tower{Hidden: 32, Layers: 1}
	return []trainable{
		{"VAE", func(ctx context.Context, f Fit, data odslib.Array, b odslib.Budget, seed uint64) (generator, error) {
			return fitted(VAE{Latents: []int{2, 2}, Encoder: small, Decoder: small, Fit: f}.Train(ctx, data, b, seed))
		}},
		{"GAN", func(ctx context.Context, f Fit, data odslib.Array, b odslib.Budget, seed uint64) (generator, error) {
			return fitted(GAN{Latent: 4, Generator: small, Critic: small, Fit: f}.Train(ctx, data, b, seed))
		}},
		{"RealNVP", func(ctx context.Context, f Fit, data odslib.Array, b odslib.Budget, seed uint64) (generator, error) {
			return fitted(RealNVP{Couplings: 6, Net: small, Fit: f}.Train(ctx, data, b, seed))
		}},
		{"Flow", func(ctx context.Context, f Fit, data odslib.Array, b odslib.Budget, seed uint64) (generator, error) {
			return fitted(Flow{Training: Training{
				Net: nn.MLP{Hidden: 32, Layers: 2}, Batch: f.Batch, Rate: f.Rate, Clip: f.Clip, Checkpoint: f.Checkpoint, Chunk: f.Chunk,
			}}.Train(ctx, data, b, seed))
		}},
	}
}

// common are the settings of these tests, equal so that each family compiles one program for all of them.
var common = Fit{Batch: 64, Chunk: 10}

func logOf(p generator) *Log {
	switch p := p.(type) {
	case *VAE:
		return &p.Log
	case *GAN:
		return &p.Log
	case *RealNVP:
		return &p.Log
	}
	return &p.(*Flow).Of.(*Diffusion).Log
}

func weightsIn(p generator) odslib.Params {
	if f, ok := p.(*Flow); ok {
		return f.Of.(*Diffusion).Weights
	}
	return p.(odslib.Parametrised).Params()
}

// TestGeneratorsFit: each family puts its samples on a set that is far from 0 and of another scale, and can be put under a
// constraint by its noise. It takes half a minute.
func TestGeneratorsFit(t *testing.T) {
	if os.Getenv("ODSLAB_GATES") == "" {
		t.Skip("set ODSLAB_GATES=1 for it")
	}
	ctx := context.Background()
	shift := func(a odslib.Array, by, scale float32) odslib.Array {
		a = a.Clone()
		for i := range a.Data {
			a.Data[i] = a.Data[i]*scale + by
		}
		return a
	}
	data := shift(crescent(500, 1), 30, 10)
	for _, c := range families4() {
		f := common
		f.Rate = nn.Rate{Peak: 3e-3, Decay: 1000}
		p, err := c.train(ctx, f, data, odslib.Budget{Steps: 1000}, 1)
		if err != nil {
			t.Fatal(c.name, err)
		}
		x, err := p.Sample(ctx, 500, 1)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if bad := x.NonFinite(); bad > 0 || !slices.Equal(x.Shape, []int{500, 2}) {
			t.Fatalf("%s: samples %v, %d not finite", c.name, x.Shape, bad)
		}
		near := onCrescent(shift(shift(x, -30, 1), 0, .1))
		t.Logf("%s: %d of 500 on the set, %.1f s", p, near, logOf(p).Seconds)
		if near < 350 { // of a Gaussian of its mean and variance a quarter are
			t.Errorf("%s: %d of 500 samples on the set", c.name, near)
		}
		if _, err := odslib.Given(p, nil).Inside(); err != nil {
			t.Error(c.name, err)
		}
	}
}

// TestGeneratorsResume: interrupted in the middle and gone on from the file, each family has the same weights to the bit; what
// Save wrote draws the same samples.
func TestGeneratorsResume(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	data, ctx := crescent(500, 1), context.Background()
	for _, c := range families4() {
		t.Run(c.name, func(t *testing.T) {
			f := common
			whole, err := c.train(ctx, f, data, odslib.Budget{Steps: 60}, 3)
			if err != nil {
				t.Fatal(err)
			}
			f.Checkpoint = filepath.Join(t.TempDir(), "deep", "run")
			stop, cancel := context.WithCancel(ctx)
			stop = odslib.WithObserver(stop, func(p odslib.Progress) {
				if p.Step >= 20 {
					cancel()
				}
			})
			part, err := c.train(stop, f, data, odslib.Budget{Steps: 60}, 3)
			if !errors.Is(err, context.Canceled) || part == nil || logOf(part).Steps != 20 {
				t.Fatalf("interrupted: %v, %v", part, err)
			}
			if x, err := part.Sample(ctx, 5, 1); err != nil || x.NonFinite() > 0 {
				t.Errorf("the partial prior: %v", err)
			}
			p, err := c.train(ctx, f, data, odslib.Budget{Steps: 60}, 3)
			if err != nil {
				t.Fatal(err)
			}
			sameBits(t, "20+40 steps", weightsIn(p), weightsIn(whole))
			if !slices.Equal(logOf(p).Loss, logOf(whole).Loss) {
				t.Error("the trace of losses is another")
			}
			other := f
			other.Batch = 16
			if _, err := c.train(ctx, other, data, odslib.Budget{Steps: 60}, 3); err == nil || !strings.Contains(err.Error(), "another batch (64 there, 16 here)") {
				t.Errorf("a checkpoint of other settings: %v", err)
			}

			path := filepath.Join(t.TempDir(), "kept")
			if err := p.Save(path); err != nil {
				t.Fatal(err)
			}
			back, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.Sample(ctx, 20, 5)
			if err != nil {
				t.Fatal(err)
			}
			b, err := back.Sample(ctx, 20, 5)
			if err != nil || !slices.Equal(a.Data, b.Data) || fmt.Sprintf("%T", back) != fmt.Sprintf("%T", p) {
				t.Errorf("%T that was read draws other samples: %v", back, err)
			}
			file, err := os.ReadFile(path + ".safetensors")
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range [][2]string{{`\"Hidden\":32`, `\"Hidden\":48`}, {`\"kind\":\"`, `\"kind\":\"X`}} {
				bad := strings.Replace(string(file), change[0], change[1], 1)
				head := int64(len(bad) - len(file)) // the header's length comes first
				bad = string([]byte{byte(int64(bad[0]) + head)}) + bad[1:]
				if err := os.WriteFile(path+".safetensors", []byte(bad), 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(path); err == nil || strings.Contains(err.Error(), "\n") {
					t.Errorf("a file with %s: %v", change[1], err)
				} else {
					t.Log(err)
				}
			}
		})
	}
}

// TestGeneratorsDiverge: a loss that is no number ends the training, says the step, and leaves finite weights.
func TestGeneratorsDiverge(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	data, ctx := crescent(500, 1), context.Background()
	for _, c := range families4() {
		f := common
		f.Rate = nn.Rate{Peak: 1e25, Warmup: -1}
		p, err := c.train(ctx, f, data, odslib.Budget{Steps: 200}, 3)
		if err == nil || !strings.Contains(err.Error(), "the loss of steps 2 to 20 is not finite") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		t.Logf("%s: %v", c.name, err)
		if p == nil {
			t.Errorf("%s: nothing is left", c.name)
			continue
		}
		for _, w := range weightsIn(p) {
			if w.Value.NonFinite() > 0 {
				t.Errorf("%s: %s is not finite", c.name, w.Name)
			}
		}
		nan := data.Clone()
		nan.Data[7] = float32(math.NaN())
		if _, err := c.train(ctx, Fit{}, nan, odslib.Budget{Steps: 1}, 1); err == nil || !strings.Contains(err.Error(), "1 of 1000 values") {
			t.Errorf("%s: NaN in the data: %v", c.name, err)
		}
	}
}

// TestFlowOfMixture: the flow of an exact denoiser draws the mixture, and its log-density is that of the mixture.
func TestFlowOfMixture(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	m := &Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-4, 1}, {3, 0}}, Variances: [][]float64{{.5, .5}, {1.5, 1.5}}}
	f := &Flow{Of: m, Steps: 32}
	x, err := f.Sample(ctx, 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	left, mean := 0., 0.
	for i := range x.Len() {
		if x.Row(i)[0] < -1 {
			left++
			mean += float64(x.Row(i)[1])
		}
	}
	if share := left / 4000; math.Abs(share-.3) > .03 || math.Abs(mean/left-1) > .1 { // three standard errors: .022, .06
		t.Errorf("%.3f of the draws in the left mode, mean %.3f", share, mean/left)
	}
	exact, err := each(ctx, m, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{m.LogDensity(scope, in[0], f.level(in[0], 0))}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, probes := range []int{0, 8} {
		f.Probes = probes
		logp, err := f.LogLikelihood(ctx, x.Slice(0, 200), 1)
		if err != nil {
			t.Fatal(err)
		}
		worst, bias := 0., 0.
		for i, l := range logp {
			worst = max(worst, math.Abs(l-exact[i]))
			bias += (l - exact[i]) / 200
		}
		t.Logf("%d probes: log p off by %.3g at most, %.3g on average", probes, worst, bias)
		if probes == 0 && worst > .05 || math.Abs(bias) > .05 {
			t.Errorf("%d probes: log p off by %.3g, %.3g on average", probes, worst, bias)
		}
	}
}

// TestRealNVPDensity: the density is that of the samples: exp(log p) integrates to 1, and going to the noise and back is the
// identity.
func TestRealNVPDensity(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	data := crescent(500, 1)
	for i := range data.Data {
		data.Data[i] = data.Data[i]*3 + 20
	}
	p, err := RealNVP{Couplings: 4, Net: nn.Tower{Hidden: 16, Layers: 1}, Fit: Fit{Rate: nn.Rate{Peak: 3e-3}}}.Train(ctx, data, odslib.Budget{Steps: 300}, 1)
	if err != nil {
		t.Fatal(err)
	}
	const side, width = 240, .1
	grid := odslib.Array(engine.NewArray(side*side, 2))
	for i := range side * side {
		grid.Row(i)[0], grid.Row(i)[1] = 20+width*float32(i%side-side/2), 20+width*float32(i/side-side/2)
	}
	logp, err := p.LogLikelihood(ctx, grid, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for _, l := range logp {
		sum += math.Exp(l) * width * width
	}
	if math.Abs(sum-1) > .02 {
		t.Errorf("the density integrates to %.4f", sum)
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.NewProgram(e, p.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		z, _ := p.toNoise(scope, p.in(scope, p.Generate(scope, in[0])))
		return []*engine.Node{z}
	})
	if err != nil {
		t.Fatal(err)
	}
	z := engine.FromRows([][]float64{{.3, -1}, {2, 1.5}, {0, 0}})
	back, err := program.Call1(z.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range back.Data {
		if math.Abs(float64(v-z.Data[i])) > 1e-4 {
			t.Errorf("noise %v came back as %v", z.Data, back.Data)
			break
		}
	}
}
