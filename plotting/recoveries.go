package plotting

import (
	"errors"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/plotting/internal/ink"
)

// Recovery is one image problem and its answer: a row of a Recoveries figure.
type Recovery struct {
	Name     string
	Truth    odslib.Array   // may be empty
	Measured odslib.Array   // NaN where nothing was measured; may be empty, or an image of another size
	Samples  *odslib.Result // draws from the posterior
}

const recoveryOptions = "Count Cividis"

// Recoveries draws image posteriors, a row each: the truth, what was measured, the posterior's mean and standard
// deviation, and samples (Count, 6 by default). Intensities are grey on one scale, the standard deviation has its own.
func Recoveries(args ...any) *Figure {
	c := newSettings()
	c.count = 6
	var rows []Recovery
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, recoveryOptions); err != nil {
				return failed("Recoveries", err)
			}
		case Recovery:
			rows = append(rows, a)
		case []Recovery:
			rows = append(rows, a...)
		default:
			return failed("Recoveries", fmt.Errorf("argument %d is a %T, neither a Recovery nor an option", i+1, a))
		}
	}
	if len(rows) == 0 {
		return failed("Recoveries", errors.New("nothing to draw: give it a Recovery"))
	}
	r := &recoveries{magnitudes: c.magnitudes()}
	for i, row := range rows {
		if err := r.add(row, c.count); err != nil {
			name := row.Name
			if name == "" {
				name = fmt.Sprintf("row %d", i+1)
			}
			return failed("Recoveries", fmt.Errorf("%s: %w", name, err))
		}
	}
	r.finish()
	return newFigure(fmt.Sprintf("posterior images of %d measurements", len(rows)), func(s *style, width float64, letters bool) *sheet {
		return r.sheet(s, width)
	})
}

// shownImage is an image of any size; nil values mean none.
type shownImage struct {
	raster
	v []float64
}

type recoveries struct {
	names      []string
	fixed      [][4]shownImage // truth, measured, mean, standard deviation
	samples    [][]shownImage
	used       [4]bool
	most       int
	grey, std  scale
	magnitudes *colourMap
}

var (
	recoveryTitles = [4]string{"truth", "measured", "mean", "std. dev."}
	shortTitles    = [4]string{"truth", "data", "mean", "s.d."}
)

func (r *recoveries) add(row Recovery, count int) error {
	s := seriesOf(row.Samples)
	if s.err != nil {
		return s.err
	}
	size, err := rasterOf(shapeOf(s))
	if err != nil {
		return err
	}
	var at [4]shownImage
	if at[0], err = imageOf(row.Truth, size, "truth"); err != nil {
		return err
	}
	if at[1], err = imageOf(row.Measured, size, "measurement"); err != nil {
		return err
	}
	at[2] = shownImage{size, row.Samples.Mean()}
	at[3] = shownImage{raster{size.h, size.w, 1}, oneChannel(row.Samples.Std(), size.channels)}
	var samples []shownImage
	for _, i := range pick(count, s) {
		samples = append(samples, shownImage{size, flat(s.samples, i)})
	}
	for k := range at {
		r.used[k] = r.used[k] || at[k].v != nil
	}
	r.names, r.fixed, r.samples = append(r.names, row.Name), append(r.fixed, at), append(r.samples, samples)
	r.most = max(r.most, len(samples))
	return nil
}

// oneChannel averages a deviation over the channels.
func oneChannel(v []float64, channels int) []float64 {
	out := make([]float64, len(v)/channels)
	for i, x := range v {
		out[i/channels] += x / float64(channels)
	}
	return out
}

// imageOf takes an image of the samples' size, or of its own where its shape is an image's.
func imageOf(a odslib.Array, size raster, what string) (shownImage, error) {
	if len(a.Data) == 0 {
		return shownImage{}, nil
	}
	if len(a.Data) == size.size() {
		return shownImage{size, toFloats(a.Data)}, nil
	}
	shape := a.Shape
	if len(shape) > 2 && shape[0] == 1 {
		shape = shape[1:]
	}
	own, err := rasterOf(shape)
	if err != nil || own.size() != len(a.Data) {
		return shownImage{}, fmt.Errorf("the %s of shape %v is not an image; leave it out", what, a.Shape)
	}
	return shownImage{own, toFloats(a.Data)}, nil
}

