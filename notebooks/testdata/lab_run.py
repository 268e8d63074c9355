"""Open notebooks in JupyterLab in a headless Chromium, run them, look at them."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../kernel/serve/testdata"))
import labdriver

path, shots = sys.argv[1:3]
start = time.time()

# What every code cell has said: its prompt, whether it failed, how many figures it shows. The model is asked, because
# JupyterLab draws only the cells in view.
CELLS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
  .filter(c => c.cell_type === "code").map(c => {
    const outs = c.getOutputs();
    return [c.execution_count, outs.filter(o => o.output_type === "error").map(o => o.evalue).join(),
            outs.filter(o => o.data && (o.data["image/svg+xml"] || o.data["image/png"])).length];
  })"""
with labdriver.server() as url, labdriver.chromium(path) as browser:
    for name in sys.argv[3:]:
        page = labdriver.open_notebook(browser, url, name, 1400)
        labdriver.run_all(page)
        page.wait_for_function("() => { const c = (%s)(); return c[c.length - 1][0] !== null || c.some(x => x[1]) }" % CELLS, timeout=220_000)
        labdriver.wait_idle(page)
        cells = page.evaluate(CELLS)
        failed = [c for c in cells if c[1]]
        assert not failed, failed
        assert [c[0] for c in cells] == list(range(1, len(cells) + 1)), cells
        assert sum(c[2] for c in cells) >= 5, cells
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:move-cursor-up'); const c = window.jupyterapp.shell.currentWidget.content; c.activeCellIndex = 4; c.scrollToItem(4) }")
        page.wait_for_timeout(1500)
        page.screenshot(path=os.path.join(shots, name.replace(".ipynb", ".png")))
        assert page.locator(".jp-OutputArea-output svg, .jp-OutputArea-output img").count() > 0
        assert not page.wrongs, page.wrongs
        page.close()
        print("%s: %d cells, %d figures, %.0f s" % (name, len(cells), sum(c[2] for c in cells), time.time() - start), flush=True)
