package plotting

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// fixture is a figure on fixed data, made anew at every call.
type fixture struct {
	name string
	make func() *Figure
}

func normals(n, d int, seed uint64) odslib.Array {
	r := rand.New(rand.NewPCG(seed, 0))
	a := engine.NewArray(n, d)
	for i := range a.Data {
		a.Data[i] = float32(r.NormFloat64())
	}
	return a
}

// modes are draws of three Gaussians in a row, whose log-weights prefer none.
func modes(name string, n int, seed uint64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 1))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, seed)
	res.Samples = engine.NewArray(n, 2)
	for i := range n {
		res.Samples.Data[2*i] = float32(4*float64(r.IntN(3)-1) + .5*r.NormFloat64())
		res.Samples.Data[2*i+1] = float32(.8 * r.NormFloat64())
		res.LogWeights = append(res.LogWeights, .3*r.NormFloat64())
	}
	return res
}

func logModes(x, y float64) float64 {
	s := 0.
	for _, m := range []float64{-4, 0, 4} {
		s += math.Exp(-(x-m)*(x-m)/.5 - y*y/1.28)
	}
	return math.Log(s)
}

func tracing(name string, seed uint64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 2))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, seed)
	ess := 1.
	for t := range 60 {
		ess *= 1 - .1*r.Float64()
		res.Trace = append(res.Trace, odslib.TraceStep{Step: t + 1, ESS: ess, LogZ: -1 + .1*r.NormFloat64(), Loss: math.Exp(-float64(t)/10) + .01*r.Float64(), Resampled: ess < .5})
		if ess < .5 {
			ess = 1
		}
	}
	return res
}

func pictures8(n int, seed uint64) odslib.Array {
	r := rand.New(rand.NewPCG(seed, 3))
	a := engine.NewArray(n, 8, 8, 1)
	for i := range a.Data {
		a.Data[i] = float32(r.Float64()*.3 + .7*float64(i/8%8)/8)
	}
	return a
}

func recovery() Recovery {
	truth := pictures8(1, 4)
	seen := truth.Clone()
	for i := range seen.Data {
		if i%3 == 0 {
			seen.Data[i] = float32(math.NaN())
		}
	}
	res := odslib.NewResult(odslib.Posterior{}, "DPS", nil, 0)
	res.Samples = pictures8(12, 5)
	return Recovery{Name: "inpainting", Truth: truth, Measured: seen, Samples: res}
}

func states(n, d, steps int) (out []odslib.Array) {
	for t := range steps {
		a := normals(n, d, 9)
		for i := range a.Data {
			a.Data[i] *= float32(2 - 1.8*float64(t)/float64(steps-1))
		}
		out = append(out, a)
	}
	return out
}

// resampled is a particle sampler's result whose ancestors lose half of the lineages each time.
func resampled(n, times int) *odslib.Result {
	r := rand.New(rand.NewPCG(4, 4))
	res := odslib.NewResult(odslib.Posterior{}, "SMC", nil, 0)
	for k := range times {
		parents := make([]int32, n)
		for i := range parents {
			parents[i] = int32(r.IntN(n*3/4+1) + n/8)
		}
		res.Ancestors = append(res.Ancestors, parents)
		res.Trace = append(res.Trace, odslib.TraceStep{Step: 7*k + 5, ESS: .4, Resampled: true})
	}
	res.Trace = append(res.Trace, odslib.TraceStep{Step: 7 * times})
	res.Particles = &odslib.Cloud{X: normals(n, 1, 1)}
	for range n {
		res.Particles.LogWeights = append(res.Particles.LogWeights, 2*r.NormFloat64())
	}
	return res
}

// uniformRanks are ranks of right posteriors but for the second variable's, which are over-confident.
func uniformRanks(variables, simulations, draws int) [][]int {
	r := rand.New(rand.NewPCG(6, 6))
	out := make([][]int, variables)
	for j := range out {
		for range simulations {
			u := r.Float64()
			if j == 1 {
				u = .5 - .5*math.Cos(math.Pi*u)
			}
			out[j] = append(out[j], int(u*float64(draws+1)))
		}
	}
	return out
}

func helix(n, points int) odslib.Array {
	r := rand.New(rand.NewPCG(8, 8))
	a := engine.NewArray(n, points, 3)
	for i := range n {
		for k := range points {
			t := float64(k)
			p := a.Row(i)[3*k:]
			turn := .6 * t
			if k > points/2 {
				turn = .6*float64(points/2) + .15*(t-float64(points/2))
			}
			p[0], p[1], p[2] = float32(2.3*math.Cos(turn)+.3*r.NormFloat64()*float64(i)/8), float32(2.3*math.Sin(turn)+.3*r.NormFloat64()*float64(i)/8), float32(.9*t+.3*r.NormFloat64()*float64(i)/8)
		}
	}
	return a
}

