package ink

import (
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"math"
	"slices"
)

// unseen are distances, of 255 in any channel, by which the edges of text and lines may move when a picture gets a palette. The
// colours of areas move by the first at most: shades must not become bands.
var unseen = []int{2, 5, 8}

// edge is how many pixels a colour has at most that is found at edges alone, of a picture of so many.
func edge(pixels int) int { return max(120, pixels/4000) }

// mostColours is above which a picture is taken for one with shades, and keeps them.
const mostColours = 8192

// indexed is a picture with a palette where nobody sees the difference, which packs in a third of the bytes; one with shades
// is rounded to even levels, which saves a sixth.
func indexed(img image.Image) image.Image {
	b := img.Bounds()
	plain, ok := img.(*image.NRGBA)
	if !ok || b.Min != (image.Point{}) {
		plain = image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(plain, plain.Rect, img, b.Min, draw.Src)
	}
	count := colours([]*image.NRGBA{plain}, plain.Rect)
	if len(count) <= mostColours {
		all := byFrequency(count)
		for _, d := range unseen {
			if palette, index := covering(all, count, d); index != nil {
				return paint(plain, plain.Rect, palette, index)
			}
		}
	}
	even := image.NewNRGBA(plain.Rect)
	for i, v := range plain.Pix[:len(even.Pix)] {
		even.Pix[i] = uint8(min((int(v)+1)/2*2, 255))
	}
	return even
}

// covering takes colours, the most frequent first, that lie farther apart than a distance, so that each has one of them within
// it, or nearer where it is that of an area. The index is nil where that takes more than 256.
func covering(all []color.NRGBA, count map[color.NRGBA]int, distance int) (color.Palette, map[color.NRGBA]uint8) {
	index := make(map[color.NRGBA]uint8, len(all))
	var kept []color.NRGBA
	pixels := 0
	for _, n := range count {
		pixels += n
	}
	for _, c := range all {
		far := distance
		if count[c] > edge(pixels) {
			far = min(far, unseen[0])
		}
		k := slices.IndexFunc(kept, func(p color.NRGBA) bool { return farthest(c, p) <= far })
		if k < 0 {
			if k = len(kept); k == 256 {
				return nil, nil
			}
			kept = append(kept, c)
		}
		index[c] = uint8(k)
	}
	palette := make(color.Palette, len(kept))
	for k, c := range kept {
		palette[k] = c
	}
	return palette, index
}

func farthest(a, b color.NRGBA) int {
	return max(apart(a.R, b.R), apart(a.G, b.G), apart(a.B, b.B), apart(a.A, b.A))
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// Paletted gives images the 255 colours that most of their pixels have, behind one that is clear; others take the nearest
// of them.
func Paletted(images []*image.NRGBA, r image.Rectangle) []*image.Paletted {
	all := byFrequency(colours(images, r))
	index := make(map[color.NRGBA]uint8, len(all))
	palette := color.Palette{color.NRGBA{}}
	for _, c := range all {
		if c.A == 0 {
			index[c] = 0
			continue
		}
		if len(palette) < 256 {
			index[c] = uint8(len(palette))
			palette = append(palette, c)
			continue
		}
		near, least := 0, math.MaxInt
		for k, q := range palette[1:] {
			p := q.(color.NRGBA)
			dr, dg, db, da := apart(c.R, p.R), apart(c.G, p.G), apart(c.B, p.B), apart(c.A, p.A)
			if e := dr*dr + dg*dg + db*db + 2*da*da; e < least {
				near, least = k+1, e
			}
		}
		index[c] = uint8(near)
	}
	var out []*image.Paletted
	for _, img := range images {
		out = append(out, paint(img, r, palette, index))
	}
	return out
}

// colours counts the pixels of each colour.
func colours(images []*image.NRGBA, r image.Rectangle) map[color.NRGBA]int {
	count := map[color.NRGBA]int{}
	for _, img := range images {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := img.Pix[y*img.Stride+4*r.Min.X : y*img.Stride+4*r.Max.X]
			last, n := color.NRGBA{}, 0
			for i := 0; i < len(row); i += 4 {
				if c := (color.NRGBA{row[i], row[i+1], row[i+2], row[i+3]}); c != last {
					if n > 0 {
						count[last] += n
					}
					last, n = c, 0
				}
				n++
			}
			count[last] += n
		}
	}
	return count
}

// byFrequency sorts colours, the most frequent first.
func byFrequency(count map[color.NRGBA]int) []color.NRGBA {
	return slices.SortedFunc(maps.Keys(count), func(a, b color.NRGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B), int(a.A)-int(b.A))
	})
}

func paint(img *image.NRGBA, r image.Rectangle, palette color.Palette, index map[color.NRGBA]uint8) *image.Paletted {
	to := image.NewPaletted(r, palette)
	for y := range r.Dy() {
		row := img.Pix[(r.Min.Y+y)*img.Stride+4*r.Min.X:]
		last, k := color.NRGBA{}, index[color.NRGBA{}]
		for x := range r.Dx() {
			if c := (color.NRGBA{row[4*x], row[4*x+1], row[4*x+2], row[4*x+3]}); c != last {
				last, k = c, index[c]
			}
			to.Pix[y*to.Stride+x] = k
		}
	}
	return to
}
