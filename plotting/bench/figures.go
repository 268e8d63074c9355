package main

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/engine"
	"odslab/plotting"
)

//go:embed figures.py
var others string

// criteria are what a figure is measured by, in the order of the table. Panels are compared among figures whose texts can be
// read in print: a picture made for a screen has large panels because its words vanish on the page.
var criteria = []struct {
	key, title, format string
	more               bool // more is better
}{
	{"panel", "a panel, mm²", "%.0f", true},
	{"text", "least text, pt", "%.1f", true},
	{"overlaps", "texts cut or overlapping", "%.0f", false},
	{"off the page, unsaid", "samples off the page without a word", "%.0f", false},
	{"mass", "mass off what contours claim, %", "%.1f", false},
	{"svg", "SVG, kB", "%.0f", false},
	{"png", "PNG at 300 dpi, kB", "%.0f", false},
}

// readable is the least size of text in print, points; the journals that say one ask for 5 to 7.
const readable = 5

type drawn struct {
	name string
	has  map[string]float64
}

// figures puts our defaults beside those of other libraries and tuned ones, on the same data and the same width of page.
func (b *bench) figures() error {
	kinds, ours, err := b.ours()
	if err != nil {
		return err
	}
	script := filepath.Join(b.dir, "figures.py")
	if err := os.WriteFile(script, []byte(others), 0o600); err != nil {
		return err
	}
	ask := func(args ...string) (string, error) {
		said, err := exec.Command(b.python, append([]string{script, b.dir}, args...)...).Output()
		return string(said), err
	}
	names, err := ask()
	if err != nil {
		return fmt.Errorf("figures.py: %w", err)
	}
	theirs := map[string][]*drawn{}
	for _, name := range strings.Fields(names) {
		said, err := ask(name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s was not drawn: %v\n", name, err)
		}
		var d *drawn
		for line := range strings.Lines(said) {
			part := strings.Split(strings.TrimSpace(line), "\t")
			if len(part) != 4 {
				continue
			}
			if d == nil {
				d = &drawn{part[1], map[string]float64{}}
				theirs[part[0]] = append(theirs[part[0]], d)
			}
			if d.has[part[2]], err = strconv.ParseFloat(part[3], 64); err != nil {
				return err
			}
		}
	}
	head, rule := "\n| figure | drawn by |", "|---|---|"
	for _, c := range criteria {
		head, rule = head+" "+c.title+" |", rule+"---:|"
	}
	fmt.Fprintln(b.out, head+"\n"+rule)
	for i, kind := range kinds {
		var lost []string
		for _, d := range append([]*drawn{ours[i]}, theirs[kind]...) {
			line := fmt.Sprintf("| %s | %s |", kind, d.name)
			for _, c := range criteria {
				v, ok := d.has[c.key]
				if !ok {
					line += " – |"
					continue
				}
				line += " " + fmt.Sprintf(c.format, v) + " |"
				mine := ours[i].has[c.key]
				if c.more {
					v, mine = -v, -mine
				}
				if c.key == "panel" && d.has["text"] < readable || c.key == "text" && ours[i].has["text"] >= 6 {
					continue
				}
				if v < mine && fmt.Sprintf(c.format, v) != fmt.Sprintf(c.format, mine) {
					lost = append(lost, c.title+" to "+d.name)
				}
			}
			fmt.Fprintln(b.out, line)
		}
		if len(lost) > 0 {
			fmt.Fprintf(b.out, "| %s | **behind**: %s |%s\n", kind, strings.Join(lost, "; "), strings.Repeat(" |", len(criteria)))
		}
	}
	return nil
}