func comparison() *Table {
	nan := math.NaN()
	return &Table{Corner: "method", Columns: []string{"25 modes", "banana", "digits"}, Rows: []TableRow{
		{Name: "DPS", Values: []float64{.41, .172, 2.3}, Errors: []float64{.02, .008, .1}},
		{Name: "bootstrap SMC", Values: []float64{.031, .025, nan}},
		{Name: "RTB", Values: []float64{.052, .04, .91}},
		{Name: "two exact sets", Values: []float64{.021, .019, nan}, Floor: true},
	}}
}

var figures = []fixture{
	{"intervals", func() *Figure {
		return Intervals(modes("DPS", 600, 1), modes("RTB", 600, 3), Prior(normals(400, 2, 2)), Truth([]float64{0, .5}), Names("theta_1", "theta_2"))
	}},
	{"genealogy", func() *Figure { return Genealogy(resampled(64, 8)) }},
	{"rank-histogram", func() *Figure {
		return RankHistogram(uniformRanks(3, 300, 100), 100, Names("theta_1", "theta_2", "theta_3"))
	}},
	{"rank-ecdf", func() *Figure {
		return RankECDF(uniformRanks(3, 300, 100), 100, Names("theta_1", "theta_2", "theta_3"))
	}},
	{"coverage", func() *Figure {
		return Coverage(CoverageCurve{"TARP", []float64{.1, .3, .5, .7, .9}, []float64{.12, .28, .49, .72, .91}, 200}, CoverageCurve{"intervals", []float64{.1, .3, .5, .7, .9}, []float64{.05, .2, .35, .5, .8}, 200})
	}},
	{"calibration", func() *Figure {
		truths, draws := normals(60, 2, 1), []odslib.Array{}
		for s := range 60 {
			draws = append(draws, normals(40, 2, uint64(s+10)))
		}
		return Calibration(truths, draws)
	}},
	{"predictive", func() *Figure {
		x, rows := []float64{}, [][]float64{}
		for i := range 40 {
			x = append(x, float64(i)/10)
		}
		a := normals(300, 3, 2)
		for i := range 300 {
			var row []float64
			for _, t := range x {
				row = append(row, (1+.2*float64(a.Row(i)[0]))*math.Sin(t+.15*float64(a.Row(i)[1]))+.1*float64(a.Row(i)[2]))
			}
			rows = append(rows, row)
		}
		return Predictive(x, rows, Points("observed", []float64{.5, 1.4, 2.2, 3.1}, []float64{.4, 1.1, .7, .1}), Function("truth", math.Sin, 0, 3.9).AsTruth(), XLabel("t"), YLabel("y"))
	}},
	{"heatmap", func() *Figure { return HeatMap(comparison()) }},
	{"infilled", func() *Figure {
		return Infilled(Infilling{"sample 1", []Span{{"The posterior is ", false}, {"as narrow as the data allow", true}, {", and its modes are ", false}, {"two", true}, {".", false}}},
			Infilling{"sample 2", []Span{{"The posterior is ", false}, {"wide & <skewed>", true}, {", and its modes are ", false}, {"lost to whoever looks at means alone", true}, {".", false}}})
	}},
	{"backbone", func() *Figure { return Backbone(helix(6, 24)) }},
	{"pair-discrete", func() *Figure {
		a := normals(400, 3, 3)
		for i := range 400 {
			a.Row(i)[0] = float32(int(a.Row(i)[0]*2+40) % 4)
			a.Row(i)[2] = max(0, a.Row(i)[2]-1)
		}
		return Pair(a, Summary())
	}},
	{"pair-few", func() *Figure { return Pair(normals(6, 2, 3), Truth([]float64{0, 0})) }},
	{"pair", func() *Figure {
		return Pair(modes("DPS", 600, 1), Prior(normals(400, 2, 2)), Truth([]float64{0, .5}), Names("theta_1", "theta_2"))
	}},
	{"pair-two", func() *Figure {
		return Pair(modes("DPS", 600, 1), modes("TDS", 600, 3), Truth(modes("exact", 800, 4)))
	}},
	{"pair-many", func() *Figure { return Pair(normals(300, 12, 5), Variables(0, 1, 2, 3, 4, 11)) }},
	{"marginals", func() *Figure {
		return Marginals(modes("DPS", 600, 1), Prior(normals(400, 2, 2)), Truth([]float64{0, .5}))
	}},
	{"density", func() *Figure { return Density2D(modes("DPS", 600, 1), Truth(modes("exact", 300, 4))) }},
	{"density-known", func() *Figure {
		return Density2D(modes("DPS", 600, 1), Truth(modes("exact", 300, 4)).LogDensity(logModes)).Letters()
	}},
	{"field", func() *Figure { return Density2D(Field("target", logModes), XLimits(-6, 6), YLimits(-3, 3), Cividis()) }},
	{"images", func() *Figure { return Images(pictures8(12, 4), Columns(6)) }},
	{"images-sets", func() *Figure { return Images(As("prior", pictures8(12, 4)), As("posterior", pictures8(12, 5))) }},
	{"recoveries", func() *Figure { return Recoveries(recovery(), Count(4)) }},
	{"lines", func() *Figure {
		return Lines(Function("α_t", math.Cos, 0, 1.5), Line("measured", []float64{0, .5, 1, 1.5}, []float64{.1, math.NaN(), .6, .9}).AsPrior(),
			Band("", []float64{0, 1.5}, []float64{.2, .3}, []float64{.4, .6}), Points("data", []float64{.2, .7}, []float64{.5, .2}), XLabel("t"), YLabel("scale")).Title("Schedules")
	}},
	{"trajectories", func() *Figure { return Trajectories(states(30, 2, 20), Field("target", logModes)) }},
	{"trajectories-1d", func() *Figure { return Trajectories(states(30, 1, 20)) }},
	{"score", func() *Figure {
		return Score(func(x, y float64) (float64, float64) { return -x, -y }, logModes, XLimits(-5, 5), YLimits(-5, 5), Count(9))
	}},
	{"ess", func() *Figure {
		return ESS(tracing("TDS", 1), tracing("TDS", 2), tracing("TDS", 3), tracing("SMC", 4), Exact(-1), Threshold(.5))
	}},
	{"training", func() *Figure { return Training(tracing("RTB", 1)) }},
	{"training-runs", func() *Figure {
		_, a := steps(tracing("", 1), func(t odslib.TraceStep) float64 { return t.Loss })
		_, b := steps(tracing("", 2), func(t odslib.TraceStep) float64 { return t.Loss })
		return Training(Runs("RTB", a, b).Every(10), Exact(.005))
	}},
	{"bars", func() *Figure {
		return Bars(Bar{Name: "DPS", Value: .41, Low: .38, High: .45}, Bar{Name: "ΠGDM", Value: .172}, Floor(.02))
	}},
	{"bars-log", func() *Figure {
		return Bars(Bar{Name: "DPS", Value: 3.2e-5}, Bar{Name: "TDS", Value: .17}, LogX())
	}},
	{"cost", func() *Figure {
		return Cost(CostPoint{Name: "DPS", Distance: .4, Seconds: 1, Evaluations: 1e5}, CostPoint{Name: "DPS", Distance: .3, Seconds: 4, Evaluations: 4e5},
			CostPoint{Name: "TDS", Distance: .08, Low: .06, High: .1, Seconds: 9, Evaluations: 9e5}, Floor(.02))
	}},
	{"grid", func() *Figure {
		a := Lines(Function("f", math.Sin, 0, 3), XLabel("t"))
		return Grid(2, a, Bars(Bar{Name: "a", Value: 1}), ESS(tracing("SMC", 4)), HeatMap(comparison())).Letters()
	}},
	{"beside", func() *Figure {
		return Beside(Lines(Function("f", math.Sin, 0, 3)), Bars(Bar{Name: "a", Value: 1})).Letters()
	}},
}

