package rtb_test

import (
	"context"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/rtb"
)

func TestTry(t *testing.T) {
	ctx := context.Background()
	c := exact.T12(2, 1)
	_ = balance.Settings{}
	for _, n := range []int{300, 1000} {
		p, err := rtb.Sampler{}.Train(ctx, c.Post, odslib.Budget{Steps: n}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(p.Trace); i += n / 10 {
			t.Logf("%d %+v", i, p.Trace[i])
		}
		t.Log(p)
		r, err := p.Sample(ctx, c.Post, 4000, 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r.Report())
	}
}
