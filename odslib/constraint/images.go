package constraint

import (
	"math"
	"math/rand/v2"
)

// Box is inpainting of a rectangle: all pixels of images [h, w, c] but those of rows i to i+h−1 and columns j to j+w−1 are seen.
func Box(shape []int, i, j, h, w int) Mask {
	return half(shape, func(a, b int) bool { return a < i || a >= i+h || b < j || b >= j+w })
}

// RandomMask sees each pixel of images [h, w, c] with this probability, in all channels.
func RandomMask(shape []int, share float64, seed uint64) Mask {
	rng := rand.New(rand.NewPCG(seed, 0x6d61736b))
	seen := map[[2]int]bool{}
	return half(shape, func(i, j int) bool {
		at := [2]int{i, j}
		if _, known := seen[at]; !known {
			seen[at] = rng.Float64() < share
		}
		return seen[at]
	})
}

// MotionBlur is the mean of an image [h, w] or [h, w, c] along a line of so many pixels at an angle from the rows, in radians; what
// lies outside is the nearest pixel. Lines between pixels are interpolated.
func MotionBlur(shape []int, length, angle float64) Matrix {
	n := 2*int(math.Ceil(length)) + 1
	return eachPixel(shape, func(i, j int, add func(y, x, w float64)) {
		for k := range n {
			s := length * (float64(k)/float64(n-1) - .5)
			add(float64(i)+s*math.Sin(angle), float64(j)+s*math.Cos(angle), 1/float64(n))
		}
	})
}

// Projection is a small tomography of an image [h, w] or [h, w, c]: its sums along parallel lines at each angle, in radians, a line
// for each pixel of the image's larger side. Lines between pixels are interpolated; what lies outside is 0.
func Projection(shape []int, angles []float64) Matrix {
	h, w, c := pixels(shape)
	lines := max(h, w)
	var out Matrix
	for _, angle := range angles {
		sin, cos := math.Sincos(angle)
		for l := range lines {
			for ch := range c {
				row := make([]float64, h*w*c)
				for k := range 2 * lines {
					off, along := float64(l)-float64(lines-1)/2, float64(k)-float64(2*lines-1)/2
					spreadPixel(row, h, w, c, ch, float64(h-1)/2+off*cos+along*sin, float64(w-1)/2-off*sin+along*cos, 1, false)
				}
				out = append(out, row)
			}
		}
	}
	return out
}

func pixels(shape []int) (h, w, c int) {
	h, w, c = shape[0], shape[1], 1
	if len(shape) > 2 {
		c = shape[2]
	}
	return h, w, c
}

// eachPixel is a matrix with a row for each pixel and channel, of the places that f adds.
func eachPixel(shape []int, f func(i, j int, add func(y, x, weight float64))) Matrix {
	h, w, c := pixels(shape)
	var out Matrix
	for i := range h {
		for j := range w {
			for ch := range c {
				row := make([]float64, h*w*c)
				f(i, j, func(y, x, weight float64) { spreadPixel(row, h, w, c, ch, y, x, weight, true) })
				out = append(out, row)
			}
		}
	}
	return out
}

// spreadPixel gives a weight at a place between pixels to the four around it.
func spreadPixel(row []float64, h, w, c, ch int, y, x, weight float64, clamp bool) {
	i, j := int(math.Floor(y)), int(math.Floor(x))
	for di := range 2 {
		for dj := range 2 {
			a, b := i+di, j+dj
			part := weight * (1 - math.Abs(y-float64(a))) * (1 - math.Abs(x-float64(b)))
			if clamp {
				a, b = min(max(a, 0), h-1), min(max(b, 0), w-1)
			}
			if a >= 0 && a < h && b >= 0 && b < w {
				row[(a*w+b)*c+ch] += part
			}
		}
	}
}
