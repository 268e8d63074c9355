package main

import (
	"math"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/plotting"
)

var theta = []string{"theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6"}

var thetaTrue = []float64{.4, -.65, 2.35, -.2, -1.2, 0}

var pictures = []picture{
	{"pair", "A pair plot of one posterior: filled contours that hold 50 and 90 %, samples beyond, the true value dashed.", func() *plotting.Figure {
		return plotting.Pair(sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...)).Size(plotting.Column)
	}},
	{"pair-prior", "The same over its prior, which is grey and does not set the limits.", func() *plotting.Figure {
		return plotting.Pair(plotting.Prior(gaussian(5000, 6, 3, 2)), sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...)).Size(plotting.OneAndHalf)
	}},
	{"pair-samplers", "Several samplers and the exact posterior: colours follow the method.", func() *plotting.Figure {
		return plotting.Pair(plotting.Prior(gaussian(4000, 2, 2, 3)), banana("DPS", 2000, 4, .25), banana("TDS", 2000, 5, .02), plotting.Truth(banana("exact", 4000, 6, 0)))
	}},
	{"pair-many", "Of many variables the first eight; Variables picks others.", func() *plotting.Figure {
		return plotting.Pair(gaussian(2000, 64, 1, 7)).Size(plotting.TwoColumn)
	}},
	{"density", "Two densities that are known, in colour over ten nats, with their samples.", func() *plotting.Figure {
		m25, w25 := modes25()
		m9, w9 := modes9()
		return plotting.Density2D(plotting.Prior(mixture("prior", 2000, 1, m25, w25)).LogDensity(logMixture(m25, w25)),
			plotting.As("target", mixture("target", 2000, 2, m9, w9)).LogDensity(logMixture(m9, w9))).Size(plotting.Column).Letters()
	}},
	{"density-samplers", "Samplers on the exact density.", func() *plotting.Figure {
		m9, w9 := modes9()
		lost := append([]float64(nil), w9...)
		lost[0], lost[1], lost[8] = 0, .02, 0
		return plotting.Density2D(mixture("TDS", 2000, 2, m9, w9), mixture("DPS", 2000, 3, m9, lost), plotting.Truth(mixture("exact", 2000, 4, m9, w9)).LogDensity(logMixture(m9, w9)))
	}},
	{"density-kde", "The same where the density is estimated.", func() *plotting.Figure {
		m9, w9 := modes9()
		return plotting.Density2D(mixture("TDS", 2000, 2, m9, w9))
	}},
	{"marginals", "Marginals with the shortest regions of 50 and 90 %, split at modes.", func() *plotting.Figure {
		return plotting.Marginals(plotting.Prior(gaussian(5000, 6, 3, 2)), sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...))
	}},
	{"images", "Image samples on one grey scale.", func() *plotting.Figure { return plotting.Images(digits(40)) }},
	{"images-sets", "Sets of images, a row each.", func() *plotting.Figure {
		return plotting.Images(plotting.As("prior", digits(40)), plotting.As("RTB", digits(30)), plotting.As("outsourced", digits(20)))
	}},
	{"recoveries", "Image posteriors: truth, measurement, mean, standard deviation, samples.", recoveries},
	{"lines", "Any numbers as lines, points and bands.", func() *plotting.Figure {
		return plotting.Lines(plotting.Function("α_t", func(t float64) float64 { return math.Cos(math.Pi / 2 * t) }, 0, 1),
			plotting.Function("σ_t", func(t float64) float64 { return math.Sin(math.Pi / 2 * t) }, 0, 1), plotting.XLabel("t"), plotting.YLabel("scale"))
	}},
	{"scatter", "Points, a band and a true line.", func() *plotting.Figure {
		a := gaussian(300, 2, 1, 8)
		x := []float64{-3, 3}
		return plotting.Lines(plotting.Points("samples", a.Column(0), a.Column(1)), plotting.Band("band", []float64{-3, 3}, []float64{-1, 0}, []float64{0, 1}), plotting.Line("truth", x, []float64{-.5, .5}).AsTruth(), plotting.XLabel("x_1"), plotting.YLabel("x_2"))
	}},
	{"beside", "Two figures side by side with panel letters; Grid makes rows too.", func() *plotting.Figure {
		cosine := plotting.Lines(plotting.Function("α_t", func(t float64) float64 { return math.Cos(math.Pi / 2 * t) }, 0, 1),
			plotting.Function("σ_t", func(t float64) float64 { return math.Sin(math.Pi / 2 * t) }, 0, 1), plotting.XLabel("t"))
		ratio := plotting.Lines(plotting.Function("", func(t float64) float64 { return math.Pow(math.Tan(math.Pi/2*t), -2) }, .01, .99), plotting.LogY(), plotting.XLabel("t"), plotting.YLabel("signal to noise"))
		return plotting.Beside(cosine, ratio).Letters().Size(plotting.TwoColumn)
	}},
	{"trajectories", "Samples on their way from noise to data; it moves (Animate).", func() *plotting.Figure {
		m9, w9 := modes9()
		return plotting.Trajectories(ways(80, 50, 9), plotting.Field("target", logMixture(m9, w9))).Size(plotting.Column)
	}},
	{"trajectories-1d", "The same in one variable.", func() *plotting.Figure { return plotting.Trajectories(ways1(300, 60, 10)) }},
	{"score", "A vector field: lengths by their logarithm.", func() *plotting.Figure {
		m25, w25 := modes25()
		logp := logMixture(m25, w25)
		return plotting.Score(func(x, y float64) (float64, float64) {
			const h = 1e-4
			return (logp(x+h, y) - logp(x-h, y)) / 2 / h, (logp(x, y+h) - logp(x, y-h)) / 2 / h
		}, logp, plotting.XLimits(-8, 8), plotting.YLimits(-8, 8)).Size(plotting.Column)
	}},
	{"ess", "ESS and log Ẑ of eight runs over the steps.", func() *plotting.Figure {
		args := []any{plotting.Exact(0), plotting.Threshold(.5)}
		for seed := range uint64(8) {
			args = append(args, particles("TDS", 100, seed))
		}
		return plotting.ESS(args...).Size(plotting.Column)
	}},
	{"ess-two", "Two particle samplers.", func() *plotting.Figure {
		return plotting.ESS(particles("SMC", 100, 3), particles("TDS", 100, 11), plotting.Exact(0))
	}},
	{"training", "A loss with its running median.", func() *plotting.Figure { return plotting.Training(losses(3000, 1)) }},
	{"training-seeds", "Losses of several seeds: median and quartiles.", func() *plotting.Figure {
		return plotting.Training(plotting.Runs("RTB", losses(400, 1), losses(400, 2), losses(400, 3), losses(400, 4)), plotting.Runs("policy gradient", slow(400, 5), slow(400, 6), slow(400, 7))).Size(plotting.Column)
	}},
	{"bars", "One number of several samplers beside its floor.", func() *plotting.Figure {
		return plotting.Bars(plotting.Bar{Name: "DPS", Value: .41, Low: .38, High: .45}, plotting.Bar{Name: "ΠGDM", Value: .17, Low: .15, High: .19},
			plotting.Bar{Name: "TDS", Value: .043, Low: .035, High: .05}, plotting.Bar{Name: "RTB", Value: .052, Low: .047, High: .061},
			plotting.Floor(.021), plotting.XLabel("sliced Wasserstein distance")).Size(plotting.Column)
	}},
	{"cost", "Accuracy against cost, network evaluations as area.", func() *plotting.Figure {
		var ps []plotting.CostPoint
		for i, n := range []float64{50, 200, 1000} {
			ps = append(ps, plotting.CostPoint{Name: "DPS", Distance: .5 - .03*float64(i), Seconds: n / 200, Evaluations: n * 2000},
				plotting.CostPoint{Name: "TDS", Distance: .3 / math.Sqrt(n/50), Seconds: n / 60, Evaluations: n * 4000})
		}
		ps = append(ps, plotting.CostPoint{Name: "RTB", Distance: .06, Low: .05, High: .075, Seconds: 3, Evaluations: 1e5},
			plotting.CostPoint{Name: "elliptical slice", Distance: .12, Low: .1, High: .14, Seconds: 1.2, Evaluations: 4e5})
		return plotting.Cost(ps, plotting.Floor(.021)).Size(plotting.Column)
	}},
}

