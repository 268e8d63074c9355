package record_test

import (
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine/record"
)

// recorder keeps the pieces that it has played.
type recorder struct {
	compute.Backend
	pieces *[][]byte
}

func (r recorder) Builder(name string) compute.Builder {
	return record.NewBuilder(name, r.Capabilities(), &recorded{player{&local{Backend: r.Backend}, record.NewReplay(r.Backend, name)}, r.pieces})
}

type recorded struct {
	player
	pieces *[][]byte
}

func (r *recorded) Compile(rec record.Recording) (compute.Executable, record.Made, error) {
	*r.pieces = append(*r.pieces, rec.Piece)
	return r.player.Compile(rec)
}

// FuzzReplay: whatever a recording holds is played back or an error, or at most a panic of the engine, which the process
// that plays it takes for one.
func FuzzReplay(f *testing.F) {
	be, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		f.Fatal(err)
	}
	var pieces [][]byte
	for _, build := range []func(x *graph.Node) *graph.Node{
		func(x *graph.Node) *graph.Node { return graph.Add(graph.Tanh(x), graph.Const(x.Graph(), float32(2))) },
		func(x *graph.Node) *graph.Node { return graph.Gradient(graph.ReduceAllSum(graph.Square(x)), x)[0] },
		func(x *graph.Node) *graph.Node { return graph.Sort(graph.Concatenate([]*graph.Node{x, x}, 0), 0, true) },
	} {
		graph.MustNewExec(recorder{be, &pieces}, build).MustCall1([]float32{1, 2, 3})
	}
	for _, p := range pieces {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, piece []byte) {
		defer func() { _ = recover() }()
		r := record.NewReplay(be, "fuzz")
		if r.Play(piece) == nil {
			if _, err := r.Shapes(); err == nil {
				_, _ = r.Compile()
			}
		}
	})
}
