package priors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var (
	_ odslib.HostGenerator = (*ExportedGenerator)(nil)
	_ odslib.HostDiffusion = (*ExportedDiffusion)(nil)
)

// Exported is a program that JAX exported as StableHLO, for a fixed batch of float32: testdata/exported/export.py writes such files.
// Path.json describes Path.mlirbc and Path.vjp.mlirbc.
type Exported struct {
	Path   string
	Inputs [][]int // [batch, …] each
	Output []int   // [batch, …]
	JAX    string  // version that exported it
}

// Bounds of what is read.
const (
	exportedFormat  = "odslab exported 1"
	maxExportedHead = 1 << 16
	maxProgram      = 1 << 30
)

// exportedHead is Path.json.
type exportedHead struct {
	Format   string            `json:"format"`
	JAX      string            `json:"jax"`
	Platform string            `json:"platform"`
	Inputs   [][]int           `json:"inputs"`
	Output   []int             `json:"output"`
	DType    string            `json:"dtype"`
	SHA256   map[string]string `json:"sha256"`
}

// openExported reads and checks the header, and the program's sum.
func openExported(path string) (e Exported, err error) {
	b, err := readBounded(path+".json", maxExportedHead)
	if err != nil {
		return e, fmt.Errorf("exported prior: %w", err)
	}
	fail := func(format string, args ...any) (Exported, error) {
		return Exported{}, fmt.Errorf("exported prior %s: %s", filepath.Base(path), fmt.Sprintf(format, args...))
	}
	var h exportedHead
	if err := json.Unmarshal(b, &h); err != nil {
		return fail("its header is no JSON: %v", err)
	}
	switch {
	case h.Format != exportedFormat:
		return fail("its format is %.40q, this version reads %q", h.Format, exportedFormat)
	case h.Platform != "cpu" && h.Platform != "cuda":
		return fail("it was exported for %.40q; export it for cpu or cuda", h.Platform)
	case h.DType != "float32":
		return fail("its arrays are %.40q; export it for float32", h.DType)
	case len(h.Inputs) == 0 || len(h.Output) < 2:
		return fail("its header names %d inputs and the output %v; arrays have a batch axis and more", len(h.Inputs), h.Output)
	}
	for _, s := range append(h.Inputs[:len(h.Inputs):len(h.Inputs)], h.Output) {
		n := 1
		for _, d := range s {
			if d < 1 || d > 1<<28 || n > 1<<28 {
				return fail("an array of shape %v", s)
			}
			n *= d
		}
		if len(s) == 0 || n > 1<<28 || s[0] != h.Output[0] {
			return fail("an array of shape %v beside an output of shape %v; all have the same batch", s, h.Output)
		}
	}
	e = Exported{Path: path, Inputs: h.Inputs, Output: h.Output, JAX: h.JAX}
	_, err = e.program("mlirbc", h)
	return e, err
}

