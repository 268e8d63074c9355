"""Open notebooks in JupyterLab in a headless Chromium, run them, look at them."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

chromium, shots = sys.argv[1:3]
here = os.getcwd()
start = time.time()

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
url = "http://127.0.0.1:%d" % port
lab = subprocess.Popen(
    [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=%d" % port,
     "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=", "--allow-root",
     "--ServerApp.root_dir=" + here, "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
     "--LabServerApp.notifications=False", "--ServerApp.disable_check_xsrf=True"],
    stdout=open("lab.log", "wb"), stderr=subprocess.STDOUT,
)
STATUS = """() => {
  const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const k = w && w.sessionContext && w.sessionContext.session && w.sessionContext.session.kernel;
  return k ? k.connectionStatus + " " + k.status : "no kernel yet";
}"""
# What every code cell has said: its prompt, whether it failed, how many figures it shows. The model is asked, because
# JupyterLab draws only the cells in view.
CELLS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
  .filter(c => c.cell_type === "code").map(c => {
    const outs = c.getOutputs();
    return [c.execution_count, outs.filter(o => o.output_type === "error").map(o => o.evalue).join(),
            outs.filter(o => o.data && (o.data["image/svg+xml"] || o.data["image/png"])).length];
  })"""
try:
    for _ in range(600):
        try:
            urllib.request.urlopen(url + "/api")
            break
        except OSError:
            if lab.poll() is not None:
                raise SystemExit("JupyterLab does not start:\n" + open("lab.log").read())
            time.sleep(0.1)
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        for name in sys.argv[3:]:
            page = browser.new_page(viewport={"width": 1200, "height": 1400})
            errors = []
            page.on("pageerror", lambda e: errors.append(str(e)))
            page.goto("%s/lab/tree/%s?reset" % (url, name))
            page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
            page.wait_for_function("() => (%s)() === 'connected idle'" % STATUS, timeout=60_000)
            page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
            page.wait_for_function("() => { const c = (%s)(); return c[c.length - 1][0] !== null || c.some(x => x[1]) }" % CELLS, timeout=220_000)
            page.wait_for_function("() => (%s)() === 'connected idle'" % STATUS, timeout=60_000)
            cells = page.evaluate(CELLS)
            failed = [c for c in cells if c[1]]
            assert not failed, failed
            assert [c[0] for c in cells] == list(range(1, len(cells) + 1)), cells
            assert sum(c[2] for c in cells) >= 5, cells
            page.evaluate("() => { window.jupyterapp.commands.execute('notebook:move-cursor-up'); const c = window.jupyterapp.shell.currentWidget.content; c.activeCellIndex = 4; c.scrollToItem(4) }")
            page.wait_for_timeout(1500)
            page.screenshot(path=os.path.join(shots, name.replace(".ipynb", ".png")))
            assert page.locator(".jp-OutputArea-output svg, .jp-OutputArea-output img").count() > 0
            assert not errors, errors
            page.close()
            print("%s: %d cells, %d figures, %.0f s" % (name, len(cells), sum(c[2] for c in cells), time.time() - start), flush=True)
        browser.close()
finally:
    lab.terminate()
    try:
        lab.wait(15)
    except subprocess.TimeoutExpired:
        lab.kill()
