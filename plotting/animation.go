// One format of pictures over time: frames, as APNG and as a page of radio buttons that shares what stays.

package plotting

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"html"
	"image"
	imagedraw "image/draw"
	"image/png"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"odslab/plotting/internal/ink"
)

// Animation is a figure that moves: its frames in order, of which the last is the figure itself.
type Animation struct {
	err    error
	figure *Figure
	frames []frame
	period float64 // seconds a frame
	kept   map[string][]byte
}

// Animate makes an animation of at most count frames (40 by default) of a figure that has a way: [Trajectories], [Genealogy]
// and [Training].
func (f *Figure) Animate(count ...int) *Animation {
	a := &Animation{figure: f, period: .08}
	most := 40
	if len(count) > 0 {
		most = count[0]
	}
	switch {
	case f.err != nil:
		a.err = f.err
	case f.frames == nil:
		a.err = fmt.Errorf("plotting: %s does not move; Trajectories, Genealogy and Training do", f.what)
	case most < 2 || most > 400:
		a.err = fmt.Errorf("plotting: an animation of %d frames; take 2 to 400", most)
	default:
		all := f.frames()
		n := min(most, len(all))
		if n < 2 {
			a.err = fmt.Errorf("plotting: %s has one moment only", f.what)
			return a
		}
		for i := range n { // evenly, with the first and the last
			a.frames = append(a.frames, all[int(math.Round(float64(i)*float64(len(all)-1)/float64(n-1)))])
		}
	}
	return a
}

// Period sets how many seconds a frame is shown for, .08 by default; the last one stays for ten times that.
func (a *Animation) Period(seconds float64) *Animation {
	if a.err == nil && !(seconds > 0 && seconds < 60) {
		a.err = fmt.Errorf("plotting: a frame of %v seconds", seconds)
	}
	a.period = seconds
	return a
}

// Err is why there is no animation, or nil.
func (a *Animation) Err() error { return a.err }

// String describes the animation in one line, or says why there is none.
func (a *Animation) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("%s in %d frames", a.figure.what, len(a.frames))
}

// draw paints the frames for a ground; all have the last one's size.
func (a *Animation) draw(t theme, dpi int) []*image.NRGBA {
	f := a.figure
	last, s := f.lay(t)
	w, h := math.Ceil(last.w*4)/4, math.Ceil(last.h*4)/4
	var out []*image.NRGBA
	for i, fr := range a.frames {
		sh := last
		if i < len(a.frames)-1 {
			sh = titled(fr.compose(s, f.preset.Width*mm), s, f.title)
		}
		page, img := ink.Pixels(w, h, dpi, s.paper)
		sh.draw(page.At(0, last.h-sh.h)) // tops stay where they are
		src := img()
		b := src.Bounds()
		frame := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		imagedraw.Draw(frame, frame.Bounds(), src, b.Min, imagedraw.Src)
		for i := 0; i < len(frame.Pix); i += 4 {
			few(frame.Pix[i : i+4 : i+4])
		}
		out = append(out, frame)
	}
	return out
}

// few rounds a colour to 5 bits a channel, alpha to 4: nobody sees it move, and it packs in half of the bytes.
func few(p []uint8) {
	if p[3] = uint8((int(p[3]) + 8) / 17 * 17); p[3] == 0 {
		p[0], p[1], p[2] = 0, 0, 0
		return
	}
	for k := range 3 {
		p[k] = uint8(min(255, (int(p[k])+4)/8*8))
	}
}

// APNG is the animation as an animated PNG, which every browser plays; it runs once and stays at the last frame. Frames hold
// what changed since the one before.
func (a *Animation) APNG() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	if data, ok := a.kept["apng"]; ok {
		return data, nil
	}
	return a.apng(a.figure.ground())
}

