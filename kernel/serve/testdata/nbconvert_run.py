"""nbconvert executes a notebook and writes a page, where widgets and brushes are pictures."""

import sys

import nbformat as nf
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor

nb = nf.v4.new_notebook(
    metadata={"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}
)
nb.cells = [
    nf.v4.new_code_cell(
        """rng := rand.New(rand.NewPCG(1, 2))
points := [][]float64{}
for range 2000 {
	points = append(points, []float64{rng.NormFloat64(), rng.NormFloat64()})
}"""
    ),
    nf.v4.new_code_cell(
        """interact(func(tilt float64) any {
	moved := [][]float64{}
	for _, p := range points {
		moved = append(moved, []float64{p[0], p[1] + tilt*p[0]})
	}
	return plotting.Density2D(moved, plotting.Names("x", "y"))
}, []float64{-3, 3})"""
    ),
    nf.v4.new_code_cell('plotting.Pair(points, plotting.Names("a", "b")).Interactive()'),
]
nb, _ = ExecutePreprocessor(timeout=120, kernel_name="odslab").preprocess(nb, {})
page, _ = HTMLExporter(embed_images=True).from_notebook_node(nb)
open(sys.argv[1], "w").write(page)
assert "widgets" not in nb.metadata, nb.metadata
outs = [c.outputs for c in nb.cells]
assert list(outs[1][-1].data) == ["text/html", "text/plain"], outs[1][-1].data.keys()
strip = outs[1][-1].data["text/html"]
assert strip.count("<figure") == 5 and strip.count("data:image/svg+xml;base64,") == 5, strip[:2000]
assert "tilt = -1.5" in page and strip[:200] in page
assert "application/vnd.vegalite.v5+json" in outs[2][-1].data
assert page.count("<svg") >= 1 or page.count("image/svg+xml") >= 6, page.count("<svg")
print("strip and still on the page")
