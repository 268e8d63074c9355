package twist

import (
	"fmt"

	"odslab/odslib"
)

// Widened is the twist p(y|x̂0) under an error model with further Gaussian noise of standard deviation By(t): a
// time-dependent error model.
type Widened struct{ By odslib.Curve }

// Bind implements Twist.
func (w Widened) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	if w.By == nil {
		return nil, fmt.Errorf("twist.Widened needs By, a standard deviation over t")
	}
	c, err := odslib.Need[odslib.Widening](post, "twist.Widened")
	return widened{bare{post}, c, w.By}, err
}

type widened struct {
	bare
	c  odslib.Widening
	by odslib.Curve
}

// Columns implements Bound.
func (b widened) Columns() []odslib.Curve { return []odslib.Curve{b.by} }

// LogTwist implements Bound.
func (b widened) LogTwist(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	return b.c.LogRWith(scope.At("constraint"), x0, at.Extra[0], b.post.ConstraintGiven(at.Given))
}
