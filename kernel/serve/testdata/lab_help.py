"""JupyterLab in a headless Chromium: pop-ups of help, pictures and tables of last expressions, cells that fail."""

import sys

import labdriver
import nbformat as nf

path, shot = sys.argv[1:3]
nb = nf.v4.new_notebook(metadata={"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}})
CELLS = [
    "m := image.NewRGBA(image.Rect(0, 0, 48, 32))\nfor i := range 48 {\n\tfor j := range 32 {\n\t\tm.Set(i, j, color.RGBA{uint8(5 * i), uint8(8 * j), 128, 255})\n\t}\n}\nm",
    "curve := plot.New()\ncurve.Title.Text = \"A parabola\"\npoints := make(plotter.XYs, 20)\nfor i := range points {\n\tpoints[i] = plotter.XY{X: float64(i), Y: float64(i * i)}\n}\nline, err := plotter.NewLine(points)\nif err != nil {\n\tpanic(err)\n}\ncurve.Add(line)\ncurve",
    "mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6.5})",
    "f, err := os.Create(\"kept.txt\")\nfmt.Fprintln(f, \"one\", err)",
    "fmt.Fprintln(f, \"two\")",
    "n := strconv.Itoa(3) + 4",
    "func deep(n int) int {\n\tif n == 0 {\n\t\tpanic(\"too deep\")\n\t}\n\treturn deep(n - 1)\n}\ndeep(3)",
    "errors.New(\"only a value\")",
    "draw?",
]
nb.cells = [nf.v4.new_code_cell(c, metadata={"tags": ["raises-exception"]}) for c in CELLS]
WORDS = {"draw": "draw(sampler, posterior, n)", "train": "train(trainer, input", "seed": "The notebook's seed", "ctx": "This cell's context", "rand": "math/rand/v2"}
nb.cells += [nf.v4.new_code_cell(w) for w in WORDS]
nf.write(nb, "t.ipynb")

with labdriver.server() as url, labdriver.chromium(path) as browser:
    page = labdriver.open_notebook(browser, url, "t.ipynb", 2400)
    for i in range(len(CELLS)):
        page.evaluate("i => { const n = window.jupyterapp.shell.currentWidget.content; n.activeCellIndex = i; return window.jupyterapp.commands.execute('notebook:run-cell') }", i)
        labdriver.wait_idle(page)
    page.wait_for_timeout(500)
    outputs = page.eval_on_selector_all(".jp-CodeCell", "e => e.map(c => Array.from(c.querySelectorAll('.jp-OutputArea-output')).map(x => x.innerText).join('\\n'))")
    page.screenshot(path=shot)
    picture = page.eval_on_selector(".jp-CodeCell:nth-child(1) .jp-OutputArea-output img, .jp-CodeCell .jp-OutputArea-output img[src^='data:image/png']", "e => [e.naturalWidth, e.naturalHeight]")
    assert picture == [48, 32], picture
    assert page.query_selector(".jp-OutputArea-output svg, .jp-OutputArea-output img[src^='data:image/svg']"), "no plot"
    assert page.eval_on_selector_all(".jp-OutputArea-output table td", "e => e.map(x => x.textContent)")[-1] == "6.5"
    for i, want in {3: "f is gone after this cell", 4: "f is gone: the *os.File of cell 4 was not kept", 5: "mismatched types", 6: "too deep", 7: "only a value", 8: "draw(sampler, posterior, n)"}.items():
        assert want in outputs[i], (i, outputs[i])
    assert "cell[7]:3" in outputs[6] and "cell[7]:7" in outputs[6] and "runtime" not in outputs[6], outputs[6]

    # Shift-Tab on a word.
    for k, (word, want) in enumerate(WORDS.items()):
        page.evaluate("i => { const n = window.jupyterapp.shell.currentWidget.content; n.activeCellIndex = i; n.mode = 'edit'; n.activeCell.editor.focus(); n.activeCell.editor.setCursorPosition({line: 0, column: 2}) }", len(CELLS) + k)
        page.keyboard.press("Shift+Tab")
        page.wait_for_selector(".jp-Tooltip", timeout=20_000)
        page.wait_for_timeout(200)
        text = page.eval_on_selector(".jp-Tooltip", "e => e.innerText")
        assert want in text, (word, text)
        if word == "draw":
            page.screenshot(path=shot.replace(".png", "-help.png"))
        page.keyboard.press("Escape")
        page.wait_for_timeout(200)
    assert not page.wrongs, page.wrongs
print("help, pictures and errors as expected")
