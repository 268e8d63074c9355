package engine_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// oneLine demands an error of one line that holds all the words.
func oneLine(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	msg := err.Error()
	if strings.Contains(strings.TrimSpace(msg), "\n") {
		t.Errorf("%s: more than one line: %s", what, msg)
	}
	for _, w := range words {
		if !strings.Contains(msg, w) {
			t.Errorf("%s: %q does not say %q", what, msg, w)
		}
	}
}

func TestErrorsNameTheUsersLine(t *testing.T) {
	e := open(t)
	var line int
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		_, _, line, _ = runtime.Caller(0)
		return []*engine.Node{graph.Mul(in[0], in[1])}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = p.Call(normals(1, 3, 2).Tensor(), normals(1, 2, 3).Tensor())
	oneLine(t, "product of different shapes", err, "[3, 2]", "[2, 3]", "errors_test.go:"+strconv.Itoa(line+1))
}

func TestTryLetsBugsThrough(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an index out of range was swallowed")
		}
	}()
	var none []int
	_ = engine.Try(func() { none[len(none)]++ })
}

func TestTryKeepsTheCause(t *testing.T) {
	err := engine.Try(func() { engine.Fail("no %s", "mask") })
	oneLine(t, "Fail", err, "no mask", "errors_test.go:")
	var e *engine.Error
	if !errors.As(err, &e) || e.Msg != "no mask" {
		t.Errorf("%#v", err)
	}
}
