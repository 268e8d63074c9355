package density

import "slices"

// Grid holds values at the centres of NX × NY even cells, row by row from the lowest y.
type Grid struct {
	X, Y   Domain
	NX, NY int
	Z      []float64
}

// NewGrid returns a Grid of zeros.
func NewGrid(x, y Domain, nx, ny int) *Grid {
	return &Grid{X: x, Y: y, NX: nx, NY: ny, Z: make([]float64, nx*ny)}
}

// Fill evaluates f at each cell's centre.
func (g *Grid) Fill(f func(x, y float64) float64) *Grid {
	for j := range g.NY {
		for i := range g.NX {
			g.Z[j*g.NX+i] = f(g.At(i, j))
		}
	}
	return g
}

// Transposed swaps the axes.
func (g *Grid) Transposed() *Grid {
	out := NewGrid(g.Y, g.X, g.NY, g.NX)
	for j := range g.NY {
		for i := range g.NX {
			out.Z[i*g.NY+j] = g.Z[j*g.NX+i]
		}
	}
	return out
}

// At is the centre of cell (i, j).
func (g *Grid) At(i, j int) (x, y float64) {
	return g.X.Min + (float64(i)+.5)*(g.X.Max-g.X.Min)/float64(g.NX), g.Y.Min + (float64(j)+.5)*(g.Y.Max-g.Y.Min)/float64(g.NY)
}

// Interpolate is the bilinear value at a point, 0 outside; within half a cell of the edge it is that of the edge's cells.
func (g *Grid) Interpolate(x, y float64) float64 {
	p, q := placed(x, g.X, g.NX), placed(y, g.Y, g.NY)
	if p.cell < outside || q.cell < outside {
		return 0
	}
	return g.value(p, q)
}

func (g *Grid) value(p, q place) float64 {
	x0, x1, y0, y1 := p.low(g.NX), p.high(g.NX), q.low(g.NY)*g.NX, q.high(g.NY)*g.NX
	return (1-q.share)*((1-p.share)*g.Z[y0+x0]+p.share*g.Z[y0+x1]) + q.share*((1-p.share)*g.Z[y1+x0]+p.share*g.Z[y1+x1])
}

// Max is the largest value.
func (g *Grid) Max() float64 { return slices.Max(g.Z) }

// Levels are, for rising shares of mass, the densities above which so much of all mass on the grid lies.
func (g *Grid) Levels(mass ...float64) []float64 { return levels(g.Z, nil, mass) }

// Contours cuts the grid at the levels of shares of mass.
func (g *Grid) Contours(mass ...float64) [][]Loop { return g.cut(g.Levels(mass...)) }

func (g *Grid) cut(levels []float64) [][]Loop {
	var out [][]Loop
	for _, level := range levels {
		out = append(out, g.Contour(level))
	}
	return out
}

// Marginal sums a density up to that of its first (0) or second variable.
func (g *Grid) Marginal(variable int) Curve {
	n, d, other := g.NX, g.X, g.Y
	if variable == 1 {
		n, d, other = g.NY, g.Y, g.X
	}
	c := Curve{X: make([]float64, n), Y: make([]float64, n)}
	step, thick := (d.Max-d.Min)/float64(n), (other.Max-other.Min)/float64(g.NX*g.NY/n)
	for i := range n {
		c.X[i] = d.Min + (float64(i)+.5)*step
	}
	for j := range g.NY {
		for i := range g.NX {
			k := i
			if variable == 1 {
				k = j
			}
			c.Y[k] += g.Z[j*g.NX+i] * thick
		}
	}
	return c
}
