package measure

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// intervalBlocks is the number of blocks, and of evaluations besides the first:
// an error from 10 is itself known to a quarter, which Student's t allows for.
const intervalBlocks = 10

// Interval returns the confidence interval of a level for a distance between two
// samples, by the jackknife: each tenth of the rows is left out in turn, of both
// samples the same tenth (B. Efron and C. Stein, Ann. Stat. 9, 586–596, 1981,
// whose error is on average not too small). A bootstrap would draw copies, which
// distances take for modes. A sample of one row stays whole.
//
// It says what chance in these rows does to the distance, not that the distance
// is at its floor: the [Floor] of the same size lies inside for a right sampler.
// Rows are independent, or correlated with near ones, such as draws of a chain;
// samples in sorted order get too wide an interval. Weighted samples are resampled
// first. It costs 10 times the distance.
func Interval(distance Distance, a, b odslib.Array, level float64) (low, high float64, err error) {
	if err := checkLevel(level); err != nil {
		return 0, 0, err
	}
	if distance == nil {
		return 0, 0, errors.New("measure: an interval needs a distance")
	}
	for _, x := range []odslib.Array{a, b} {
		if n := x.Len(); n != 1 && n < 2*intervalBlocks {
			return 0, 0, fmt.Errorf("measure: an interval needs at least %d samples; got shape %v", 2*intervalBlocks, x.Shape)
		}
	}
	at, err := distance(a, b)
	if err != nil {
		return 0, 0, err
	}
	without := make([]float64, intervalBlocks)
	for k := range without {
		if without[k], err = distance(leave(a, k), leave(b, k)); err != nil {
			return 0, 0, err
		}
	}
	const m = float64(intervalBlocks)
	se := math.Sqrt((m - 1) * (m - 1) / m * stat.Variance(without, nil))
	if !finite(se) || !finite(at) {
		return 0, 0, fmt.Errorf("measure: no interval: the distance is %v, and %v with a tenth of the samples left out", at, without)
	}
	reach := student(level, m-1) * se
	return at - reach, at + reach, nil
}

// leave returns x without its k-th block of rows.
func leave(x odslib.Array, k int) odslib.Array {
	n := x.Len()
	if n == 1 {
		return x
	}
	from, to := k*n/intervalBlocks, (k+1)*n/intervalBlocks
	d := len(x.Data) / n
	shape := slices.Clone(x.Shape)
	shape[0] = n - (to - from)
	return odslib.Array{Shape: shape, Data: slices.Concat(x.Data[:from*d], x.Data[to*d:])}
}

// Mean returns the mean of independent values, such as scores of simulations or
// images, and its confidence interval of a level, by Student's t.
func Mean(values []float64, level float64) (mean, low, high float64, err error) {
	if err := checkLevel(level); err != nil {
		return 0, 0, 0, err
	}
	if len(values) < 2 {
		return 0, 0, 0, fmt.Errorf("measure: the interval of a mean needs at least 2 values; got %d", len(values))
	}
	bad := 0
	for _, v := range values {
		if !finite(v) {
			bad++
		}
	}
	if bad > 0 {
		return 0, 0, 0, fmt.Errorf("measure: %d of %d values are not finite; remove them and count them as lost", bad, len(values))
	}
	n := float64(len(values))
	mean, sd := stat.MeanStdDev(values, nil)
	reach := student(level, n-1) * stat.StdErr(sd, n)
	return mean, mean - reach, mean + reach, nil
}

// student is how many standard errors an interval of a level reaches.
func student(level, freedom float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile((1 + level) / 2)
}

func checkLevel(level float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("measure: an interval at level %v; want between 0 and 1, such as .95", level)
	}
	return nil
}
