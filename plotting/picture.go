package plotting

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"odslab/odslib"
	"odslab/plotting/internal/ink"
)

// raster is the size of one sample that is an image.
type raster struct{ h, w, channels int }

// rasterOf reads the shape of a sample: [h, w], [h, w, 1 or 3], [1 or 3, h, w] by its values' order, or a flat square.
func rasterOf(shape []int) (raster, error) {
	switch {
	case len(shape) == 2:
		return raster{shape[0], shape[1], 1}, nil
	case len(shape) == 3 && (shape[2] == 1 || shape[2] == 3):
		return raster{shape[0], shape[1], shape[2]}, nil
	case len(shape) == 3 && shape[0] == 1:
		return raster{shape[1], shape[2], 1}, nil
	case len(shape) == 1:
		if n := int(math.Sqrt(float64(shape[0])) + .5); n*n == shape[0] && n > 1 {
			return raster{n, n, 1}, nil
		}
	}
	return raster{}, fmt.Errorf("samples of shape %v are not images; [h, w], [h, w, 3] or a flat square are", shape)
}

func (r raster) size() int { return r.h * r.w * r.channels }

// paint makes an image of values: in a colour map for one channel, as they are for three. NaN is what is missing.
func (r raster) paint(v []float64, sc scale, m *colourMap) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, r.w, r.h))
	for y := range r.h {
		for x := range r.w {
			k := (y*r.w + x) * r.channels
			c := color.NRGBA{A: 255}
			if r.channels == 1 {
				c = m.at(sc.to(v[k]))
			} else {
				for j, p := range []*uint8{&c.R, &c.G, &c.B} {
					*p = uint8(255 * min(max(sc.to(v[k+j]), 0), 1))
				}
				if math.IsNaN(v[k]) {
					c = missing
				}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// intensities is the common scale of a group of images: 0 to 1 where they are within (or nearly: sampling overshoots),
// −1 to 1 where they are made for that, else their range without the outermost half per cent.
func intensities(groups ...[]float64) scale {
	var all []float64
	for _, g := range groups {
		all = append(all, g...)
	}
	lo, hi := quantile(all, .005), quantile(all, .995)
	switch {
	case lo >= -.15 && hi <= 1.15 && hi > .3:
		return scale{min: 0, max: 1}
	case lo >= -1.15 && hi <= 1.15 && lo < -.3 && hi > .3:
		return scale{min: -1, max: 1}
	case !(hi > lo):
		return around(.5, false, lo)
	}
	// Round ends make a readable bar; a quarter of the range is the most that they may give away.
	step := .25 * math.Pow(10, math.Floor(math.Log10(hi-lo)))
	return scale{min: math.Floor(lo/step) * step, max: math.Ceil(hi/step) * step}
}

// tile is an image in a figure with a hairline around it.
func tile(page *ink.Page, s *style, r ink.Rect, img image.Image) {
	page.Mark("image", r)
	page.Picture(r, img)
	page.Frame(s.pen(s.faint, .4), r)
}

// flat is one sample's values.
func flat(a odslib.Array, i int) []float64 { return toFloats(a.Row(i)) }
