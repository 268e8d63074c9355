"""Run notebooks with nbclient; each must leave as many figures as its cells save, three at least."""

import sys
import time

import nbformat
from nbclient import NotebookClient

for path in sys.argv[1:]:
    nb = nbformat.read(path, 4)
    start = time.time()
    NotebookClient(nb, timeout=240).execute()
    nbformat.validate(nb)
    kinds = [k for c in nb.cells if c.cell_type == "code" for o in c.outputs for k in o.get("data", {})]
    figures = sum(k in ("image/svg+xml", "image/png") for k in kinds)
    saved = sum("".join(c.source).count(".SavedAs(") for c in nb.cells if c.cell_type == "code")
    assert figures >= max(3, saved), (path, saved, kinds)
    print("%s: %.0f s, %d figures" % (path, time.time() - start, figures))
