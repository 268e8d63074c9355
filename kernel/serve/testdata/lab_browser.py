"""Open a notebook in JupyterLab in a headless Chromium, run it, look at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat as nf
from playwright.sync_api import sync_playwright

chromium, shot = sys.argv[1:3]
here = os.getcwd()
start = time.time()


def lap(what):
    print("%6.2f s  %s" % (time.time() - start, what), flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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

port = free_port()
url = "http://127.0.0.1:%d" % port
log = open("lab.log", "wb")
lab = subprocess.Popen(
    [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=%d" % port,
     "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=", "--allow-root",
     "--ServerApp.root_dir=" + here, "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
     "--LabServerApp.notifications=False", "--ServerApp.disable_check_xsrf=True"],
    stdout=log, stderr=log,
)
STATUS = """() => {
  const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const k = w && w.sessionContext && w.sessionContext.session && w.sessionContext.session.kernel;
  return k ? k.connectionStatus + " " + k.status : "no kernel yet";
}"""
try:
    for _ in range(600):
        try:
            urllib.request.urlopen(url + "/api")
            break
        except OSError:
            if lab.poll() is not None:
                raise SystemExit("JupyterLab does not start:\n" + open("lab.log").read())
            time.sleep(0.1)
    lap("server up")
    with sync_playwright() as pw:
        browser = pw.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1250})
        errors = []
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(url + "/lab/tree/t.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        lap("notebook shown")
        # Ready before any cell has run: not "unknown", not "starting".
        page.wait_for_function("() => (%s)() === 'connected idle'" % STATUS, timeout=60_000)
        lap("kernel idle")
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.wait_for_selector(".jp-OutputArea-output #htmlmark", timeout=90_000)
        page.wait_for_selector(".jp-OutputArea-output img[src^='data:image/png']", timeout=60_000)
        page.wait_for_selector(".jp-OutputArea-output #svgmark, .jp-OutputArea-output img[src*='svg']", timeout=60_000)
        page.wait_for_selector(".jp-OutputArea-output mjx-container", timeout=60_000)
        lap("html, png, svg and latex shown")
        page.wait_for_selector(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'], .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']", timeout=60_000)
        page.wait_for_function("() => (%s)() === 'connected idle'" % STATUS, timeout=60_000)
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
        assert not errors, errors
        browser.close()
finally:
    lab.terminate()
    try:
        lab.wait(15)
    except subprocess.TimeoutExpired:
        lab.kill()
lap("end")
