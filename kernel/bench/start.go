package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odslab/kernel/jupyter"
)

// startAll times the start of each kernel, in turns: until it answers, and
// until its first cell has printed, since a kernel may answer before it is
// able to run anything. It keeps the last kernel of each peer.
func (cfg *Config) startAll(ctx context.Context) ([]Row, []live, error) {
	fmt.Fprintf(cfg.Log, "start, %d times\n", cfg.N)
	answered := make([][]time.Duration, len(cfg.Peers))
	printed := make([][]time.Duration, len(cfg.Peers))
	kernels := make([]live, len(cfg.Peers))
	failed := make([]error, len(cfg.Peers))
	for i := range cfg.N {
		for j, p := range cfg.Peers {
			if failed[j] != nil || ctx.Err() != nil {
				continue
			}
			t := time.Now()
			k, err := p.start(ctx)
			if err != nil {
				failed[j] = fmt.Errorf("%s: %w", p.Name, err)
				continue
			}
			answered[j] = append(answered[j], time.Since(t))
			l := live{p, k}
			if _, failed[j] = l.check(ctx, workloads("")[0], 2000+i); failed[j] == nil {
				printed[j] = append(printed[j], time.Since(t))
			}
			if i < cfg.N-1 || failed[j] != nil {
				_ = k.Shutdown(ctx)
			} else {
				kernels[j] = l
			}
		}
	}
	var first, second []Row
	var running []live
	for j, l := range kernels {
		if l.kernel == nil {
			continue
		}
		first = append(first, row("start", l.Name, answered[j], l.kernel.PID()))
		second = append(second, row("start and first print", l.Name, printed[j], l.kernel.PID()))
		for _, code := range l.setUp {
			if _, err := l.run(ctx, code); err != nil && failed[j] == nil {
				failed[j] = fmt.Errorf("%s: set-up: %w", l.Name, err)
			}
		}
		running = append(running, l)
	}
	return append(first, second...), running, errors.Join(failed...)
}

func (p Peer) start(ctx context.Context) (kernel, error) {
	if p.started != nil {
		return p.started()
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return jupyter.Launch(ctx, p.Argv, p.Env)
}
