package plotting

import (
	"errors"
	"fmt"

	"odslab/plotting/internal/ink"
)

const imageOptions = "Rows Columns Count"

// Images draws samples that are images in a grid, pixels sharp, all on one scale of intensity. One set fills a block of
// Rows × Columns; several sets get a row each (or Rows) with their names. Samples of weighted sets are drawn by weight.
func Images(args ...any) *Figure {
	series, c, err := collect(args, imageOptions)
	if err != nil {
		return failed("Images", err)
	}
	type block struct {
		name  string
		cells [][]float64
	}
	var blocks []block
	var all [][]float64
	var size raster
	for k, s := range series {
		if !s.many() && s.point == nil {
			return failed("Images", errors.New("a Field has no samples"))
		}
		r, err := rasterOf(shapeOf(s))
		if err != nil {
			return failed("Images", fmt.Errorf("%s: %w", s.name, err))
		}
		if k > 0 && r != size {
			return failed("Images", fmt.Errorf("%s has images of %v and %s of %v", series[0].name, size, s.name, r))
		}
		size = r
		n := s.samples.Len()
		cols, rows := c.columns, c.rows
		if cols == 0 {
			if cols = 10; len(series) == 1 && rows > 0 {
				cols = (min(n, max(c.count, 64)) + rows - 1) / rows
			} else if len(series) == 1 {
				cols = min(8, n)
			}
		}
		if rows == 0 {
			if rows = 1; len(series) == 1 {
				rows = (min(n, 48) + cols - 1) / cols
			}
		}
		want := min(n, rows*cols)
		if c.count > 0 {
			want = min(n, c.count)
		}
		b := block{name: s.name}
		for _, i := range pick(want, s) {
			b.cells = append(b.cells, flat(s.samples, i))
			all = append(all, b.cells[len(b.cells)-1])
		}
		c.columns = cols
		blocks = append(blocks, b)
	}
	sc := intensities(all...)
	named := len(blocks) > 1
	what := fmt.Sprintf("%d images of %s", len(all), seriesNames(series))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		margin, gap := .3*s.label.Size, max(1.5, .12*s.label.Size)
		left := margin
		if named {
			for _, b := range blocks {
				left = max(left, margin+min(ink.Width(b.name, s.label), width/4)+.8*s.label.Size)
			}
		}
		bar := mapBar(grey, sc, "")
		right := margin + bar.width(s)
		if size.channels > 1 {
			right = margin
		}
		cols := float64(c.columns)
		cell := (width - left - right - (cols-1)*gap) / cols
		if s.loose {
			cell = min(cell, 17*mm*s.k)
		}
		high := cell * float64(size.h) / float64(size.w)
		rows := 0
		for _, b := range blocks {
			rows += (len(b.cells) + c.columns - 1) / c.columns
		}
		between := 2 * gap
		h := 2*margin + float64(rows)*high + float64(rows-len(blocks))*gap + float64(len(blocks)-1)*between
		w := left + cols*cell + (cols-1)*gap + right
		if !s.loose {
			w = width
		}
		return &sheet{w, h, 0, func(page *ink.Page) {
			y := h - margin
			for _, b := range blocks {
				if named {
					name, font := ink.Fit(b.name, s.label, width/4)
					page.Text(ink.Pt{X: left - .8*s.label.Size, Y: y - high/2}, name, font, s.ink, 1, .5, 0)
				}
				for i, v := range b.cells {
					if i > 0 && i%c.columns == 0 {
						y -= high + gap
					}
					tile(page, s, ink.Rect{X: left + float64(i%c.columns)*(cell+gap), Y: y - high, W: cell, H: high}, size.paint(v, sc, grey))
				}
				y -= high + between
			}
			if size.channels == 1 {
				over := .5 * s.tick.Size // half a number at either end
				tall := min(h-2*margin, 4*high) - 2*over
				bar.draw(page, s, ink.Rect{X: left + cols*cell + (cols-1)*gap + bar.gap(s), Y: h - margin - over - tall, W: bar.thick(s), H: tall})
			}
		}}
	})
}

func shapeOf(s Series) []int {
	if len(s.samples.Shape) > 1 {
		return s.samples.Shape[1:]
	}
	return []int{s.dim()}
}

// pick chooses samples: the first where all count the same, else by weight.
func pick(n int, s Series) []int {
	even := true
	for _, w := range s.weights {
		even = even && w == s.weights[0]
	}
	index := make([]float64, s.samples.Len())
	for i := range index {
		index[i] = float64(i)
	}
	if even {
		index = index[:min(n, len(index))]
	} else {
		index, _ = draw(n, s.weights, index, index)
	}
	out := make([]int, len(index))
	for i, v := range index {
		out[i] = int(v)
	}
	return out
}
