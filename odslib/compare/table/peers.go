package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"

	"odslab/odslib"
	"odslab/odslib/compare"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
)

//go:embed peers.py
var peersSource string

// peers is a Python that runs other libraries' guides on instances of T2.
type peers struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startPeers(ctx context.Context, python string) (*peers, error) {
	p := &peers{cmd: exec.CommandContext(ctx, python, "-u", "-c", peersSource)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("-python: %w", err)
	}
	return p, nil
}

func (p *peers) close() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // it is done with whatever status
}

// peer is a method of another library as a sampler of T2.
type peer struct {
	from   *peers
	method string
	steps  int
}

// Sample implements odslib.Sampler. What is not finite is left out, and noted.
func (s peer) Sample(_ context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	begun := time.Now()
	prior, ok := post.Prior.(*priors.Mixture)
	c, measured := post.Constraint.(constraint.Gaussian)
	if !ok || !measured {
		return nil, fmt.Errorf("%s runs on T2 alone; got %T and %T", s.method, post.Prior, post.Constraint)
	}
	logw := prior.Probabilities()
	for i, w := range logw {
		logw[i] = math.Log(w)
	}
	ask, err := json.Marshal(map[string]any{
		"method": s.method, "means": prior.Means, "logw": logw, "a": c.A, "y": c.Y, "sigma": c.Sigma, "n": n, "steps": s.steps, "seed": seed,
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.from.in.Write(append(ask, '\n')); err != nil {
		return nil, fmt.Errorf("the Python has ended: %w", err)
	}
	line, err := s.from.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the Python has ended: %w", err)
	}
	var answer struct {
		X     []*float32
		Error string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", s.method, answer.Error)
	}
	d := post.Shape()[0]
	if len(answer.X) != n*d {
		return nil, fmt.Errorf("%s: %d numbers for %d samples of %d", s.method, len(answer.X), n, d)
	}
	res := odslib.NewResult(post, s.method, s.steps, seed)
	res.Samples = engine.NewArray(n, d)
	res.NetworkEvals = int64(n * s.steps)
	var finite []int
	for i := range n {
		good := true
		for j, v := range answer.X[i*d : (i+1)*d] {
			if good = good && v != nil; v != nil {
				res.Samples.Row(i)[j] = *v
			}
		}
		if good {
			finite = append(finite, i)
		}
	}
	if len(finite) == 0 {
		return nil, fmt.Errorf("%s: no sample is finite", s.method)
	}
	if lost := n - len(finite); lost > 0 {
		res.Samples = res.Samples.Take(finite)
		res.Note("%d of %d samples were not finite", lost, n)
	}
	res.Close(begun)
	return res, nil
}

// pairedLines are ours and theirs on the kept instances of T2 (8,1), all with 100 steps and else as they come.
func pairedLines(p *peers, quick bool) (lines []compare.Line) {
	n, seeds := 1000, 30
	if quick {
		n, seeds = 500, 5
	}
	const steps = 100
	t2 := func(seed int) (exact.Case, error) { return exact.T2(8, 1, seed) }
	add := func(name string, s odslib.Sampler) {
		lines = append(lines, compare.Line{Case: t2, Name: name, Sampler: s, N: n, Seeds: seeds})
	}
	add("DPS", guide.DPS{Steps: steps})
	add("ΠGDM", guide.PiGDM{Steps: steps})
	add("TMPD", guide.TMPD{Steps: steps})
	for _, method := range []string{
		"azula DPS", "azula DPS, a norm for each", "azula ΠGDM", "azula ΠGDM, η=1", "azula TMPD, DDPM", "azula TMPD, DDIM", "azula MMPS, DDPM", "azula MMPS, DDIM",
		"deepinv DPS", "deepinv DPS, annealed", "deepinv ΠGDM", "deepinv moment matching",
	} {
		add(method, peer{p, method, steps})
	}
	return lines
}

// paired prints each of ours less the nearest of theirs, of the same family, on the same instances.
func paired(w io.Writer, entries []compare.Entry) error {
	fmt.Fprintf(w, "\n| ours | the nearest of theirs | ours − theirs, paired | no farther within 2 errors |\n|---|---|---|---|\n")
	for _, family := range [][]string{{"DPS"}, {"ΠGDM"}, {"TMPD", "MMPS", "moment matching"}} {
		ours := family[0]
		var mine, best *compare.Entry
		for i, e := range entries {
			library, method, foreign := strings.Cut(e.Sampler, " ")
			if !foreign {
				if e.Sampler == ours {
					mine = &entries[i]
				}
				continue
			}
			for _, f := range family {
				if strings.HasPrefix(method, f) && (library == "azula" || library == "deepinv") && (best == nil || e.Distance < best.Distance) {
					best = &entries[i]
				}
			}
		}
		if mine == nil || best == nil {
			continue
		}
		d, se, err := compare.Paired(*mine, *best)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %s | %.3f ± %.3f | %v |\n", ours, best.Sampler, d, se, d <= 2*se)
	}
	return nil
}