func (a *Animation) apng(t theme) ([]byte, error) {
	frames := a.draw(t, a.figure.resolution())
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	b := frames[0].Bounds()
	var head [13]byte
	binary.BigEndian.PutUint32(head[0:], uint32(b.Dx()))
	binary.BigEndian.PutUint32(head[4:], uint32(b.Dy()))
	head[8], head[9] = 8, 6 // eight bits, colours with transparency
	chunk(&out, "IHDR", head[:])
	var control [8]byte
	binary.BigEndian.PutUint32(control[0:], uint32(len(frames)))
	binary.BigEndian.PutUint32(control[4:], 1)
	chunk(&out, "acTL", control[:])
	sequence := uint32(0)
	for i, img := range frames {
		r := b
		if i > 0 {
			r = changed(frames[i-1], img)
		}
		delay := a.period
		if i == len(frames)-1 {
			delay *= 10
		}
		var fc [26]byte
		for k, v := range []uint32{sequence, uint32(r.Dx()), uint32(r.Dy()), uint32(r.Min.X), uint32(r.Min.Y)} {
			binary.BigEndian.PutUint32(fc[4*k:], v)
		}
		binary.BigEndian.PutUint16(fc[20:], uint16(min(65535, math.Round(1000*delay))))
		binary.BigEndian.PutUint16(fc[22:], 1000)
		part := img.SubImage(r).(*image.NRGBA)
		if i > 0 {
			if over := news(frames[i-1], img, r); over != nil {
				part, fc[25] = over, 1 // drawn over what was there, else in its place
			}
		}
		chunk(&out, "fcTL", fc[:]) // nothing is disposed of
		sequence++
		data, err := compressed(part)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			chunk(&out, "IDAT", data)
			continue
		}
		numbered := binary.BigEndian.AppendUint32(nil, sequence)
		chunk(&out, "fdAT", append(numbered, data...))
		sequence++
	}
	chunk(&out, "IEND", nil)
	return out.Bytes(), nil
}

func chunk(out *bytes.Buffer, kind string, data []byte) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(data)))
	out.Write(n[:])
	sum := crc32.NewIEEE()
	sum.Write([]byte(kind))
	sum.Write(data)
	out.WriteString(kind)
	out.Write(data)
	binary.BigEndian.PutUint32(n[:], sum.Sum32())
	out.Write(n[:])
}

// changed is the rectangle in which two images differ, one pixel where they do not.
func changed(a, b *image.NRGBA) image.Rectangle {
	r, all := image.Rectangle{}, b.Bounds()
	for y := range all.Dy() {
		ra, rb := a.Pix[y*a.Stride:y*a.Stride+4*all.Dx()], b.Pix[y*b.Stride:y*b.Stride+4*all.Dx()]
		if bytes.Equal(ra, rb) {
			continue
		}
		lo, hi := 0, len(rb)
		for lo < hi && ra[lo] == rb[lo] {
			lo++
		}
		for hi > lo && ra[hi-1] == rb[hi-1] {
			hi--
		}
		r = r.Union(image.Rect(lo/4, y, (hi+3)/4, y+1))
	}
	if r.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return r
}

// news is what of b differs from a in a rectangle, clear elsewhere, which packs better; nil if it cannot be drawn over a
// because it is not opaque.
func news(a, b *image.NRGBA, r image.Rectangle) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		from := (r.Min.Y+y)*b.Stride + 4*r.Min.X
		for x := 0; x < 4*r.Dx(); x += 4 {
			p, q := a.Pix[from+x:from+x+4], b.Pix[from+x:from+x+4]
			if bytes.Equal(p, q) {
				continue
			}
			if q[3] != 255 {
				return nil
			}
			copy(out.Pix[y*out.Stride+x:], q)
		}
	}
	return out
}

// compressed is an image's data as PNG packs it: that of image/png, whose image must not be taken for an opaque one.
func compressed(img *image.NRGBA) ([]byte, error) {
	var buf bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&buf, clear{img}); err != nil {
		return nil, err
	}
	var data []byte
	for rest := buf.Bytes()[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		if string(rest[4:8]) == "IDAT" {
			data = append(data, rest[8:8+n]...)
		}
		rest = rest[12+n:]
	}
	return data, nil
}

