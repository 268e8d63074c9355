package odslib

// Constraint is log r(x): the log-likelihood of a measurement or a log reward, as graph code. x [B, shape…] → [B].
type Constraint interface {
	LogR(scope *Scope, x *Node) *Node
}

// HostConstraint is log r(x) as an ordinary Go function of n samples [n, shape…] → n values: no gradient.
type HostConstraint interface {
	LogRHost(x Array) ([]float64, error)
}

// Checked is a constraint that can tell, before anything is built, whether it fits samples of a shape.
type Checked interface {
	Check(shape []int) error
}

// Residual is a measurement y = A(x) + error: y − A(x), [B, shape…] → [B, m].
type Residual interface {
	Constraint
	Residual(scope *Scope, x *Node) *Node
}

// Linear is a measurement y = A·x + N(0, σ²I) by a matrix A of shape [m, d], x being flattened.
type Linear interface {
	Residual
	System(shape []int) (a [][]float64, y []float64, sigma float64, err error)
}

// Quadratic is a constraint with log r(x) = ½xᵀHx + bᵀx + c, H symmetric [d, d]: Gaussian measurements of linear
// operators and exponential tilts. Gaussian-mixture priors know its posterior.
type Quadratic interface {
	Constraint
	Quadratic(shape []int) (h [][]float64, b []float64, c float64, err error)
}

// KnownPosterior is a constraint that was made from its posterior, as the ratio of a target to the prior is.
type KnownPosterior interface {
	// Posterior returns the posterior under the prior, and log Z.
	Posterior(prior Prior) (Prior, float64, error)
}
