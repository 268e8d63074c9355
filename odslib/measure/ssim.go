package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
)

// SSIM is the structural similarity of images [h, w, c] to the true ones, 1 for
// equality: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, IEEE Trans.
// Image Process. 13, 600–612, 2004. In a window that weighs by a Gaussian of
// standard deviation 1.5 pixels, K₁ = .01 and K₂ = .03, it compares mean,
// variance and covariance; it is the mean over all windows inside the image and
// over the channels. The window has 11×11 pixels, or in smaller images the
// largest odd number that fits.
type SSIM struct {
	Range float64 // largest value less the least that there can be; 0 means 2
}

// Each returns the similarity of each image of x [n, h, w, c] to the same one of
// truth, [n, h, w, c], or to the one of [1, h, w, c].
func (s SSIM) Each(x, truth odslib.Array) ([]float64, error) {
	p, q, span, err := imagePair("SSIM", s.Range, x, truth)
	if err != nil {
		return nil, err
	}
	if len(x.Shape) != 4 {
		return nil, fmt.Errorf("measure: SSIM of shape %v; want images, [n, h, w, c]", x.Shape)
	}
	h, w, c := x.Shape[1], x.Shape[2], x.Shape[3]
	size := min(11, (h+1)/2*2-1, (w+1)/2*2-1)
	window := make([]float64, size)
	var total float64
	for k := range window {
		d := float64(k - size/2)
		window[k] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		total += window[k]
	}
	for k := range window {
		window[k] /= total
	}
	c1, c2 := .01*span*.01*span, .03*span*.03*span
	each := make([]float64, p.n)
	u, v := make([]float64, h*w), make([]float64, h*w)
	for i := range each {
		for ch := range c {
			a, b := p.row(i), q.row(i%q.n)
			for k := range u {
				u[k], v[k] = a[k*c+ch], b[k*c+ch]
			}
			mean := func(x, y []float64) []float64 { return smooth(x, y, h, w, window) }
			mu, mv, uu, vv, uv := mean(u, nil), mean(v, nil), mean(u, u), mean(v, v), mean(u, v)
			for k, m := range mu {
				n := mv[k]
				similar := (2*m*n + c1) * (2*(uv[k]-m*n) + c2) / ((m*m + n*n + c1) * (uu[k] - m*m + vv[k] - n*n + c2))
				each[i] += similar / float64(len(mu)*c)
			}
		}
	}
	return each, nil
}

// Distance is the mean of Each, in the form that [Floor] and [Interval] take.
func (s SSIM) Distance(x, truth odslib.Array) (float64, error) {
	each, err := s.Each(x, truth)
	return stat.Mean(each, nil), err
}

// smooth is the window's mean of x·y, or of x where y is nil, at every place of
// the window inside h×w.
func smooth(x, y []float64, h, w int, window []float64) []float64 {
	size := len(window)
	high, wide := h-size+1, w-size+1
	rows := make([]float64, h*wide)
	for i := range h {
		for j := range wide {
			for k, g := range window {
				v := x[i*w+j+k]
				if y != nil {
					v *= y[i*w+j+k]
				}
				rows[i*wide+j] += g * v
			}
		}
	}
	out := make([]float64, high*wide)
	for i := range high {
		for j := range wide {
			for k, g := range window {
				out[i*wide+j] += g * rows[(i+k)*wide+j]
			}
		}
	}
	return out
}
