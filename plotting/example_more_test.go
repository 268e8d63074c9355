package plotting_test

import (
	"fmt"
	"math/rand/v2"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/plotting"
)

func ExampleIntervals() {
	fmt.Println(plotting.Intervals(draws("DPS", .3), draws("TDS", 0), plotting.Truth([]float64{0, .2}), plotting.Names("theta_1", "theta_2")))
	// Output: intervals of DPS, TDS, truth over 2 variables
}

func ExampleGenealogy() {
	res := odslib.NewResult(odslib.Posterior{}, "SMC", nil, 1)
	res.Ancestors = [][]int32{{0, 0, 1, 3}, {1, 1, 2, 2}} // the parent of each particle, for each resampling
	fmt.Println(plotting.Genealogy(res))
	// Output: genealogy of 4 particles of SMC over 2 resamplings
}

func ExampleRankECDF() {
	r, ranks := rand.New(rand.NewPCG(1, 1)), make([][]int, 2)
	for range 200 {
		ranks[0], ranks[1] = append(ranks[0], r.IntN(100)), append(ranks[1], r.IntN(100))
	}
	fmt.Println(plotting.RankECDF(ranks, 99))
	fmt.Println(plotting.RankHistogram(ranks, 99))
	// Output:
	// ECDF differences of ranks of 2 variables over 200 simulations
	// rank histograms of 2 variables over 200 simulations
}

func ExampleCoverage() {
	fmt.Println(plotting.Coverage(plotting.CoverageCurve{Name: "TARP", Levels: []float64{.5, .9}, Coverage: []float64{.48, .91}, Simulations: 200}))
	// Output: coverage of one curve
}

func ExamplePredictive() {
	t := []float64{0, 1, 2}
	curves := [][]float64{{1, .5, .2}, {1.1, .6, .3}, {.9, .5, .25}}
	fmt.Println(plotting.Predictive(t, curves, plotting.Points("observed", t, []float64{1, .55, .2}), plotting.XLabel("t")))
	// Output: posterior predictions at 3 places from 3 of 3 samples
}

func ExampleTable() {
	t := &plotting.Table{Corner: "method", Columns: []string{"banana", "digits"}, Rows: []plotting.TableRow{
		{Name: "DPS", Values: []float64{.41, 2.3}, Errors: []float64{.02, .1}}, {Name: "exact, twice", Values: []float64{.021, .4}, Floor: true},
	}}
	fmt.Print(t.Markdown(), t.LaTeX())
	fmt.Println(plotting.HeatMap(t))
	// Output:
	// | method | banana | digits |
	// |---|---:|---:|
	// | DPS | 0.410 ± 0.020 | 2.30 ± 0.10 |
	// | exact, twice | 0.021 | 0.4 |
	// \begin{tabular}{lrr}
	// \toprule
	// method & banana & digits \\
	// \midrule
	// DPS & 0.410 $\pm$ 0.020 & 2.30 $\pm$ 0.10 \\
	// \midrule
	// exact, twice & 0.021 & 0.4 \\
	// \bottomrule
	// \end{tabular}
	// table of 2 methods by 2 columns
}

func ExampleInfilled() {
	fmt.Println(plotting.Infilled(plotting.Infilling{Spans: []plotting.Span{{Text: "It was "}, {Text: "late", Filled: true}, {Text: "."}}}))
	// Output: one draw of a text with one filled span
}

func ExampleBackbone() {
	chain := engine.FromRows([][]float64{{0, 0, 0}, {1, 2, 0}, {3, 2, 1}, {4, 0, 2}})
	fmt.Println(plotting.Backbone(chain))
	// Output: backbone of 4 points
}

func ExampleGrid() {
	f := plotting.Grid(2, plotting.Marginals(draws("DPS", 0)), plotting.Bars(plotting.Bar{Name: "DPS", Value: .4})).Letters()
	fmt.Println(f.Size(plotting.TwoColumn).Err())
	// Output: <nil>
}

func ExampleFigure_Animate() {
	var states []odslib.Array
	for t := range 5 {
		states = append(states, draws("", float64(t)).Samples)
	}
	fmt.Println(plotting.Trajectories(states).Animate()) // Save writes .apng, or .html with a slider that needs no script
	// Output: 80 paths from noise to data in the plane in 5 frames
}
