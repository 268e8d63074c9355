package main

import (
	"context"
	"fmt"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
)

// BenchmarkNewMeasurement is 500 draws of a two-dimensional posterior at a y that the policy has not seen, warm: one policy for every
// measurement of 25 Gaussians.
//
//	go test ./odslib/bench -run '^$' -bench NewMeasurement -benchtime 20x
func BenchmarkNewMeasurement(b *testing.B) {
	ctx := context.Background()
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{0}, Sigma: .5})
	family, err := odslib.FamilyOf(post)
	if err != nil {
		b.Fatal(err)
	}
	rows := family.Rows(engine.FromRows([][]float64{{-1}, {0}, {2}}))
	for _, steps := range []int{100, 20} {
		policy, err := rtb.Sampler{Steps: steps, Paths: 32}.Train(ctx, rows, odslib.Budget{Steps: 2}, 1) // as fast as a trained one
		if err != nil {
			b.Fatal(err)
		}
		draw := func(y float64) {
			r, err := policy.At(y).Sample(ctx, post, 500, 1)
			if err != nil || r.Samples.Len() != 500 {
				b.Fatal(r, err)
			}
		}
		draw(0)
		b.Run(fmt.Sprintf("%d steps", steps), func(b *testing.B) {
			y := 1.
			before, _ := engine.Compilations()
			for b.Loop() {
				y += .01
				draw(y)
			}
			now, _ := engine.Compilations()
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/y")
			b.ReportMetric(float64(now-before), "compiled")
		})
	}
}
