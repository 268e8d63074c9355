package engine_test

import (
	"math"
	"os"
	"testing"

	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

// open returns the engine of this test run: XLA where its plugin is set up, pure Go where it is not or where
// ODSLAB_ENGINE=go asks for it.
func open(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CI") == "true" && os.Getenv(engine.EnvEngine) == "" && !e.Loops() {
		t.Fatalf("CI must test XLA: %s", e.Why)
	}
	return e
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.6g, want %.6g ± %.2g", what, got, want, tolerance)
	}
}
