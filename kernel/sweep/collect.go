package sweep

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib/atomicfile"
)

// Left are the indices of a sweep's folder that have not ended well, those that
// never ran included.
func Left(path string) ([]int, error) {
	f, err := opened(path)
	if err != nil {
		return nil, err
	}
	var left []int
	for index := range f.Points {
		if o, ok := f.outcome(index); !ok || o.Status != "ok" {
			left = append(left, index)
		}
	}
	return left, nil
}

func opened(path string) (folder, error) {
	f, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s holds no sweep (no %s): name the folder that `odslab run -sweep` has written", path, sweepFile)
	}
	return f, err
}

// result is what is read of a Result that a notebook has written as JSON.
type result struct {
	Sampler   *string
	Samples   json.RawMessage
	Engine    string
	Seed      uint64
	LogZ      *float64 `json:"log_z"`
	LogZError *float64 `json:"log_z_error"`
	AtLeast   bool     `json:"log_z_error_at_least"`
	ESS       *float64
	Network   int64 `json:"network_evaluations"`
	Seconds   float64
	Notes     []string

	index int
	name  string // of its file
	group string // its point without the seed
}

// Evidence is log Ẑ of one point over its seeds.
type Evidence struct {
	Point       string // its parameters but the seed
	Result      string // file of the Results
	Seeds       int
	AtLeast     bool    // Error is a lower bound, as that of the runs is
	LogZ, Error float64 // log of the mean of Ẑ, and its standard error: the larger of what the spread over seeds and what the runs say
}

// Collect joins what the indices of a folder have left, below its folder
// "collected": points.csv, results.csv, evidence.csv, and tables/NAME.csv for each
// NAME.csv that notebooks have written. It prints the evidence, and says what is
// missing in its error; what is there is joined all the same.
func Collect(path string, out io.Writer) error {
	f, err := opened(path)
	if err != nil {
		return err
	}
	c := &collection{folder: f, tables: map[string]*table{}}
	var problems []error
	var left []string
	for index := range f.Points {
		if err := c.index(index); err != nil {
			problems = append(problems, err)
		}
		if o, ok := f.outcome(index); !ok || o.Status != "ok" {
			left = append(left, strconv.Itoa(index))
		}
	}
	evidence, err := c.evidence()
	problems = append(problems, err, c.write(evidence))
	show(out, evidence)
	fmt.Fprintf(out, "%d points, %d Results, %d tables: %s\n", len(f.Points)-len(left), len(c.results), len(c.tables), c.dir())
	if len(left) > 0 {
		problems = append(problems, fmt.Errorf("%d of %d points are missing (%s): the command that made %s runs them, or `sbatch --array=%s`",
			len(left), len(f.Points), strings.Join(left, ","), path, strings.Join(left, ",")))
	}
	return errors.Join(problems...)
}

// collection is what has been read.
type collection struct {
	folder  folder
	points  [][]string
	results []result
	tables  map[string]*table
}

type table struct {
	header []string
	first  int // index that it was first seen at
	rows   [][]string
}

func (c *collection) dir() string { return filepath.Join(c.folder.path, "collected") }

// values are a point's cells in a table, in the order of the grid's names.
func (c *collection) values(index int) []string {
	row := []string{strconv.Itoa(index)}
	for _, name := range c.folder.Names {
		row = append(row, c.folder.Points[index][name])
	}
	return row
}

// index reads what one index has left. Results of an index that failed do not count.
func (c *collection) index(index int) error {
	o, ok := c.folder.outcome(index)
	if !ok {
		o.Status = "missing"
	}
	c.points = append(c.points, append(c.values(index), o.Status, number(o.Seconds), o.Host, o.Error))
	if o.Status != "ok" {
		return nil
	}
	grid := Grid{Names: c.folder.Names}
	dir := c.folder.indexDir(index)
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch filepath.Ext(name) {
		case ".json":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			r := result{index: index, name: name, group: grid.label(c.folder.Points[index], "seed")}
			if json.Unmarshal(text, &r) == nil && r.Sampler != nil && r.Samples != nil {
				c.results = append(c.results, r)
			}
		case ".csv":
			return c.table(index, name, path)
		}
		return nil
	})
}

func (c *collection) table(index int, name, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return fmt.Errorf("index %d, %s: %w", index, name, err)
	}
	if len(rows) == 0 {
		return nil
	}
	t := c.tables[name]
	if t == nil {
		t = &table{header: rows[0], first: index}
		c.tables[name] = t
	}
	if !slices.Equal(t.header, rows[0]) {
		return fmt.Errorf("index %d, %s: other columns than at index %d; left out", index, name, t.first)
	}
	for _, row := range rows[1:] {
		t.rows = append(t.rows, append(c.values(index), row...))
	}
	return nil
}

