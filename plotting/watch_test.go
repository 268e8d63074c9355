package plotting

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"odslab/plotting/internal/ink"

	"odslab/odslib"
)

// walker is a sampler that reports every step.
type walker struct{ steps int }

func (w walker) Sample(ctx context.Context, _ odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	for k := range w.steps {
		odslib.Notify(ctx, odslib.Progress{
			What: "walker", Step: k + 1, Steps: w.steps, ESS: .5, LogZ: -1, Loss: math.NaN(),
			Samples: func() (odslib.Array, error) { return normals(50, 2, uint64(k)), nil },
		})
	}
	res := odslib.NewResult(odslib.Posterior{}, "walker", w, seed)
	res.Samples = normals(n, 2, seed)
	return res, nil
}

// A watched sampler gives the same numbers, still tells whoever listened, and its last state is shown, never more than two a
// second.
func TestWatch(t *testing.T) {
	heard := 0
	ctx := odslib.WithObserver(t.Context(), func(odslib.Progress) { heard++ })
	a, err := Watch(walker{2000}).Sample(ctx, odslib.Posterior{}, 20, 3)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := walker{2000}.Sample(t.Context(), odslib.Posterior{}, 20, 3)
	if a.Samples.Data[7] != b.Samples.Data[7] || heard != 2000 {
		t.Errorf("other numbers, or %d of 2000 reports", heard)
	}
	if u, ok := Watch(walker{1}).(interface{ Unwrap() any }); !ok || u.Unwrap() != any(walker{1}) {
		t.Error("the sampler cannot be unwrapped")
	}
	r := newRecorder()
	var shown []*Figure
	r.display = func(f *Figure, id string, again bool) {
		if again != (len(shown) > 0) || id != r.id {
			t.Errorf("picture %d: replaced %v under %s", len(shown), again, id)
		}
		shown = append(shown, f)
	}
	if _, err := (walker{300}).Sample(r.join(t.Context()), odslib.Posterior{}, 5, 1); err != nil {
		t.Fatal(err)
	}
	r.close()
	if len(shown) == 0 || len(shown) > 3 || !strings.Contains(shown[len(shown)-1].title, "step 300 of 300") {
		t.Errorf("%d pictures, last %q", len(shown), shown[len(shown)-1].title)
	}
	for _, f := range shown {
		if _, err := f.encode("svg"); err != nil {
			t.Error(err)
		}
	}
}

// Interactive figures are Vega-Lite with plain types only, and names in them are data.
func TestInteractive(t *testing.T) {
	f := Pair(modes("<b>DPS</b>", 3000, 1), Prior(normals(400, 2, 2)), Names("a", "b")).Interactive()
	b, err := f.MIMEBundle()
	if err != nil {
		t.Fatal(err)
	}
	spec, ok := b["application/vnd.vegalite.v5+json"].(map[string]any)
	if !ok || b["image/svg+xml"] == nil {
		t.Fatalf("bundle %v", b)
	}
	var plain func(v any) bool
	plain = func(v any) bool {
		switch v := v.(type) {
		case map[string]any:
			for _, x := range v {
				if !plain(x) {
					return false
				}
			}
		case []any:
			for _, x := range v {
				if !plain(x) {
					return false
				}
			}
		case nil, bool, float64, string:
		default:
			return false
		}
		return true
	}
	data, err := json.Marshal(spec)
	if err != nil || !plain(spec) || len(data) > 300<<10 {
		t.Errorf("%d bytes, %v, only plain types: %v", len(data), err, plain(spec))
	}
	if n := len(spec["data"].(map[string]any)["values"].([]any)); n > mostRows+2 || n < 900 {
		t.Errorf("%d samples", n)
	}
	if f := Bars(Bar{Name: "a", Value: 1}).Interactive(); f.Err() == nil || !strings.Contains(f.Err().Error(), "no interactive form") {
		t.Error("bars became interactive")
	}
	if b, _ := Pair(modes("DPS", 100, 1)).MIMEBundle(); len(b) != 2 {
		t.Errorf("a plain pair plot shows %d forms", len(b))
	}
	if b, _ := Trajectories(states(30, 2, 20)).Interactive().MIMEBundle(); b["application/vnd.vegalite.v5+json"] == nil {
		t.Error("trajectories have no slider")
	}
}

// Animations end with the figure itself, name every frame and need no script.
func TestAnimations(t *testing.T) {
	for name, f := range map[string]*Figure{"ways": Trajectories(states(20, 2, 12)), "one variable": Trajectories(states(20, 1, 12)), "genealogy": Genealogy(resampled(32, 5)), "training": Training(tracing("RTB", 1))} {
		f.Size(Column)
		a := f.Animate(5)
		data, err := a.APNG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := strings.Count(string(data), "fcTL"); n != 5 || strings.Count(string(data), "fdAT") != 4 || !strings.Contains(string(data), "acTL") {
			t.Errorf("%s: %d frames", name, n)
		}
		first := decode(t, data) // what a viewer of plain PNG shows is a whole picture
		frames := a.draw(onPaper, pngDPI)
		if first.Bounds() != frames[0].Bounds() {
			t.Fatalf("%s: %v", name, first.Bounds())
		}
		sheet, style := f.lay(onPaper)
		still, drawn := ink.Pixels(math.Ceil(sheet.w*4)/4, math.Ceil(sheet.h*4)/4, pngDPI, style.paper)
		sheet.draw(still)
		want, last := drawn(), frames[len(frames)-1]
		far := 0
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				r0, _, _, _ := want.At(x, y).RGBA()
				r1, _, _, _ := last.At(x, y).RGBA()
				if math.Abs(float64(r0)-float64(r1)) > 6*257 {
					far++
				}
			}
		}
		if far > 0 {
			t.Errorf("%s: %d pixels of the last frame are not the figure's", name, far)
		}
		page, err := a.HTML()
		if err != nil || strings.Contains(page, "<script") || strings.Contains(page, " on") && strings.Contains(page, "onclick") || strings.Count(page, `type="radio"`) != 5 || strings.Count(page, " checked>") != 1 {
			t.Errorf("%s: page of %d bytes, %v", name, len(page), err)
		}
		again, _ := a.HTML()
		if again != page {
			t.Errorf("%s: two pages of the same data differ", name)
		}
	}
	if a := Bars(Bar{Name: "a", Value: 1}).Animate(); a.Err() == nil {
		t.Error("bars move")
	}
	if a := Trajectories(states(20, 2, 12)).Animate(1); a.Err() == nil {
		t.Error("an animation of one frame")
	}
}

// The layers of a page put together are each frame, to the pixel.
func TestLayers(t *testing.T) {
	a := Trajectories(states(20, 2, 12)).Size(Column).Animate(7)
	frames := a.draw(either, 96)
	whole := ink.Paletted(frames, frames[0].Bounds())
	layers := layered(whole)
	for i, f := range whole {
		got := make([]uint8, len(f.Pix))
		for _, l := range layers {
			if i < l.from || i >= l.to {
				continue
			}
			for p, c := range l.img.Pix {
				if c != 0 && got[p] != 0 {
					t.Fatalf("frame %d: two layers have pixel %d", i, p)
				}
				got[p] |= c
			}
		}
		if !bytes.Equal(got, f.Pix) {
			t.Errorf("frame %d is not what its layers are", i)
		}
	}
}
