package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/priors"
)

// read are the figures of what is kept, in the order of the recipes.
func read() (out []figures, err error) {
	for _, r := range all {
		if !slices.Contains(priors.Kept(), r.name) {
			continue
		}
		b, err := os.ReadFile(filepath.Join("odslib", "priors", "checkpoints", r.name+".figures.json"))
		if err != nil {
			return nil, fmt.Errorf("%w; run the command in the module's root", err)
		}
		var f figures
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func lines(w io.Writer) error {
	all, err := read()
	for _, f := range all {
		fmt.Fprintln(w, f)
	}
	return err
}

func page(w io.Writer) error {
	figures, err := read()
	if err != nil {
		return err
	}
	fmt.Fprint(w, `# Priors that are kept

Printed by `+"`go run ./odslib/priors/recipe -list`"+` from the figures beside the weights in `+"`odslib/priors/checkpoints`"+` (`+"`-json`"+` prints those).
Each prior is trained by `+"`go run ./odslib/priors/recipe -name NAME`"+`, measured again with `+"`-measure`"+`, and had by `+"`priors.Load(NAME)`"+`.

* **bits**: bits per dimension of held-out data with uniform noise within its steps; of VAEs the importance-weighted bound of 64 draws.
* **FD (floor)**: Fréchet distance in the features of our classifier, in the plane energy distance, at as many draws as real samples; the
  floor is the same between real samples and others, the mean of twelve pairs.
* **precision, recall**: shares of draws within the manifold of the data, and of data within that of the draws, by third neighbours.
* **nearest**: mean distance of draws from the nearest training sample, over the same of held-out samples. Far below 1 is memorised.

| name | kind | data | weights | bits | FD (floor) | precision, recall | nearest | seconds to train | draws a second | MB |
|---|---|---|---|---|---|---|---|---|---|---|
`)
	one := func(n *number, format string) string {
		if n == nil {
			return "–"
		}
		return fmt.Sprintf(format, float64(*n))
	}
	for _, f := range figures {
		bits, fd, both := "–", "–", "–"
		if f.Bits != nil {
			bits = one(f.Bits, "%.2f") + one(f.BitsErr, " ± %.2f")
		}
		if f.FD != nil {
			fd = one(f.FD, "%.3g") + one(f.FDFloor, " (%.3g") + one(f.FDSE, " ± %.1g)")
			both = one(f.Precise, "%.2f") + one(f.Recall, ", %.2f")
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %s | %s | %s | %s | %.0f | %.0f | %.2f |\n",
			f.Name, f.Kind, f.Data, f.Params, bits, fd, both, one(f.Near, "%.2f"), f.TrainS, f.Draws, f.FileMB)
	}
	for _, f := range figures {
		r, err := named(f.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n## %s\n\n", f.Name)
		if r.note != "" {
			fmt.Fprintf(w, "%s ", r.note)
		}
		if len(f.Latents) > 0 {
			fmt.Fprintf(w, "Its latent layers carry")
			for i, n := range f.Latents {
				if i > 0 {
					fmt.Fprint(w, " and")
				}
				fmt.Fprintf(w, " %.1f", float64(n))
			}
			fmt.Fprint(w, " nats, held out. ")
		}
		if f.Class != nil {
			fmt.Fprintf(w, "As many draws of each class; the classifier takes %.1f %% of them for their class. ", 100*float64(*f.Class))
		}
		fmt.Fprintf(w, "%d steps, seed %d.\n", f.Steps, f.Seed)
		if name := "prior-" + f.Name + ".png"; exists(filepath.Join("docs", "images", name)) {
			fmt.Fprintf(w, "\n![Samples of %s, below each the nearest of the training data](images/%s)\n", f.Name, name)
		}
	}
	var others []string
	for _, r := range all {
		if !slices.Contains(priors.Kept(), r.name) {
			others = append(others, "`"+r.name+"` ("+r.kind+", "+r.data.name+")")
		}
	}
	for _, c := range classifiers {
		if priors.LoadClassifier(c.name).Err() != nil {
			others = append(others, "`"+c.name+"-classifier`")
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(w, "\n## Recipes whose result is not kept\n\n%s.\n", strings.Join(others, ", "))
	}
	more, err := readClassifiers()
	if err != nil {
		return err
	}
	fmt.Fprint(w, "\n## Classifiers\n\nThey take noised inputs too, and their features are those of the Fréchet distances; `priors.LoadClassifier(NAME)` reads them and\n"+
		"`go run ./odslib/priors/recipe -name NAME-classifier` trains them.\n\n| name | weights | accuracy, held out | calibration error | of samples | seconds to train |\n|---|---|---|---|---|---|\n")
	for _, f := range more {
		fmt.Fprintf(w, "| %s | %d | %.3f | %.3f | %d | %.0f |\n", f.Name, f.Params, float64(f.Accuracy), float64(f.Calibration), f.HeldOut, f.TrainS)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Size of the picture of samples: tiles of samples, every sample beside the nearest of the training data below it.
const (
	tiles = 16
	zoom  = 5
	gap   = 2
)

// picture writes docs/images/prior-NAME.png: thirty-two samples in two double rows, below each the nearest one of the training data.
func picture(r recipe, x, train odslib.Array) error {
	dir := filepath.Join("docs", "images")
	if _, err := os.Stat(dir); err != nil || len(x.Shape) != 4 {
		return nil
	}
	h, w := x.Shape[1], x.Shape[2]
	z := max(1, zoom*8/h)
	img := image.NewGray(image.Rect(0, 0, tiles*(w*z+gap), 4*(h*z+gap)))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	put := func(row []float32, col, line int) {
		for i := range h * z {
			for j := range w * z {
				v := float64(row[(i/z*w+j/z)*x.Shape[3]])
				img.SetGray(col*(w*z+gap)+j, line*(h*z+gap)+i, color.Gray{Y: uint8(127.5 * (1 + math.Max(-1, math.Min(1, v))))})
			}
		}
	}
	for k := range 2 * tiles {
		put(x.Row(k), k%tiles, 2*(k/tiles))
		put(train.Row(nearest(x.Row(k), train)), k%tiles, 2*(k/tiles)+1)
	}
	f, err := os.Create(filepath.Join(dir, "prior-"+r.name+".png"))
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}

func nearest(row []float32, data odslib.Array) int {
	at, best := 0, math.Inf(1)
	for i := range data.Len() {
		sum := 0.
		for j, v := range data.Row(i) {
			sum += float64(v-row[j]) * float64(v-row[j])
		}
		if sum < best {
			at, best = i, sum
		}
	}
	return at
}