// clear says of an image that it is not opaque, so that all frames are packed alike.
type clear struct{ *image.NRGBA }

// Opaque implements what image/png asks for.
func (clear) Opaque() bool { return false }

// layer is what frames from ≤ i < to have in common.
type layer struct {
	from, to int
	img      *image.Paletted
}

// layered takes frames apart so that what stays for a while is there once: the frames stand at the leaves of a binary tree,
// and a pixel that is the same in all frames below a node is in that node's layer alone. A frame is the layers above it, of
// which one at most has a pixel; so transparency is exact, and nothing is drawn over anything.
func layered(frames []*image.Paletted) []layer {
	n, leaves := len(frames), 1
	for leaves < n {
		leaves *= 2
	}
	nodes := make([]layer, 2*leaves)
	put := func(node, pixel int, c uint8) {
		l := &nodes[node]
		if l.img == nil {
			from, wide := node, 1
			for from < leaves {
				from, wide = 2*from, 2*wide
			}
			*l = layer{from - leaves, min(from-leaves+wide, n), image.NewPaletted(frames[0].Rect, frames[0].Palette)}
		}
		l.img.Pix[pixel] = c
	}
	for p := range frames[0].Pix {
		for from := 0; from < n; {
			c, to := frames[from].Pix[p], from+1
			for to < n && frames[to].Pix[p] == c {
				to++
			}
			if to == n {
				to = leaves // nobody sees what would be behind the end
			}
			for lo, hi := from+leaves, to+leaves; c != 0 && lo < hi; lo, hi = lo/2, hi/2 {
				if lo%2 == 1 {
					put(lo, p, c)
					lo++
				}
				if hi%2 == 1 {
					hi--
					put(hi, p, c)
				}
			}
			from = to
		}
	}
	return slices.DeleteFunc(nodes, func(l layer) bool { return l.img == nil })
}

