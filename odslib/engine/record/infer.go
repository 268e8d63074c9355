package record

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// Rules of shapes that package shapeinference has no function for.

var errAsk = errors.New("record: only the backend knows")

func askBackend() ([]shapes.Shape, error) { return nil, errAsk }

func shapeOf(v compute.Value) shapes.Shape {
	if x, ok := v.(*Value); ok && x != nil {
		return x.shape
	}
	return shapes.Invalid()
}

func one(s shapes.Shape, err error) ([]shapes.Shape, error) { return []shapes.Shape{s}, err }

func two(a, b shapes.Shape) ([]shapes.Shape, error) { return []shapes.Shape{a, b}, nil }

func same(vs ...compute.Value) ([]shapes.Shape, error) {
	out := make([]shapes.Shape, len(vs))
	for i, v := range vs {
		out[i] = shapeOf(v)
	}
	return out, nil
}

func ofDType(v compute.Value, dt dtypes.DType) ([]shapes.Shape, error) {
	s := shapeOf(v).Clone()
	s.DType = dt
	return one(s, nil)
}

func realPart(v compute.Value) ([]shapes.Shape, error) {
	return ofDType(v, shapeOf(v).DType.RealDType())
}

func absolute(v compute.Value) ([]shapes.Shape, error) {
	if shapeOf(v).DType.IsComplex() { // the rule keeps a complex dtype, the backend gives the real one
		return realPart(v)
	}
	return one(shapeinference.UnaryOp(compute.OpTypeAbs, shapeOf(v)))
}

func complexOf(re, im compute.Value) ([]shapes.Shape, error) {
	s, err := shapeinference.BinaryOp(compute.OpTypeAdd, shapeOf(re), shapeOf(im))
	if err != nil {
		return nil, err
	}
	s = s.Clone()
	if s.DType = dtypes.Complex64; shapeOf(re).DType == dtypes.Float64 {
		s.DType = dtypes.Complex128
	}
	return one(s, nil)
}

func constant(flat any, dims []int) ([]shapes.Shape, error) {
	if t := reflect.TypeOf(flat); t != nil && t.Kind() == reflect.Slice {
		if dt := dtypes.FromGoType(t.Elem()); dt != dtypes.InvalidDType {
			return one(shapes.Make(dt, dims...), nil)
		}
	}
	return nil, fmt.Errorf("record: a constant of type %T", flat)
}

func called(f compute.Function) ([]shapes.Shape, error) {
	g, ok := f.(*Function)
	if !ok || g == nil || !g.returned {
		return nil, errors.New("record: the function called has not returned")
	}
	return g.out, nil
}

func concatenated(axis int, vs []compute.Value) ([]shapes.Shape, error) {
	in, _ := same(vs...)
	return one(shapeinference.Concatenate(in, axis))
}

func reduced(v compute.Value, axes []int) ([]shapes.Shape, error) {
	if len(axes) == 0 { // all of them
		return one(shapes.Make(shapeOf(v).DType), nil)
	}
	return one(shapeinference.Reduce(shapeOf(v), axes))
}

func product(lhs compute.Value, lc, lb []int, rhs compute.Value, rc, rb []int, config compute.DotGeneralConfig) ([]shapes.Shape, error) {
	if config != (compute.DotGeneralConfig{}) {
		return nil, errAsk // what the backend lacks, the array library must learn at once
	}
	return one(shapeinference.DotGeneral(shapeOf(lhs), lc, lb, shapeOf(rhs), rc, rb, config))
}