// evidence takes the mean of Ẑ, which is unbiased, over indices that differ in the
// seed alone.
func (c *collection) evidence() (list []Evidence, err error) {
	type key struct{ group, name string }
	var order []key
	groups := map[key][]result{}
	for _, r := range c.results {
		if r.LogZ == nil {
			continue
		}
		k := key{r.group, r.name}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], r)
	}
	var problems []error
	for _, k := range order {
		e := Evidence{Point: k.group, Result: k.name, Seeds: len(groups[k]), Error: math.NaN()}
		var logZ, own []float64
		seeds := map[uint64]int{}
		for _, r := range groups[k] {
			if first, twice := seeds[r.Seed]; twice {
				problems = append(problems, fmt.Errorf("%s at index %d and index %d was drawn with the same seed: they count as one; does the notebook use its parameter seed?", k.name, first, r.index))
				e.Seeds--
				continue
			}
			seeds[r.Seed] = r.index
			logZ = append(logZ, *r.LogZ)
			if r.LogZError != nil {
				own = append(own, *r.LogZError)
			}
			e.AtLeast = e.AtLeast || r.AtLeast
		}
		e.LogZ, e.Error = logMeanExp(logZ, own)
		list = append(list, e)
	}
	return list, errors.Join(problems...)
}

// logMeanExp is log of the mean of exp(l), and its standard error by the delta
// method, the relative one of the mean: from the spread of l or, where all runs have
// one, from their own errors, whichever is larger. Two seeds may agree by chance.
func logMeanExp(l, own []float64) (mean, se float64) {
	n := float64(len(l))
	sum, twice := floats.LogSumExp(l), make([]float64, len(l))
	for i, v := range l {
		twice[i] = 2 * v
	}
	se = math.NaN()
	if len(l) > 1 {
		spread := math.Exp(floats.LogSumExp(twice)-2*sum)*n - 1
		se = math.Sqrt(max(0, spread) / (n - 1))
	}
	if len(own) == len(l) {
		var square float64
		for i, e := range own {
			square += math.Pow(math.Exp(l[i]-sum)*e, 2)
		}
		if inside := math.Sqrt(square); !(inside <= se) {
			se = inside
		}
	}
	return sum - math.Log(n), se
}

func (c *collection) write(evidence []Evidence) error {
	names := append([]string{"index"}, c.folder.Names...)
	problems := []error{c.csv("points.csv", append(slices.Clone(names), "status", "seconds", "host", "error"), c.points)}
	var rows [][]string
	for _, r := range c.results {
		rows = append(rows, append(c.values(r.index), r.name, *r.Sampler, optional(r.LogZ), optional(r.LogZError), optional(r.ESS),
			strconv.FormatInt(r.Network, 10), number(r.Seconds), strconv.FormatUint(r.Seed, 10), r.Engine, strings.Join(r.Notes, "; ")))
	}
	problems = append(problems, c.csv("results.csv", append(slices.Clone(names), "result", "sampler", "log_z", "log_z_error", "ess",
		"network_evaluations", "seconds", "result_seed", "engine", "notes"), rows))
	rows = nil
	for _, e := range evidence {
		rows = append(rows, []string{e.Point, e.Result, strconv.Itoa(e.Seeds), number(e.LogZ), number(e.Error), strconv.FormatBool(e.AtLeast)})
	}
	problems = append(problems, c.csv("evidence.csv", []string{"point", "result", "seeds", "log_z", "log_z_error", "log_z_error_at_least"}, rows))
	for name, t := range c.tables {
		problems = append(problems, c.csv(filepath.Join("tables", name), append(slices.Clone(names), t.header...), t.rows))
	}
	return errors.Join(problems...)
}

func (c *collection) csv(name string, header []string, rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(append([][]string{header}, rows...)) // a buffer takes all
	path := filepath.Join(c.dir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, b.Bytes(), 0o644)
}

// show prints the evidence as a table.
func show(out io.Writer, list []Evidence) {
	if len(list) == 0 {
		return
	}
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "point\tresult\tseeds\tlog Z\t±")
	for _, e := range list {
		se := "–"
		if !math.IsNaN(e.Error) {
			se = fmt.Sprintf("%.3f", e.Error)
			if e.AtLeast {
				se = "at least " + se
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.3f\t%s\n", e.Point, e.Result, e.Seeds, e.LogZ, se)
	}
	t.Flush()
}

// number is a float64 with all its digits.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return number(*v)
}
