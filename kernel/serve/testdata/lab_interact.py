"""Widgets of interact and brushing of a pair plot in JupyterLab in a headless Chromium, light and dark."""

import os
import sys
import time

import labdriver
import nbformat as nf

path, shots, dark = sys.argv[1], sys.argv[2], sys.argv[3] == "dark"
start = time.time()


def lap(what):
    print("%6.2f s  %s" % (time.time() - start, what), flush=True)


nb = nf.v4.new_notebook(
    metadata={"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}
)
nb.cells = [
    nf.v4.new_code_cell(
        """rng := rand.New(rand.NewPCG(1, 2))
points := [][]float64{}
for range 2000 {
	x := rng.NormFloat64()
	points = append(points, []float64{x, x*x/2 + rng.NormFloat64()/2, rng.ExpFloat64()})
}"""
    ),
    nf.v4.new_code_cell(
        """interact(func(tilt float64, law string, truth bool) any {
	moved := [][]float64{}
	for _, p := range points {
		q := []float64{p[0], p[1] + tilt*p[0]}
		if law == "folded" {
			q[0] = math.Abs(q[0])
		}
		moved = append(moved, q)
	}
	if truth {
		return plotting.Density2D(moved, plotting.Truth([]float64{0, 0}), plotting.Names("x", "y"))
	}
	return plotting.Density2D(moved, plotting.Names("x", "y"))
}, []float64{-3, 3, .1}, []string{"plain", "folded"}, false)"""
    ),
    nf.v4.new_code_cell('plotting.Pair(points, plotting.Names("a", "b", "c")).Interactive()'),
]
nf.write(nb, "t.ipynb")

FIGURE = """() => {
  const e = document.querySelector(".jp-OutputArea-output .jupyter-widgets-output-area img, .jp-OutputArea-output .widget-output img");
  return e ? e.src : null;
}"""

with labdriver.server() as url, labdriver.chromium(path) as browser:
    page = labdriver.open_notebook(browser, url, "t.ipynb", 1500)
    if dark:
        page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'", timeout=20_000)
    labdriver.run_all(page)
    page.wait_for_selector(".widget-slider .noUi-handle", timeout=90_000)
    page.wait_for_function("() => (%s)() !== null" % FIGURE, timeout=30_000)
    labdriver.wait_idle(page)
    lap("widgets there")
    assert page.locator(".widget-dropdown select").count() == 1
    assert page.locator(".widget-checkbox input").count() == 1
    src = page.evaluate(FIGURE)
    page.screenshot(path=os.path.join(shots, "interact-1-%s.png" % sys.argv[3]))

    def changed(what):
        global src
        page.wait_for_function("old => { const s = (%s)(); return s !== null && s !== old }" % FIGURE, arg=src, timeout=20_000)
        labdriver.wait_idle(page)
        page.wait_for_timeout(300)
        src = page.evaluate(FIGURE)
        lap(what)

    # The mouse drags the slider.
    handle = page.locator(".widget-slider .noUi-handle").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in range(1, 21):
        page.mouse.move(box["x"] + box["width"] / 2 + 2 * i, box["y"] + box["height"] / 2)
        page.wait_for_timeout(15)
    page.mouse.up()
    changed("dragged")
    readout = float(page.locator(".widget-slider .widget-readout").first.inner_text())
    assert readout > 0.5, readout
    page.screenshot(path=os.path.join(shots, "interact-2-%s.png" % sys.argv[3]))

    # One step by the keyboard: how long until the picture is another.
    took = []
    for key in ["ArrowLeft"] * 5 + ["ArrowRight"] * 4:
        labdriver.wait_idle(page)
        took.append(page.evaluate("""key => new Promise((done, fail) => {
          setTimeout(() => fail("the picture stays"), 20000);
          const figure = %s, old = figure(), begin = performance.now();
          const look = () => { const s = figure(); s !== null && s !== old ? done(performance.now() - begin) : setTimeout(look, 2) };
          const h = document.querySelector(".widget-slider .noUi-handle");
          h.focus();
          h.dispatchEvent(new KeyboardEvent("keydown", {key: key, bubbles: true}));
          look();
        })""" % FIGURE, key))
    print("a step of the slider, density of 2000 points: median %.0f ms of %s" % (sorted(took)[len(took) // 2], [round(t) for t in took]))
    src = page.evaluate(FIGURE)

    page.locator(".widget-dropdown select").select_option("folded")
    changed("chosen")
    page.locator(".widget-checkbox input").check()
    changed("checked")
    page.screenshot(path=os.path.join(shots, "interact-3-%s.png" % sys.argv[3]))
    prompts = page.eval_on_selector_all(".jp-CodeCell .jp-InputPrompt", "e => e.map(x => x.textContent)")
    assert prompts == ["[1]:", "[2]:", "[3]:"], prompts

    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    # Another page on the same kernel finds the widgets as they are.
    other = labdriver.open_notebook(browser, url, "t.ipynb", 1500)
    other.wait_for_selector(".widget-slider .noUi-handle", timeout=30_000)
    assert float(other.locator(".widget-slider .widget-readout").first.inner_text()) == float(page.locator(".widget-slider .widget-readout").first.inner_text())
    assert other.locator(".widget-checkbox input").is_checked()
    other.close()
    lap("another page")

    # Brushing: a rectangle in one panel greys out points in all.
    page.bring_to_front()
    plot = page.locator(".vega-embed svg, .vega-embed canvas").first
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    # Blue pixels, by thirds of the plot: panels stand in three columns and rows, the scatter plots below the diagonal.
    blue = """e => {
      const w = e.width, h = e.height, d = e.getContext("2d").getImageData(0, 0, w, h).data, n = Array(9).fill(0);
      for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
        const i = 4 * (y * w + x);
        if (d[i + 3] > 60 && d[i + 2] > d[i] + 60) n[3 * Math.floor(3 * y / h) + Math.floor(3 * x / w)]++;
      }
      return n;
    }"""
    box = plot.bounding_box()
    print(box, plot.evaluate("e => e.tagName"))
    before = plot.evaluate(blue)
    page.screenshot(path=os.path.join(shots, "brush-1-%s.png" % sys.argv[3]))
    x, y = box["x"] + .12 * box["width"], box["y"] + .40 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, 11):
        page.mouse.move(x + .008 * i * box["width"], y + .024 * i * box["height"])
        page.wait_for_timeout(20)
    page.mouse.up()
    page.wait_for_timeout(800)
    after = plot.evaluate(blue)
    page.screenshot(path=os.path.join(shots, "brush-2-%s.png" % sys.argv[3]))
    print("blue pixels by panel, before and after the brush:", before, after)
    for panel in [0, 3, 4, 6, 7, 8]:
        assert after[panel] < .8 * before[panel], (panel, before, after)
    assert all(after[p] > 0 for p in [0, 3, 6, 7]), after
    assert not page.wrongs, page.wrongs
lap("end")
