"""JupyterLab on the folder that the script runs in, and a headless Chromium that looks at it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

STATUS = """() => {
  const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const k = w && w.sessionContext && w.sessionContext.session && w.sessionContext.session.kernel;
  return k ? k.connectionStatus + " " + k.status : "no kernel yet";
}"""


@contextlib.contextmanager
def server():
    """The address of a JupyterLab that ends with the block."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    url = "http://127.0.0.1:%d" % port
    lab = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=%d" % port,
         "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=", "--allow-root",
         "--ServerApp.root_dir=" + os.getcwd(), "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
         "--LabServerApp.notifications=False", "--ServerApp.disable_check_xsrf=True"],
        stdout=open("lab.log", "wb"), stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url + "/api")
                break
            except OSError:
                if lab.poll() is not None:
                    raise SystemExit("JupyterLab does not start:\n" + open("lab.log").read())
                time.sleep(0.1)
        yield url
    finally:
        lab.terminate()
        try:
            lab.wait(15)
        except subprocess.TimeoutExpired:
            lab.kill()


@contextlib.contextmanager
def chromium(path):
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


def open_notebook(browser, url, name, height):
    """A page with the notebook, its kernel ready before any cell has run: not "unknown", not "starting"."""
    page = browser.new_page(viewport={"width": 1200, "height": height})
    page.wrongs = []
    page.on("pageerror", lambda e: page.wrongs.append(str(e)))
    page.goto("%s/lab/tree/%s?reset" % (url, name))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
    wait_idle(page)
    return page


def wait_idle(page):
    page.wait_for_function("() => (%s)() === 'connected idle'" % STATUS, timeout=60_000)


def run_all(page):
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
