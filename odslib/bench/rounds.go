package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// config is what to measure.
type config struct {
	impls    []impl
	cases    []string
	rounds   int
	perRound time.Duration
	compile  bool // let PyTorch try torch.compile
	log      io.Writer
	each     func(row) error // called with every row as soon as it is known; may be nil
}

// row is one case with one implementation.
type row struct {
	What     string  `json:"what"`
	Impl     string  `json:"impl"`
	N        int     `json:"n"` // repetitions, over all rounds
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	RSSMB    float64 `json:"rss_mb"` // peak of the child, which ran this case only
	version  string
}

// measure goes through the cases. An implementation that fails a case is left out of it and the error says so at the end.
func (cfg config) measure(ctx context.Context) ([]row, error) {
	var rows []row
	var problems []error
	for _, what := range cfg.cases {
		fmt.Fprintf(cfg.log, "%s\n", what)
		got, err := cfg.measureCase(ctx, what)
		rows = append(rows, got...)
		if err != nil {
			problems = append(problems, err)
		}
		if cfg.each != nil {
			for _, r := range got {
				if err := cfg.each(r); err != nil {
					return rows, err
				}
			}
		}
		if ctx.Err() != nil {
			return rows, ctx.Err()
		}
	}
	return rows, errors.Join(problems...)
}

func (cfg config) measureCase(ctx context.Context, what string) (rows []row, err error) {
	var problems []error
	children := make([]*child, len(cfg.impls))
	drop := func(i int, err error) {
		problems = append(problems, fmt.Errorf("%s: %s: %w", cfg.impls[i].name, what, err))
		children[i].close()
		children[i] = nil
	}
	for i, p := range cfg.impls {
		c, err := start(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		children[i] = c
		a, err := c.ask(request{SetUp: what, Table: reverseTable, Compile: cfg.compile})
		if err == nil {
			c.version, c.check = a.Version, a.Check
			err = cfg.sameWork(what, children[0], c)
		}
		if err != nil {
			drop(i, err)
		}
	}
	for range cfg.rounds {
		for i, c := range children {
			if c == nil || ctx.Err() != nil {
				continue
			}
			a, err := c.ask(request{Seconds: cfg.perRound.Seconds()})
			if err != nil {
				drop(i, err)
				continue
			}
			c.ms = append(c.ms, a.MS...)
		}
	}
	for i, c := range children {
		if c == nil {
			continue
		}
		if len(c.ms) > 0 {
			slices.Sort(c.ms)
			rows = append(rows, row{
				What: what, Impl: cfg.impls[i].name, N: len(c.ms), MedianMS: c.ms[len(c.ms)/2], MinMS: c.ms[0],
				RSSMB: math.Round(c.peakMB()), version: c.version,
			})
		}
		c.close()
	}
	return rows, errors.Join(problems...)
}

// sameWork refuses a peer whose check value is not ours.
func (cfg config) sameWork(what string, ours, peer *child) error {
	if ours == nil {
		return nil
	}
	tolerance := 1e-3
	for _, c := range cases {
		if c.name == what && c.random {
			tolerance = .15
		}
	}
	if d := math.Abs(peer.check - ours.check); !(d <= tolerance*math.Abs(ours.check)) {
		return fmt.Errorf("its check value is %g, ours %g: that is not the same work", peer.check, ours.check)
	}
	return nil
}
