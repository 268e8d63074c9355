package record_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine/record"
)

// local is an engine whose programs are recorded and played back at once, in this process.
type local struct {
	compute.Backend
	compiled []record.Hash
}

func (l *local) Builder(name string) compute.Builder {
	return record.NewBuilder(name, l.Capabilities(), &player{l, record.NewReplay(l.Backend, name)})
}

type player struct {
	of     *local
	replay *record.Replay
}

func (p *player) Play(piece []byte) ([]shapes.Shape, error) {
	if err := p.replay.Play(piece); err != nil {
		return nil, err
	}
	return p.replay.Shapes()
}

func (p *player) Compile(r record.Recording) (compute.Executable, record.Made, error) {
	p.of.compiled = append(p.of.compiled, r.Hash)
	if err := p.replay.Play(r.Piece); err != nil {
		return nil, record.Made{}, err
	}
	x, err := p.replay.Compile()
	return x, record.Made{Compiled: true}, err
}

func (p *player) Locate(err *record.OpError, stack []uintptr) error {
	for frames := runtime.CallersFrames(stack); ; {
		f, more := frames.Next()
		if strings.HasSuffix(f.File, "_test.go") {
			return fmt.Errorf("%s:%d: %w", filepath.Base(f.File), f.Line, err)
		}
		if !more {
			return err
		}
	}
}

func open(t *testing.T) *local {
	t.Helper()
	return &local{Backend: cached(t, 0).Backend}
}

func run(t *testing.T, be compute.Backend, factor float32, x []float32) []float32 {
	t.Helper()
	y, err := graph.MustNewExec(be, func(x *graph.Node) *graph.Node {
		g := x.Graph()
		h := graph.Tanh(graph.Mul(x, graph.Const(g, factor)))
		return graph.Add(graph.Gradient(graph.ReduceAllSum(graph.Square(h)), x)[0], graph.Sort(h, 0, true))
	}).Call1(x)
	if err != nil {
		t.Fatal(err)
	}
	return y.Value().([]float32)
}

// What is played back computes what was recorded, to the bit. Equal graphs have one hash; a constant or a shape makes another.
func TestReplay(t *testing.T) {
	l := open(t)
	x := []float32{-1, .5, 2}
	for _, factor := range []float32{1, 3} {
		if got, want := run(t, l, factor, x), run(t, l.Backend, factor, x); !slices.Equal(got, want) {
			t.Errorf("factor %g: %v, not %v", factor, got, want)
		}
	}
	run(t, l, 1, []float32{3, 2, 1})
	run(t, l, 1, []float32{3, 2, 1, 0})
	c := l.compiled
	if len(c) != 4 || c[0] != c[2] || c[0] == c[1] || c[0] == c[3] || c[1] == c[3] {
		t.Errorf("hashes %x", c)
	}
}

// refusing is a player that refuses one operation when the program is compiled.
type refusing struct {
	player
	op int
}

func (r *refusing) Compile(record.Recording) (compute.Executable, record.Made, error) {
	return nil, record.Made{}, &record.OpError{Op: r.op, Err: errors.New("no room")}
}

// An error that comes as late as that names the line of the operation.
func TestLateRefusal(t *testing.T) {
	l := open(t)
	b := record.NewBuilder("late", l.Capabilities(), &refusing{player{l, record.NewReplay(l.Backend, "late")}, 1})
	f := b.Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, line, _ := runtime.Caller(0)
	y, err := f.Neg(x)
	if err == nil {
		err = f.Return([]compute.Value{y}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err = b.Compile(); err == nil || err.Error() != fmt.Sprintf("record_test.go:%d: no room", line+1) {
		t.Errorf("%v", err)
	}
	if _, err = f.Neg(x); err == nil {
		t.Error("a program that is compiled takes another operation")
	}
}

// An operation that the engine refuses is taken back, and the program goes on without it.
func TestTakenBack(t *testing.T) {
	l := open(t)
	hash := func(wrong bool) record.Hash {
		b := l.Builder("b")
		f := b.Main()
		x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 2), nil)
		if err != nil {
			t.Fatal(err)
		}
		if wrong {
			if _, err := f.Reshape(x, 3); err == nil {
				t.Error("two values became three")
			}
		}
		y, err := f.Neg(x)
		if err == nil {
			err = f.Return([]compute.Value{y}, nil)
		}
		if err == nil {
			_, err = b.Compile()
		}
		if err != nil {
			t.Fatal(err)
		}
		return l.compiled[len(l.compiled)-1]
	}
	if hash(true) != hash(false) {
		t.Error("the refused operation left a trace")
	}
}
