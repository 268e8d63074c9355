package plotting

import "odslab/plotting/internal/ink"

// clipLine cuts a polyline to a rectangle (Liang and Barsky, segment by segment) and returns the pieces.
func clipLine(r ink.Rect, pts []ink.Pt) [][]ink.Pt {
	var out [][]ink.Pt
	var now []ink.Pt
	flush := func() {
		if len(now) > 1 {
			out = append(out, now)
		}
		now = nil
	}
	for i := 1; i < len(pts); i++ {
		a, b, ok := clipSegment(r, pts[i-1], pts[i])
		if !ok {
			flush()
			continue
		}
		if len(now) == 0 || now[len(now)-1] != a {
			flush()
			now = append(now, a)
		}
		now = append(now, b)
	}
	flush()
	return out
}

func clipSegment(r ink.Rect, a, b ink.Pt) (ink.Pt, ink.Pt, bool) {
	dx, dy, t0, t1 := b.X-a.X, b.Y-a.Y, 0., 1.
	for _, e := range [4][2]float64{{-dx, a.X - r.X}, {dx, r.Right() - a.X}, {-dy, a.Y - r.Y}, {dy, r.Top() - a.Y}} {
		p, q := e[0], e[1]
		switch {
		case p == 0 && q < 0:
			return a, b, false
		case p < 0:
			t0 = max(t0, q/p)
		case p > 0:
			t1 = min(t1, q/p)
		}
	}
	if !(t0 <= t1) { // also catches NaN
		return a, b, false
	}
	at := func(t float64) ink.Pt {
		switch t {
		case 0:
			return a
		case 1:
			return b
		}
		return ink.Pt{X: a.X + t*dx, Y: a.Y + t*dy}
	}
	return at(t0), at(t1), true
}

// clipArea cuts a closed loop to a rectangle (Sutherland and Hodgman). A loop that leaves and comes back runs along the
// edge, which is right for filling and wrong for drawing the line: use clipLine for that.
func clipArea(r ink.Rect, loop []ink.Pt) []ink.Pt {
	edges := [4]func(p ink.Pt) float64{ // how far inside
		func(p ink.Pt) float64 { return p.X - r.X }, func(p ink.Pt) float64 { return r.Right() - p.X },
		func(p ink.Pt) float64 { return p.Y - r.Y }, func(p ink.Pt) float64 { return r.Top() - p.Y },
	}
	for _, inside := range edges {
		var out []ink.Pt
		for i, b := range loop {
			a := loop[(i+len(loop)-1)%len(loop)]
			da, db := inside(a), inside(b)
			if da >= 0 != (db >= 0) {
				t := da / (da - db)
				out = append(out, ink.Pt{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)})
			}
			if db >= 0 {
				out = append(out, b)
			}
		}
		loop = out
	}
	return loop
}
