package measure_test

import (
	"fmt"
	"math/rand/v2"

	"odslab/odslib"
	"odslab/odslib/measure"
)

// A sampler that is a little off, judged beside what exact samples give.
func ExampleFloor() {
	normal := func(mean float64) func(seed uint64) (odslib.Array, error) {
		return func(seed uint64) (odslib.Array, error) {
			rng := rand.New(rand.NewPCG(seed, 1))
			a := odslib.Array{Shape: []int{500, 2}, Data: make([]float32, 1000)}
			for i := range a.Data {
				a.Data[i] = float32(mean + rng.NormFloat64())
			}
			return a, nil
		}
	}
	exact, _ := normal(0)(100)
	biased, _ := normal(0.3)(101)
	d, err := measure.SlicedW1{}.Distance(biased, exact)
	if err != nil {
		fmt.Println(err)
		return
	}
	floor, se, err := measure.Floor(measure.SlicedW1{}.Distance, normal(0), 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("sliced W1 %.2f, floor %.2f ± %.2f\n", d, floor, se)
	// Output:
	// sliced W1 0.30, floor 0.08 ± 0.01
}

func ExampleW2() {
	a := odslib.Array{Shape: []int{3, 2}, Data: []float32{0, 0, 1, 0, 5, 5}}
	b := odslib.Array{Shape: []int{3, 2}, Data: []float32{8, 9, 3, 4, 4, 4}} // each of a, moved by (3, 4)
	d, err := measure.W2(a, b)
	fmt.Println(d, err)
	_, err = measure.W2(a, odslib.Array{Shape: []int{1, 2}, Data: []float32{0, 0}})
	fmt.Println(err)
	// Output:
	// 5 <nil>
	// measure: W2 pairs samples of the same size; got 3 and 1: take a subset, or use SlicedW1 or Sinkhorn
}

func ExampleModeWeights() {
	x := odslib.Array{Shape: []int{4, 1}, Data: []float32{-1.1, -0.9, 1.2, 0.8}}
	logWeights := []float64{0, 0, 1, 1}
	modes := odslib.Array{Shape: []int{2, 1}, Data: []float32{-1, 1}}
	w, err := measure.ModeWeights(x, logWeights, modes)
	if err != nil {
		fmt.Println(err)
		return
	}
	tv, _ := measure.TotalVariation(w, []float64{0.5, 0.5})
	fmt.Printf("weights %.3f, total variation %.3f, ESS %.2f of 4\n", w, tv, measure.ESS(logWeights))
	// Output:
	// weights [0.269 0.731], total variation 0.231, ESS 3.30 of 4
}

func ExampleRHat() {
	rng := rand.New(rand.NewPCG(1, 1))
	chains := make([][]float64, 4)
	for c := range chains {
		for range 1000 {
			chains[c] = append(chains[c], rng.NormFloat64())
		}
	}
	mixed, _ := measure.RHat(chains)
	for t := range chains[0] {
		chains[0][t] += 3 // one chain in a mode of its own
	}
	stuck, _ := measure.RHat(chains)
	fmt.Printf("%.2f, then %.2f\n", mixed, stuck)
	// Output:
	// 1.00, then 1.48
}
