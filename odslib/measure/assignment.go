package measure

import "math"

// assign solves the linear assignment problem: it returns for each row i the
// column π(i) of the permutation with the least Σ cost[i·n+π(i)]. Costs are
// finite.
//
// An auction finds good duals; shortest augmenting paths find the exact answer:
// R. Jonker and A. Volgenant, Computing 38, 325–340, 1987, in the form of D. F.
// Crouse, IEEE Trans. Aerosp. Electron. Syst. 52, 1679–1696, 2016. It is O(n³).
func assign(cost []float64, n int) []int {
	s := solver{
		n: n, cost: cost,
		u: make([]float64, n), v: make([]float64, n),
		columnOf: filled(n), rowOf: filled(n), parent: make([]int, n),
		shortest: make([]float64, n), open: make([]int, n), rowSeen: make([]bool, n), columnSeen: make([]bool, n),
	}
	s.auction()
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

// auction finds column duals near the best ones: D. P. Bertsekas, Annals of
// Operations Research 14, 105–123, 1988. In each round rows bid for columns
// until all have one; a round's pairing is within n·ε of the least cost, and ε
// shrinks from round to round. Without it the searches between samples of
// different laws would visit nearly every row.
func (s *solver) auction() {
	lowest, highest := s.cost[0], s.cost[0]
	for _, c := range s.cost {
		lowest, highest = min(lowest, c), max(highest, c)
	}
	queue := make([]int, s.n)
	// An auction may last long among equal rows; what it has found by then serves.
	bids := 200 * s.n
	last := (highest - lowest) / (1000 * float64(s.n))
	for eps := (highest - lowest) / 8; eps > last; eps /= 8 {
		queue = queue[:s.n]
		for i := range queue {
			queue[i], s.rowOf[i] = i, -1
		}
		for ; len(queue) > 0 && bids > 0; bids-- {
			i := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			best, second, at := math.Inf(1), math.Inf(1), -1
			row := s.cost[i*s.n : (i+1)*s.n]
			for j, v := range s.v {
				if d := row[j] - v; d < second {
					if d < best {
						best, second, at = d, best, j
					} else {
						second = d
					}
				}
			}
			if s.n > 1 {
				s.v[at] -= second - best + eps
			}
			if s.rowOf[at] >= 0 {
				queue = append(queue, s.rowOf[at])
			}
			s.rowOf[at] = i
		}
	}
	for j := range s.rowOf {
		s.rowOf[j] = -1
	}
}

// reduce gives the rows their best duals and pairs what then costs nothing.
func (s *solver) reduce() {
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
