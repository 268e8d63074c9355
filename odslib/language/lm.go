package language

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// LM is a trained language model of sequences of up to Length tokens: masked diffusion, or with Net.Causal an autoregressive
// one. It is made by [Training] or [Open].
type LM struct {
	Tokenizer Tokenizer
	Length    int // of the sequences it was trained on
	Net       nn.Transformer
	Weights   odslib.Params
	Log       Log
}

// Log is what training left behind; losses are nats a token.
type Log = checkpoint.Log

// Err says what is missing for the model to be used.
func (m *LM) Err() error {
	if m == nil || len(m.Weights) == 0 || m.Length < 1 || m.Tokenizer.Len() == 0 {
		return fmt.Errorf("this language model is not trained; make one by language.Training or language.Open")
	}
	return nil
}

// logits are those of the positions of x [B, L], a mask being the number of tokens, [B, L, V]. Of an autoregressive model those of a
// position are of its token given the ones before. What is no token is seen as nothing.
func (m *LM) logits(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	v, d := m.Tokenizer.Len(), x.Shape().Dimensions
	if m.Net.Causal { // what is before the first is a mask
		first := graph.BroadcastToDims(graph.Const(x.Graph(), float32(v)), d[0], 1)
		x = graph.Concatenate([]*odslib.Node{first, x}, 1)
		x = graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, d[1]))
	}
	out := m.Net.Apply(scope.ResetVisited(), oneHot(x, v+1), odslib.Level{})
	return graph.Slice(out, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(0, v))
}

func oneHot(x *odslib.Node, v int) *odslib.Node {
	return graph.ConvertDType(diffusion.IsToken(x, v), engine.Float32().DType)
}

// logProb is the log-probability of each token of x [B, L] under logits [B, L, V], 0 for what is no token: [B, L].
func logProb(logits, x *odslib.Node) *odslib.Node {
	logp := graph.LogSoftmax(logits, -1)
	is := diffusion.IsToken(x, logits.Shape().Dimensions[2])
	return graph.ReduceSum(graph.Where(is, logp, graph.ZerosLike(logp)), -1)
}

// initial are the weights of an untrained network of m.
func (m *LM) initial(seed uint64) (odslib.Params, error) {
	return nn.Initial(m.Net, []int{m.Length, m.Tokenizer.Len() + 1}, seed)
}

// LogProb is log p(x) in nats of each sequence of tokens [n, L], by an autoregressive model; from says at which position counting
// begins, what is before being given.
func (m *LM) LogProb(x odslib.Array, from int) ([]float64, error) {
	if err := m.Err(); err != nil {
		return nil, err
	}
	if !m.Net.Causal {
		return nil, fmt.Errorf("log p of a sequence is known of autoregressive models; this one is masked diffusion, of which language.Bound is an upper bound of −log p")
	}
	if err := m.fits(x); err != nil {
		return nil, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	batch := min(x.Len(), 256)
	program, err := engine.NewProgram(e, m.Weights, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		each := logProb(m.logits(scope, in[0]), in[0])
		return []*engine.Node{graph.ReduceSum(graph.Slice(each, graph.AxisRange(), graph.AxisRange(from, x.Dim())), -1)}
	})
	if err != nil {
		return nil, err
	}
	defer program.Close()
	var out []float64
	for first := 0; first < x.Len(); first += batch {
		rows := min(batch, x.Len()-first)
		logp, err := program.Call1(diffusion.Padded(x.Slice(first, first+rows), batch).Tensor())
		if err != nil {
			return nil, err
		}
		for _, v := range logp.Data[:rows] {
			out = append(out, float64(v))
		}
	}
	return out, nil
}

// fits says whether sequences are such as the model knows.
func (m *LM) fits(x odslib.Array) error {
	if len(x.Shape) != 2 || x.Len() == 0 {
		return fmt.Errorf("sequences of tokens are an array [n, length], got shape %v", x.Shape)
	}
	if x.Dim() > m.Length {
		return fmt.Errorf("sequences of %d tokens; the model was trained on %d", x.Dim(), m.Length)
	}
	if i := slices.IndexFunc(x.Data, func(v float32) bool {
		return v != v || v < 0 || int(v) >= m.Tokenizer.Len() || float32(int(v)) != v
	}); i >= 0 {
		return fmt.Errorf("position %d of sequence %d is %g, which is none of %d tokens", i%x.Dim(), i/x.Dim(), x.Data[i], m.Tokenizer.Len())
	}
	return nil
}

// String says what the model is, in a line.
func (m *LM) String() string {
	if m.Err() != nil {
		return "untrained language model"
	}
	kind := "masked diffusion"
	if m.Net.Causal {
		kind = "autoregressive"
	}
	s := fmt.Sprintf("%s language model: %d tokens of %d, %d weights, %d steps", kind, m.Length, m.Tokenizer.Len(), m.Weights.Size(), m.Log.Steps)
	if len(m.Log.Loss) > 0 {
		s += fmt.Sprintf(", loss %.3f nats a token", m.Log.Mean(100))
	}
	return s
}
