package smc

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// Particle is what graph code knows of the particles at time t.
type Particle struct {
	X    *odslib.Node // x_t [K, shape…]
	X0   *odslib.Node // x̂0(x_t) [K, shape…]
	Grad *odslib.Node // ∇ log ψ_t(x_t) [K, shape…], nil unless the proposal is guided
}

// Move is one reverse step t → s in graph code; every field is a scalar.
type Move struct {
	A, B, Std             *odslib.Node // the prior's kernel: x_s ~ N(A·x_t + B·x̂0, Std²)
	AlphaT, SigmaT        *odslib.Node // where it starts
	TimeS, AlphaS, SigmaS *odslib.Node // where it ends
}

// Proposal moves particles, as graph code. noise is N(0, I) [K, shape…].
type Proposal interface {
	// Guided says whether Propose reads the gradient of the twist.
	Guided() bool
	// Propose returns x_s and log p(x_s|x_t) − log q(x_s|x_t), [K]; nil means 0, the prior's own kernel.
	Propose(from Particle, m Move, noise *odslib.Node) (x, logRatio *odslib.Node)
}

// Prior proposes with the prior's own kernel.
type Prior struct{}

// Guided implements Proposal.
func (Prior) Guided() bool { return false }

// Propose implements Proposal: x_s = A·x_t + B·x̂0 + Std·ε.
func (Prior) Propose(from Particle, m Move, noise *odslib.Node) (x, logRatio *odslib.Node) {
	return graph.Add(m.Mean(from), times(m.Std, noise)), nil
}

// Mean is the mean of the prior's kernel.
func (m Move) Mean(from Particle) *odslib.Node {
	return graph.Add(times(m.A, from.X), times(m.B, from.X0))
}

func times(s, x *odslib.Node) *odslib.Node { return graph.Mul(graph.BroadcastToShape(s, x.Shape()), x) }

// Columns of the table of moves.
const (
	colA = iota
	colB
	colStd
	colAlphaT
	colSigmaT
	colTimeS
	colAlphaS
	colSigmaS
	columns
)

func readMove(row *odslib.Node) Move {
	c := func(j int) *odslib.Node { return engine.Col(row, j) }
	return Move{A: c(colA), B: c(colB), Std: c(colStd), AlphaT: c(colAlphaT), SigmaT: c(colSigmaT), TimeS: c(colTimeS), AlphaS: c(colAlphaS), SigmaS: c(colSigmaS)}
}

// level is the noise level at the end of the move for k particles.
func (m Move) level(k int) odslib.Level {
	b := func(n *odslib.Node) *odslib.Node { return graph.BroadcastToDims(n, k) }
	return odslib.Level{T: b(m.TimeS), Alpha: b(m.AlphaS), Sigma: b(m.SigmaS)}
}

// moves is the table of a chain. Its first row draws the start, N(0, σ²) at the noisiest time, as a move from nothing.
func moves(c diffusion.Chain) [][]float32 {
	at := func(t float64) (time, alpha, sigma float32) {
		return float32(t), float32(c.Schedule.Alpha(t)), float32(c.Schedule.Sigma(t))
	}
	table := make([][]float32, len(c.Grid))
	for i, s := range c.Grid {
		row := make([]float32, columns)
		row[colTimeS], row[colAlphaS], row[colSigmaS] = at(s)
		if i == 0 {
			row[colStd] = row[colSigmaS]
		} else {
			t := c.Grid[i-1]
			a, b, std := c.Kernel.Coefficients(c.Schedule, t, s)
			row[colA], row[colB], row[colStd] = float32(a), float32(b), float32(std)
			_, row[colAlphaT], row[colSigmaT] = at(t)
		}
		table[i] = row
	}
	return table
}
