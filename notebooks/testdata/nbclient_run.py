"""Run notebooks with nbclient; each must leave at least five figures."""

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
    assert figures >= 5, (path, kinds)
    print("%s: %.0f s, %d figures" % (path, time.time() - start, figures))
