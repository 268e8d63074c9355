package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// Texts are compared as sequences of tokens, [n, length]. BLEU and GLEU are on the scale of the tokens at hand, of characters or of
// pieces of a vocabulary, and so are not those of words in the literature: compare them within a table alone.

// BLEU returns the BLEU score up to n-grams of order 4 of candidate sequences against one reference each, row by row (Papineni et
// al. 2002), over the whole set: the geometric mean of the clipped precisions, each count with one more (Lin & Och 2004, so that
// short gaps without a common 4-gram are no 0); lengths are equal, so that there is no penalty for brevity.
func BLEU(candidates, references odslib.Array) (float64, error) {
	return overlap(candidates, references, func(common, total [4]float64) float64 {
		sum := 0.
		for k := range common {
			if k == 0 {
				sum += math.Log(common[k] / total[k])
			} else {
				sum += math.Log((common[k] + 1) / (total[k] + 1))
			}
		}
		return math.Exp(sum / 4)
	})
}

// GLEU returns the mean over rows of the share of common n-grams, of orders 1 to 4 together (Wu et al. 2016): the smaller of precision
// and recall, which for equal lengths are one.
func GLEU(candidates, references odslib.Array) (float64, error) {
	if err := pairs(candidates, references); err != nil {
		return 0, err
	}
	sum := 0.
	for i := range candidates.Len() {
		c, t := common(candidates.Row(i), references.Row(i))
		sum += (c[0] + c[1] + c[2] + c[3]) / (t[0] + t[1] + t[2] + t[3])
	}
	return sum / float64(candidates.Len()), nil
}

func pairs(a, b odslib.Array) error {
	if len(a.Shape) != 2 || len(b.Shape) != 2 || a.Len() == 0 || a.Len() != b.Len() || a.Dim() != b.Dim() || a.Dim() == 0 {
		return fmt.Errorf("measure: candidates of shape %v and references of shape %v; they come in pairs of sequences as long, [n, length]", a.Shape, b.Shape)
	}
	return nil
}

func overlap(a, b odslib.Array, score func(common, total [4]float64) float64) (float64, error) {
	if err := pairs(a, b); err != nil {
		return 0, err
	}
	var c, t [4]float64
	for i := range a.Len() {
		x, y := common(a.Row(i), b.Row(i))
		for k := range c {
			c[k] += x[k]
			t[k] += y[k]
		}
	}
	return score(c, t), nil
}

// common counts the n-grams of a that are in b, each as often as it is there at most, and all of them.
func common(a, b []float32) (in, total [4]float64) {
	for k := range in {
		count := map[[4]float32]float64{}
		for i := 0; i+k < len(b); i++ {
			count[gram(b, i, k)]++
		}
		for i := 0; i+k < len(a); i++ {
			total[k]++
			if g := gram(a, i, k); count[g] > 0 {
				count[g]--
				in[k]++
			}
		}
	}
	return in, total
}

// gram is the n-gram of order k+1 at i; the places it does not use hold −1.
func gram(x []float32, i, k int) [4]float32 {
	g := [4]float32{-1, -1, -1, -1}
	copy(g[:], x[i:i+k+1])
	return g
}

// DistinctN returns the share of the n-grams of order 1 to 4 of all sequences that differ from each other (Li et al. 2016): near 0
// where the same is said again and again.
func DistinctN(x odslib.Array, order int) (float64, error) {
	if len(x.Shape) != 2 || x.Len() == 0 || order < 1 || order > 4 || x.Dim() < order {
		return 0, fmt.Errorf("measure: distinct n-grams of order %d of sequences of shape %v; orders are 1 to 4, and no longer than a sequence", order, x.Shape)
	}
	seen, all := map[[4]float32]bool{}, 0.
	for i := range x.Len() {
		for j := 0; j+order <= x.Dim(); j++ {
			seen[gram(x.Row(i), j, order-1)] = true
			all++
		}
	}
	return float64(len(seen)) / all, nil
}

// Repetition returns the share of n-grams of order 1 to 4 that have come before in their own sequence.
func Repetition(x odslib.Array, order int) (float64, error) {
	if len(x.Shape) != 2 || x.Len() == 0 || order < 1 || order > 4 || x.Dim() < order {
		return 0, fmt.Errorf("measure: repeated n-grams of order %d of sequences of shape %v; orders are 1 to 4, and no longer than a sequence", order, x.Shape)
	}
	again, all := 0., 0.
	for i := range x.Len() {
		seen := map[[4]float32]bool{}
		for j := 0; j+order <= x.Dim(); j++ {
			g := gram(x.Row(i), j, order-1)
			if all++; seen[g] {
				again++
			}
			seen[g] = true
		}
	}
	return again / all, nil
}

// OrderEntropy returns the mean entropy in nats of the position that is revealed at each step, over a set of orders of the same
// positions: 0 for a fixed order, (1/L)·Σ log k for a uniform one.
func OrderEntropy(orders [][]int) (float64, error) {
	if len(orders) == 0 || len(orders[0]) == 0 {
		return 0, fmt.Errorf("measure: no orders")
	}
	sum, l := 0., len(orders[0])
	for step := range l {
		// Given what was revealed before the positions left are those of the rest; the law is over runs with the same past.
		past := map[string]map[int]float64{}
		for k, o := range orders {
			if len(o) != l {
				return 0, fmt.Errorf("measure: order %d is of %d positions, the first of %d", k, len(o), l)
			}
			key := fmt.Sprint(slices.Sorted(slices.Values(o[:step])))
			if past[key] == nil {
				past[key] = map[int]float64{}
			}
			past[key][o[step]]++
		}
		for _, next := range past {
			n := 0.
			for _, c := range next {
				n += c
			}
			for _, c := range next {
				sum -= c / float64(len(orders)) * math.Log(c/n)
			}
		}
	}
	return sum / float64(l), nil
}
