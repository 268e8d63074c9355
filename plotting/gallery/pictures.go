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
	{"pair", func() *plotting.Figure {
		return plotting.Pair(sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...)).Size(plotting.Column)
	}},
	{"pair-prior", func() *plotting.Figure {
		return plotting.Pair(plotting.Prior(gaussian(5000, 6, 3, 2)), sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...)).Size(plotting.OneAndHalf)
	}},
	{"pair-samplers", func() *plotting.Figure {
		return plotting.Pair(plotting.Prior(gaussian(4000, 2, 2, 3)), banana("DPS", 2000, 4, .25), banana("TDS", 2000, 5, .02), plotting.Truth(banana("exact", 4000, 6, 0)))
	}},
	{"pair-many", func() *plotting.Figure {
		return plotting.Pair(gaussian(2000, 64, 1, 7)).Size(plotting.TwoColumn)
	}},
	{"density", func() *plotting.Figure {
		m25, w25 := modes25()
		m9, w9 := modes9()
		return plotting.Density2D(plotting.Prior(mixture("prior", 2000, 1, m25, w25)).LogDensity(logMixture(m25, w25)),
			plotting.As("target", mixture("target", 2000, 2, m9, w9)).LogDensity(logMixture(m9, w9))).Size(plotting.Column).Letters()
	}},
	{"density-samplers", func() *plotting.Figure {
		m9, w9 := modes9()
		lost := append([]float64(nil), w9...)
		lost[0], lost[1], lost[8] = 0, .02, 0
		return plotting.Density2D(mixture("TDS", 2000, 2, m9, w9), mixture("DPS", 2000, 3, m9, lost), plotting.Truth(mixture("exact", 2000, 4, m9, w9)).LogDensity(logMixture(m9, w9)))
	}},
	{"density-kde", func() *plotting.Figure {
		m9, w9 := modes9()
		return plotting.Density2D(mixture("TDS", 2000, 2, m9, w9))
	}},
	{"marginals", func() *plotting.Figure {
		return plotting.Marginals(plotting.Prior(gaussian(5000, 6, 3, 2)), sixD(20000, 1), plotting.Truth(thetaTrue), plotting.Names(theta...))
	}},
	{"images", func() *plotting.Figure { return plotting.Images(digits(40)) }},
	{"images-sets", func() *plotting.Figure {
		return plotting.Images(plotting.As("prior", digits(40)), plotting.As("RTB", digits(30)), plotting.As("outsourced", digits(20)))
	}},
	{"recoveries", recoveries},
	{"lines", func() *plotting.Figure {
		return plotting.Lines(plotting.Function("α_t", func(t float64) float64 { return math.Cos(math.Pi / 2 * t) }, 0, 1),
			plotting.Function("σ_t", func(t float64) float64 { return math.Sin(math.Pi / 2 * t) }, 0, 1), plotting.XLabel("t"), plotting.YLabel("scale"))
	}},
	{"scatter", func() *plotting.Figure {
		a := gaussian(300, 2, 1, 8)
		x := []float64{-3, 3}
		return plotting.Lines(plotting.Points("samples", a.Column(0), a.Column(1)), plotting.Band("band", []float64{-3, 3}, []float64{-1, 0}, []float64{0, 1}), plotting.Line("truth", x, []float64{-.5, .5}).AsTruth(), plotting.XLabel("x_1"), plotting.YLabel("x_2"))
	}},
	{"beside", func() *plotting.Figure {
		cosine := plotting.Lines(plotting.Function("α_t", func(t float64) float64 { return math.Cos(math.Pi / 2 * t) }, 0, 1),
			plotting.Function("σ_t", func(t float64) float64 { return math.Sin(math.Pi / 2 * t) }, 0, 1), plotting.XLabel("t"))
		ratio := plotting.Lines(plotting.Function("", func(t float64) float64 { return math.Pow(math.Tan(math.Pi/2*t), -2) }, .01, .99), plotting.LogY(), plotting.XLabel("t"), plotting.YLabel("signal to noise"))
		return plotting.Beside(cosine, ratio).Letters().Size(plotting.TwoColumn)
	}},
	{"trajectories", func() *plotting.Figure {
		m9, w9 := modes9()
		return plotting.Trajectories(ways(80, 50, 9), plotting.Field("target", logMixture(m9, w9))).Size(plotting.Column)
	}},
	{"trajectories-1d", func() *plotting.Figure { return plotting.Trajectories(ways1(300, 60, 10)) }},
	{"score", func() *plotting.Figure {
		m25, w25 := modes25()
		logp := logMixture(m25, w25)
		return plotting.Score(func(x, y float64) (float64, float64) {
			const h = 1e-4
			return (logp(x+h, y) - logp(x-h, y)) / 2 / h, (logp(x, y+h) - logp(x, y-h)) / 2 / h
		}, logp, plotting.XLimits(-8, 8), plotting.YLimits(-8, 8)).Size(plotting.Column)
	}},
	{"ess", func() *plotting.Figure {
		args := []any{plotting.Exact(0), plotting.Threshold(.5)}
		for seed := range uint64(8) {
			args = append(args, particles("TDS", 100, seed))
		}
		return plotting.ESS(args...).Size(plotting.Column)
	}},
	{"ess-two", func() *plotting.Figure {
		return plotting.ESS(particles("SMC", 100, 3), particles("TDS", 100, 11), plotting.Exact(0))
	}},
	{"training", func() *plotting.Figure { return plotting.Training(losses(3000, 1)) }},
	{"training-seeds", func() *plotting.Figure {
		return plotting.Training(plotting.Runs("RTB", losses(400, 1), losses(400, 2), losses(400, 3), losses(400, 4)), plotting.Runs("policy gradient", slow(400, 5), slow(400, 6), slow(400, 7))).Size(plotting.Column)
	}},
	{"bars", func() *plotting.Figure {
		return plotting.Bars(plotting.Bar{Name: "DPS", Value: .41, Low: .38, High: .45}, plotting.Bar{Name: "ΠGDM", Value: .17, Low: .15, High: .19},
			plotting.Bar{Name: "TDS", Value: .043, Low: .035, High: .05}, plotting.Bar{Name: "RTB", Value: .052, Low: .047, High: .061},
			plotting.Floor(.021), plotting.XLabel("sliced Wasserstein distance")).Size(plotting.Column)
	}},
	{"cost", func() *plotting.Figure {
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
