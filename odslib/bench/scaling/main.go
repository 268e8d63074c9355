// Command scaling prints how training scales over the devices of one host: as many rows for each, on 1, 2 and 4 of them (weak
// scaling), and how far the weights that the same rows have trained are from those of one device.
//
//	go run ./odslib/bench/scaling            # a CPU divided into devices; they share its cores, so more devices than cores gain nothing
//	go run ./odslib/bench/scaling -rows 1024
//
// One device has all cores to itself, so that on a CPU several are quicker only as far as one leaves cores idle.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

func main() {
	rows := flag.Int("rows", 256, "rows of a batch for each device")
	steps := flag.Int("n", 12, "how many steps of training are timed")
	on := flag.Int("on", 0, "the number of devices; 0: 1, 2 and 4, each in a process of its own")
	flag.Parse()
	if err := run(*rows, *steps, *on); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run(rows, steps, on int) error {
	if rows < 1 || steps < 1 {
		return fmt.Errorf("-rows %d and -n %d: want 1 or more", rows, steps)
	}
	if on > 0 {
		return compare(rows, steps, on)
	}
	fmt.Printf("%d cores, %d rows a device\n\n%-8s devices   rows   ms a step   rows a ms   weights of the same rows, off one device's by\n", runtime.NumCPU(), rows, "training")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, devices := range []int{1, 2, 4} {
		cmd := exec.Command(self, "-on", strconv.Itoa(devices), "-rows", strconv.Itoa(rows), "-n", strconv.Itoa(steps))
		// A process has its devices for life.
		cmd.Env = append(os.Environ(), engine.EnvDevices+"="+strconv.Itoa(devices), engine.EnvEngine+"=xla-cpu")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}

// trained is what some steps of training leave.
type trained struct {
	weights odslib.Params
	ms      float64 // of a step, the quickest
}

// trainings train for some steps, on so many devices, with so many rows on all of them.
var trainings = []struct {
	name  string
	train func(devices, rows, steps int) (trained, error)
}{{"prior", denoiser}, {"RTB", rtb}}

func compare(rows, steps, devices int) error {
	for _, w := range trainings {
		all := rows * devices
		got, err := w.train(devices, all, steps)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		one, err := w.train(1, all, steps)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		largest, off := 0., 0.
		for i := range one.weights {
			for j, v := range one.weights[i].Value.Data {
				largest, off = math.Max(largest, math.Abs(float64(v))), math.Max(off, math.Abs(float64(v-got.weights[i].Value.Data[j])))
			}
		}
		fmt.Printf("%-8s %7d %6d %11.1f %11.1f   %.1e of the largest\n", w.name, devices, all, got.ms, float64(all)/got.ms, off/largest)
	}
	return nil
}

// chunk is how many steps of a prior's training are timed together.
const chunk = 4

// denoiser trains a diffusion prior of the plane.
func denoiser(devices, rows, steps int) (out trained, err error) {
	data, err := priors.Grid25().Sample(context.Background(), 4*rows, 1)
	if err != nil {
		return out, err
	}
	out.ms = math.Inf(1)
	last, seen := time.Time{}, 0
	ctx := odslib.WithObserver(context.Background(), func(odslib.Progress) {
		now := time.Now()
		if seen++; seen > 1 { // the first compiles
			out.ms = math.Min(out.ms, float64(now.Sub(last).Microseconds())/1000/chunk)
		}
		last = now
	})
	p, err := priors.Training{Net: nn.MLP{}, Batch: rows, Devices: devices, Chunk: chunk}.Train(ctx, data, odslib.Budget{Steps: chunk * ((steps+chunk-1)/chunk + 1)}, 1)
	if err != nil {
		return out, err
	}
	out.weights = p.Weights
	return out, nil
}

// rtb trains a policy for 25 Gaussians under a measurement.
func rtb(devices, rows, steps int) (out trained, err error) {
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	ctx := context.Background()
	t, err := balance.NewTrainer(ctx, "RTB", balance.Settings{Paths: rows, Steps: 50, Devices: devices, Replay: -1}, post, 1)
	if err != nil {
		return out, err
	}
	defer t.Close()
	out.ms = math.Inf(1)
	for i := range steps + 2 { // the first compile
		start := time.Now()
		if _, err := t.Step(ctx); err != nil {
			return out, err
		}
		if i > 1 {
			out.ms = math.Min(out.ms, float64(time.Since(start).Microseconds())/1000)
		}
	}
	p, err := t.Policy()
	if err != nil {
		return out, err
	}
	out.weights = p.Weights
	return out, nil
}
