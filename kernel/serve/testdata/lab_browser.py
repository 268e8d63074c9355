"""Open a notebook in JupyterLab in a headless Chromium, run it, look at it."""

import sys
import time

import labdriver
import nbformat as nf

path, shot = sys.argv[1:3]
start = time.time()


def lap(what):
    print("%6.2f s  %s" % (time.time() - start, what), flush=True)


nb = nf.v4.new_notebook(
    metadata={"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}
)
nb.cells = [
    nf.v4.new_markdown_cell("# A notebook in Go"),
    nf.v4.new_code_cell('words := strings.Fields("plain Go, no imports")\nfmt.Println("hello from go:", len(words), "words")'),
    nf.v4.new_code_cell("words"),
    nf.v4.new_code_cell(
        """gonbui.DisplayHTML("<b id='htmlmark'>rich HTML</b>")
gonbui.DisplaySVG(`<svg xmlns="http://www.w3.org/2000/svg" id="svgmark" width="120" height="40"><circle cx="20" cy="20" r="18" fill="teal"/></svg>`)
m := image.NewRGBA(image.Rect(0, 0, 64, 64))
for i := range 64 {
	for j := range 64 {
		m.Set(i, j, color.RGBA{uint8(4 * i), uint8(4 * j), 128, 255})
	}
}
gonbui.DisplayImage(m)
gonbui.DisplayMarkdown("$$\\\\sum_i x_i^2$$")"""
    ),
    nf.v4.new_code_cell('fmt.Println("before")\nwords[len(words)]'),
    nf.v4.new_code_cell('fmt.Println("must not run")'),
]
nf.write(nb, "t.ipynb")

with labdriver.server() as url, labdriver.chromium(path) as browser:
    lap("server up")
    page = labdriver.open_notebook(browser, url, "t.ipynb", 1250)
    lap("kernel idle")
    labdriver.run_all(page)
    page.wait_for_selector(".jp-OutputArea-output #htmlmark", timeout=90_000)
    page.wait_for_selector(".jp-OutputArea-output img[src^='data:image/png']", timeout=60_000)
    page.wait_for_selector(".jp-OutputArea-output #svgmark, .jp-OutputArea-output img[src*='svg']", timeout=60_000)
    page.wait_for_selector(".jp-OutputArea-output mjx-container", timeout=60_000)
    lap("html, png, svg and latex shown")
    page.wait_for_selector(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'], .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']", timeout=60_000)
    labdriver.wait_idle(page)
    lap("error shown, kernel idle")
    page.wait_for_timeout(500)
    outputs = page.eval_on_selector_all(".jp-OutputArea-output", "e => e.map(x => x.innerText)")
    prompts = page.eval_on_selector_all(".jp-CodeCell .jp-InputPrompt", "e => e.map(x => x.textContent)")
    text = "\n".join(outputs)
    page.screenshot(path=shot)
    lap("picture taken")
    assert "hello from go: 4 words" in text, text
    assert '[]string{"plain", "Go,", "no", "imports"}' in text, text
    assert "index out of range [4] with length 4" in text, text
    assert "words[len(words)]" in text, text
    assert "must not run" not in text, text
    size = page.eval_on_selector(".jp-OutputArea-output img[src^='data:image/png']", "e => [e.naturalWidth, e.naturalHeight]")
    assert size == [64, 64], size
    assert prompts == ["[1]:", "[2]:", "[3]:", "[4]:", "[ ]:"], prompts
    assert not page.wrongs, page.wrongs
lap("end")
