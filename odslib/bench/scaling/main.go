// Command scaling prints how the gradient of a denoiser's loss scales over devices: as many rows for each, on 1, 2 and 4 of
// them (weak scaling), and how far the gradient of the same rows is from that on one device.
//
//	go run ./odslib/bench/scaling            # a CPU divided into devices; they share its cores, so more devices than cores gain nothing
//	go run ./odslib/bench/scaling -rows 4096
//
// It is one host: the array library connects no others.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/nn"
)

func main() {
	rows := flag.Int("rows", 1024, "rows for each device")
	calls := flag.Int("n", 15, "how often each gradient is timed")
	on := flag.Int("on", 0, "the number of devices; 0: 1, 2 and 4, each in a process of its own")
	flag.Parse()
	if err := run(*rows, *calls, *on); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run(rows, calls, on int) error {
	if rows < 1 || calls < 1 {
		return fmt.Errorf("-rows %d and -n %d: want 1 or more", rows, calls)
	}
	if on > 0 {
		return one(rows, calls, on)
	}
	fmt.Printf("%d cores, %d rows a device\n\ndevices   rows   ms a gradient   rows a ms   gradient of the same rows, off one device's by\n", runtime.NumCPU(), rows)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, devices := range []int{1, 2, 4} {
		cmd := exec.Command(self, "-on", strconv.Itoa(devices), "-rows", strconv.Itoa(rows), "-n", strconv.Itoa(calls))
		// A process has its devices for life.
		cmd.Env = append(os.Environ(), engine.EnvDevices+"="+strconv.Itoa(devices), engine.EnvEngine+"=xla-cpu")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}

var net = nn.MLP{}

// denoising is the square error of the denoiser's guess of the noise, a value a row: x0, noise [B, 2] and t [B].
func denoising(scope *engine.Scope, in []*engine.Node) *engine.Node {
	x0, noise, t := in[0], in[1], in[2]
	angle := graph.MulScalar(t, math.Pi/2)
	at := odslib.Level{T: t, Alpha: graph.Cos(angle), Sigma: graph.Sin(angle)}
	x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x0), x0), graph.Mul(diffusion.PerRow(at.Sigma, x0), noise))
	return graph.ReduceSum(graph.Square(graph.Sub(net.Apply(scope, x, at), noise)), 1)
}

func filled(draw func() float64, shape ...int) engine.Array {
	a := engine.NewArray(shape...)
	for i := range a.Data {
		a.Data[i] = float32(draw())
	}
	return a
}

// one times a gradient on so many devices, and compares it with that of the same rows on the first alone.
func one(rows, calls, devices int) error {
	e, err := engine.Open()
	if err != nil {
		return err
	}
	rng := engine.RNG(1, "bench.scaling")
	params, err := nn.Initial(net, []int{2}, 1)
	if err != nil {
		return err
	}
	for i := range params { // the last layer starts at 0, and gives the others no gradient
		for j := range params[i].Value.Data {
			params[i].Value.Data[j] += float32(.05 * rng.NormFloat64())
		}
	}
	all := rows * devices
	batch := []engine.Array{filled(rng.NormFloat64, all, 2), filled(rng.NormFloat64, all, 2), filled(rng.Float64, all)}
	gradient := func(devices, calls int) (engine.Params, []float64, error) {
		p, err := engine.NewParallelGradient(e, devices, params, denoising)
		if err != nil {
			return nil, nil, err
		}
		defer p.Close()
		var got engine.Params
		var took []float64
		for i := range calls + 1 { // the first compiles
			start := time.Now()
			if _, got, err = p.Call(params, batch...); err != nil {
				return nil, nil, err
			}
			if i > 0 {
				took = append(took, float64(time.Since(start).Microseconds())/1000)
			}
		}
		return got, took, nil
	}
	got, took, err := gradient(devices, calls)
	if err != nil {
		return err
	}
	want, _, err := gradient(1, 1)
	if err != nil {
		return err
	}
	largest, worst := 0., 0.
	for i := range want {
		for j, v := range want[i].Value.Data {
			largest, worst = math.Max(largest, math.Abs(float64(v))), math.Max(worst, math.Abs(float64(v-got[i].Value.Data[j])))
		}
	}
	ms := slices.Min(took)
	fmt.Printf("%7d %6d %15.2f %11.0f   %.1e of its largest entry\n", devices, all, ms, float64(all)/ms, worst/largest)
	if !(worst <= 1e-5*largest) {
		return fmt.Errorf("more than 1e-5 of the largest entry")
	}
	return nil
}
