package ink

import (
	"image"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// fallback is a glyph that the sans serif lacks: a plain form of the same letter (mathematical italics), ∇ as Δ upside down,
// else the pixels of a bitmap font, which knows most scripts; false for what nobody knows.
func (f Face) fallback(r rune) (glyph, bool) {
	if plain := []rune(norm.NFKC.String(string(r))); len(plain) == 1 && plain[0] != r && f.has(plain[0]) {
		return f.get(plain[0]), true
	}
	if r == '∇' {
		return flipped(f.get('Δ')), true
	}
	bounds, mask, at, advance, ok := bitmapfont.Face.Glyph(fixed.Point26_6{}, r)
	if !ok {
		return glyph{}, false
	}
	return glyph{advance: float64(advance) / 64 * pixel, segments: blocks(bounds, mask, at)}, true
}

// pixel is the width of a bitmap's dot in em units: 12 dots make a letter of full width.
const pixel = em / 12.

func flipped(g glyph) glyph {
	const capital = 1409 // height of capitals in em units
	out := glyph{advance: g.advance}
	for _, s := range g.segments {
		for i := range s.Args {
			s.Args[i].Y = fixed.I(-capital) - s.Args[i].Y
		}
		out.segments = append(out.segments, s)
	}
	return out
}

// blocks outlines the dots of a bitmap, row by row.
func blocks(bounds image.Rectangle, mask image.Image, at image.Point) (out sfnt.Segments) {
	for y := range bounds.Dy() {
		for x := 0; x < bounds.Dx(); x++ {
			set := func(x int) bool {
				_, _, _, a := mask.At(at.X+x, at.Y+y).RGBA()
				return x < bounds.Dx() && a > 0x7fff
			}
			if !set(x) {
				continue
			}
			from := x
			for set(x + 1) {
				x++
			}
			point := func(px, py int) fixed.Point26_6 {
				return fixed.Point26_6{X: fixed.Int26_6(float64(bounds.Min.X+px) * pixel * 64), Y: fixed.Int26_6(float64(bounds.Min.Y+py) * pixel * 64)}
			}
			out = append(out, sfnt.Segment{Op: sfnt.SegmentOpMoveTo, Args: [3]fixed.Point26_6{point(from, y)}},
				sfnt.Segment{Op: sfnt.SegmentOpLineTo, Args: [3]fixed.Point26_6{point(x+1, y)}},
				sfnt.Segment{Op: sfnt.SegmentOpLineTo, Args: [3]fixed.Point26_6{point(x+1, y+1)}},
				sfnt.Segment{Op: sfnt.SegmentOpLineTo, Args: [3]fixed.Point26_6{point(from, y+1)}})
		}
	}
	return out
}
