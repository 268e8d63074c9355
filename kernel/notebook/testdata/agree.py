"""Run a notebook with nbclient and line by line in jupyter console; both must say what `run` has written.

Arguments: the notebook, and the one with outputs that `run` has written.
"""

import os
import re
import sys

import nbformat as nf
import pexpect
from nbclient import NotebookClient

PATH, WRITTEN = sys.argv[1:3]
LIMIT = 60


def said(outputs):
    """What a person sees: prints of one kind in one piece, and no cell's place in memory of the front end."""
    out = []
    for o in outputs:
        if o.output_type == "stream":
            if out and out[-1][:2] == ("stream", o.name):
                out[-1] = ("stream", o.name, out[-1][2] + o.text)
            else:
                out.append(("stream", o.name, o.text))
        elif o.output_type == "error":
            out.append(("error", o.ename, o.evalue, "\n".join(o.traceback)))
        else:
            out.append((o.output_type, {k: v.strip() if isinstance(v, str) else v for k, v in o.data.items()}, o.get("execution_count")))
    return out


run = nf.read(WRITTEN, 4)
client = nf.read(PATH, 4)
NotebookClient(client, timeout=120, allow_errors=True).execute()
assert len(run.cells) == len(client.cells)
for i, (a, b) in enumerate(zip(run.cells, client.cells)):
    assert said(a.outputs) == said(b.outputs), "cell %d:\n%s\n%s" % (i, said(a.outputs), said(b.outputs))
    assert a.execution_count == b.execution_count, (i, a.execution_count, b.execution_count)

console = pexpect.spawn(
    sys.executable, ["-m", "jupyter_console", "--kernel", "odslab", "--simple-prompt"],
    env={**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "PAGER": "cat"},
    encoding="utf-8", timeout=LIMIT, dimensions=(60, 400), echo=False,
)
console.expect(r"In \[1\]: ")
plain = lambda s: re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", s)).strip()
for i, c in enumerate(run.cells, 1):
    console.sendline(c.source)
    console.expect(r"In \[%d\]: " % (i + 1))
    shown = plain(console.before)
    for o in said(c.outputs):
        want = o[2] if o[0] == "stream" else "%s: %s" % o[1:3] if o[0] == "error" else o[1].get("text/plain", "")
        assert plain(want) in shown, "cell %d in the console: %r lacks %r" % (i, shown, plain(want))
console.sendeof()
console.expect("exit")
console.sendline("y")
console.expect(pexpect.EOF)
print("all three agree on %d cells" % len(run.cells))
