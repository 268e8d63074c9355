package smc

import (
	"fmt"
	"math"
)

// Potential turns the twists log ψ_t along a path into its weight. Whatever it does on the way, the last step brings the
// product to r(x_0), so every potential is unbiased; they differ in how early they tell good particles from bad ones.
type Potential int

const (
	Difference Potential = iota // G_t = ψ_s/ψ_t: weights always are those of the current twist
	Terminal                    // G_t = 1 until the end: importance sampling with the proposal
	Max                         // G_t = the best ψ so far (Feynman–Kac steering)
	Sum                         // log G_t = the sum of all log ψ so far (Feynman–Kac steering)
)

var potentialNames = [...]string{"difference", "terminal", "max", "sum"}

func (p Potential) String() string {
	if p < 0 || int(p) >= len(potentialNames) {
		return fmt.Sprintf("Potential(%d)", int(p))
	}
	return potentialNames[p]
}

func (p Potential) check() error {
	if p < 0 || int(p) >= len(potentialNames) {
		return fmt.Errorf("no potential %v; use smc.Difference, Terminal, Max or Sum", p)
	}
	return nil
}

// path is what a potential remembers of a particle's past; it is inherited.
type path struct {
	memory float64 // last log ψ, its maximum, or its sum
	total  float64 // log of the product of potentials so far
}

// start is the past of a particle that has none.
func (p Potential) start() path {
	if p == Max {
		return path{memory: math.Inf(-1)}
	}
	return path{}
}

// increment is log G for the new log ψ.
func (p Potential) increment(h *path, logTwist float64) float64 {
	g := 0.
	switch p {
	case Difference:
		g, h.memory = logTwist-h.memory, logTwist
	case Max:
		h.memory = max(h.memory, logTwist)
		g = h.memory
	case Sum:
		h.memory += logTwist
		g = h.memory
	}
	h.total += g
	return g
}
