package plotting

import (
	"errors"
	"fmt"
	"html"
	"math"
	"strings"

	"odslab/odslib"
	"odslab/odslib/measure"
)

// Table is numbers by method (rows) and case or measure (columns), for a paper: Markdown, LaTeX, HTML, or a picture
// ([HeatMap]). In a cell it shows itself.
type Table struct {
	Corner  string // heading of the names
	Columns []string
	Rows    []TableRow
	Caption string
	err     error
}

// TableRow is a method and its numbers; NaN where there is none.
type TableRow struct {
	Name   string
	Values []float64
	Errors []float64 // ± of each value; nil or NaN for none
	Floor  bool      // no method: the best that numbers can be
}

// NewTable makes the table of results: numbers of samples, log Ẑ, effective samples, evaluations and seconds; or that of a
// *measure.TableOf, with its distances and floors.
func NewTable(args ...any) *Table {
	t := &Table{Corner: "sampler"}
	for i, a := range args {
		switch a := a.(type) {
		case *odslib.Result:
			if a == nil {
				t.err = fmt.Errorf("plotting.NewTable: argument %d is a nil Result", i+1)
				return t
			}
			t.Columns = []string{"samples", "log Ẑ", "ESS", "evaluations", "seconds"}
			ess := a.ESS
			if ess == 0 {
				ess = math.NaN()
			}
			nan := math.NaN()
			t.Rows = append(t.Rows, TableRow{Name: a.Sampler, Values: []float64{float64(a.Samples.Len()), a.LogZ, ess, float64(a.NetworkEvals), a.Seconds}, Errors: []float64{nan, a.LogZError, nan, nan, nan}})
		case *measure.TableOf:
			if a == nil || len(args) > 1 {
				t.err = errors.New("plotting.NewTable: one measure.Table is a table of its own")
				return t
			}
			t.Columns = []string{a.Distance, "Δ log Z", "ESS", "evaluations", "seconds"}
			nan, floor := math.NaN(), math.NaN()
			for _, r := range a.Rows {
				ess := r.ESS
				if ess == 0 {
					ess = nan
				}
				t.Rows = append(t.Rows, TableRow{Name: r.Sampler, Values: []float64{r.Distance, r.DeltaLogZ, ess, float64(r.NetworkEvals), r.Seconds}, Errors: []float64{nan, r.LogZErr, nan, nan, nan}})
				floor = r.Floor
			}
			if !math.IsNaN(floor) {
				t.Rows = append(t.Rows, TableRow{Name: "floor", Values: []float64{floor, nan, nan, nan, nan}, Floor: true})
			}
		default:
			t.err = fmt.Errorf("plotting.NewTable: argument %d is a %T, neither a *odslib.Result nor a *measure.TableOf", i+1, a)
			return t
		}
	}
	if len(t.Rows) == 0 && t.err == nil {
		t.err = errors.New("plotting.NewTable: there are no results")
	}
	return t
}

// Err says in one line what is wrong with the table, or nil.
func (t *Table) Err() error {
	if t.err != nil {
		return t.err
	}
	if len(t.Rows) == 0 || len(t.Columns) == 0 {
		return errors.New("plotting.Table: there are no rows or no columns")
	}
	for _, r := range t.Rows {
		if len(r.Values) != len(t.Columns) || r.Errors != nil && len(r.Errors) != len(t.Columns) {
			return fmt.Errorf("plotting.Table: %s has %d values and %d errors for %d columns", r.Name, len(r.Values), len(r.Errors), len(t.Columns))
		}
	}
	return nil
}

