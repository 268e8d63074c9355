package exact

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

//go:embed t2.json.gz
var t2Data []byte

// T2 is the linear-Gaussian measurement of a 25-component mixture in d dimensions with dy measurements (the benchmark
// of Cardoso et al. 2024, MCGDiff). Fixed instances are kept: seeds 0–29 for (8,1), 0–9 for (8,2), (8,4), (80,1), (80,4).
func T2(d, dy, seed int) (Case, error) {
	zr, err := gzip.NewReader(bytes.NewReader(t2Data))
	if err != nil {
		return Case{}, err
	}
	var all []struct {
		D, Dy, Seed int
		Weights, Y  []float64
		A           [][]float64
		Sigma, LogZ float64
	}
	if err := json.NewDecoder(zr).Decode(&all); err != nil {
		return Case{}, err
	}
	for _, in := range all {
		if in.D == d && in.Dy == dy && in.Seed == seed {
			c := t2(in.Weights, in.A, in.Y, in.Sigma)
			c.LogZ = in.LogZ
			return c, nil
		}
	}
	return Case{}, fmt.Errorf("exact: no instance of T2 with d=%d, dy=%d, seed=%d is kept; RandomT2 draws one", d, dy, seed)
}

// NewT2 is the instance of T2 with these numbers: 25 weights of the components, nil meaning equal ones, A [dy][d], y [dy] and
// the error's standard deviation.
func NewT2(weights []float64, a [][]float64, y []float64, sigma float64) (Case, error) {
	if len(a) == 0 || len(a[0]) == 0 {
		return Case{}, fmt.Errorf("exact: T2 needs a matrix A")
	}
	c := t2(weights, a, y, sigma)
	var err error
	_, c.LogZ, err = c.Post.Exact()
	return c, err
}

// RandomT2 draws an instance as the benchmark does: squares of normals for weights, A a random matrix whose singular values are
// replaced by uniform ones, σ uniform up to the largest of them, y that of a sample of the prior. The kept instances were drawn
// elsewhere: the same seed is another instance here.
func RandomT2(d, dy int, seed uint64) (Case, error) {
	if dy < 1 || d < dy {
		return Case{}, fmt.Errorf("exact: T2 with %d measurements of %d dimensions; it takes from 1 up to as many", dy, d)
	}
	rng := engine.RNG(seed, "exact.RandomT2")
	weights := make([]float64, 25)
	for k := range weights {
		v := rng.NormFloat64()
		weights[k] = v * v
	}
	random := mat.NewDense(dy, d, nil)
	random.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, random)
	var svd mat.SVD
	if !svd.Factorize(random, mat.SVDThin) {
		return Case{}, fmt.Errorf("exact: a random matrix has no singular values")
	}
	values := make([]float64, dy)
	for i := range values {
		values[i] = rng.Float64()
	}
	slices.SortFunc(values, func(a, b float64) int { // falling, as singular values are
		if a > b {
			return -1
		}
		return 1
	})
	var u, v, a mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	a.Product(&u, mat.NewDiagDense(dy, values), v.T())
	sigma := rng.Float64() * values[0]
	pick, k := rng.Float64(), 0
	prior := priors.Isotropic(weights, grid8(d), 1)
	for p := prior.Probabilities(); k < 24 && pick > p[k]; k++ {
		pick -= p[k]
	}
	x := mat.NewVecDense(d, nil)
	for j := range d {
		x.SetVec(j, prior.Means[k][j]+rng.NormFloat64())
	}
	var ax mat.VecDense
	ax.MulVec(&a, x)
	rows, y := make([][]float64, dy), make([]float64, dy)
	for i := range dy {
		rows[i], y[i] = mat.Row(nil, i, &a), ax.AtVec(i)+sigma*rng.NormFloat64()
	}
	return NewT2(weights, rows, y, sigma)
}

func t2(weights []float64, a [][]float64, y []float64, sigma float64) Case {
	d, dy := len(a[0]), len(a)
	return Case{
		Name: fmt.Sprintf("T2 (%d,%d)", d, dy), About: fmt.Sprintf("%d measurements of 25 Gaussians in %d dimensions", dy, d), LogZ: math.NaN(),
		Post: odslib.Given(priors.Isotropic(weights, grid8(d), 1), constraint.Gaussian{A: constraint.Matrix(a), Y: y, Sigma: sigma}),
	}
}

// grid8 are the means (−8i, −8j) tiled to d dimensions, i, j in −2..2.
func grid8(d int) [][]float64 {
	var means [][]float64
	for i := -2; i <= 2; i++ {
		for j := -2; j <= 2; j++ {
			mu := make([]float64, d)
			for k := range mu {
				mu[k] = -8 * float64([]int{i, j}[k%2])
			}
			means = append(means, mu)
		}
	}
	return means
}
