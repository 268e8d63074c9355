package twist

import (
	"odslab/odslib"
	"odslab/odslib/diffusion"
)

// Default is the twist that fits what the constraint offers, as [For] chooses it: what particle methods take when they
// are told of none.
type Default struct {
	// Unguided is for particles that no gradient moves: rewards then have Tempered, quadratic ones too. A Gaussian about x̂0 thinks
	// too little of what another mode may bring, and without guidance few are left to bring it.
	Unguided bool
}

// Bind implements Twist.
func (d Default) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	t := For(post)
	if _, reward := t.(Quadratic); reward && d.Unguided {
		t = Tempered{}
	}
	return t.Bind(post, seed)
}

// For is the twist that knows most of the posterior: the width of p(y|x_t) is that of the error and of x_0 given x_t
// together, and a twist without the second takes whatever is sharp for hopeless.
//
//   - [Covariance] for a linear Gaussian measurement of up to [MostMeasured] values;
//   - [Isotropic] with the prior's mean variance for one of more;
//   - its quadratic form for a reward with a largest value, of up to as many directions ([Quadratic]);
//   - [MonteCarlo] with Smooth for any other measurement: A of draws around x̂0;
//   - [Tokens] for tokens;
//   - [Tempered] for rewards, of which nothing is known but their value.
func For(post odslib.Posterior) Twist {
	if IsTokens(post.Prior) {
		return Tokens{}
	}
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return Tempered{}
	}
	if c, ok := odslib.Can[odslib.Linear](post.Constraint); ok {
		if s, err := c.System(post.Shape()); err == nil && len(s.A) <= MostMeasured {
			return Covariance{}
		} else if err == nil {
			return Isotropic{Variance: diffusion.Variance(prior)}
		}
	}
	if _, ok := odslib.Can[odslib.Quadratic](post.Constraint); ok && post.Given == nil { // it reads the constraint's own numbers
		if _, err := (Quadratic{}).Bind(post, 0); err == nil {
			return Quadratic{}
		}
	}
	if _, ok := odslib.Can[odslib.Widening](post.Constraint); ok {
		return MonteCarlo{Draws: 32, Smooth: true}
	}
	return Tempered{}
}