// program reads the file of an ending, whose sum the header has.
func (e Exported) program(ending string, h exportedHead) ([]byte, error) {
	b, err := readBounded(e.Path+"."+ending, maxProgram)
	if err != nil {
		return nil, fmt.Errorf("exported prior: %w", err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != h.SHA256[ending] {
		return nil, fmt.Errorf("exported prior: %s.%s is not the file that its header describes (its SHA-256 differs); export it again", filepath.Base(e.Path), ending)
	}
	if !bytes.HasPrefix(b, []byte("ML\xefR")) {
		return nil, fmt.Errorf("exported prior: %s.%s is no MLIR bytecode", filepath.Base(e.Path), ending)
	}
	return b, nil
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}

// compiledPrograms are those of this process, by file.
var compiledPrograms sync.Map // string → func() (engine.Exported, error)

func (e Exported) compiled(ending string) (engine.Exported, error) {
	compile, _ := compiledPrograms.LoadOrStore(e.Path+"."+ending, sync.OnceValues(func() (engine.Exported, error) {
		b, err := readBounded(e.Path+".json", maxExportedHead)
		if err != nil {
			return nil, err
		}
		var h exportedHead
		if err := json.Unmarshal(b, &h); err != nil {
			return nil, err
		}
		program, err := e.program(ending, h)
		if err != nil {
			return nil, err
		}
		eng, err := engine.Open()
		if err != nil {
			return nil, err
		}
		return eng.LoadExported(program)
	}))
	return compile.(func() (engine.Exported, error))()
}

// run runs the program of an ending on any number of rows, in batches of its own, and returns its k-th output.
func (e Exported) run(ctx context.Context, ending string, k int, in ...odslib.Array) (out odslib.Array, err error) {
	p, err := e.compiled(ending)
	if err != nil {
		return out, err
	}
	batch := e.Output[0]
	for first := 0; first < in[0].Len(); first += batch {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		rows := min(batch, in[0].Len()-first)
		args := make([]engine.Array, len(in))
		for i, a := range in {
			args[i] = diffusion.Padded(a.Slice(first, first+rows), batch)
		}
		results, err := p.Run(args...)
		if err != nil {
			return out, fmt.Errorf("exported prior %s: %w", filepath.Base(e.Path), err)
		}
		want := e.Output
		if k == 1 {
			want = e.Inputs[0]
		}
		if len(results) <= k || !slices.Equal(results[k].Shape, want) {
			return out, fmt.Errorf("exported prior %s: the program's output is not the array of shape %v that the header says", filepath.Base(e.Path), want)
		}
		out = out.Append(results[k].Slice(0, rows))
	}
	return out, nil
}

// ExportedGenerator is a generator x = f(z) from JAX. Samplers that need no gradient take it; VJP is for methods of one's own.
type ExportedGenerator struct{ Exported }

// OpenExported reads a generator: one input z [batch, noise…], one output x [batch, shape…].
func OpenExported(path string) (*ExportedGenerator, error) {
	e, err := openExported(path)
	if err == nil && (len(e.Inputs) != 1 || len(e.Inputs[0]) < 2) {
		err = fmt.Errorf("exported prior %s: a generator has one input, z [batch, noise…]; this program takes %v", filepath.Base(path), e.Inputs)
	}
	if err != nil {
		return nil, err
	}
	return &ExportedGenerator{e}, nil
}

// Shape implements odslib.Prior.
func (g *ExportedGenerator) Shape() []int { return slices.Clone(g.Output[1:]) }

// NoiseShape implements odslib.HostGenerator.
func (g *ExportedGenerator) NoiseShape() []int { return slices.Clone(g.Inputs[0][1:]) }

// GenerateHost implements odslib.HostGenerator.
func (g *ExportedGenerator) GenerateHost(ctx context.Context, z odslib.Array) (odslib.Array, error) {
	if len(z.Shape) == 0 || !slices.Equal(z.Shape[1:], g.NoiseShape()) {
		return odslib.Array{}, fmt.Errorf("exported prior: noise of shape %v, want [n, %v]", z.Shape, g.NoiseShape())
	}
	return g.run(ctx, "mlirbc", 0, z)
}

// VJP is Jᵀ·v at z, J = ∂x/∂z, for v [n, shape…].
func (g *ExportedGenerator) VJP(ctx context.Context, z, v odslib.Array) (odslib.Array, error) {
	return g.run(ctx, "vjp.mlirbc", 1, z, v)
}

// Sample implements odslib.Prior.
func (g *ExportedGenerator) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	return generate(ctx, g, n, seed)
}

// String names the file.
func (g *ExportedGenerator) String() string {
	return fmt.Sprintf("generator %s, exported by JAX %s", filepath.Base(g.Path), g.JAX)
}

// ExportedDiffusion is a denoiser x̂0(x_t, t, α, σ) from JAX, of the schedule that it knows.
type ExportedDiffusion struct {
	Exported
	Noising odslib.Schedule
}

// OpenExportedDiffusion reads a denoiser: x_t [batch, shape…] and t, α, σ [batch] in, x̂0 [batch, shape…] out.
func OpenExportedDiffusion(path string, schedule odslib.Schedule) (*ExportedDiffusion, error) {
	e, err := openExported(path)
	if err != nil {
		return nil, err
	}
	fits := len(e.Inputs) == 4 && slices.Equal(e.Inputs[0], e.Output)
	for _, s := range e.Inputs[1:] {
		fits = fits && len(s) == 1
	}
	if !fits || schedule == nil {
		return nil, fmt.Errorf("exported prior %s: a denoiser takes x_t [batch, shape…] and t, α, σ [batch] and gives the shape of x_t, under a schedule; this program takes %v to %v", filepath.Base(path), e.Inputs, e.Output)
	}
	return &ExportedDiffusion{e, schedule}, nil
}

// Shape implements odslib.Prior.
func (d *ExportedDiffusion) Shape() []int { return slices.Clone(d.Output[1:]) }

// Schedule implements odslib.HostDiffusion.
func (d *ExportedDiffusion) Schedule() odslib.Schedule { return d.Noising }

// DenoiseHost implements odslib.HostDiffusion.
func (d *ExportedDiffusion) DenoiseHost(ctx context.Context, x odslib.Array, t float64) (odslib.Array, error) {
	in := []odslib.Array{x}
	for _, v := range []float64{t, d.Noising.Alpha(t), d.Noising.Sigma(t)} {
		a := engine.NewArray(x.Len())
		for i := range a.Data {
			a.Data[i] = float32(v)
		}
		in = append(in, a)
	}
	return d.run(ctx, "mlirbc", 0, in...)
}

// Sample implements odslib.Prior: the chain of [HostChain].
func (d *ExportedDiffusion) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	return HostChain{Of: d}.Sample(ctx, n, seed)
}