// HTML is the animation as a row of buttons, one a frame, over a picture: a slider that needs no script (arrow keys move it)
// and nothing outside itself. It opens at the last frame.
func (a *Animation) HTML() (string, error) {
	if a.err != nil {
		return "", a.err
	}
	if data, ok := a.kept["html"]; ok {
		return string(data), nil
	}
	dpi := a.figure.resolution()
	frames := a.draw(a.figure.shown(), dpi)
	width, height := math.Round(float64(frames[0].Bounds().Dx())*96/float64(dpi)), math.Round(float64(frames[0].Bounds().Dy())*96/float64(dpi))
	sum := fnv.New64a()
	var radios, pictures, rules strings.Builder
	// What no frame changes is drawn once: the first frame below, then over it the rectangle in which any frame differs from it.
	union := image.Rectangle{}
	for _, img := range frames[1:] {
		union = union.Union(changed(frames[0], img))
	}
	layers := layered(ink.Paletted(frames, union))
	urls := make([]string, len(layers))
	for i, l := range layers {
		var buf bytes.Buffer
		e := png.Encoder{CompressionLevel: png.BestCompression}
		if err := e.Encode(&buf, l.img); err != nil {
			return "", err
		}
		sum.Write(buf.Bytes())
		urls[i] = "data:image/png;base64," + base64.StdEncoding.EncodeToString(buf.Bytes())
	}
	base := image.NewNRGBA(frames[0].Bounds())
	copy(base.Pix, frames[0].Pix)
	imagedraw.Draw(base, union, image.Transparent, image.Point{}, imagedraw.Src)
	var below bytes.Buffer
	if err := png.Encode(&below, base); err != nil {
		return "", err
	}
	id := fmt.Sprintf("odslab-%016x", sum.Sum64())
	percent := func(v, of int) string { return fmt.Sprintf("%.4f%%", 100*float64(v)/float64(of)) }
	all := frames[0].Bounds()
	for i, f := range a.frames {
		checked := ""
		if i == len(a.frames)-1 {
			checked = " checked"
		}
		name := html.EscapeString(f.name)
		fmt.Fprintf(&radios, `<input type="radio" name="%s" id="%s-%d" aria-label="%s" title="%s"%s>`, id, id, i, name, name, checked)
		fmt.Fprintf(&pictures, `<figure><figcaption>%s</figcaption></figure>`, name)
		fmt.Fprintf(&rules, "#%s>input:nth-of-type(%d):checked~div>figure:nth-of-type(%d){visibility:visible}", id, i+1, i+1)
	}
	for i, l := range layers {
		fmt.Fprintf(&pictures, `<figure><img alt="" src="%s"></figure>`, urls[i])
		fmt.Fprintf(&rules, "#%s>input:nth-of-type(n+%d):nth-of-type(-n+%d):checked~div>figure:nth-of-type(%d){visibility:visible}", id, l.from+1, l.to, len(a.frames)+i+1)
	}
	var style strings.Builder
	fmt.Fprintf(&style, "#%s{max-width:%.0fpx}", id, width)
	for _, rule := range []string{
		fmt.Sprintf(">input{appearance:none;-webkit-appearance:none;margin:0;height:14px;width:calc(100%% / %d);background:#8886;border-radius:0;cursor:pointer;vertical-align:top}", len(a.frames)),
		">input:checked{background:#0072b2}", ">input:hover{background:#0072b299}", ">input:focus-visible{outline:2px solid #d55e00}",
		fmt.Sprintf(">div{position:relative;aspect-ratio:%.0f/%.0f;margin:18px 0 0}", width, height),
		" img{display:block;position:absolute;margin:0;max-width:none}", ">div>img{left:0;top:0;width:100%;height:100%}",
		" figure{visibility:hidden;position:absolute;margin:0;left:0;top:0;width:100%;height:100%}",
		fmt.Sprintf(" figure img{left:%s;top:%s;width:%s;height:%s}", percent(union.Min.X, all.Dx()), percent(union.Min.Y, all.Dy()), percent(union.Dx(), all.Dx()), percent(union.Dy(), all.Dy())),
		" figcaption{font:11px sans-serif;opacity:.8;position:absolute;right:0;top:-16px}",
	} {
		style.WriteString("#" + id + rule)
	}
	return `<div id="` + id + `" role="group" aria-label="` + html.EscapeString(a.String()) + `"><style>` + style.String() + rules.String() + `</style>` + radios.String() +
		`<div><img alt="" src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(below.Bytes()) + `">` + pictures.String() + `</div></div>`, nil
}

// Save writes the animation; the ending of each path says how: .apng or .png (animated), or .html (a slider).
func (a *Animation) Save(paths ...string) error {
	if a.err != nil {
		return a.err
	}
	if len(paths) == 0 {
		return errors.New("plotting: Save needs a path")
	}
	for _, path := range paths {
		var data []byte
		var err error
		switch strings.ToLower(filepath.Ext(path)) {
		case ".apng", ".png":
			data, err = a.APNG()
		case ".html":
			var page string
			page, err = a.HTML()
			data = []byte("<!doctype html><meta charset=\"utf-8\"><title>" + html.EscapeString(a.String()) + "</title><meta name=\"color-scheme\" content=\"light dark\">" + page + "\n")
		default:
			err = fmt.Errorf("plotting: cannot write %q; use .apng, .png or .html", path)
		}
		if err != nil {
			return err
		}
		if err := writeFile(path, data); err != nil {
			return fmt.Errorf("plotting: %w", err)
		}
	}
	return nil
}

// MIMEBundle shows the slider in a notebook, and the last frame where pages show no HTML.
func (a *Animation) MIMEBundle() (map[string]any, error) {
	if a.err != nil {
		return map[string]any{"text/plain": a.err.Error()}, nil
	}
	page, err := a.HTML()
	if err != nil {
		return nil, err
	}
	out := map[string]any{"text/plain": a.String(), "text/html": page}
	if a.figure != nil && a.figure.compose != nil {
		if out["image/png"], err = a.figure.encodeOn("png", a.figure.shown()); err != nil {
			return nil, err
		}
	}
	return out, nil
}
