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
