package rtb_test

import (
	"context"
	"os"
	"strconv"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/compare"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/rtb"
)

func TestTryT1(t *testing.T) {
	ctx := context.Background()
	c := exact.T1()
	n, _ := strconv.Atoi(os.Getenv("ITERS"))
	ex, _ := strconv.ParseFloat(os.Getenv("EXPLORE"), 64)
	p, err := rtb.Sampler{Settings: balance.Settings{Explore: ex}}.Train(ctx, c.Post, odslib.Budget{Steps: n}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(p.Trace); i += n / 15 {
		t.Logf("%d %+v", i, p.Trace[i])
	}
	t.Log(p)
	r, err := p.Sample(ctx, c.Post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r.Report())
	w, _ := measure.ModeWeights(r.Samples, nil, engine.FromRows(c.Modes))
	tv, _ := compare.ModeError(c, r.Samples)
	t.Logf("%.3f\n%.3f tv %.3f\n%s", w, c.ModeWeights, tv, measure.Table(c.Post, r))
}
