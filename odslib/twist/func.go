package twist

import (
	"fmt"

	"odslab/odslib"
)

// Func is a twist of the user's own, as graph code: log ψ_t [B] from x_t and x̂0(x_t), [B, shape…]. A number that F captures
// is a constant of the compiled program; one that changes belongs into a constraint or a curve of t.
type Func struct {
	F       func(x, x0 *odslib.Node, at odslib.Level) *odslib.Node
	Columns []odslib.Curve // in Level.Extra as F sees it
}

// Bind implements Twist.
func (f Func) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	if f.F == nil {
		return nil, fmt.Errorf("twist.Func has no function F")
	}
	return function{bare{post}, f}, nil
}

type function struct {
	bare
	f Func
}

// Columns implements Bound.
func (b function) Columns() []odslib.Curve { return b.f.Columns }

// LogTwist implements Bound.
func (b function) LogTwist(_ *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	return b.f.F(x, x0, at)
}
