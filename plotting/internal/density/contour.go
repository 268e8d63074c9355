package density

// Loop is a closed line; the higher side is on its left, so that the loops of one level together are an area whose holes
// turn the other way.
type Loop [][2]float64

// Contour cuts the grid at a level by marching squares. Beyond its edge the grid counts as lower than any level, so all
// loops close.
func (g *Grid) Contour(level float64) []Loop {
	// Nodes are cell centres plus a ring around them that lies on the domain's edge.
	nx, ny := g.NX+2, g.NY+2
	ring := func(i, j int) bool { return i == 0 || j == 0 || i == nx-1 || j == ny-1 }
	value := func(i, j int) float64 {
		if ring(i, j) {
			return 0
		}
		return g.Z[(j-1)*g.NX+i-1]
	}
	place := func(i, j int) (float64, float64) {
		x, y := g.At(i-1, j-1)
		return min(max(x, g.X.Min), g.X.Max), min(max(y, g.Y.Min), g.Y.Max)
	}
	// Each crossed edge is a point: horizontal edge (i,j)–(i+1,j) is 2(j·nx+i), vertical (i,j)–(i,j+1) the odd one.
	next := map[int]int{}
	var order []int
	edge := func(i, j, side int) int { // sides of cell (i,j): 0 bottom, 1 right, 2 top, 3 left
		switch side {
		case 0:
			return 2 * (j*nx + i)
		case 1:
			return 2*(j*nx+i+1) + 1
		case 2:
			return 2 * ((j+1)*nx + i)
		}
		return 2*(j*nx+i) + 1
	}
	for j := range ny - 1 {
		for i := range nx - 1 {
			a, b, c, d := value(i, j), value(i+1, j), value(i+1, j+1), value(i, j+1)
			k := 0
			for bit, v := range [4]float64{a, b, c, d} {
				if v > level {
					k |= 1 << bit
				}
			}
			pairs := cases[k]
			if (k == 5 || k == 10) && (a+b+c+d)/4 > level {
				pairs = saddles[k]
			}
			for _, p := range pairs {
				from := edge(i, j, p[0])
				next[from] = edge(i, j, p[1])
				order = append(order, from)
			}
		}
	}
	point := func(e int) [2]float64 {
		n := e / 2
		i, j := n%nx, n/nx
		i2, j2 := i+1, j
		if e%2 == 1 {
			i2, j2 = i, j+1
		}
		va, vb := value(i, j), value(i2, j2)
		f := (level - va) / (vb - va)
		switch { // what is high up to the edge is drawn up to the edge
		case ring(i, j):
			f = 0
		case ring(i2, j2):
			f = 1
		}
		xa, ya := place(i, j)
		xb, yb := place(i2, j2)
		return [2]float64{xa + f*(xb-xa), ya + f*(yb-ya)}
	}
	var loops []Loop
	for _, start := range order {
		if _, ok := next[start]; !ok {
			continue
		}
		var l Loop
		for e := start; ; {
			to, ok := next[e]
			if !ok {
				break
			}
			delete(next, e)
			l = append(l, point(e))
			e = to
		}
		if len(l) > 2 {
			loops = append(loops, l)
		}
	}
	return loops
}

// cases lists, for the corners that are high (1 lower left, 2 lower right, 4 upper right, 8 upper left), which side a
// segment enters and leaves by, the high corner being on its left.
var cases = [16][][2]int{
	1: {{0, 3}}, 2: {{1, 0}}, 3: {{1, 3}}, 4: {{2, 1}}, 5: {{0, 3}, {2, 1}}, 6: {{2, 0}}, 7: {{2, 3}},
	8: {{3, 2}}, 9: {{0, 2}}, 10: {{1, 0}, {3, 2}}, 11: {{1, 2}}, 12: {{3, 1}}, 13: {{0, 1}}, 14: {{3, 0}},
}

// saddles are the two ambiguous cases when the middle of the cell is high.
var saddles = map[int][][2]int{5: {{0, 1}, {2, 3}}, 10: {{1, 2}, {3, 0}}}
