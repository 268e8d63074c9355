package session

import (
	"io"
	"os"
	"testing"

	"odslab/odslib"
)

// A Result says its notes by itself, one line each; figures wait until they are asked for.
func TestSay(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = write
	r := &odslib.Result{Sampler: "Bootstrap"}
	r.Figure("R̂ ≤ 1.01")
	r.Note("the weight descends from %d particles", 3)
	say(r.Sampler, r)
	say("none", (*odslib.Result)(nil))
	say("none", nil)
	say("none", 7)
	os.Stderr = old
	write.Close()
	if said, _ := io.ReadAll(read); string(said) != "Bootstrap: the weight descends from 3 particles\n" {
		t.Errorf("said %q", said)
	}
}