type ranked measure.Ranking

func (r ranked) Ranking() measure.Ranking { return measure.Ranking(r) }

// A calibration is drawn from its ranks as from its draws, and says what it cannot draw.
func TestCalibrationOfRanks(t *testing.T) {
	truths, draws := normals(60, 2, 1), []odslib.Array{}
	for s := range 60 {
		draws = append(draws, normals(40, 2, uint64(s+10)))
	}
	ranks, err := measure.Ranks(truths, draws)
	if err != nil {
		t.Fatal(err)
	}
	r := ranked{Ranks: ranks, Draws: 40}
	for i := range 50 {
		r.Levels = append(r.Levels, float64(i+1)/51)
	}
	if r.TARP, err = (measure.TARP{}).Coverage(truths, draws, r.Levels...); err != nil {
		t.Fatal(err)
	}
	a, err := Calibration(truths, draws).encode("svg")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Calibration(r).encode("svg")
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("%d and %d bytes, %v", len(a), len(b), err)
	}
	for n := range 12 { // of so many values each interval of which holds all, no mean is above 1
		wide := ranked{Draws: 40, Levels: []float64{.5}, TARP: []float64{1}, Ranks: make([][]int, n+1)}
		for j := range wide.Ranks {
			wide.Ranks[j] = []int{20, 20, 20}
		}
		if _, err := Calibration(wide).encode("svg"); err != nil {
			t.Errorf("%d values: %v", n+1, err)
		}
	}
	for _, f := range []*Figure{Calibration(), Calibration(ranked{}), Calibration(truths), Calibration(truths, 3), Calibration(r, "x"), Calibration(7)} {
		if f.Err() == nil || strings.Contains(f.Err().Error(), "\n") {
			t.Errorf("%v", f.Err())
		}
	}
}