// more are the plots of calibration, particles, predictions, tables, text and molecules.
var more = []picture{
	{"intervals", "A forest plot: 50 and 94 %, several bars where there are several modes.", func() *plotting.Figure {
		return plotting.Intervals(sixD(20000, 1), plotting.Prior(gaussian(5000, 6, 3, 2)), plotting.Truth(thetaTrue), plotting.Names(theta...)).Size(plotting.Column)
	}},
	{"genealogy", "Who descends from whom: lineages that live on have the colour of their final weight.", func() *plotting.Figure {
		return plotting.Genealogy(descent(512, 12, 5)).Size(plotting.Column)
	}},
	{"rank-histogram", "Ranks of simulation-based calibration with a band for all bins.", func() *plotting.Figure {
		return plotting.RankHistogram(ranks(4, 300, 100), 100, plotting.Names(theta[:4]...)).Size(plotting.TwoColumn)
	}},
	{"rank-ecdf", "How far the ranks' distribution is from uniform, with a simultaneous band.", func() *plotting.Figure {
		return plotting.RankECDF(ranks(4, 300, 100), 100, plotting.Names(theta[:4]...)).Size(plotting.TwoColumn)
	}},
	{"calibration", "What simulations say about a sampler: ranks, coverage and TARP.", func() *plotting.Figure {
		truths, draws := simulated(200, 99)
		return plotting.Calibration(truths, draws).Size(plotting.TwoColumn)
	}},
	{"coverage", "Measured against nominal coverage, with its band.", func() *plotting.Figure {
		levels := []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9}
		return plotting.Coverage(plotting.CoverageCurve{Name: "TARP", Levels: levels, Coverage: []float64{.11, .21, .28, .41, .5, .62, .69, .81, .91}, Simulations: 300},
			plotting.CoverageCurve{Name: "intervals", Levels: levels, Coverage: []float64{.06, .12, .2, .27, .36, .45, .56, .66, .8}, Simulations: 300}).Size(plotting.Column)
	}},
	{"predictive", "Posterior predictions as ribbons under what was observed.", func() *plotting.Figure {
		t, curves := decays(400)
		return plotting.Predictive(t, curves, plotting.Points("observed", []float64{.2, .9, 1.8, 2.6, 3.5}, []float64{.95, .55, .3, .18, .1}), plotting.XLabel("t"), plotting.YLabel("signal")).Size(plotting.Column)
	}},
	{"heatmap", "A table of methods with its floors, as a picture; Table gives Markdown, LaTeX and HTML.", func() *plotting.Figure {
		nan := math.NaN()
		return plotting.HeatMap(&plotting.Table{Corner: "method", Columns: []string{"25 modes", "banana", "digits"}, Rows: []plotting.TableRow{
			{Name: "DPS", Values: []float64{.41, .172, 2.3}},
			{Name: "bootstrap SMC", Values: []float64{.031, .025, nan}},
			{Name: "RTB", Values: []float64{.052, .04, .91}},
			{Name: "two exact sets", Values: []float64{.021, .019, nan}, Floor: true},
		}}).Size(plotting.Column)
	}},
	{"infilled", "Draws of a text's hidden parts, highlighted (made-up data).", func() *plotting.Figure {
		given, filled := func(s string) plotting.Span { return plotting.Span{Text: s} }, func(s string) plotting.Span { return plotting.Span{Text: s, Filled: true} }
		return plotting.Infilled(
			plotting.Infilling{Name: "sample 1", Spans: []plotting.Span{given("The night was cold. "), filled("Wind came from the north, and"), given(" nobody slept. In the morning "), filled("the lake was ice"), given(".")}},
			plotting.Infilling{Name: "sample 2", Spans: []plotting.Span{given("The night was cold. "), filled("A dog barked until the lights went on;"), given(" nobody slept. In the morning "), filled("all were late"), given(".")}},
		).Size(plotting.Column)
	}},
	{"backbone", "A molecule's backbone as a ribbon, with other draws laid over it (made-up data).", func() *plotting.Figure {
		return plotting.Backbone(fold(12, 60)).Size(plotting.Column)
	}},
	{"pair-discrete", "Counts, constants and ties are bars and points, and the figure says so.", func() *plotting.Figure {
		return plotting.Pair(counts(2000)).Size(plotting.Column)
	}},
	{"pair-few", "Few samples are drawn as they are: no regions.", func() *plotting.Figure {
		return plotting.Pair(gaussian(8, 2, 1, 3)).Size(plotting.Column)
	}},
	{"pair-log", "A logarithmic axis, a reference, summaries above.", func() *plotting.Figure {
		a := gaussian(3000, 2, 1, 4)
		for i := range a.Len() {
			a.Row(i)[0] = float32(math.Exp(1.5 * float64(a.Row(i)[0])))
		}
		return plotting.Pair(a, plotting.Log(0), plotting.Reference("literature", 2, .5), plotting.Summary(), plotting.Names("$\\Omega_m$", "$\\log \\hat{k}$")).Size(plotting.Column)
	}},
	{"grid", "Figures in rows with panel letters.", func() *plotting.Figure {
		return plotting.Grid(2, plotting.Training(losses(400, 1)), plotting.ESS(particles("SMC", 100, 3)), plotting.Marginals(gaussian(500, 2, 1, 1)), plotting.Bars(plotting.Bar{Name: "DPS", Value: .4}, plotting.Bar{Name: "SMC", Value: .1})).Letters().Size(plotting.TwoColumn)
	}},
}

