package density

import (
	"math"
	"slices"
)

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

// Interpolate is the bilinear value at a point, 0 outside.
func (g *Grid) Interpolate(x, y float64) float64 {
	ax := (x-g.X.Min)/(g.X.Max-g.X.Min)*float64(g.NX) - .5
	ay := (y-g.Y.Min)/(g.Y.Max-g.Y.Min)*float64(g.NY) - .5
	i, j := int(math.Floor(ax)), int(math.Floor(ay))
	if i < 0 || j < 0 || i+1 >= g.NX || j+1 >= g.NY {
		return 0
	}
	fx, fy := ax-float64(i), ay-float64(j)
	z := func(i, j int) float64 { return g.Z[j*g.NX+i] }
	return (1-fy)*((1-fx)*z(i, j)+fx*z(i+1, j)) + fy*((1-fx)*z(i, j+1)+fx*z(i+1, j+1))
}

// Max is the largest value.
func (g *Grid) Max() float64 { return slices.Max(g.Z) }

// Levels are, for rising shares of mass, the densities above which so much of all mass on the grid lies.
func (g *Grid) Levels(mass ...float64) []float64 {
	z := slices.Clone(g.Z)
	slices.Sort(z)
	total := 0.
	for _, v := range z {
		total += v
	}
	out, cum, i := make([]float64, len(mass)), 0., len(z)
	for k, m := range mass {
		for i > 0 && cum < m*total {
			i--
			cum += z[i]
		}
		out[k] = z[min(i, len(z)-1)]
	}
	return out
}

// Contours cuts the grid at the levels of shares of mass.
func (g *Grid) Contours(mass ...float64) [][]Loop {
	var out [][]Loop
	for _, level := range g.Levels(mass...) {
		out = append(out, g.Contour(level))
	}
	return out
}
