package session

import (
	"context"
	"errors"
	"strings"
	"testing"

	"odslab/odslib"
)

func TestSparkline(t *testing.T) {
	if s := sparkline([]float64{1, 2, 3}); s != "" {
		t.Errorf("three values drew %q", s)
	}
	s := []rune(sparkline([]float64{1000, 100, 10, 1}))
	if string(s) != "█▆▃▁" {
		t.Errorf("falling loss drew %q", string(s))
	}
	long := make([]float64, 500)
	if n := len([]rune(sparkline(long))); n != 32 {
		t.Errorf("500 values drew %d characters", n)
	}
}

// A use's seed depends on the method and the notebook's seed, and is the same each time.
func TestSplit(t *testing.T) {
	type a struct{ odslib.Sampler }
	type b struct{ odslib.Sampler }
	one, again := split(a{}), split(a{})
	if one != again || one == split(b{}) {
		t.Error("seeds of uses must be the same for one method and differ between methods")
	}
}

func TestReason(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	if got := reason(ctx, errors.New("boom"), "5 samples are kept in x").Error(); got != "boom; 5 samples are kept in x" {
		t.Error(got)
	}
	cancel()
	if got := reason(ctx, context.Canceled, "").Error(); !strings.HasPrefix(got, "interrupted") {
		t.Error(got)
	}
}
