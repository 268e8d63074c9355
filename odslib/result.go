package odslib

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib/atomicfile"
	"odslab/odslib/engine"
)

// Result is what a sampler returns: plain data.
type Result struct {
	Sampler  string // name for legends and tables, "DPS"
	Settings string // the settings, as Go would print them
	Engine   string // what has computed, "xla-cpu" or "go": a seed's numbers are the engine's too; "" where nothing needed one

	Names      []string  // of the variables of one sample, flat; nil: x_1, x_2, …
	Samples    Array     // n equally weighted draws, [n, shape…], unless LogWeights says otherwise
	LogWeights []float64 // nil, or n log-weights of Samples (an interrupted or weighted result)
	Particles  *Cloud    // the weighted cloud that Samples were drawn from, where there is one
	Noise      *Array    // z of each sample, for samplers of a generator's noise

	LogZ, LogZError float64 // log Ẑ and its standard error; NaN without an estimate
	LogZAtLeast     bool    // LogZError is a lower bound: the run cannot tell how large its error is
	ESS             float64 // effective number of samples behind Samples, by their ancestry; 0 when unknown

	// Shift estimates log Z_T − log Z, how far the evidence of the sampler's discretised chain, which LogZ estimates, is from
	// that of the posterior; NaN when not known. ShiftBy says where it is from.
	Shift, ShiftError float64
	ShiftBy           string

	// Islands are, where conditions differ, one for each run of equal rows, in their order; LogZ is NaN then. Under one condition they are the
	// independent islands that a particle method was asked for, and Draws is 0.
	Islands []Island

	Ancestors [][]int32 // for each step that resampled: the parent of each particle
	Trace     []TraceStep
	States    []Array // states at the requested steps (Chain.Observe), else nil

	NetworkEvals, ConstraintEvals int64 // evaluations of denoiser or generator, and of the constraint, in rows
	JacobianProducts              int64 // with the network's Jacobian, in rows: each is a pass backwards through it, of gradients and covariances
	NonFinite                     int   // values that were NaN or infinite, in all steps together; Close notes them
	Rejected                      int   // proposals that were refused, by samplers that refuse
	Seconds                       float64
	Seed                          uint64
	About                         string   // what holds of every run of this sampler: a bias by construction, a correction
	Figures                       []string // of this run, and no warning: R̂, an acceptance, the ELBO
	Notes                         []string // what the user must know of this run: an early stop, weights that collapsed
}

// Island is what a method knows of the draws under one condition, or by one of several independent clouds.
type Island struct {
	Draws                int // how many of Samples
	LogZ, LogZError, ESS float64
}

// Cloud is a set of weighted particles.
type Cloud struct {
	X          Array     // [K, shape…]
	LogWeights []float64 // K, up to a constant
}

// TraceStep is what one step left behind.
type TraceStep struct {
	Step      int
	T         float64 // time of the noise process or temperature reached
	LogZ, ESS float64 // running evidence; ESS as a share of the particles
	Loss      float64
	Resampled bool
	Accepted  float64 // share of proposals
	NonFinite int
}

// NewResult starts a Result of the posterior with the numbers that mean "no estimate".
func NewResult(post Posterior, sampler string, settings any, seed uint64) *Result {
	return &Result{Sampler: sampler, Settings: address.ReplaceAllString(fmt.Sprintf("%+v", settings), "func"), Names: post.Names, Seed: seed, LogZ: math.NaN(), LogZError: math.NaN(), Shift: math.NaN(), ShiftError: math.NaN()}
}

// address is how functions among settings print; it differs from run to run.
var address = regexp.MustCompile(`0x[0-9a-f]+`)

// Note adds a line that the user must know, once.
func (r *Result) Note(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, line) {
		r.Notes = append(r.Notes, line)
	}
}

// Figure adds a line that tells of the run and is no warning.
func (r *Result) Figure(format string, args ...any) {
	r.Figures = append(r.Figures, fmt.Sprintf(format, args...))
}

// Noted are the Notes.
func (r *Result) Noted() []string { return r.Notes }

// Lost counts the log-weights that are NaN, what the constraint could not judge, and makes them −Inf.
func (r *Result) Lost(logr []float64) {
	for i, v := range logr {
		if math.IsNaN(v) {
			logr[i] = math.Inf(-1)
			r.NonFinite++
		}
	}
}

// Close is every sampler's last line: the time it took, and a note where values were not finite.
func (r *Result) Close(start time.Time) {
	r.Seconds, r.Engine = time.Since(start).Seconds(), engine.InUse()
	if r.NonFinite > 0 {
		r.Note("%d values of samples or of log r were NaN or infinite", r.NonFinite)
	}
}

// Weights returns the normalised weights of Samples.
func (r *Result) Weights() []float64 {
	n := r.Samples.Len()
	w := make([]float64, n)
	if r.LogWeights == nil {
		for i := range w {
			w[i] = 1 / float64(n)
		}
		return w
	}
	return NormalisedWeights(r.LogWeights)
}

