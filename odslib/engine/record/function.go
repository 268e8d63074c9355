package record

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Value is a recorded value.
type Value struct {
	builder *Builder
	number  uint64
	shape   shapes.Shape
}

// Shape is the value's shape.
func (v *Value) Shape() shapes.Shape { return v.shape }

// Number refers to the value in the recording of owner.
func (v *Value) Number(owner any) (uint64, error) {
	if v == nil || v.builder != owner {
		return 0, errors.New("record: a value of another program")
	}
	return v.number, nil
}

// Function records its operations, whose methods are generated.
type Function struct {
	builder  *Builder
	number   uint64
	name     string
	parent   *Function
	returned bool
	out      []shapes.Shape
	names    []string // of parameters
	params   []shapes.Shape

	mark int // where the operation at work begins in the recording
	op   Op  // the operation at work
}

var _ compute.Function = (*Function)(nil)

// Number refers to the function in the recording of owner.
func (f *Function) Number(owner any) (uint64, error) {
	if f == nil || f.builder != owner {
		return 0, errors.New("record: a function of another program")
	}
	return f.number, nil
}

// Name is the function's name.
func (f *Function) Name() string { return f.name }

// Builder is the program it belongs to.
func (f *Function) Builder() compute.Builder { return f.builder }

// Parent is the function that a closure is in, or nil.
func (f *Function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

// Shape is the shape of a value.
func (f *Function) Shape(v compute.Value) (shapes.Shape, error) { return f.builder.OpShape(v) }

// Closure begins a function inside this one.
func (f *Function) Closure() (compute.Function, error) {
	f.builder.rec.Uint(uint64(OpClosure))
	f.builder.rec.Uint(f.number)
	return f.builder.function("", f), nil
}

// Return ends the function.
func (f *Function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	e, err := f.begin(OpReturn)
	if err != nil {
		return err
	}
	EncListValue(e, outputs)
	EncListPointerShardingSpec(e, shardings)
	if _, err := f.end(func() ([]shapes.Shape, error) { return nil, nil }); err != nil {
		return err
	}
	f.out, _ = same(outputs...)
	f.returned = true
	return nil
}

// Parameter is an input of the function.
func (f *Function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	e, err := f.begin(OpParameter)
	if err != nil {
		return nil, err
	}
	e.Str(name)
	EncShape(e, shape)
	EncPointerShardingSpec(e, sharding)
	out, err := f.end(func() ([]shapes.Shape, error) { return one(shape, nil) })
	if err != nil {
		return nil, err
	}
	f.names, f.params = append(f.names, name), append(f.params, shape)
	return out[0], nil
}

// kind is what a backend's capabilities say of an operation.
type kind struct {
	typ      compute.OpType
	listed   bool // has an OpType at all
	optional bool // one of those that the array library tries and does without
}

// kinds of operations, by Op.
var kinds = func() []kind {
	// These have shapes of their own making and are in no backend's list.
	basic := map[Op]bool{OpCall: true, OpWhile: true, OpIf: true, OpSort: true}
	out := make([]kind, Ops())
	for op := range out {
		t, err := compute.OpTypeString(Op(op).String())
		out[op] = kind{t, err == nil && !basic[Op(op)], err == nil && t >= compute.OpTypeFusedSoftmax}
	}
	return out
}()

// begin opens an operation.
func (f *Function) begin(op Op) (*Enc, error) {
	bl := f.builder
	switch k := kinds[op]; {
	case f.returned:
		return nil, fmt.Errorf("record: %s after the function has returned", op)
	case bl.done:
		return nil, fmt.Errorf("record: %s after the program was compiled", op)
	case k.optional && !bl.caps.Operations[k.typ]:
		return nil, fmt.Errorf("%s: %w", op, compute.ErrNotImplemented)
	}
	f.mark, f.op = len(bl.rec.B), op
	bl.rec.Err = nil
	bl.rec.Uint(uint64(op))
	bl.rec.Uint(f.number)
	bl.rec.op = len(bl.lines) / callersDepth
	bl.note()
	return &bl.rec, nil
}

// end closes the operation that begin opened: its outputs get numbers, or an error takes it back. What the rules of
// shapes refuse is put to the backend too: it may know better, and its error is the true one.
func (f *Function) end(infer func() ([]shapes.Shape, error)) ([]compute.Value, error) {
	bl := f.builder
	err := bl.rec.Err
	var out []shapes.Shape
	if err == nil {
		out, err = infer()
		if k := kinds[f.op]; err != nil || k.listed && !bl.caps.Operations[k.typ] {
			out, err = bl.ask()
		}
	}
	if err != nil {
		bl.takeBack(f.mark)
		bl.lines = bl.lines[:len(bl.lines)-callersDepth]
		return nil, err
	}
	values := make([]compute.Value, len(out))
	made := make([]Value, len(out))
	if f.op == OpConstant {
		c := bl.rec.flat
		c.value, c.from, c.to = bl.values, f.mark, len(bl.rec.B)
		bl.literals = append(bl.literals, c)
	}
	for i, s := range out {
		made[i] = Value{bl, bl.values, s}
		values[i] = &made[i]
		bl.values++
	}
	return values, nil
}
