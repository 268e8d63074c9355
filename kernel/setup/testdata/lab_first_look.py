"""Open a JupyterLab in a headless Chromium as a new user does: nothing pops up."""

import sys

from playwright.sync_api import sync_playwright

chromium, url = sys.argv[1:3]
POPUPS = "() => Array.from(document.querySelectorAll('.Toastify__toast, .jp-Dialog')).map(e => e.innerText)"

with sync_playwright() as pw:
    browser = pw.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto(url)
    page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored", timeout=90_000)
    page.wait_for_selector(".jp-LauncherCard, .jp-Notebook", timeout=60_000)
    seen = []
    for _ in range(12):
        page.wait_for_timeout(500)
        seen += page.evaluate(POPUPS)
    assert not seen, seen
    page.evaluate("() => { window.jupyterapp.commands.execute('apputils:notify', {message: 'one of ours', type: 'info', options: {autoClose: 20000}}) }")
    page.wait_for_timeout(1000)
    assert any("one of ours" in s for s in page.evaluate(POPUPS)), "pop-ups are not found where there are some"
    browser.close()
print("nothing pops up")