// cell is a number with its error, to two digits of it, or to three digits.
func (r TableRow) cell(j int) string {
	v := r.Values[j]
	if math.IsNaN(v) {
		return "–"
	}
	if r.Errors != nil && r.Errors[j] > 0 && !math.IsInf(r.Errors[j], 0) {
		c := toError(r.Errors[j], v, r.Errors[j])
		return c[0] + " ± " + c[1]
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e7 {
		return grouped(v)
	}
	return short(v)
}

func (t *Table) cells() [][]string {
	out := [][]string{append([]string{t.Corner}, t.Columns...)}
	for _, r := range t.Rows {
		row := []string{r.Name}
		for j := range r.Values {
			row = append(row, r.cell(j))
		}
		out = append(out, row)
	}
	return out
}

// Markdown is the table in Markdown; numbers are right-aligned.
func (t *Table) Markdown() string {
	if err := t.Err(); err != nil {
		return err.Error()
	}
	var b strings.Builder
	escape := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", ">", "&gt;", "^{", "<sup>", "_{", "<sub>")
	for i, row := range t.cells() {
		for j, c := range row {
			if j > 0 && strings.Contains(c, "×10^{") {
				c = strings.Replace(strings.TrimSuffix(c, "}"), "^{", "<sup>", 1) + "</sup>"
				b.WriteString("| " + c + " ")
				continue
			}
			b.WriteString("| " + escape.Replace(c) + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString("|---" + strings.Repeat("|---:", len(t.Columns)) + "|\n")
		}
	}
	return b.String()
}

var latexEscape = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`,
	"Ẑ", `$\hat{Z}$`, "Δ", `$\Delta$`, "±", `$\pm$`, "–", "--", "×", `$\times$`, "−", `$-$`, "\u00a0", `\,`, "ζ", `$\zeta$`, "σ", `$\sigma$`, "θ", `$\theta$`, "Π", `$\Pi$`, "λ", `$\lambda$`)

// LaTeX is a booktabs table: \usepackage{booktabs}. Floors stand below a rule of their own.
func (t *Table) LaTeX() string {
	if err := t.Err(); err != nil {
		return "% " + err.Error()
	}
	var b strings.Builder
	b.WriteString("\\begin{tabular}{l" + strings.Repeat("r", len(t.Columns)) + "}\n\\toprule\n")
	for i, row := range t.cells() {
		if i > 0 && t.Rows[i-1].Floor && (i == 1 || !t.Rows[i-2].Floor) {
			b.WriteString("\\midrule\n")
		}
		for j, c := range row {
			if j > 0 {
				b.WriteString(" & ")
			}
			if head, exp, ok := strings.Cut(c, "×10^{"); ok && i > 0 && j > 0 {
				fmt.Fprintf(&b, `$%s\times10^{%s}$`, strings.ReplaceAll(head, "−", "-"), strings.TrimSuffix(exp, "}"))
				continue
			}
			b.WriteString(latexEscape.Replace(c))
		}
		b.WriteString(" \\\\\n")
		if i == 0 {
			b.WriteString("\\midrule\n")
		}
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	return b.String()
}

// HTML is the table as HTML; names are escaped.
func (t *Table) HTML() string {
	if err := t.Err(); err != nil {
		return "<p>" + html.EscapeString(err.Error()) + "</p>"
	}
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse">`)
	if t.Caption != "" {
		b.WriteString("<caption>" + html.EscapeString(t.Caption) + "</caption>")
	}
	for i, row := range t.cells() {
		tag, style := "td", ""
		if i == 0 {
			tag, style = "th", "border-bottom:1px solid"
			b.WriteString("<thead>")
		} else if t.Rows[i-1].Floor {
			style = "border-top:1px dashed;font-style:italic"
		}
		b.WriteString("<tr>")
		for j, c := range row {
			align := "right"
			if j == 0 {
				align = "left"
			}
			c = html.EscapeString(c)
			if head, exp, ok := strings.Cut(c, "×10^{"); ok && j > 0 {
				c = head + "×10<sup>" + strings.TrimSuffix(exp, "}") + "</sup>"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s;padding:2px 7px;white-space:nowrap;%s">%s</%s>`, tag, align, style, c, tag)
		}
		b.WriteString("</tr>")
		if i == 0 {
			b.WriteString("</thead><tbody>")
		}
	}
	b.WriteString("</tbody></table>")
	return b.String()
}

// String is the table as text.
func (t *Table) String() string {
	if err := t.Err(); err != nil {
		return err.Error()
	}
	cells := t.cells()
	width := make([]int, len(t.Columns)+1)
	for _, row := range cells {
		for j, c := range row {
			width[j] = max(width[j], len([]rune(c)))
		}
	}
	var b strings.Builder
	for i, row := range cells {
		if i > 0 {
			b.WriteByte('\n')
		}
		for j, c := range row {
			pad := strings.Repeat(" ", width[j]-len([]rune(c)))
			if j == 0 {
				b.WriteString(c + pad)
			} else {
				b.WriteString("  " + pad + c)
			}
		}
	}
	return b.String()
}

// Save writes the table; the ending of each path says how: .md, .tex or .html.
func (t *Table) Save(paths ...string) error {
	if err := t.Err(); err != nil {
		return err
	}
	for _, p := range paths {
		text := ""
		switch i := strings.LastIndexByte(p, '.'); p[max(i, 0):] {
		case ".md":
			text = t.Markdown()
		case ".tex":
			text = t.LaTeX()
		case ".html":
			text = "<!doctype html><meta charset=utf-8>" + t.HTML() + "\n"
		default:
			return fmt.Errorf("plotting.Table: cannot write %q; use .md, .tex or .html", p)
		}
		if err := writeFile(p, []byte(text)); err != nil {
			return fmt.Errorf("plotting.Table: %w", err)
		}
	}
	return nil
}

// MIMEBundle shows the table in a notebook.
func (t *Table) MIMEBundle() (map[string]any, error) {
	out := map[string]any{"text/plain": t.String()}
	if t.Err() == nil {
		out["text/html"], out["text/markdown"], out["text/latex"] = t.HTML(), t.Markdown(), t.LaTeX()
	}
	return out, nil
}
