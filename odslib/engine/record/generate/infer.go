package main

import (
	"fmt"
	"strings"
)

// inferred is the expression of an operation's output shapes, or "" where only the backend knows. Arguments are a0, a1, ….
func inferred(op string) string {
	if r, ok := rules[op]; ok {
		return r
	}
	for _, family := range families {
		if strings.Contains(" "+family.ops+" ", " "+op+" ") {
			return fmt.Sprintf(family.rule, op)
		}
	}
	return ""
}

var families = []struct{ ops, rule string }{
	{
		"BitCount BitwiseNot Ceil Clz Conj Cos Erf Exp Expm1 Floor Log Log1p LogicalNot Logistic Neg Round Rsqrt Sign Sin Sqrt Tanh",
		"one(shapeinference.UnaryOp(compute.OpType%s, shapeOf(a0)))",
	},
	{
		"Add Atan2 BitwiseAnd BitwiseOr BitwiseXor Div LogicalAnd LogicalOr LogicalXor Max Min Mul Pow Rem ShiftLeft ShiftRightArithmetic ShiftRightLogical Sub",
		"one(shapeinference.BinaryOp(compute.OpType%s, shapeOf(a0), shapeOf(a1)))",
	},
	{
		"Equal EqualTotalOrder GreaterOrEqual GreaterOrEqualTotalOrder GreaterThan GreaterThanTotalOrder LessOrEqual LessOrEqualTotalOrder LessThan LessThanTotalOrder NotEqual NotEqualTotalOrder",
		"one(shapeinference.ComparisonOp(compute.OpType%s, shapeOf(a0), shapeOf(a1)))",
	},
}

var rules = map[string]string{
	"Abs":                 "absolute(a0)",
	"AllReduce":           "same(a0...)",
	"ArgMinMax":           "one(shapeinference.ArgMinMax(shapeOf(a0), a1, a2))",
	"Bitcast":             "one(shapeinference.Bitcast(shapeOf(a0), a1))",
	"BroadcastInDim":      "one(a1, shapeinference.BroadcastInDim(shapeOf(a0), a1, a2, nil))",
	"Call":                "called(a0)",
	"Clamp":               "same(a1)",
	"Complex":             "complexOf(a0, a1)",
	"Concatenate":         "concatenated(a0, a1)",
	"Constant":            "constant(a0, a1)",
	"ConvGeneral":         "one(shapeinference.ConvGeneral(shapeOf(a0), shapeOf(a1), a2, a3, a4, a5, a6, a7, a8))",
	"ConvertDType":        "ofDType(a0, a1)",
	"DotGeneral":          "product(a0, a1, a2, a3, a4, a5, a6)",
	"DynamicSlice":        "one(shapeinference.DynamicSlice(shapeOf(a0), a2))",
	"DynamicUpdateSlice":  "one(shapeinference.DynamicUpdateSlice(shapeOf(a0), shapeOf(a1)))",
	"Gather":              "one(shapeinference.Gather(shapeOf(a0), shapeOf(a1), a2, a3, a4, a5, a6, a7))",
	"Identity":            "same(a0)",
	"If":                  "called(a1)",
	"Imag":                "realPart(a0)",
	"Iota":                "one(a0, nil)",
	"IsFinite":            "ofDType(a0, dtypes.Bool)",
	"IsNaN":               "ofDType(a0, dtypes.Bool)",
	"OptimizationBarrier": "same(a0...)",
	"Pad":                 "one(shapeinference.Pad(shapeOf(a0), a2...))",
	"RNGBitGenerator":     "two(shapeOf(a0), a1)",
	"Real":                "realPart(a0)",
	"ReduceBitwiseAnd":    "reduced(a0, a1)",
	"ReduceBitwiseOr":     "reduced(a0, a1)",
	"ReduceBitwiseXor":    "reduced(a0, a1)",
	"ReduceLogicalAnd":    "reduced(a0, a1)",
	"ReduceLogicalOr":     "reduced(a0, a1)",
	"ReduceLogicalXor":    "reduced(a0, a1)",
	"ReduceMax":           "reduced(a0, a1)",
	"ReduceMin":           "reduced(a0, a1)",
	"ReduceProduct":       "reduced(a0, a1)",
	"ReduceSum":           "reduced(a0, a1)",
	"ReduceWindow":        "one(shapeinference.ReduceWindow(shapeOf(a0), a2, a3, a4, a5, a6))",
	"Reshape":             "one(shapeinference.Reshape(shapeOf(a0), a1))",
	"Reverse":             "same(a0)",
	"ScatterMax":          "one(shapeinference.Scatter(shapeOf(a0), shapeOf(a1), shapeOf(a2), a3, a4, a5, a6))",
	"ScatterMin":          "one(shapeinference.Scatter(shapeOf(a0), shapeOf(a1), shapeOf(a2), a3, a4, a5, a6))",
	"ScatterSum":          "one(shapeinference.Scatter(shapeOf(a0), shapeOf(a1), shapeOf(a2), a3, a4, a5, a6))",
	"SchedulingBarrier":   "same(a0)",
	"SelectAndScatterMax": "same(a0)",
	"SelectAndScatterMin": "same(a0)",
	"Slice":               "one(shapeinference.Slice(shapeOf(a0), a1, a2, a3))",
	"Sort":                "same(a3...)",
	"Transpose":           "one(shapeinference.Transpose(shapeOf(a0), a1))",
	"Where":               "one(shapeinference.Where(shapeOf(a0), shapeOf(a1), shapeOf(a2)))",
	"While":               "same(a2...)",
}
