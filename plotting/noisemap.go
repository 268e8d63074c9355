package plotting

import (
	"context"
	"errors"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/plotting/internal/ink"
)

const noiseOptions = "Count"

// lattice of the noise: lines at −3 … 3 in steps of a half, drawn by so many points each.
const (
	latticeEnd  = 3.
	latticeStep = .5
	latticeFine = 121
)

// NoiseMap draws a posterior of a generator x = f(z) of two variables in its noise z and in x, side by side. A lattice of z and its
// image under f show the map between. The result is of a sampler that keeps its noise: outsourced, a chain, tempering, rejection.
//
//	plotting.NoiseMap(post, draw(policy, post, 2000))
func NoiseMap(post odslib.Posterior, r *odslib.Result, options ...Option) *Figure {
	c := newSettings()
	c.count = 1500
	for _, o := range options {
		if err := c.apply(o, noiseOptions); err != nil {
			return failed("NoiseMap", err)
		}
	}
	in, z, err := noiseOf(post, r)
	if err != nil {
		return failed("NoiseMap", err)
	}
	if z.Dim() != 2 || r.Samples.Dim() != 2 {
		return failed("NoiseMap", fmt.Errorf("it draws planes; z has %d variables and x %d", z.Dim(), r.Samples.Dim()))
	}
	var lines odslib.Array // [lines·fine, 2]
	lines.Shape = []int{0, 2}
	for at := -latticeEnd; at <= latticeEnd+1e-9; at += latticeStep {
		for _, upright := range []bool{true, false} {
			for k := range latticeFine {
				along := -latticeEnd + 2*latticeEnd*float64(k)/(latticeFine-1)
				point := []float32{float32(along), float32(at)}
				if upright {
					point[0], point[1] = point[1], point[0]
				}
				lines.Data = append(lines.Data, point...)
				lines.Shape[0]++
			}
		}
	}
	image, err := in.Out(context.Background(), lines.Reshape(append([]int{lines.Len()}, in.Shape()...)...))
	if err != nil {
		return failed("NoiseMap", err)
	}
	n := min(c.count, z.Len())
	half := func(lattice, points odslib.Array, label string) *panel {
		xs, ys := points.Slice(0, n).Column(0), points.Slice(0, n).Column(1)
		x, y := around(.02, false, append(lattice.Column(0), xs...)...), around(.02, false, append(lattice.Column(1), ys...)...)
		p := &panel{x: newAxis(x, label+"_1"), y: newAxis(y, label+"_2")}
		p.add(func(v *view) {
			for k := 0; k < lattice.Len(); k += latticeFine {
				line := lattice.Slice(k, k+latticeFine)
				v.line(v.s.pen(fade(v.s.prior, .5), .5), line.Column(0), line.Column(1))
			}
			v.cloud(v.s.colour(0), .8, .6, xs, ys, nil)
		})
		return p
	}
	flat := func(a odslib.Array) odslib.Array { return a.Reshape(a.Len(), 2) }
	panels := [][]*panel{{half(lines, flat(z), "z"), half(flat(image), flat(r.Samples), "x")}}
	legend := []entry{
		lineEntry("lattice of z, and its image", func(s *style) ink.Pen { return s.pen(fade(s.prior, .5), .5) }),
		{r.Sampler, func(page *ink.Page, s *style, at ink.Rect) {
			marker(page, s.colour(0), ink.Pt{X: at.X + at.W/2, Y: at.Y + at.H/2}, 1.6*lineScale(s.k), 0)
		}},
	}
	return newFigure(fmt.Sprintf("%d draws of %s in the noise and in the data, with a lattice of the noise and its image", n, r.Sampler), func(s *style, width float64, letters bool) *sheet {
		return (&layout{panels: panels, aspect: 1, most: 140, legend: legend}).sheet(s, width, letters)
	})
}

// NoiseWalk draws walks in the noise of a generator of images: each row goes from f of a draw of the prior, on the left, to a draw of
// the posterior, along the arc through N(0, I)'s shell. Count is the number of walks, 4 if not given; Columns that of pictures.
func NoiseWalk(post odslib.Posterior, r *odslib.Result, options ...Option) *Figure {
	c := newSettings()
	for _, o := range options {
		if err := c.apply(o, "Count Columns"); err != nil {
			return failed("NoiseWalk", err)
		}
	}
	in, z, err := noiseOf(post, r)
	if err != nil {
		return failed("NoiseWalk", err)
	}
	rows, steps := 4, 9
	if c.count > 0 {
		rows = c.count
	}
	if c.columns > 1 {
		steps = c.columns
	}
	rows = min(rows, z.Len())
	from, err := in.Prior.Sample(context.Background(), rows, engine.Split(r.Seed, "plotting.NoiseWalk"))
	if err != nil {
		return failed("NoiseWalk", err)
	}
	path := engine.NewArray(append([]int{rows * steps}, in.Shape()...)...)
	for i := range rows {
		for k := range steps {
			sin, cos := math.Sincos(.5 * math.Pi * float64(k) / float64(steps-1))
			for j, v := range z.Row(i) {
				path.Row(i*steps + k)[j] = float32(cos*float64(from.Row(i)[j]) + sin*float64(v))
			}
		}
	}
	x, err := in.Out(context.Background(), path)
	if err != nil {
		return failed("NoiseWalk", err)
	}
	args := []any{Columns(steps)}
	for i := range rows {
		args = append(args, As(fmt.Sprintf("walk %d", i+1), x.Slice(i*steps, (i+1)*steps)))
	}
	return Images(args...)
}

// noiseOf is the posterior one level in, and the noise of its draws.
func noiseOf(post odslib.Posterior, r *odslib.Result) (odslib.Inner, odslib.Array, error) {
	if r == nil || r.Noise == nil || r.Samples.Len() == 0 {
		return odslib.Inner{}, odslib.Array{}, errors.New("the result holds no noise; take a sampler that moves in the noise of a generator, such as outsource or mcmc")
	}
	in, err := post.Inside()
	return in, *r.Noise, err
}
