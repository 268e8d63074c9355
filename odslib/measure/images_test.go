package measure

import (
	"math"
	"testing"

	"odslab/odslib"
)

// blended is an image of uniform numbers and one that is half of it and half of other numbers.
func blended(h, w int) (x, truth odslib.Array) {
	truth, other := uniform(21, 1, h*w*2, 1), uniform(22, 1, h*w*2, 1)
	x = odslib.Array{Shape: []int{1, h, w, 2}}
	truth.Shape = x.Shape
	for i, v := range truth.Data {
		x.Data = append(x.Data, float32(.5*float64(v)+.5*float64(other.Data[i])))
	}
	return x, truth
}

// TestImagesSkimage compares with skimage 0.26.0 (Gaussian weights, σ=1.5, population covariance), and in 8×8 pixels, where it
// has no window, with scipy's convolve2d.
func TestImagesSkimage(t *testing.T) {
	for _, c := range []struct {
		h, w       int
		ssim, psnr float64
	}{{16, 13, 0.6659499684630527, 13.632233464951518}, {8, 8, 0.5920525023556258, 13.741440878433814}} {
		x, truth := blended(c.h, c.w)
		ssim, err := SSIM{Range: 1}.Distance(x, truth)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "SSIM", ssim, c.ssim, 1e-12)
		psnr, err := PSNR{Range: 1}.Distance(x, truth)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "PSNR", psnr, c.psnr, 1e-12)
	}
}

// constant is an image of one value.
func constant(n, h, w, c int, v float32) odslib.Array {
	a := odslib.Array{Shape: []int{n, h, w, c}, Data: make([]float32, n*h*w*c)}
	for i := range a.Data {
		a.Data[i] = v
	}
	return a
}

// TestImagesClosedForms: equality is 1 and +Inf; constants u and v have (2uv+c₁)/(u²+v²+c₁) and 10·log₁₀(4/(u−v)²); an image and
// its negative around 0 have a similarity near −1.
func TestImagesClosedForms(t *testing.T) {
	x, _ := blended(12, 17)
	same, err := SSIM{}.Distance(x, x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "SSIM of equality", same, 1, 1e-12)
	if p, err := (PSNR{}).Distance(x, x); err != nil || !math.IsInf(p, 1) {
		t.Errorf("PSNR of equality: %v (error %v)", p, err)
	}
	const u, v, c1 = .5, -.25, 4e-4
	ssim, err := SSIM{}.Each(constant(3, 9, 9, 1, u), constant(1, 9, 9, 1, v))
	if err != nil || len(ssim) != 3 {
		t.Fatal(len(ssim), err)
	}
	psnr, err := PSNR{}.Each(constant(3, 9, 9, 1, u), constant(1, 9, 9, 1, v))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		near(t, "SSIM of constants", ssim[i], (2*u*v+c1)/(u*u+v*v+c1), 1e-10)
		near(t, "PSNR of constants", psnr[i], 10*math.Log10(4/((u-v)*(u-v))), 1e-10)
	}
	chess, negative := constant(1, 16, 16, 1, 1), constant(1, 16, 16, 1, 1)
	for i := range chess.Data {
		if (i+i/16)%2 == 1 {
			chess.Data[i] = -1
		}
		negative.Data[i] = -chess.Data[i]
	}
	if inverse, err := (SSIM{}).Distance(chess, negative); err != nil || !(inverse < -.95) {
		t.Errorf("SSIM of an image and its negative: %v (error %v)", inverse, err)
	}
}

// TestImagesRows: each row meets its own truth, or the one of all.
func TestImagesRows(t *testing.T) {
	x := constant(1, 8, 8, 1, .1).Append(constant(1, 8, 8, 1, .9))
	swapped := constant(1, 8, 8, 1, .9).Append(constant(1, 8, 8, 1, .1))
	for _, f := range []interface {
		Each(x, truth odslib.Array) ([]float64, error)
	}{PSNR{}, SSIM{}} {
		own, err := f.Each(x, swapped)
		if err != nil {
			t.Fatal(err)
		}
		one, err := f.Each(x, swapped.Slice(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(own[0]-own[1]) > 1e-6 || !(one[0] > one[1]) {
			t.Errorf("%T: %v and %v", f, own, one)
		}
	}
}

func TestImagesRefuse(t *testing.T) {
	x := constant(2, 8, 8, 1, 0)
	_, err := SSIM{}.Distance(x, constant(3, 8, 8, 1, 0))
	refuses(t, "rows", err, "[3 8 8 1]")
	_, err = SSIM{}.Distance(x, constant(2, 4, 16, 1, 0))
	refuses(t, "shape", err, "[2 4 16 1]")
	_, err = SSIM{}.Distance(x.Reshape(2, 64), x.Reshape(2, 64))
	refuses(t, "flat", err, "images, [n, h, w, c]")
	_, err = PSNR{Range: -1}.Distance(x, x)
	refuses(t, "range", err, "-1")
	bad := x.Clone()
	bad.Data[70], bad.Data[71] = float32(math.NaN()), float32(math.NaN())
	_, err = PSNR{}.Distance(x, bad)
	refuses(t, "NaN", err, "sample 1 of the second sample is NaN at coordinate 6, the first of 2 values")
	if v, err := (SSIM{}).Each(constant(1, 1, 1, 1, .5), constant(1, 1, 1, 1, .5)); err != nil || v[0] != 1 {
		t.Errorf("one pixel: %v (error %v)", v, err)
	}
}