// ours draws our defaults and measures them.
func (b *bench) ours() (kinds []string, all []*drawn, err error) {
	read := func(name string, d int) (a odslib.Array) {
		rows, lost := b.read(name, d)
		if lost != nil && err == nil {
			err = lost
		}
		if len(rows) == 0 {
			return odslib.Array{}
		}
		return engine.FromRows(rows)
	}
	six := odslib.NewResult(odslib.Posterior{}, "posterior", nil, 0)
	six.Samples = read("six20000", 6)
	for _, w := range read("six20000w", 1).Data {
		six.LogWeights = append(six.LogWeights, math.Log(float64(w)))
	}
	truth := plotting.Truth(floats(read("truth", 1)))
	prior := plotting.Prior(read("prior", 6))
	names := plotting.Names("theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6")
	fields := [2]odslib.Array{read("before", 401), read("after", 401)}
	density := func(k int) func(x, y float64) float64 {
		at := func(v float64) int { return min(max(int(math.Round((v+13)/26*400)), 0), 400) }
		return func(x, y float64) float64 { return math.Log(float64(fields[k].Row(at(y))[at(x)])) }
	}
	var ranks [][]int
	ranked := read("ranks", 4)
	for j := range 4 {
		column := make([]int, ranked.Len())
		for i, v := range ranked.Column(j) {
			column[i] = int(v)
		}
		ranks = append(ranks, column)
	}
	var runs []any
	ess, logZ, hits := read("ess", 100), read("logz", 100), read("hits", 100)
	for r := range ess.Len() {
		res := odslib.NewResult(odslib.Posterior{}, "SMC", nil, uint64(r))
		for t := range 100 {
			res.Trace = append(res.Trace, odslib.TraceStep{Step: t + 1, ESS: float64(ess.Row(r)[t]), LogZ: float64(logZ.Row(r)[t]), Resampled: hits.Row(r)[t] > 0})
		}
		runs = append(runs, res)
	}
	if err != nil {
		return nil, nil, err
	}
	rows, err := b.digits()
	if err != nil {
		return nil, nil, err
	}
	for _, f := range []struct {
		kind   string
		figure *plotting.Figure
	}{
		{"pair", plotting.Pair(six, truth, names)},
		{"pair with prior", plotting.Pair(prior, six, truth, names)},
		{"marginals", plotting.Marginals(prior, six, names)},
		{"intervals", plotting.Intervals(six, names)},
		{"density", plotting.Density2D(plotting.Prior(plotting.As("prior", read("left", 2))).LogDensity(density(0)), plotting.As("target", read("right", 2)).LogDensity(density(1)))},
		{"rank histogram", plotting.RankHistogram(ranks, 100).Size(plotting.TwoColumn)},
		{"rank ECDF", plotting.RankECDF(ranks, 100).Size(plotting.TwoColumn)},
		{"ESS and log Z", plotting.ESS(append(runs, plotting.Exact(0), plotting.Threshold(.5))...)},
		{"images", plotting.Recoveries(rows).Size(plotting.TwoColumn)},
	} {
		if !slices.Contains([]string{"rank histogram", "rank ECDF", "images"}, f.kind) {
			f.figure.Size(plotting.Column)
		}
		d, err := b.measure(f.kind, f.figure, six)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.kind, err)
		}
		kinds, all = append(kinds, f.kind), append(all, d)
	}
	return kinds, all, nil
}

