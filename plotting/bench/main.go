// Command bench measures the plots beside what researchers use: CPU seconds, bytes, how much mass contours hold, and how the
// figures lie on their page.
//
//	go run ./plotting/bench -python PATH [-out DIR]
//
// PATH is a Python with numpy and matplotlib, and as far as they are there corner, scipy, getdist, chainconsumer, seaborn,
// arviz-plots and sbi. It writes the data, on which both sides work in one run; -out keeps the pictures. CPU seconds are those
// of the whole process, from arrays in memory to the bytes of a PNG; the least of three.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/plotting"
)

//go:embed peers.py
var peers string

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out, log io.Writer) error {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(log)
	python := set.String("python", "", "a Python with numpy and matplotlib, and corner, scipy and getdist")
	only := set.String("only", "", "figures: only those, not times and masses")
	keep := set.String("out", "", "folder for the pictures")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *python == "" {
		return errors.New("-python: name a Python with numpy and matplotlib; it makes the data too")
	}
	dir, err := os.MkdirTemp("", "plots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(*python, "-c", peers, dir)
	cmd.Stderr = log
	said, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("-python %s: %w", *python, err)
	}
	theirs := map[string]float64{}
	for s := bufio.NewScanner(bytes.NewReader(said)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			theirs[name] = v
		}
	}
	b := &bench{python: *python, dir: dir, keep: *keep, theirs: theirs, out: out}
	fmt.Fprintln(out, "| what | odslab | others | ratio | at most |\n|---|---:|---:|---:|---:|")
	parts := []func() error{b.pairs, b.marginal, b.animation, b.masses, b.figures}
	if *only != "" {
		parts = []func() error{b.figures}
	}
	for _, f := range parts {
		if err := f(); err != nil {
			return err
		}
	}
	if b.failed > 0 {
		return fmt.Errorf("%d figures are above what they may be", b.failed)
	}
	return nil
}

type bench struct {
	python    string
	dir, keep string
	theirs    map[string]float64
	out       io.Writer
	failed    int
}

// read is an array of rows of d numbers.
func (b *bench) read(name string, d int) ([][]float64, error) {
	raw, err := os.ReadFile(filepath.Join(b.dir, name+".f64"))
	if err != nil {
		return nil, err
	}
	rows := make([][]float64, len(raw)/8/d)
	for i := range rows {
		rows[i] = make([]float64, d)
		for j := range d {
			rows[i][j] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*(i*d+j):]))
		}
	}
	return rows, nil
}

func (b *bench) write(name string, v []float64) error {
	raw := make([]byte, 0, 8*len(v))
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(f))
	}
	return os.WriteFile(filepath.Join(b.dir, name+".f64"), raw, 0o600)
}

func seconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// least is the least CPU time of several runs.
func least(n int, f func() error) (float64, error) {
	best := math.Inf(1)
	for range n {
		start := seconds()
		if err := f(); err != nil {
			return 0, err
		}
		best = min(best, seconds()-start)
	}
	return best, nil
}

func (b *bench) row(what string, ours float64, format, other string, most float64) {
	theirs, ok := b.theirs[other]
	line := fmt.Sprintf("| %s | "+format+" | ", what, ours)
	switch {
	case other == "":
		line += fmt.Sprintf("– | – | "+format+" |", most)
		ok = ours <= most
	case !ok:
		line, ok = line+"not there | – | – |", true
	default:
		line += fmt.Sprintf(format+" | %.3f | %.3f |", theirs, ours/theirs, most)
		ok = ours <= most*theirs
	}
	if !ok {
		line += " **above**"
		b.failed++
	}
	fmt.Fprintln(b.out, line)
}

func (b *bench) path(name string) string {
	if b.keep != "" {
		return filepath.Join(b.keep, name)
	}
	return filepath.Join(b.dir, name)
}

