package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/resident/server"
	"odslab/kernel/runtime/resident"
	"odslab/odslib/engine"
)

func double(be compute.Backend) *graph.Exec {
	return graph.MustNewExec(be, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) })
}

// keep leaves a tensor behind and returns its id.
func keep(t *testing.T, c *resident.Backend, x *tensors.Tensor) string {
	t.Helper()
	buf, err := x.Buffer(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Keep(buf)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func get(c *resident.Backend, id string) (*tensors.Tensor, error) {
	buf, err := c.Get(id)
	if err != nil {
		return nil, err
	}
	return tensors.FromBuffer(buf)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// The same graph gives the same bits in this process and through the socket.
func TestSameBits(t *testing.T) {
	real := realBackend(t)
	c, _, _ := serve(t, real, server.Options{})
	run := func(be compute.Backend) []byte {
		exec := graph.MustNewExec(be, func(x *graph.Node) []*graph.Node {
			g := x.Graph()
			state := graph.Const(g, []uint64{1, 2, 3})
			_, z := graph.RandomNormal(state, shapes.Make(dtypes.Float32, 64, 8))
			h := graph.Tanh(graph.Add(graph.Dot(z, graph.Transpose(x, 0, 1)).Product(), graph.Const(g, float32(.1))))
			loss := graph.ReduceAllSum(graph.Square(h))
			return append(graph.Gradient(loss, x), loss, graph.Sort(h, 0, true), graph.CumSum(h, 0))
		})
		x := tensors.FromShape(shapes.Make(dtypes.Float32, 16, 8))
		tensors.MustMutableFlatData(x, func(f []float32) {
			for i := range f {
				f[i] = float32(i%7)/7 - .3
			}
		})
		var out []byte
		for _, y := range exec.MustCall(x) {
			if err := y.ConstBytes(func(b []byte) { out = append(out, b...) }); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	if a, b := run(real), run(c); len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("%d and %d bytes differ", len(a), len(b))
	}
}

// What ends with its program, what is kept, and what Retain gives up.
func TestLeaseAndKept(t *testing.T) {
	c, s, socket := serve(t, realBackend(t), server.Options{Spill: t.TempDir()})
	x := double(c).MustCall1([]float32{1, 2, 3})
	id := keep(t, c, x)
	if again := keep(t, c, x); again != id {
		t.Errorf("kept twice under %s and %s", id, again)
	}
	double(c).MustCall1([]float32{1, 2, 3, 4}) // never finalized
	c.Finalize()
	eventually(t, "the lease did not end", func() bool { h := s.Held(); return h.Buffers == 1 && len(h.Kept) == 1 })

	d, err := resident.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Finalize()
	y, err := get(d, id)
	if err != nil {
		t.Fatal(err)
	}
	// A donated buffer that is kept is copied, not used up.
	given, err := graph.DonateTensorBuffer(y, d, 0)
	if err != nil {
		t.Fatal(err)
	}
	if z := double(d).MustCall1(given).Value().([]float32); z[2] != 12 {
		t.Errorf("doubled %v", z)
	}
	if y, err = get(d, id); err != nil || y.Value().([]float32)[2] != 6 {
		t.Errorf("what was kept is %v %v", y, err)
	}
	s.Retain([]string{id}, nil)
	if _, err := get(d, id); err != nil {
		t.Error(err)
	}
	s.Retain(nil, nil)
	if _, err := get(d, id); err == nil || !strings.Contains(err.Error(), "resident process") {
		t.Errorf("given up, and yet %v", err)
	}
	if y.Value().([]float32)[0] != 2 { // a handle holds on
		t.Error("a buffer in use went with its id")
	}
}

// The process that comes after a crash finds what was spilled, and nothing half written.
func TestSpill(t *testing.T) {
	dir := t.TempDir()
	c, s, _ := serve(t, realBackend(t), server.Options{Spill: dir, SpillMax: 1000})
	id := keep(t, c, double(c).MustCall1([]float32{1, 2, 3}))
	large := keep(t, c, double(c).MustCall1(make([]float32, 1000)))
	eventually(t, "not spilled", func() bool {
		h := s.Held()
		return len(h.Kept) == 2 && (h.Kept[0].OnDisk || h.Kept[1].OnDisk)
	})
	info, err := os.Stat(filepath.Join(dir, id+".array"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	half := filepath.Join(dir, "X-1.array.tmp")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Y-1.array"), []byte("\x01junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, s, _ = serve(t, realBackend(t), server.Options{Spill: dir})
	x, err := get(c, id)
	if err != nil || x.Value().([]float32)[2] != 6 {
		t.Errorf("after a crash: %v %v", x, err)
	}
	for _, id := range []string{large, "Y-1", "Z-9"} {
		if _, err := get(c, id); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Error("a half written file stays")
	}
	s.Retain(nil, nil)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left on disk: %v", left)
	}
}

// Programs are compiled once, for all clients; of those that nobody holds, the ones given up longest ago go.
func TestPrograms(t *testing.T) {
	c, s, socket := serve(t, realBackend(t), server.Options{Programs: 2})
	power := func(be compute.Backend, n int) *graph.Exec {
		exec := graph.MustNewExec(be, func(x *graph.Node) *graph.Node {
			y := x
			for range n {
				y = graph.Mul(y, x)
			}
			return y
		})
		exec.MustCall1(float32(2))
		return exec
	}
	var held []*graph.Exec
	for n := range 4 {
		held = append(held, power(c, n), power(c, n))
	}
	if h := s.Held(); h.Programs != 4 || h.Stats.Compiled != 4 || h.Stats.Found != 4 {
		t.Errorf("held by a client: %+v", h)
	}
	// Given up one by one while the client lives: 1 and 0 are the last to be.
	for _, n := range []int{2, 3, 1, 0} {
		held[2*n].Finalize()
		held[2*n].Finalize()
		if held[2*n+1].MustCall1(float32(2)).Value() != float32(int(2)<<n) {
			t.Errorf("program %d went while it was held", n)
		}
		held[2*n+1].Finalize()
	}
	double(c).MustCall1(float32(1)) // what is given up travels with the next request
	if h := s.Held(); h.Programs != 3 || h.Stats.Compiled != 5 {
		t.Errorf("given up: %+v", h)
	}
	power(c, 1)
	power(c, 3)
	if st := s.Stats(); st.Compiled != 6 || st.Found != 5 {
		t.Errorf("1 is there, 3 is gone: %+v", st)
	}
	c.Finalize()
	eventually(t, "the end of a client gives nothing up", func() bool { return s.Held().Programs == 2 })
	d, err := resident.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Finalize()
	power(d, 3) // still there
	power(d, 2) // long gone
	if st := s.Stats(); st.Compiled != 7 || st.Found != 6 {
		t.Errorf("for another client: %+v", st)
	}
}

// A quota is an error of one line, and the client goes on.
func TestQuota(t *testing.T) {
	c, _, _ := serve(t, realBackend(t), server.Options{Bytes: 1 << 20})
	grow := graph.MustNewExec(c, func(x *graph.Node) *graph.Node {
		return graph.BroadcastToDims(x, 1<<19)
	})
	for _, f := range []func() error{
		func() error { _, err := double(c).Call(make([]float32, 1<<19)); return err },
		func() error { _, err := grow.Call(float32(1)); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "%drop") {
			t.Errorf("beyond the quota: %v", err)
		}
	}
	if got := double(c).MustCall1(float32(4)).Value(); got != float32(8) {
		t.Errorf("after that: %v", got)
	}
}

// An error that shows only when the program is compiled names the line of the operation that is refused.
func TestLateErrorHasLine(t *testing.T) {
	c, _, _ := serve(t, realBackend(t), server.Options{})
	bl := c.Builder("late")
	f := bl.Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := f.Closure()
	if err != nil {
		t.Fatal(err)
	}
	y, err := inner.Neg(x)
	if err == nil {
		err = inner.Return([]compute.Value{y}, nil) // this line: y is made of another function's x
	}
	if err == nil {
		err = f.Return([]compute.Value{x}, nil)
	}
	if err == nil {
		_, err = bl.Compile()
	}
	var e *engine.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Where, "semantics_test.go:") || strings.Contains(e.Error(), "\n") {
		t.Fatalf("got %v", err)
	}
	source, _ := os.ReadFile("semantics_test.go")
	line := 1 + strings.Count(string(source[:bytes.Index(source, []byte("// this line"))]), "\n")
	if want := "semantics_test.go:" + strconv.Itoa(line); e.Where != want {
		t.Errorf("the error is at %s, the operation at %s: %v", e.Where, want, e)
	}
}

// Junk ends the peer that sends it and no other.
func TestJunkFrames(t *testing.T) {
	c, s, socket := serve(t, realBackend(t), server.Options{})
	frame := func(kind byte, payload string, bulk uint64) string {
		b := binary.LittleEndian.AppendUint16(nil, 0x5ed0)
		b = append(b, kind, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
		b = binary.LittleEndian.AppendUint64(b, bulk)
		return string(b) + payload
	}
	junk := []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		strings.Repeat("\xff", 64),
		frame(1, "", 0),                    // hello without a word
		frame(1, "\x03old\x01p", 0),        // hello of another version
		frame(6, "\x00\x01", 0),            // a request before hello
		frame(200, "", 0),                  // no such request
		frame(2, "\xff\xff\x7f", 0),        // no such lease
		frame(7, "\x00", 1<<50),            // an array of a petabyte
		"\xd0\x5e\x01\x00\xff\xff\xff\xff", // a payload of 4 GB that never comes
	}
	for i, b := range junk {
		nc, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		nc.Write([]byte(b))
		if i == len(junk)-1 {
			nc.Close()
			continue
		}
		nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("junk %d: the connection stays: %v", i, err)
		}
		nc.Close()
	}
	eventually(t, "not counted", func() bool { return s.Stats().Refused >= len(junk)-1 })
	if got := double(c).MustCall1(float32(4)).Value(); got != float32(8) {
		t.Errorf("after that: %v", got)
	}
}

// An execution that nobody waits for any more, and that goes on, ends the process.
func TestStuck(t *testing.T) {
	stuck := make(chan struct{})
	c, s, _ := serve(t, realBackend(t), server.Options{StuckAfter: 50 * time.Millisecond, Stuck: func() { close(stuck) }})
	long := graph.MustNewExec(c, func(x *graph.Node) *graph.Node { // some ten seconds
		g := x.Graph()
		state := func() (i, y *graph.Node) {
			return graph.Parameter(g, "i", shapes.Make(dtypes.Int32)), graph.Parameter(g, "x", x.Shape())
		}
		cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i, _ := state()
			return []*graph.Node{graph.LessThan(i, graph.Const(g, int32(200_000_000)))}
		})
		body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i, y := state()
			return []*graph.Node{graph.AddScalar(i, 1), graph.Sin(y)}
		})
		return graph.While(cond, body, graph.Const(g, int32(0)), x)[1]
	})
	go long.Call(float32(1))
	eventually(t, "it does not run", func() bool { return s.Stats().Executed > 0 })
	c.Finalize()
	select {
	case <-stuck:
	case <-time.After(10 * time.Second):
		t.Error("nobody noticed")
	}
}
