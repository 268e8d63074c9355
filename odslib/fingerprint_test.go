package odslib_test

import (
	"context"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

// twice is a reward that is not made of numbers.
type twice struct{ by *float64 }

func (c twice) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = *c.by * float64(x.Row(i)[0])
	}
	return out, nil
}

// A fingerprint knows its own posterior again, and another one by its types, its numbers, or what its function does.
func TestFingerprint(t *testing.T) {
	ctx, by := context.Background(), 1.
	normal := odslib.Normal{Dims: []int{2}}
	gauss := func(y, sigma float64) odslib.Posterior {
		return odslib.Given(normal, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{y}, Sigma: sigma})
	}
	rows := func(p odslib.Posterior, n int) odslib.Posterior {
		y := engine.NewArray(n, 1)
		p.Given = &y
		return p
	}
	check := func(what string, of, other odslib.Posterior, want string) {
		t.Helper()
		f, err := of.Fingerprint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		by *= 2 // the function of twice
		err = f.Accepts(ctx, other)
		by /= 2
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: want one line with %q, got %v", what, want, err)
		}
	}
	check("itself", gauss(1, .5), gauss(1, .5), "")
	check("a little of y", gauss(1, .5), gauss(1.0001, .5), "crc32")
	check("the prior alone", gauss(1, .5), odslib.Given(normal, nil), "under <nil>")
	check("a function that changes", odslib.Given(normal, twice{&by}), odslib.Given(normal, twice{&by}), "log r of four test samples")
	check("rows of other measurements", rows(gauss(1, .5), 3), rows(gauss(2, .5), 7), "")
	check("rows with another error", rows(gauss(1, .5), 3), rows(gauss(1, .6), 3), "log r of four test samples")
	check("one measurement for rows", rows(gauss(1, .5), 3), gauss(1, .5), "1 conditions there, 0 here")
}
