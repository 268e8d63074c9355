package plotting

import (
	"encoding/json"
	"fmt"
	"math"
)

// Interactive adds an interactive form (Vega-Lite 5) to what a cell shows, which JupyterLab draws in place of the picture:
// in Pair a rectangle dragged in one panel picks the same samples in all others, in Trajectories a slider goes through the
// steps; values show under the mouse. Other pages and files show the picture.
func (f *Figure) Interactive() *Figure {
	if f.fixed("Interactive") || f.err != nil {
		return f
	}
	if f.vega == nil {
		f.err = fmt.Errorf("plotting: %s has no interactive form; Pair and Trajectories have", f.what)
		return f
	}
	f.interactive = true
	return f
}

// mostRows is how many samples an interactive figure carries.
const mostRows = 1500

type object = map[string]any

// plainObject has only the types that JSON knows, which is what a notebook's message takes.
func plainObject(v object) object {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out object
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

// rounded keeps four digits: more bytes than that show nothing.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, 4-math.Ceil(math.Log10(math.Abs(v))))
	return math.Round(v*p) / p
}

func hexOf(s *style, series []Series, k int) string {
	c := colourOf(s, series, k)
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

// chart is the frame of every interactive figure: no ground, and inks for either.
func chart(what string) object {
	return object{
		"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "description": what, "background": nil,
		"config": object{
			"view": object{"stroke": nil}, "axis": object{"grid": false, "domainColor": "#747474", "tickColor": "#747474", "labelColor": "#747474", "titleColor": "#6e6e6e", "tickCount": 4},
			"legend": object{"labelColor": "#6e6e6e", "titleColor": "#6e6e6e"},
		},
	}
}

// brushing is a pair plot whose panels are linked.
func (v *chosen) brushing() object {
	s := newStyle(Notebook, either)
	var values []object
	var names, colours []string
	sets := 0
	for _, q := range v.series {
		if q.many() {
			sets++
		}
	}
	for _, k := range drawOrder(v.series) {
		q := v.series[k]
		if !q.many() {
			continue
		}
		names, colours = append(names, q.name), append(colours, hexOf(s, v.series, k))
		index := make([]float64, q.samples.Len())
		for i := range index {
			index[i] = float64(i)
		}
		index, _ = draw(mostRows/sets, q.weights, index, index)
		columns := make([][]float64, len(v.index))
		for j, variable := range v.index {
			columns[j] = q.column(variable)
		}
		for _, i := range index {
			row := object{"set": q.name}
			for j := range columns {
				row[fmt.Sprintf("v%d", j)] = rounded(columns[j][int(i)])
			}
			values = append(values, row)
		}
	}
	n := len(v.index)
	size := max(70, min(180, 560/n))
	title := func(j int) string {
		if v.scales[j].power {
			return "log10 " + v.names[j]
		}
		return v.names[j]
	}
	axis := func(j int, shown bool) object {
		a := object{"field": fmt.Sprintf("v%d", j), "type": "quantitative", "title": title(j), "scale": object{"domain": []float64{rounded(v.scales[j].min), rounded(v.scales[j].max)}, "nice": false, "zero": false}}
		if !shown {
			a["axis"] = object{"labels": false, "title": nil}
		}
		return a
	}
	colour := object{"field": "set", "type": "nominal", "title": nil, "scale": object{"domain": names, "range": colours}}
	if len(names) == 1 {
		colour["legend"] = nil
	}
	tips := []object{{"field": "set", "type": "nominal", "title": "set"}}
	for j := range n {
		tips = append(tips, object{"field": fmt.Sprintf("v%d", j), "type": "quantitative", "title": title(j)})
	}
	var rows []object
	var views []string
	for i := range n {
		var row []object
		for j := range i {
			name := fmt.Sprintf("panel_%d_%d", i, j)
			views = append(views, name)
			row = append(row, object{
				"name": name, "width": size, "height": size, "mark": object{"type": "point", "filled": true, "size": 9, "clip": true},
				"encoding": object{
					"x": axis(j, i == n-1), "y": axis(i, j == 0), "tooltip": tips,
					"color":   object{"condition": mergedObject(object{"param": "brush"}, colour), "value": "#9a9a9a"},
					"opacity": object{"condition": object{"param": "brush", "value": .8}, "value": .12},
				},
			})
		}
		x := axis(i, i == n-1)
		x["bin"] = object{"extent": []float64{rounded(v.scales[i].min), rounded(v.scales[i].max)}, "maxbins": 30}
		delete(x, "scale")
		bars := func(c object) object {
			return object{"mark": object{"type": "bar", "clip": true}, "encoding": object{"x": x, "y": object{"aggregate": "count", "type": "quantitative", "axis": nil, "stack": nil}, "color": c, "opacity": object{"value": .55}}}
		}
		picked := bars(colour)
		picked["transform"] = []object{{"filter": object{"param": "brush"}}}
		row = append(row, object{"width": size, "height": size, "layer": []object{bars(object{"value": "#9a9a9a"}), picked}})
		rows = append(rows, object{"hconcat": row})
	}
	out := chart("pair plot of " + seriesNames(v.series) + "; drag a rectangle in a panel to pick samples in all")
	out["data"], out["vconcat"] = object{"values": values}, rows
	brush := object{"name": "brush", "select": object{"type": "interval"}}
	if len(views) > 0 {
		brush["views"] = views
		out["params"] = []object{brush}
	} else {
		out["params"] = []object{{"name": "brush", "value": true}}
	}
	return plainObject(out)
}

func mergedObject(a, b object) object {
	out := object{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// stepping is a way of states with a slider over the steps.
func stepping(what string, names [2]string, x, y scale, paths, steps int, at func(path, step int) (x, y float64)) object {
	var values []object
	for i := range paths {
		for t := range steps {
			px, py := at(i, t)
			values = append(values, object{"path": i, "step": t, "x": rounded(px), "y": rounded(py)})
		}
	}
	encoding := func() object {
		return object{
			"x": object{"field": "x", "type": "quantitative", "title": names[0], "scale": object{"domain": []float64{rounded(x.min), rounded(x.max)}, "nice": false}},
			"y": object{"field": "y", "type": "quantitative", "title": names[1], "scale": object{"domain": []float64{rounded(y.min), rounded(y.max)}, "nice": false}},
		}
	}
	lines, dots := encoding(), encoding()
	lines["detail"], lines["order"] = object{"field": "path", "type": "nominal"}, object{"field": "step", "type": "quantitative"}
	dots["tooltip"] = []object{{"field": "path", "type": "quantitative"}, {"field": "x", "type": "quantitative", "title": names[0]}, {"field": "y", "type": "quantitative", "title": names[1]}}
	out := chart(what)
	out["data"], out["width"], out["height"] = object{"values": values}, 400, 400
	out["params"] = []object{{"name": "until", "value": steps - 1, "bind": object{"input": "range", "min": 0, "max": steps - 1, "step": 1, "name": "step "}}}
	out["layer"] = []object{
		{"transform": []object{{"filter": "datum.step <= until"}}, "mark": object{"type": "line", "strokeWidth": .7, "opacity": .35, "color": "#7a7a7a", "clip": true}, "encoding": lines},
		{"transform": []object{{"filter": "datum.step == until"}}, "mark": object{"type": "point", "filled": true, "size": 18, "color": "#0072b2", "clip": true, "opacity": 1}, "encoding": dots},
	}
	return plainObject(out)
}
