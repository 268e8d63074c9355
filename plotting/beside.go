package plotting

import (
	"errors"

	"odslab/plotting/internal/ink"
)

// Beside puts figures side by side in one, each with an equal share of the width.
func Beside(figures ...*Figure) *Figure {
	if len(figures) == 0 {
		return failed("Beside", errors.New("there are no figures"))
	}
	what := ""
	for i, f := range figures {
		if f.err != nil {
			return &Figure{err: f.err, preset: Notebook}
		}
		if f.pages != nil {
			return failed("Beside", errors.New("a figure of an earlier cell cannot be laid out anew"))
		}
		if i > 0 {
			what += "; "
		}
		what += f.what
	}
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		gap := 1.5 * s.label.Size
		share := (width - gap*float64(len(figures)-1)) / float64(len(figures))
		var sheets []*sheet
		w, h, base := 0., 0., 0.
		for i, f := range figures {
			sh := titled(f.compose(s, share, false), s, f.title)
			sheets = append(sheets, sh)
			if i > 0 {
				w += gap
			}
			w, base = w+sh.w, max(base, sh.base)
		}
		for _, sh := range sheets { // frames stand on one line
			h = max(h, sh.h+base-sh.base)
		}
		top := 0.
		if letters {
			top = 1.3 * s.letter.Size
		}
		return &sheet{w, h + top, base, func(p *ink.Page) {
			x := 0.
			for i, sh := range sheets {
				sh.draw(p.At(x, base-sh.base))
				if letters {
					p.Text(ink.Pt{X: x + .3*s.label.Size, Y: h + top - s.letter.Size}, string(rune('a'+i)), s.letter, s.ink, 0, 0, 0)
				}
				x += sh.w + gap
			}
		}}
	})
}
