package balance

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"odslab/odslib/engine"
)

// TestMain runs short tests on the pure-Go engine, which compiles nothing.
func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		os.Setenv(engine.EnvEngine, "go")
	}
	os.Exit(m.Run())
}

// The path loops use what only some backends have, so their tests run on the pure-Go engine as well.
func TestOnThePureGoEngine(t *testing.T) {
	if os.Getenv(engine.EnvEngine) == "go" {
		return // it is the engine of this run
	}
	cmd := exec.Command(os.Args[0], "-test.run=TestGradientIsTheDerivative|TestUntrainedPolicyIsThePrior")
	cmd.Env = append(os.Environ(), engine.EnvEngine+"=go")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
