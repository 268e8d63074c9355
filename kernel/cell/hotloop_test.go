package cell

import (
	"math"
	"testing"

	"odslab/kernel/runtime/live"
)

// BenchmarkHotLoop: what the look at the flag adds to loops, as localise writes it: one that only counts, whose body stands
// there four times, one that does some arithmetic, and one that goes on before its end.
func BenchmarkHotLoop(b *testing.B) {
	const n = 1 << 20
	xs := make([]float64, 1024)
	for i := range xs {
		xs[i] = float64(i%7) - 1
	}
	var count int
	var sum float64
	run := func(name string, f func(k int, s float64) (int, float64)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				count, sum = f(0, 0)
			}
		})
	}
	run("count/plain", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			k++
		}
		return k, s
	})
	run("count/flag", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			{
				k++
			}
			i++
			if !(i < n) {
				break
			}
			{
				k++
			}
			i++
			if !(i < n) {
				break
			}
			{
				k++
			}
			i++
			if !(i < n) {
				break
			}
			{
				k++
			}
			if live.Stopped.Load() {
				count = k
				live.Halt()
			}
		}
		return k, s
	})
	run("sum/plain", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			s += math.Sqrt(xs[i&1023]) * float64(i)
		}
		return k, s
	})
	run("sum/flag", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			s += math.Sqrt(xs[i&1023]) * float64(i)
			if live.Stopped.Load() {
				sum = s
				live.Halt()
			}
		}
		return k, s
	})
	run("continue/plain", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			x := xs[i&1023]
			if x < 0 {
				continue
			}
			s += x
		}
		return k, s
	})
	run("continue/flag", func(k int, s float64) (int, float64) {
		for i := 0; i < n; i++ {
			if live.Stopped.Load() {
				sum = s
				live.Halt()
			}
			x := xs[i&1023]
			if x < 0 {
				continue
			}
			s += x
		}
		return k, s
	})
	_, _ = count, sum
}
