package main

import (
	"odslab/plotting"
)

var pictures = []picture{
	{"pair", func() *plotting.Figure {
		return plotting.Pair(sixD(20000, 1), plotting.Truth([]float64{.4, -.65, 2.35, -.2, -1.2, 0}), plotting.Names(theta...)).Size(plotting.Column)
	}},
	{"pair-prior", func() *plotting.Figure {
		return plotting.Pair(plotting.Prior(gaussian(5000, 6, 3, 2)), sixD(20000, 1), plotting.Truth([]float64{.4, -.65, 2.35, -.2, -1.2, 0}), plotting.Names(theta...)).Size(plotting.OneAndHalf)
	}},
}

var theta = []string{"theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6"}
