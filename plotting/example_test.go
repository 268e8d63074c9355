package plotting_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/plotting"
)

func draws(name string, shift float64) *odslib.Result {
	r := rand.New(rand.NewPCG(1, 2))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, 1)
	res.Samples = engine.NewArray(500, 2)
	for i := range res.Samples.Data {
		res.Samples.Data[i] = float32(r.NormFloat64() + shift)
	}
	return res
}

func ExamplePair() {
	dps, tds := draws("DPS", .3), draws("TDS", 0)
	f := plotting.Pair(dps, tds, plotting.Truth([]float64{0, .2}), plotting.Names("theta_1", "theta_2"))
	fmt.Println(f)
	// In a notebook the figure shows by itself; f.Size(plotting.Column).Save("figures/pair") writes PDF, SVG and PNG.

	// Output: pair plot of DPS, TDS, truth over 2 variables
}

func ExampleLines() {
	f := plotting.Lines(plotting.Function("α_t", math.Cos, 0, math.Pi/2), plotting.Function("σ_t", math.Sin, 0, math.Pi/2), plotting.XLabel("t"))
	fmt.Println(f)
	// Output: plot of α_t, σ_t
}

// What is wrong with the input is one line, and no panic.
func ExampleFigure_Err() {
	fmt.Println(plotting.Pair(draws("DPS", 0), plotting.Variables(5)))
	// Output: plotting.Pair: Variables: there is no variable 5; they are 0 to 1
}
