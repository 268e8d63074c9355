"""Run a notebook of every kind of output with nbclient and compare."""

import nbformat as nf
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

METADATA = {"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}


def notebook(*cells):
    nb = nf.v4.new_notebook(metadata=METADATA)
    nb.cells = [nf.v4.new_code_cell(c) for c in cells]
    return nb


nb = notebook(
    'x := []float64{1, 2, 3}\nfmt.Println("hello", len(x))',
    "x[0] = 40\nx[0] + 2",
    'gonbui.DisplayHTML("<b>rich</b>")',
    "func triple(n int) int { return 3 * n }",
    "triple(7)",
)
NotebookClient(nb, timeout=120).execute()
nf.validate(nb)
outs = [c.outputs for c in nb.cells]
assert outs[0][0]["text"] == "hello 3\n", outs[0]
assert outs[1][0]["output_type"] == "execute_result" and outs[1][0]["data"]["text/plain"] == "42", outs[1]
assert outs[1][0]["execution_count"] == 2
assert outs[2][0]["data"]["text/html"] == "<b>rich</b>", outs[2]
assert outs[3] == [], outs[3]
assert outs[4][0]["data"]["text/plain"] == "21", outs[4]

bad = notebook("y := 1", "y := []int{}[y]", "y")
try:
    NotebookClient(bad, timeout=120).execute()
    raise SystemExit("a failing cell did not stop the run")
except CellExecutionError as e:
    assert e.ename == "panic" and "index out of range" in e.evalue, e
    assert "cell[2]:1" in str(e), e
assert [len(c.outputs) for c in bad.cells] == [0, 1, 0]

slow = notebook("for {}")
client = NotebookClient(slow, timeout=2, interrupt_on_timeout=True)
try:
    client.execute()
except CellExecutionError as e:
    assert e.ename == "interrupted", e
assert slow.cells[0].outputs[0]["ename"] == "interrupted", slow.cells[0].outputs

print("all outputs as expected")
