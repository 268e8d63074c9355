package main

import (
	"errors"
	"math"
	"strings"
	"testing"

	"odslab/odslib/compare"
)

// A line that a folder has is not run again, NaN and all; another table's is refused.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	want := compare.Entry{Case: "T6", Distance: .5, LogZ: math.NaN(), Seeds: 2}
	got, err := kept(dir, 3, "T6, DPS", func() (compare.Entry, error) { return want, nil })
	if err != nil || got.Distance != .5 || !math.IsNaN(got.LogZ) {
		t.Fatalf("%+v, %v", got, err)
	}
	again := func() (compare.Entry, error) { return compare.Entry{}, errors.New("run again") }
	if got, err := kept(dir, 3, "T6, DPS", again); err != nil || got.Distance != .5 || !math.IsNaN(got.LogZ) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := kept(dir, 3, "T1, DPS", again); err == nil || !strings.Contains(err.Error(), "another table (T6, DPS)") {
		t.Error(err)
	}
	if _, err := kept(dir, 4, "T6, DPS", again); err == nil || err.Error() != "run again" {
		t.Error(err)
	}
	if err := run(t.Context(), options{quick: true, only: "T6", out: dir, index: 99}); err == nil || !strings.Contains(err.Error(), "beyond the table") {
		t.Error(err)
	}
}
