package measure

import (
	"context"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
)

// TableOf holds results of one posterior beside the exact answer: the figures of the literature, each beside its floor.
type TableOf struct {
	Distance string // which distance
	Rows     []Row
	Exact    float64 // log Z, NaN when unknown
	Err      error   // why there is no distance: no closed form
}

// Row is one result.
type Row struct {
	Sampler             string
	N                   int
	Distance, Floor     float64 // NaN when there is no exact answer
	DeltaLogZ, LogZErr  float64 // log Ẑ − log Z and its standard error; NaN without
	AtLeast             bool    // LogZErr is a lower bound
	ESS                 float64
	NetworkEvals        int64
	Seconds             float64
	NonFinite, Rejected int
	Shift, ShiftErr     float64 // how much of DeltaLogZ is the discretised chain's own, and its error; NaN when not known
}

// Table measures the results against the posterior's closed form: sliced W1 to fresh exact draws of the same number,
// the floor being the same between two sets of exact draws, and the error of log Z. Weighted results are resampled to as many
// draws first, and are marked.
func Table(post odslib.Posterior, results ...*odslib.Result) *TableOf {
	t := &TableOf{Distance: "sliced W1", Exact: math.NaN()}
	prior, logZ, err := post.Exact()
	if err != nil {
		t.Err = err
	} else {
		t.Exact = logZ
	}
	floors := map[int]float64{}
	for _, r := range results {
		if r == nil {
			continue
		}
		row := Row{
			Sampler: r.Sampler, N: r.Samples.Len(), Distance: math.NaN(), Floor: math.NaN(), DeltaLogZ: math.NaN(), LogZErr: r.LogZError, AtLeast: r.LogZAtLeast,
			ESS: r.ESS, NetworkEvals: r.NetworkEvals, Seconds: r.Seconds, NonFinite: r.NonFinite, Rejected: r.Rejected,
			Shift: r.Shift, ShiftErr: r.ShiftError,
		}
		x := r.Samples
		if r.LogWeights != nil {
			row.Sampler += ", weighted"
			if x, err = resampled(r); err != nil {
				row.Sampler += ": " + err.Error()
			}
		}
		if t.Err == nil {
			row.DeltaLogZ = r.LogZ - logZ
		}
		if t.Err == nil && x.Len() > 0 {
			draw := func(seed uint64) (odslib.Array, error) { return prior.Sample(context.Background(), row.N, 1000+seed) }
			if _, ok := floors[row.N]; !ok {
				floors[row.N], _, t.Err = Floor(SlicedW1{}.Distance, draw, floorPairs)
			}
			row.Floor = floors[row.N]
			if truth, err := draw(999); err == nil {
				if row.Distance, err = (SlicedW1{}).Distance(x, truth); err != nil {
					row.Distance = math.NaN() // not finite samples: the column of counts says so
				}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// floorPairs is how many pairs of exact draws make the floor: of three the mean was off by a third.
const floorPairs = 12

// resampled are the samples of a weighted result, as many, equally weighted: what its weights are worth shows in the distance.
func resampled(r *odslib.Result) (odslib.Array, error) {
	if _, err := normalised(r.LogWeights, r.Samples.Len()); err != nil {
		return odslib.Array{}, err
	}
	return r.Resample(r.Samples.Len(), 1).Samples, nil
}

var header = []string{"sampler", "n", "sliced W1", "floor", "Δ log Z", "ESS", "evals", "s"}

func (t *TableOf) cells(r Row) []string {
	num := func(format string, v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return fmt.Sprintf(format, v)
	}
	dz := num("%+.3f", r.DeltaLogZ)
	if !math.IsNaN(r.DeltaLogZ) && r.LogZErr > 0 {
		sign := "±"
		if r.AtLeast {
			sign = "± at least"
		}
		dz += fmt.Sprintf(" %s %.3f", sign, r.LogZErr)
	}
	ess := "–"
	if r.ESS > 0 {
		ess = fmt.Sprintf("%.0f", r.ESS)
	}
	name := r.Sampler
	if r.NonFinite > 0 {
		name += fmt.Sprintf(" (%d not finite)", r.NonFinite)
	}
	return []string{name, fmt.Sprint(r.N), num("%.3f", r.Distance), num("%.3f", r.Floor), dz, ess, fmt.Sprint(r.NetworkEvals), fmt.Sprintf("%.2f", r.Seconds)}
}

// remarks stand below the table: what of a Δ log Z is no error of the sampler, and why there is no distance.
func (t *TableOf) remarks() (out []string) {
	for _, r := range t.Rows {
		if !math.IsNaN(r.DeltaLogZ) && math.Abs(r.Shift) > 2*r.ShiftErr {
			out = append(out, fmt.Sprintf("%s: about %+.3f ± %.3f of Δ log Z is its discretised chain's own; more steps lessen it", r.Sampler, r.Shift, r.ShiftErr))
		}
	}
	if t.Err != nil {
		out = append(out, fmt.Sprintf("no distance: %v", t.Err))
	}
	return out
}

// String is the table as text.
func (t *TableOf) String() string {
	rows := [][]string{header}
	for _, r := range t.Rows {
		rows = append(rows, t.cells(r))
	}
	width := make([]int, len(header))
	for _, row := range rows {
		for j, c := range row {
			width[j] = max(width[j], len([]rune(c)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for j, c := range row {
			pad := strings.Repeat(" ", width[j]-len([]rune(c)))
			if j == 0 {
				b.WriteString(c + pad)
			} else {
				b.WriteString("  " + pad + c)
			}
		}
		b.WriteString("\n")
	}
	for _, line := range t.remarks() {
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// WriteCSV writes the table with all digits; what is NaN is an empty field.
func (t *TableOf) WriteCSV(path string) error {
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	rows := [][]string{{"sampler", "n", "distance", "floor", "delta_log_z", "log_z_error", "ess", "network_evaluations", "seconds", "non_finite", "rejected"}}
	for _, r := range t.Rows {
		rows = append(rows, []string{
			r.Sampler, strconv.Itoa(r.N), number(r.Distance), number(r.Floor), number(r.DeltaLogZ), number(r.LogZErr), number(r.ESS),
			strconv.FormatInt(r.NetworkEvals, 10), number(r.Seconds), strconv.Itoa(r.NonFinite), strconv.Itoa(r.Rejected),
		})
	}
	return atomicfile.Create(path, 0o644, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
}

// MIMEBundle shows the table in a notebook.
func (t *TableOf) MIMEBundle() (map[string]any, error) {
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse"><thead><tr>`)
	align := func(j int) string {
		if j == 0 {
			return "text-align:left;padding:2px 7px;white-space:nowrap"
		}
		return "text-align:right;padding:2px 7px;white-space:nowrap"
	}
	for j, h := range header {
		fmt.Fprintf(&b, `<th style="%s">%s</th>`, align(j), html.EscapeString(h))
	}
	b.WriteString("</tr></thead><tbody>")
	for _, r := range t.Rows {
		b.WriteString("<tr>")
		for j, c := range t.cells(r) {
			fmt.Fprintf(&b, `<td style="%s">%s</td>`, align(j), html.EscapeString(c))
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
	for _, line := range t.remarks() {
		b.WriteString("<p>" + html.EscapeString(line) + "</p>")
	}
	return map[string]any{"text/html": b.String(), "text/plain": t.String()}, nil
}