func (r *recoveries) finish() {
	var all [][]float64
	top := 0.
	for i, at := range r.fixed {
		all = append(all, at[0].v, at[2].v)
		for _, s := range r.samples[i] {
			all = append(all, s.v)
		}
		for _, v := range at[3].v {
			top = max(top, v)
		}
	}
	r.grey = intensities(all...)
	if top == 0 {
		top = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(top)))
	r.std = scale{min: 0, max: math.Ceil(top/step) * step}
}

func (r *recoveries) sheet(s *style, width float64) *sheet {
	size := r.fixed[0][2].raster
	margin, gap, wide := .3*s.label.Size, max(1.5, .12*s.label.Size), 1.1*s.label.Size
	left := margin
	for _, n := range r.names {
		if n != "" {
			left = max(left, margin+min(ink.Width(n, s.label), width/4)+.8*s.label.Size)
		}
	}
	groups := 0
	for _, u := range r.used {
		if u {
			groups++
		}
	}
	cell := (width - left - margin - float64(groups)*wide - float64(r.most-1)*gap) / float64(groups+r.most)
	if s.loose {
		cell = min(cell, 24*mm*s.k)
	}
	// Headings of narrow columns are shorter and smaller.
	heading, titles := s.label, recoveryTitles
	if cell+.7*wide < ink.Width(titles[3], heading) {
		titles = shortTitles
		heading.Size = min(heading.Size, heading.Size*(cell+.6*wide)/ink.Width(titles[0], heading))
	}
	high := cell * float64(size.h) / float64(size.w)
	n := float64(len(r.names))
	top, foot := margin+1.6*s.label.Size, .6*s.label.Size+.8*s.label.Size+1.4*s.tick.Size+margin
	h := top + n*high + (n-1)*gap*1.6 + foot
	w := left + float64(groups+r.most)*cell + float64(groups)*wide + float64(r.most-1)*gap + margin
	if !s.loose {
		w = width
	}
	return &sheet{w, h, 0, func(page *ink.Page) {
		rowY := func(i int) float64 { return h - top - high - float64(i)*(high+gap*1.6) }
		title := func(x, w float64, text string) {
			page.Text(ink.Pt{X: x + w/2, Y: h - top + .5*s.label.Size}, text, heading, s.ink, .5, 0, 0)
		}
		for i, name := range r.names {
			name, font := ink.Fit(name, s.label, width/4)
			page.Text(ink.Pt{X: left - .8*s.label.Size, Y: rowY(i) + high/2}, name, font, s.ink, 1, .5, 0)
		}
		x, bars := left, 0
		for k, used := range r.used {
			if !used {
				continue
			}
			title(x, cell, titles[k])
			sc, m := r.grey, grey
			if k == 3 {
				sc, m = r.std, r.magnitudes
			}
			for i, at := range r.fixed {
				if p := at[k]; p.v != nil {
					tile(page, s, fit(ink.Rect{X: x, Y: rowY(i), W: cell, H: high}, p.raster), p.paint(p.v, sc, m))
				}
			}
			if bars == 0 && size.channels == 1 || k == 3 {
				mapBar(m, sc, "").drawAcross(page, s, ink.Rect{X: x, Y: rowY(len(r.names)-1) - 1.3*s.label.Size, W: cell, H: .7 * s.label.Size})
			}
			bars++
			x += cell + wide
		}
		title(x, float64(r.most)*cell+float64(r.most-1)*gap, "posterior samples")
		for i, row := range r.samples {
			for j, p := range row {
				tile(page, s, ink.Rect{X: x + float64(j)*(cell+gap), Y: rowY(i), W: cell, H: high}, p.paint(p.v, r.grey, grey))
			}
		}
	}}
}

// fit is the largest rectangle of an image's proportions in the middle of another.
func fit(r ink.Rect, size raster) ink.Rect {
	a := float64(size.h) / float64(size.w)
	w, h := r.W, r.W*a
	if h > r.H {
		w, h = r.H/a, r.H
	}
	return ink.Rect{X: r.X + (r.W-w)/2, Y: r.Y + (r.H-h)/2, W: w, H: h}
}
