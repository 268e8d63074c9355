package exact

import (
	"math"

	"odslab/odslib"
)

// The cases of language: infilling posteriors of sequences that are few enough to go through all, tokens being revealed one a step
// from left to right. Prior and answer are as exact as float32.

// L1 is a gap of six tokens out of four in a Markov chain, after token 0 and before 2, 0, 1.
func L1() Case {
	p := [][]float64{{.1, .6, .2, .1}, {.1, .1, .7, .1}, {.2, .1, .1, .6}, {.5, .2, .2, .1}}
	return sequenceCase("L1", "a gap of 6 tokens out of 4 in a Markov chain", -3.372575, 4, 6, func(x []int) float64 {
		w, at := 1., 0
		for _, d := range x {
			w *= p[at][d]
			at = d
		}
		return w
	}, func(x []int) float64 { return math.Log(p[x[5]][2] * p[2][0] * p[0][1]) })
}

// L2 is a gap of six tokens out of five in a hidden Markov model of three states, after 0, 1, 0 and before 4, 4, 3, 4.
func L2() Case {
	start := [3]float64{.5, .3, .2}
	move := [3][3]float64{{.85, .10, .05}, {.05, .80, .15}, {.20, .05, .75}}
	emit := [3][5]float64{{.60, .25, .05, .05, .05}, {.05, .10, .60, .20, .05}, {.10, .05, .05, .20, .60}}
	likelihood := func(x ...int) float64 { // forward algorithm
		f := start
		for i, d := range x {
			if i > 0 {
				var next [3]float64
				for a := range f {
					for b := range next {
						next[b] += f[a] * move[a][b]
					}
				}
				f = next
			}
			for a := range f {
				f[a] *= emit[a][d]
			}
		}
		return f[0] + f[1] + f[2]
	}
	with := func(x []int, right ...int) float64 {
		return likelihood(append(append([]int{0, 1, 0}, x...), right...)...)
	}
	return sequenceCase("L2", "a gap of 6 tokens out of 5 in a hidden Markov model", -5.391014, 5, 6,
		func(x []int) float64 { return with(x) },
		func(x []int) float64 { return math.Log(with(x, 4, 4, 3, 4) / with(x)) })
}

// L3 is eight independent symbols, a letter or a bracket, of which r = 1 makes those balanced and .001 the others.
func L3() Case {
	p := []float64{.5, .3, .2}
	return sequenceCase("L3", "8 symbols whose brackets are to be balanced", -2.654581, 3, 8, independent(p), func(x []int) float64 {
		open := 0
		for _, d := range x {
			switch d {
			case 1:
				open++
			case 2:
				open--
			}
			if open < 0 {
				break
			}
		}
		if open != 0 {
			return math.Log(.001)
		}
		return 0
	})
}

// L4 is four tokens out of three, independent and uniform, under r = 1 where their sum is a multiple of three and .02 elsewhere. Any
// three of them are independent and uniform under the posterior too, so that marginals of whatever order below four say nothing:
// a sampler that has learned nothing passes by them.
func L4() Case {
	return sequenceCase("L4", "4 tokens whose sum is to be a multiple of 3: marginals see nothing", math.Log(1.04/3), 3, 4, independent([]float64{1. / 3, 1. / 3, 1. / 3}), func(x []int) float64 {
		sum := 0
		for _, d := range x {
			sum += d
		}
		if sum%3 != 0 {
			return math.Log(.02)
		}
		return 0
	})
}

// L5 is six symbols out of three, independent, that are to be a palindrome: each pair that agrees counts e². What the last three
// are is decided by the first three, far away.
func L5() Case {
	p := []float64{.6, .3, .1}
	same := 0.
	for _, q := range p {
		same += q * q
	}
	return sequenceCase("L5", "6 symbols that are to be a palindrome", 3*math.Log(same*math.Exp(2)+1-same), 3, 6, independent(p), func(x []int) float64 {
		sum := 0.
		for i := range 3 {
			if x[i] == x[5-i] {
				sum += 2
			}
		}
		return sum
	})
}

func independent(p []float64) func(x []int) float64 {
	return func(x []int) float64 {
		w := 1.
		for _, d := range x {
			w *= p[d]
		}
		return w
	}
}

func sequenceCase(name, about string, logZ float64, tokens, length int, prior, logR func(x []int) float64) Case {
	s, _, err := NewSequences(tokens, length, prior)
	if err != nil {
		panic("exact: " + err.Error()) // the numbers are ours
	}
	return Case{Name: name, About: about, LogZ: logZ, Post: odslib.Given(s, s.Reward(logR))}
}
