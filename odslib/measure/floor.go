package measure

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
)

// Distance compares two samples.
type Distance func(a, b odslib.Array) (float64, error)

// Floor returns the mean of a distance between two exact samples over a number
// of repetitions, at least 2, and its standard error. sample draws an exact
// sample, of the size that the judged one has; it is called with the seeds
// 0 … 2·reps−1.
func Floor(distance Distance, sample func(seed uint64) (odslib.Array, error), reps int) (mean, se float64, err error) {
	if reps < 2 {
		return 0, 0, fmt.Errorf("measure: a floor needs at least 2 repetitions; got %d", reps)
	}
	if distance == nil || sample == nil {
		return 0, 0, errors.New("measure: a floor needs a distance and a sampler")
	}
	values := make([]float64, reps)
	for r := range values {
		a, err := sample(uint64(2 * r))
		if err != nil {
			return 0, 0, fmt.Errorf("measure: floor: exact sample of seed %d: %w", 2*r, err)
		}
		b, err := sample(uint64(2*r + 1))
		if err != nil {
			return 0, 0, fmt.Errorf("measure: floor: exact sample of seed %d: %w", 2*r+1, err)
		}
		if values[r], err = distance(a, b); err != nil {
			return 0, 0, err
		}
	}
	mean, sd := stat.MeanStdDev(values, nil)
	return mean, stat.StdErr(sd, float64(reps)), nil
}
