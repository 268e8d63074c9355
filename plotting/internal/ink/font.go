package ink

import (
	"fmt"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
)

// Face is one of the three cuts of the sans serif that figures are set in.
type Face int

// The cuts of Liberation Sans.
const (
	Regular Face = iota
	Italic
	Bold
)

// Font is a face at a size in points.
type Font struct {
	Face Face
	Size float64
}

var faces = [...]struct {
	style string // as fpdf calls it
	ttf   []byte
}{{"", liberationsansregular.TTF}, {"I", liberationsansitalic.TTF}, {"B", liberationsansbold.TTF}}

type glyph struct {
	advance  float64
	segments sfnt.Segments
}

type glyphs struct {
	sync.Mutex
	font *sfnt.Font
	buf  sfnt.Buffer
	seen map[rune]glyph
}

var loaded [len(faces)]glyphs

const em = 2048 // design units of Liberation Sans; glyphs are read at this size, so that nothing is rounded

// load reads the font once.
func (f Face) load() *glyphs {
	g := &loaded[f]
	g.Lock()
	defer g.Unlock()
	if g.font == nil {
		parsed, err := sfnt.Parse(faces[f].ttf)
		if err != nil {
			panic(fmt.Sprintf("ink: built-in font: %v", err))
		}
		g.font, g.seen = parsed, map[rune]glyph{}
	}
	return g
}

// get returns a glyph in em units, y down. Runes that no font has come back as an empty box.
func (f Face) get(r rune) glyph {
	g := f.load()
	g.Lock()
	old, ok := g.seen[r]
	g.Unlock()
	if ok {
		return old
	}
	var out glyph
	if !f.has(r) {
		out, _ = f.fallback(r)
	}
	g.Lock()
	defer g.Unlock()
	if out.segments == nil && out.advance == 0 {
		index, err := g.font.GlyphIndex(&g.buf, r)
		if err != nil {
			index = 0
		}
		if segments, err := g.font.LoadGlyph(&g.buf, index, fixed.I(em), nil); err == nil {
			out.segments = append(sfnt.Segments(nil), segments...) // the buffer is reused
		}
		if a, err := g.font.GlyphAdvance(&g.buf, index, fixed.I(em), font.HintingNone); err == nil {
			out.advance = float64(a) / 64
		}
	}
	g.seen[r] = out
	return out
}

// has tells whether the face itself can draw a rune.
func (f Face) has(r rune) bool {
	g := f.load()
	g.Lock()
	defer g.Unlock()
	index, err := g.font.GlyphIndex(&g.buf, r)
	return err == nil && index != 0
}

// hasAll tells whether it can draw a whole string.
func (f Face) hasAll(s string) bool {
	for _, r := range s {
		if r > 0xffff || !f.has(r) {
			return false
		}
	}
	return true
}

// width is the length of a string in points.
func (f Font) width(s string) float64 {
	w := 0.
	for _, r := range s {
		w += f.Face.get(r).advance
	}
	return w * f.Size / em
}

// outline is a string as a path that starts at the origin and runs along the given direction.
func (f Font) outline(s string, x, y, cos, sin float64) vg.Path {
	var out vg.Path
	k, pen := f.Size/em, 0.
	for _, r := range s {
		g := f.Face.get(r)
		at := func(p fixed.Point26_6) vg.Point {
			gx, gy := (pen+float64(p.X)/64)*k, -float64(p.Y)/64*k
			return vg.Point{X: vg.Length(x + gx*cos - gy*sin), Y: vg.Length(y + gx*sin + gy*cos)}
		}
		open := false
		for _, s := range g.segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if open {
					out.Close()
				}
				out.Move(at(s.Args[0]))
				open = true
			case sfnt.SegmentOpLineTo:
				out.Line(at(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				out.QuadTo(at(s.Args[0]), at(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				out.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
			}
		}
		if open {
			out.Close()
		}
		pen += g.advance
	}
	return out
}
