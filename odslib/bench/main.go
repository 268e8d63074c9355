// Command bench times the library's hot paths, and the same work in JAX and PyTorch beside them.
//
//	go run ./odslib/bench [-python PATH] [-json] [-n ROUNDS] [-case TEXT] [-compile]
//
// Everything is timed in child processes of the same make: this program itself, and with -python a Python that has jax,
// torch or both. For every case a fresh child of each kind is started and asked for one round at a time, in turns, so
// that a busy spell of the machine falls on all of them. Weights and inputs come from a formula, and a check value that
// every child computes guards against timing different work. On a shared machine the minimum says what the code costs
// and the median what a person saw.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out, log io.Writer) error {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(log)
	python := set.String("python", "", "a Python with jax, torch or both, for comparison")
	asJSON := set.Bool("json", false, "one JSON object a line instead of the table")
	n := set.Int("n", 10, "rounds of each case")
	only := set.String("case", "", "only the cases whose name contains this")
	compile := set.Bool("compile", false, "let PyTorch try torch.compile for each case and keep what is faster; takes minutes")
	child := set.Bool("child", false, "answer the requests of a bench on standard input (internal)")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *child {
		return serve(in, out)
	}
	if *n < 1 {
		return fmt.Errorf("-n %d: ask for at least one round", *n)
	}
	cfg := config{rounds: *n, perRound: 150 * time.Millisecond, compile: *compile, log: log}
	for _, c := range cases {
		if strings.Contains(c.name, *only) {
			cfg.cases = append(cfg.cases, c.name)
		}
	}
	if len(cfg.cases) == 0 {
		return fmt.Errorf("-case %q: no case of that name; there are: %s", *only, strings.Join(names(), ", "))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cfg.impls = []impl{{name: "odslab", argv: []string{self, "-child"}}}
	if *python != "" {
		if _, err := exec.LookPath(*python); err != nil {
			return fmt.Errorf("-python: %w", err)
		}
		cfg.impls = append(cfg.impls, jax(*python), torch(*python))
	}
	if *asJSON {
		cfg.each = jsonLines(out)
	}
	rows, err := cfg.measure(ctx)
	if !*asJSON && len(rows) > 0 {
		if e := table(out, rows); err == nil {
			err = e
		}
	}
	return err
}
