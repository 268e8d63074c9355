package balance_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/constraint"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
)

func quad() odslib.Posterior {
	y := make([]float64, 16)
	for i := range y {
		y[i] = 2
	}
	return odslib.Given(odslib.Normal{Dims: []int{16}}, constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigma: .5})
}

func TestZZ(t *testing.T) {
	name := os.Getenv("ZZ")
	steps, _ := strconv.Atoi(os.Getenv("STEPS"))
	if name == "" {
		t.Skip()
	}
	post, want, s := odslib.Posterior{}, 0., balance.Settings{}
	switch name {
	case "quad":
		post, want = quad(), -38.4755-8*math.Log(2*math.Pi*.25)
	case "t1":
		c := exact.T1()
		post = c.Post
	case "t12":
		post, want = exact.T12(2, 1).Post, .5
	case "t10":
		in, _ := exact.T10().Post.Inside()
		post, want = in.Posterior, exact.T10().LogZ
	case "t11":
		in, _ := exact.T11(1).Post.Inside()
		post, want = in.Posterior, exact.T11(1).LogZ
	case "t112":
		in, _ := exact.T11(2).Post.Inside()
		post, want = in.Posterior, exact.T11(2).LogZ
	case "tok":
		post, want = exact.Infilling().Post, exact.Infilling().LogZ
	}
	last := time.Now()
	n := 0
	ctx := odslib.WithObserver(context.Background(), func(p odslib.Progress) {
		if n++; n%50 == 0 && p.What == "x training" {
			var u syscall.Rusage
			syscall.Getrusage(0, &u)
			fmt.Printf("%d  z %.3f loss %.4g  %.2fs/50 cpu %.1f\n", p.Step, p.LogZ, p.Loss, time.Since(last).Seconds(), float64(u.Utime.Nano()+u.Stime.Nano())/1e9)
			last = time.Now()
		}
	})
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	p, err := balance.Train(ctx, "x", s, post, odslib.Budget{Steps: steps}, uint64(seed))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(p.Trace); i += max(1, len(p.Trace)/40) {
		it := p.Trace[i]
		fmt.Printf("%d beta %.4f z %.3f loss %.4g elbo %.3f ess %.3f out %.3f R %.3f replay %v\n", i, it.Beta, it.LogZ, it.Loss, it.ELBO, it.ESS, it.Outside, it.Reward, it.Replay)
	}
	r, err := p.Sample(context.Background(), post, 10000, 5)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(p)
	fmt.Println(r, "want", want)
	fmt.Println(r.Mean(), r.Std(), r.Notes)
}