func (b *bench) pairs() error {
	for _, c := range []struct {
		n    int
		most float64
	}{{20000, .25}, {200000, .1}} {
		rows, err := b.read(fmt.Sprintf("six%d", c.n), 6)
		if err != nil {
			return err
		}
		w, err := b.read(fmt.Sprintf("six%dw", c.n), 1)
		if err != nil {
			return err
		}
		res := odslib.NewResult(odslib.Posterior{}, "posterior", nil, 0)
		res.Samples = engine.FromRows(rows)
		for _, v := range w {
			res.LogWeights = append(res.LogWeights, math.Log(v[0]))
		}
		var f *plotting.Figure
		t, err := least(3, func() error {
			f = plotting.Pair(res, plotting.Names("theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6")).Size(plotting.Column)
			return f.Save(b.path(fmt.Sprintf("pair%d.png", c.n)))
		})
		if err != nil {
			return err
		}
		b.row(fmt.Sprintf("pair plot, 6 variables × %d weighted samples, CPU s (corner)", c.n), t, "%.2f", fmt.Sprintf("corner%d", c.n), c.most)
		if c.n == 20000 {
			if err := f.Save(b.path("pair.svg"), b.path("pair.pdf")); err != nil {
				return err
			}
			info, err := os.Stat(b.path("pair.svg"))
			if err != nil {
				return err
			}
			b.row("its SVG, MB", float64(info.Size())/1e6, "%.2f", "", .5)
		}
	}
	return nil
}

func (b *bench) marginal() error {
	rows, err := b.read("million", 1)
	if err != nil {
		return err
	}
	x := make([]float64, len(rows))
	for i := range rows {
		x[i] = rows[i][0]
	}
	t, err := least(3, func() error { return plotting.Marginals(x).Size(plotting.Column).Save(b.path("million.png")) })
	if err != nil {
		return err
	}
	b.row("marginal of 10⁶ samples, CPU s (matplotlib histogram, scipy KDE)", t, "%.2f", "marginal", .2)
	return nil
}

func (b *bench) animation() error {
	rows, err := b.read("six20000", 6)
	if err != nil {
		return err
	}
	const frames, n = 60, 80
	var states []odslib.Array
	for t := range frames {
		a := engine.NewArray(n, 2)
		f := float64(t) / (frames - 1)
		for i := range n {
			for j := range 2 { // from one set of samples to another
				a.Row(i)[j] = float32((1-f)*3*rows[n+i][4+j] + f*rows[i][j] + .3*(1-f)*math.Sin(float64(7*t+i*(j+1))))
			}
		}
		states = append(states, a)
	}
	a := plotting.Trajectories(states).Size(plotting.Column).Animate(frames)
	if err := a.Save(b.path("ways.apng"), b.path("ways.html")); err != nil {
		return err
	}
	for _, name := range []string{"ways.apng", "ways.html"} {
		info, err := os.Stat(b.path(name))
		if err != nil {
			return err
		}
		b.row("animation of 60 frames, column width, 2×, "+filepath.Ext(name)[1:]+", MB", float64(info.Size())/1e6, "%.2f", "", 3)
	}
	return nil
}

func (b *bench) masses() error {
	fmt.Fprintln(b.out, "\n| fresh samples inside 50 / 90 %, means of 20 seeds | n | odslab | GetDist |\n|---|---:|---:|---:|")
	for _, name := range []string{"Gaussian", "banana", "t2", "uniform", "modes25"} {
		for _, n := range []int{2000, 20000} {
			var m [2]float64
			for seed := range 20 {
				rows, err := b.read(fmt.Sprintf("%s-%d-%d", name, n, seed), 2)
				if err != nil {
					return err
				}
				fresh, err := b.read(fmt.Sprintf("%s-%d-%d-fresh", name, n, seed), 2)
				if err != nil {
					return err
				}
				inside, err := plotting.Inside(rows, .5, .9)
				if err != nil {
					return err
				}
				for _, x := range fresh {
					for k := range m {
						if inside(x[0], x[1])[k] {
							m[k] += 100. / float64(len(fresh)) / 20
						}
					}
				}
			}
			other := "not there"
			g50, ok := b.theirs[fmt.Sprintf("getdist-%s-%d-50", name, n)]
			g90 := b.theirs[fmt.Sprintf("getdist-%s-%d-90", name, n)]
			if ok {
				other = fmt.Sprintf("%.1f / %.1f", g50, g90)
			}
			within := 1.
			if n == 20000 {
				within = .5
			}
			mark := ""
			for k, want := range []float64{50, 90} {
				off, theirs := math.Abs(m[k]-want), math.Inf(1)
				if ok {
					theirs = math.Abs([]float64{g50, g90}[k] - want)
				}
				if off > within || off > theirs && off > .5 {
					mark = " **off**"
				}
			}
			if mark != "" {
				b.failed++
			}
			fmt.Fprintf(b.out, "| %s | %d | %.1f / %.1f | %s |%s\n", name, n, m[0], m[1], other, mark)
		}
	}
	return nil
}