func recoveries() *plotting.Figure {
	truth := digits(3)
	rows := make([]plotting.Recovery, 3)
	noise := gaussian(60, 64, .36, 12)
	for i, name := range []string{"3 in 10 pixels", "left half", "downsampled"} {
		t := truth.Slice(i, i+1)
		measured := t.Clone()
		samples := engine.NewArray(20, 8, 8)
		for k := range samples.Len() {
			for j := range 64 {
				v := t.Data[j]
				hidden := i == 0 && (j*7+i)%10 > 2 || i == 1 && j%8 >= 4 || i == 2
				if hidden {
					v += noise.Data[(i*20+k)*64+j]
					measured.Data[j] = float32(math.NaN())
				}
				samples.Data[k*64+j] = min(max(v, -1), 1)
			}
		}
		if i == 2 {
			small := engine.NewArray(4, 4)
			for j := range 16 {
				y, x := j/4*2, j%4*2
				small.Data[j] = (t.Data[y*8+x] + t.Data[y*8+x+1] + t.Data[y*8+8+x] + t.Data[y*8+9+x]) / 4
			}
			measured = small
		}
		res := odslib.NewResult(odslib.Posterior{}, "DPS", nil, 0)
		res.Samples = samples
		rows[i] = plotting.Recovery{Name: name, Truth: t, Measured: measured, Samples: res}
	}
	return plotting.Recoveries(rows).Size(plotting.TwoColumn)
}
