package measure

import "math"

// assign solves the linear assignment problem: it returns for each row i the
// column π(i) of the permutation with the least Σ cost[i·n+π(i)]. Costs are
// finite.
//
// The method is that of shortest augmenting paths: R. Jonker and A. Volgenant,
// Computing 38, 325–340, 1987, in the form of D. F. Crouse, IEEE Trans. Aerosp.
// Electron. Syst. 52, 1679–1696, 2016. It is O(n³).
func assign(cost []float64, n int) []int {
	s := solver{n: n, cost: cost,
		u: make([]float64, n), v: make([]float64, n),
		columnOf: filled(n), rowOf: filled(n), parent: make([]int, n),
		shortest: make([]float64, n), open: make([]int, n), rowSeen: make([]bool, n), columnSeen: make([]bool, n),
	}
	s.reduce()
	for i := range n {
		if s.columnOf[i] < 0 {
			s.augment(i)
		}
	}
	return s.columnOf
}

func filled(n int) []int {
	a := make([]int, n)
	for i := range a {
		a[i] = -1
	}
	return a
}

// solver holds the dual variables, u of rows and v of columns, for which every
// cost−u−v is ≥ 0 and is 0 on the pairs made so far.
type solver struct {
	n               int
	cost            []float64
	u, v            []float64
	columnOf, rowOf []int // -1: not yet paired

	// Of one search:
	parent              []int // the row from which a column was reached
	shortest            []float64
	open                []int // columns that are not yet final
	rowSeen, columnSeen []bool
}

// reduce starts with the best duals of columns, then of rows, and pairs what
// costs nothing: it leaves a fraction of the rows to the searches.
func (s *solver) reduce() {
	for j := range s.v {
		s.v[j] = math.Inf(1)
	}
	for i := range s.n {
		for j, c := range s.cost[i*s.n : (i+1)*s.n] {
			s.v[j] = min(s.v[j], c)
		}
	}
	for i := range s.n {
		best, at := math.Inf(1), -1
		for j, c := range s.cost[i*s.n : (i+1)*s.n] {
			r := c - s.v[j]
			if r < best || r == best && s.rowOf[at] >= 0 && s.rowOf[j] < 0 {
				best, at = r, j
			}
		}
		s.u[i] = best
		if s.rowOf[at] < 0 {
			s.columnOf[i], s.rowOf[at] = at, i
		}
	}
}

// augment finds the shortest alternating path from row start to a free column
// (Dijkstra on the reduced costs), updates the duals and flips the path.
func (s *solver) augment(start int) {
	for j := range s.n {
		s.shortest[j] = math.Inf(1)
		s.open[j] = j
		s.rowSeen[j], s.columnSeen[j] = false, false
	}
	open := s.open
	sink, i, length := -1, start, 0.0
	for sink < 0 {
		s.rowSeen[i] = true
		row := s.cost[i*s.n : (i+1)*s.n]
		lowest, at := math.Inf(1), -1
		base := length - s.u[i]
		for k, j := range open {
			if d := base + row[j] - s.v[j]; d < s.shortest[j] {
				s.shortest[j] = d
				s.parent[j] = i
			}
			// Of equal columns a free one, since it ends the search.
			if d := s.shortest[j]; d < lowest || d == lowest && s.rowOf[j] < 0 {
				lowest, at = d, k
			}
		}
		length = lowest
		j := open[at]
		s.columnSeen[j] = true
		open[at] = open[len(open)-1]
		open = open[:len(open)-1]
		if s.rowOf[j] < 0 {
			sink = j
		} else {
			i = s.rowOf[j]
		}
	}
	s.u[start] += length
	for r, seen := range s.rowSeen {
		if seen && r != start {
			s.u[r] += length - s.shortest[s.columnOf[r]]
		}
	}
	for c, seen := range s.columnSeen {
		if seen {
			s.v[c] -= length - s.shortest[c]
		}
	}
	for j := sink; ; {
		i := s.parent[j]
		s.rowOf[j] = i
		s.columnOf[i], j = j, s.columnOf[i]
		if i == start {
			return
		}
	}
}
