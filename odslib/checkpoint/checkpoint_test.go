package checkpoint_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/safetensors"
)

type about struct {
	Steps int `json:"steps"`
}

var weights = odslib.Params{{Name: "w", Value: engine.FromRows([][]float64{{1, 2}, {3, math.Inf(1)}})}, {Name: "b", Value: engine.FromVector([]float64{5})}}

const settings = `{"net":{"kind":"MLP"},"batch":64,"rate":0.001}`

func state(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "run")
	ts := append(checkpoint.Tensors("weights/", weights), checkpoint.Int64("rng", []int64{-1, 1 << 62}), checkpoint.Float64("trace", []float64{math.Pi, math.NaN()}))
	if err := checkpoint.Save(path, about{Steps: 7}, settings, ts); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStateComesBack(t *testing.T) {
	path := state(t)
	// Spaces and the order of settings do not matter, values do.
	f, err := checkpoint.Resume(path, `{"batch": 64, "rate": 0.001, "net": {"kind": "MLP"}}`)
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	var a about
	if err := checkpoint.About(f, &a); err != nil || a.Steps != 7 || !checkpoint.IsState(f) {
		t.Errorf("%+v, %v", a, err)
	}
	got, err := checkpoint.Params(f, "weights/", weights)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(weights) {
		t.Errorf("%v, %v", got, err)
	}
	rng, err := checkpoint.Values[int64](f, "rng")
	if err != nil || rng[0] != -1 || rng[1] != 1<<62 {
		t.Errorf("%v, %v", rng, err)
	}
	trace, err := checkpoint.Values[float64](f, "trace")
	if err != nil || trace[0] != math.Pi || !math.IsNaN(trace[1]) {
		t.Errorf("%v, %v", trace, err)
	}
	if text, err := os.ReadFile(path + ".json"); err != nil || string(text) != "{\n\t\"steps\": 7\n}\n" {
		t.Errorf("beside it: %q, %v", text, err)
	}
	if f, err := checkpoint.Resume(path+"2", settings); f != nil || err != nil {
		t.Errorf("without a file: %v, %v", f, err)
	}
}

func TestRefusals(t *testing.T) {
	path := state(t)
	finished := filepath.Join(t.TempDir(), "finished")
	if err := checkpoint.Write(finished, about{}, nil); err != nil {
		t.Fatal(err)
	}
	cut := state(t)
	if err := os.Truncate(cut+".safetensors", 200); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(t.TempDir(), "odd")
	if err := checkpoint.Save(odd, about{}, `{"batch":6`, nil); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct{ path, settings string }{
		"made with another batch (64 there, 32 here); choose another name": {path, `{"net":{"kind":"MLP"},"batch":32,"rate":0.001}`},
		`another net ({"kind":"MLP"} there, {"kind":"UNet"} here)`:         {path, `{"net":{"kind":"UNet"},"batch":32,"rate":0.001}`},
		"another clip (none there, 1 here)":                                {path, `{"net":{"kind":"MLP"},"batch":64,"rate":0.001,"clip":1}`},
		"another rate (0.001 there, none here)":                            {path, `{"net":{"kind":"MLP"},"batch":64}`},
		"is a finished result, not a training state":                       {finished, settings},
		"remove the file to begin anew":                                    {cut, settings},
		"the settings of its training cannot be read":                      {odd, settings},
	} {
		f, err := checkpoint.Resume(c.path, c.settings)
		if f != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	f, err := checkpoint.Resume(path, settings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Params(f, "average/", weights); err == nil || !strings.Contains(err.Error(), `lacks "average/w"`) {
		t.Errorf("another prefix: %v", err)
	}
	if _, err := checkpoint.Params(f, "weights/", odslib.Params{{Name: "w", Value: engine.NewArray(3)}}); err == nil || !strings.Contains(err.Error(), "wants [3]") {
		t.Errorf("another shape: %v", err)
	}
	if _, err := checkpoint.Values[float64](f, "rng"); err == nil || !strings.Contains(err.Error(), "holds I64") {
		t.Errorf("another type: %v", err)
	}
	if _, err := checkpoint.Values[float64](f, "noise"); err == nil {
		t.Error("a list that is not there was read")
	}
}

func TestCheckSum(t *testing.T) {
	a, b := engine.FromVector([]float64{1, 2}), engine.FromVector([]float64{2, 1})
	if engine.CheckSum(a) == engine.CheckSum(b) || engine.CheckSum(a, b) == engine.CheckSum(b, a) || engine.CheckSum(a, engine.NewArray(0)) != engine.CheckSum(a) {
		t.Error(engine.CheckSum(a), engine.CheckSum(b), engine.CheckSum(a, b), engine.CheckSum(b, a))
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "run")
	w := odslib.Params{{Name: "w", Value: engine.FromVector([]float64{1, 2})}}
	if err := checkpoint.Save(path, "two weights", `{"batch":64}`, checkpoint.Tensors("", w)); err != nil {
		fmt.Println(err)
		return
	}
	var f *safetensors.File
	if f, err = checkpoint.Resume(path, `{"batch":64}`); err != nil {
		fmt.Println(err)
		return
	}
	w, err = checkpoint.Params(f, "", w)
	fmt.Println(w[0].Value, err)
	_, err = checkpoint.Resume(path, `{"batch":32}`)
	fmt.Println(strings.Contains(err.Error(), "another batch (64 there, 32 here)"))
	// Output:
	// Array[2][1 2] <nil>
	// true
}
