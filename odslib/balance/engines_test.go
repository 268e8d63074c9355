package balance

import (
	"os"
	"os/exec"
	"testing"
)

// The path loops use what only some backends have, so their tests run on the pure-Go engine as well.
func TestOnThePureGoEngine(t *testing.T) {
	if os.Getenv("ODSLAB_ENGINE") == "go" {
		return // it is the engine of this run
	}
	cmd := exec.Command(os.Args[0], "-test.run=TestGradientIsTheDerivative|TestUntrainedPolicyIsThePrior")
	cmd.Env = append(os.Environ(), "ODSLAB_ENGINE=go")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