// NormalisedWeights exponentiates log-weights and divides by their sum. All −Inf gives all NaN.
func NormalisedWeights(logw []float64) []float64 {
	w := make([]float64, len(logw))
	if len(logw) == 0 {
		return w
	}
	top, sum := slices.Max(logw), 0.
	for i, l := range logw {
		w[i] = math.Exp(l - top)
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// Resample returns a Result of n equally weighted draws from the weighted samples (systematic resampling). Where no weight
// is above 0, or one is NaN, there is nothing to draw from: the Result then has no samples and a note.
func (r *Result) Resample(n int, seed uint64) *Result {
	out := *r
	w, index := r.Weights(), make([]int, n)
	if len(w) == 0 || math.IsNaN(floats.Sum(w)) {
		out.Notes = slices.Clone(r.Notes)
		out.Samples, out.LogWeights, out.Noise, out.ESS = r.Samples.Take(nil), nil, nil, 0
		out.Note("nothing was drawn: none of the %d weights is above 0, or one is not a number", len(w))
		return &out
	}
	u, cum, k := rand.New(rand.NewPCG(seed, 1)).Float64(), w[0], 0
	for i := range index {
		for cum < (float64(i)+u)/float64(n) && k < len(w)-1 {
			k++
			cum += w[k]
		}
		index[i] = k
	}
	out.Samples, out.LogWeights, out.Noise = r.Samples.Take(index), nil, nil
	return &out
}

// Mean is the weighted mean of the samples, flat.
func (r *Result) Mean() []float64 {
	w, mean := r.Weights(), make([]float64, r.Samples.Dim())
	for i := range w {
		for j, v := range r.Samples.Row(i) {
			mean[j] += w[i] * float64(v)
		}
	}
	return mean
}

// Std is the weighted standard deviation of each value, flat.
func (r *Result) Std() []float64 {
	w, mean := r.Weights(), r.Mean()
	std := make([]float64, len(mean))
	for i := range w {
		for j, v := range r.Samples.Row(i) {
			d := float64(v) - mean[j]
			std[j] += w[i] * d * d
		}
	}
	for j := range std {
		std[j] = math.Sqrt(std[j])
	}
	return std
}

// Quantile is the weighted q-quantile of each value, flat.
func (r *Result) Quantile(q float64) []float64 {
	w, out := r.Weights(), make([]float64, r.Samples.Dim())
	for j := range out {
		x := r.Samples.Column(j)
		order := make([]int, len(x))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			switch {
			case x[a] < x[b]:
				return -1
			case x[a] > x[b]:
				return 1
			}
			return 0
		})
		cum := 0.
		for _, i := range order {
			cum += w[i]
			out[j] = x[i]
			if cum >= q {
				break
			}
		}
	}
	return out
}

// String is one line: who, how many, evidence, effective size, cost.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d samples of shape %v", r.Sampler, r.Samples.Len(), r.Samples.Shape[min(1, len(r.Samples.Shape)):])
	if !math.IsNaN(r.LogZ) {
		fmt.Fprintf(&b, ", log Z %.3f", r.LogZ)
		if !math.IsNaN(r.LogZError) {
			sign := "±"
			if r.LogZAtLeast {
				sign = "± at least"
			}
			fmt.Fprintf(&b, " %s %.3f", sign, r.LogZError)
		}
	}
	if r.ESS > 0 {
		fmt.Fprintf(&b, ", ESS %.0f", r.ESS)
	}
	if r.NonFinite > 0 {
		fmt.Fprintf(&b, ", %d non-finite values", r.NonFinite)
	}
	fmt.Fprintf(&b, ", %.2f s", r.Seconds)
	return b.String()
}

// Report is the long form: settings, moments, costs and notes.
func (r *Result) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  settings  %s\n  seed      %d\n  cost      %d network and %d constraint evaluations, %d Jacobian products\n", r, r.Settings, r.Seed, r.NetworkEvals, r.ConstraintEvals, r.JacobianProducts)
	if r.Samples.Len() > 0 && r.Samples.Dim() <= 12 {
		fmt.Fprintf(&b, "  mean      %.4g\n  std       %.4g\n", r.Mean(), r.Std())
	}
	if r.About != "" {
		fmt.Fprintf(&b, "  about     %s\n", r.About)
	}
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "  figure    %s\n", f)
	}
	if !math.IsNaN(r.Shift) {
		fmt.Fprintf(&b, "  chain     log Z_T − log Z is about %.3f ± %.3f, by %s\n", r.Shift, r.ShiftError, r.ShiftBy)
	}
	if r.Engine != "" {
		fmt.Fprintf(&b, "  engine    %s\n", r.Engine)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  note      %s\n", n)
	}
	return b.String()
}

// WriteJSON writes the Result to a file; what is not finite becomes null.
func (r *Result) WriteJSON(path string) error {
	out := map[string]any{
		"sampler": r.Sampler, "settings": r.Settings, "engine": r.Engine, "seed": r.Seed, "shape": r.Samples.Shape, "samples": finite32(r.Samples.Data),
		"log_weights": finite64(r.LogWeights), "log_z": finite(r.LogZ), "log_z_error": finite(r.LogZError), "log_z_error_at_least": r.LogZAtLeast, "shift": finite(r.Shift), "shift_by": r.ShiftBy, "about": r.About, "ess": finite(r.ESS),
		"network_evaluations": r.NetworkEvals, "constraint_evaluations": r.ConstraintEvals, "jacobian_products": r.JacobianProducts, "seconds": r.Seconds, "figures": r.Figures, "notes": r.Notes,
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	return atomicfile.Write(path, append(data, '\n'), 0o644)
}

func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

func finite64(v []float64) []any {
	out := make([]any, len(v))
	for i, x := range v {
		out[i] = finite(x)
	}
	return out
}

func finite32(v []float32) []any {
	out := make([]any, len(v))
	for i, x := range v {
		out[i] = finite(float64(x))
	}
	return out
}

// CheckDraw says what is wrong with asking for n draws of the posterior, or nil: every sampler's first line.
func CheckDraw(post Posterior, n int) error {
	if n <= 0 {
		return fmt.Errorf("asked for %d samples; ask for at least one", n)
	}
	if err := post.Check(); err != nil {
		return err
	}
	return engine.CheckMemory(n, post.Prior.Shape())
}
