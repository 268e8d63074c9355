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

	"odslab/odslib"
)

// read are the kept figures, in the order of the recipes.
func read() (out []figures, err error) {
	for _, r := range all {
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

Printed by `+"`go run ./odslib/priors/recipe -list`"+` from the figures beside the weights in `+"`odslib/priors/checkpoints`"+`. Each prior is
trained by `+"`go run ./odslib/priors/recipe -name NAME`"+`, measured again by `+"`-measure`"+`, and had by `+"`priors.Load(NAME)`"+`.

| name | kind | data | weights | bits per dimension | seconds to train | draws a second | MB |
|---|---|---|---|---|---|---|---|
`)
	for _, f := range figures {
		bits := "–"
		if f.Bits != nil {
			bits = fmt.Sprintf("%.3f ± %.3f", float64(*f.Bits), float64(*f.BitsErr))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %s | %.0f | %.0f | %.2f |\n", f.Name, f.Kind, f.Data, f.Params, bits, f.TrainS, f.Draws, f.FileMB)
	}
	return nil
}

// Size of the picture of samples: tiles of samples, every sample beside the nearest of the training data below it.
const (
	tiles = 16
	zoom  = 4
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
