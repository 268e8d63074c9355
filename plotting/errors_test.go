package plotting

import (
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Whatever is wrong with the input is said in one line that names the function and the cause.
func TestBadInput(t *testing.T) {
	nan := normals(10, 2, 1)
	for i := range 10 {
		nan.Data[2*i] = float32(math.NaN())
	}
	weightless := modes("SMC", 10, 1)
	weightless.LogWeights = weightless.LogWeights[:3]
	hopeless := modes("SMC", 10, 1)
	for i := range hopeless.LogWeights {
		hopeless.LogWeights[i] = math.Inf(-1)
	}
	broken := odslib.Array{Shape: []int{3, 4}, Data: make([]float32, 5)}
	var none *odslib.Result
	two := normals(10, 2, 1)
	for _, c := range []struct {
		f    *Figure
		want string
	}{
		{Pair(), "plotting.Pair: nothing to draw"},
		{Pair(none), "nil"},
		{Pair(3), "argument 1: int is neither samples"},
		{Pair(engine.NewArray(0, 2)), "there are no samples"},
		{Pair(odslib.Array{}), "there are no samples"},
		{Pair(nan), "none of 10 samples is finite"},
		{Pair(broken), "shape [3 4] does not fit 5 values"},
		{Pair(weightless), "SMC: 10 samples but 3 weights"},
		{Pair(hopeless), "SMC: no sample has any weight"},
		{Pair(two, As("other", normals(5, 3, 1))), "samples has 2 variables and other has 3"},
		{Pair(two, Names("a")), "1 names for 2 variables"},
		{Pair(two, Variables(2)), "there is no variable 2; they are 0 to 1"},
		{Pair(two, Floor(1)), "option Floor has no meaning here; there are Names"},
		{Pair(two, Levels(1.5)), "not a share of mass"},
		{Pair(Truth([]float64{1, 2})), "no samples"},
		{Pair(two, Truth([]float64{1, math.Inf(1)})), "+Inf"},
		{Pair(two, Option{}), "empty Option"},
		{Density2D(normals(10, 1, 1)), "has one variable"},
		{Density2D(Field("f", logModes)), "XLimits"},
		{Density2D(two, XLimits(2, 1)), "2 is not below 1"},
		{Density2D(As("flat", two).LogDensity(func(x, y float64) float64 { return math.NaN() })), "not finite anywhere"},
		{Images(normals(3, 7, 1)), "samples of shape [7] are not images"},
		{Images(pictures8(3, 1), As("b", normals(3, 4, 1))), "has images of"},
		{Images(pictures8(3, 1), Rows(0)), "Rows: 0"},
		{Recoveries(), "nothing to draw"},
		{Recoveries(Recovery{Name: "r"}), "r: a Result is nil"},
		{Recoveries(Recovery{Samples: recovery().Samples, Measured: engine.NewArray(5)}), "row 1: the measurement of shape [5] is not an image"},
		{Lines(), "nothing to draw"},
		{Lines(Line("a", []float64{1}, []float64{1, 2})), `"a" has 1 x values and 2 y values`},
		{Lines(Line("a", nil, []float64{math.NaN()})), "no finite value"},
		{Lines(Line("a", nil, []float64{1, 2}), LogY(), YLimits(-1, 1)), "logarithmic"},
		{Training(), "nothing to draw"},
		{Training([]float64{}), "empty"},
		{Training(modes("DPS", 10, 1)), "DPS has no trace"},
		{ESS(modes("DPS", 10, 1)), "DPS has no trace"},
		{Bars(Bar{Name: "a", Value: math.NaN()}), "the value of a is NaN"},
		{Bars(Bar{Name: "a", Value: 0}, LogX()), "no place on a logarithmic axis"},
		{Cost(CostPoint{Name: "a", Distance: 1}), "must be positive"},
		{Trajectories(states(3, 2, 1)), "1 states are not a way"},
		{Trajectories([]odslib.Array{two, normals(9, 2, 1)}), "state 1 has shape [9 2]"},
		{Trajectories(modes("DPS", 10, 1)), "no states on the way"},
		{Score(nil, nil), "it needs a field"},
		{Beside(), "no figures"},
		{Grid(0, Lines(Line("", nil, []float64{1, 2}))), "one column or more"},
		{Beside(Pair()), "plotting.Pair: nothing to draw"},
	} {
		if c.f.Err() == nil {
			t.Errorf("no error; want one with %q", c.want)
			continue
		}
		msg := c.f.Err().Error()
		if !strings.Contains(msg, c.want) || !strings.HasPrefix(msg, "plotting.") || strings.Contains(msg, "\n") {
			t.Errorf("error %q; want one line with %q", msg, c.want)
		}
		b, err := c.f.Size(Column).Title("t").Dark().MIMEBundle()
		if err != nil || len(b) != 1 || b["text/plain"] != msg {
			t.Errorf("%q shows as %v, %v", msg, b, err)
		}
		if c.f.Save(t.TempDir()+"/x.png") == nil {
			t.Errorf("%q was saved", msg)
		}
	}
}

// Degenerate but honest input draws.
func TestDegenerateInput(t *testing.T) {
	same := engine.NewArray(50, 2)
	one := normals(1, 2, 1)
	for name, f := range map[string]*Figure{
		"identical samples": Pair(same), "one sample": Pair(one), "two samples": Density2D(normals(2, 2, 1)), "one variable": Pair(normals(50, 1, 1)),
		"constant line": Lines(Line("", nil, []float64{2, 2, 2})), "one point": Lines(Points("", []float64{1}, []float64{1})),
		"zero bar": Bars(Bar{Name: "a", Value: 0}), "negative bar": Bars(Bar{Name: "a", Value: -2}, Bar{Name: "b", Value: 3}),
		"one loss": Training([]float64{1}), "losses with gaps": Training([]float64{1, math.NaN(), math.Inf(1), .5}),
		"flat images": Images(engine.NewArray(3, 4, 4)), "colour": Images(engine.NewArray(3, 4, 4, 3)), "far away": Pair(shifted(normals(100, 2, 1), 1e6)),
	} {
		if f.Err() != nil {
			t.Errorf("%s: %v", name, f.Err())
			continue
		}
		for _, format := range formats {
			if data, err := f.encode(format); err != nil || len(data) < 500 || format == "svg" && strings.Contains(string(data), "NaN") {
				t.Errorf("%s as %s: %d bytes, %v", name, format, len(data), err)
			}
		}
	}
}

func shifted(a odslib.Array, by float32) odslib.Array {
	for i := range a.Data {
		a.Data[i] += by
	}
	return a
}

// A figure that leaves variables out says so.
func TestLeftOutVariablesAreNamed(t *testing.T) {
	for _, c := range []struct {
		d    int
		opts []any
		want string
	}{{12, nil, "The first 8 of 12 variables; Variables(i, j, …) draws others"}, {3, []any{0, "x_3"}, "2 of 3 variables"}, {8, nil, ""}} {
		s, set, err := collect([]any{normals(60, c.d, 1), Variables(c.opts...)}, pairOptions)
		if err != nil {
			t.Fatal(err)
		}
		v, err := choose(s, &set, mostVariables)
		if err != nil || strings.Join(v.notes, " ") != c.want {
			t.Errorf("%d variables, %v: %v, %v; want %q", c.d, c.opts, v.notes, err, c.want)
		}
	}
}