// measure takes a figure's criteria from its layout and its files.
func (b *bench) measure(kind string, f *plotting.Figure, six *odslib.Result) (*drawn, error) {
	l, err := f.Layout()
	if err != nil {
		return nil, err
	}
	d := &drawn{"odslab", map[string]float64{"text": math.Inf(1), "overlaps": 0}}
	var areas []float64
	for _, p := range l.Panels {
		areas = append(areas, p.W*p.H/72/72*25.4*25.4)
	}
	slices.Sort(areas)
	d.has["panel"] = (areas[len(areas)/2] + areas[(len(areas)-1)/2]) / 2
	said := false
	for i, t := range l.Texts {
		d.has["text"] = min(d.has["text"], t.Size)
		said = said || strings.Contains(t.Text, "outside the page")
		for _, u := range l.Texts[:i] {
			if min(t.Right(), u.Right())-max(t.X, u.X) > .8 && min(t.Top(), u.Top())-max(t.Y, u.Y) > .8 {
				d.has["overlaps"]++
			}
		}
		if t.X < -1 || t.Y < -1 || t.Right() > l.W+1 || t.Top() > l.H+1 {
			d.has["overlaps"]++
		}
	}
	if strings.HasPrefix(kind, "pair") {
		if !said {
			return nil, fmt.Errorf("the figure does not say how many samples are off its page")
		}
		d.has["off the page, unsaid"] = 0
		if d.has["mass"], err = b.off(six); err != nil {
			return nil, err
		}
	}
	base := b.path("figure-" + strings.ReplaceAll(kind, " ", "-"))
	for _, ending := range []string{"svg", "png"} {
		if err := f.DPI(300).Save(base + "." + ending); err != nil {
			return nil, err
		}
		info, err := os.Stat(base + "." + ending)
		if err != nil {
			return nil, err
		}
		d.has[ending] = float64(info.Size()) / 1e3
	}
	return d, nil
}

// off is how far the mass in the contours of 50 and 90 % is off, the mean over the panels, the larger of the two, in per cent.
func (b *bench) off(six *odslib.Result) (float64, error) {
	fresh, err := b.read("fresh", 6)
	if err != nil {
		return 0, err
	}
	var held [2]float64
	panels := 0.
	for i := range 6 {
		for j := range i {
			two := odslib.NewResult(odslib.Posterior{}, "two", nil, 0)
			two.LogWeights = six.LogWeights
			two.Samples = engine.NewArray(six.Samples.Len(), 2)
			for n := range two.Samples.Len() {
				two.Samples.Row(n)[0], two.Samples.Row(n)[1] = six.Samples.Row(n)[j], six.Samples.Row(n)[i]
			}
			inside, err := plotting.Inside(two, .5, .9)
			if err != nil {
				return 0, err
			}
			for _, x := range fresh {
				for k, in := range inside(x[j], x[i]) {
					if in {
						held[k] += 100 / float64(len(fresh))
					}
				}
			}
			panels++
		}
	}
	return max(math.Abs(held[0]/panels-50), math.Abs(held[1]/panels-90)), nil
}

// digits are three image posteriors made by hand, for both sides: truth, half of its pixels measured, six samples.
func (b *bench) digits() ([]plotting.Recovery, error) {
	r := rand.New(rand.NewPCG(5, 0))
	var rows []plotting.Recovery
	var flat []float64
	for i, k := range []int{3, 8, 25} {
		truth := datasets.Digits().X.Slice(k, k+1).Clone()
		measured, samples := truth.Clone(), engine.NewArray(6, 8, 8)
		for j := range truth.Data {
			truth.Data[j] = (truth.Data[j] + 1) / 2
			noise := .05
			measured.Data[j] = truth.Data[j] + float32(noise*r.NormFloat64())
			if r.Float64() < .5 {
				noise, measured.Data[j] = .25, float32(math.NaN())
			}
			for s := range 6 {
				samples.Row(s)[j] = min(max(truth.Data[j]+float32(noise*r.NormFloat64()), 0), 1)
			}
		}
		res := odslib.NewResult(odslib.Posterior{}, "SMC", nil, 0)
		res.Samples = samples
		rows = append(rows, plotting.Recovery{Name: string(rune('a' + i)), Truth: truth, Measured: measured, Samples: res})
		mean, sd := make([]float64, 64), make([]float64, 64)
		for j := range 64 {
			for s := range 6 {
				mean[j] += float64(samples.Row(s)[j]) / 6
			}
			for s := range 6 {
				sd[j] += math.Pow(float64(samples.Row(s)[j])-mean[j], 2) / 6
			}
			sd[j] = math.Sqrt(sd[j])
		}
		flat = append(append(append(append(append(flat, floats(truth)...), floats(measured)...), mean...), sd...), floats(samples)...)
	}
	return rows, b.write("digits", flat)
}

func floats(a odslib.Array) []float64 {
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out
}
