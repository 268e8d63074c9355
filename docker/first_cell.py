"""Inside the image: JupyterLab starts as `docker run` starts it, and a kernel of its own runs a first cell and a first draw.

What docker/test.sh runs; it prints how long each takes, and ends with a line where the port is taken.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid

import websocket

LAB = ["odslab", "lab", "-no-browser", "--", "--ip=127.0.0.1", "--port=8888", "--ServerApp.port_retries=0"]
LIMITS = {"kernel start to first print": 1, "first draw": 8}

# The port is taken: one line, and no server.
with socket.socket() as taken:
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", 8888))
    taken.listen()
    said = subprocess.run(LAB, capture_output=True, text=True, timeout=120)
    lines = [line for line in said.stderr.splitlines() if line.startswith("odslab:")]
    assert said.returncode == 1 and len(lines) == 1 and "8888" in lines[0], said
    print("port taken:", lines[0])

lab = subprocess.Popen(LAB, stdout=subprocess.PIPE, text=True)
url, token = re.search(r"(http://\S+?)/lab\?token=(\S+)", lab.stdout.readline()).groups()
url = re.sub(r"//[^:/]+", "//127.0.0.1", url)


def ask(method, path, body=None):
    request = urllib.request.Request(url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"token {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read() or "null")


def run(channel, code):
    id = uuid.uuid4().hex
    header = {"msg_id": id, "msg_type": "execute_request", "username": "", "session": id, "version": "5.3", "date": ""}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    channel.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}))
    said = ""
    while True:
        text = channel.recv()
        if isinstance(text, bytes):
            continue
        message = json.loads(text)
        if message["parent_header"].get("msg_id") != id:
            continue
        if message["msg_type"] == "error":
            sys.exit("\n".join(message["content"]["traceback"]))
        if message["msg_type"] in ("stream", "display_data", "execute_result"):
            said += json.dumps(message["content"])
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return said


def kernel():
    """Starts a kernel and prints a line in it."""
    began = time.time()
    id = ask("POST", "/api/kernels", {"name": "odslab"})["id"]
    channel = websocket.create_connection(f"{url.replace('http', 'ws')}/api/kernels/{id}/channels?token={token}", timeout=120)
    assert "hello" in run(channel, 'fmt.Println("hello")')
    return id, channel, time.time() - began


try:
    page = urllib.request.urlopen(f"{url}/lab?token={token}", timeout=60).read()
    assert b"JupyterLab" in page or b"jupyter-config-data" in page, page[:300]
    id, channel, first = kernel()
    cells = [c for c in json.load(open("/opt/odslab/source/notebooks/01-first-posterior.ipynb"))["cells"] if c["cell_type"] == "code"]
    times = []
    for c in cells[:3]:
        began = time.time()
        assert "image/" in run(channel, "".join(c["source"]))
        times.append(time.time() - began)
    ask("DELETE", f"/api/kernels/{id}")
    again = kernel()[2]
    print(f"JupyterLab: kernel start to first print {first:.2f} s, a second kernel's {again:.2f} s, notebook 01's first three cells, two draws in them, {', '.join(f'{t:.2f}' for t in times)} s")
    took = {"kernel start to first print": min(first, again), "first draw": sum(times)}
    if os.environ.get("ODSLAB_GATES"):
        for what, limit in LIMITS.items():
            assert took[what] <= limit, f"{what}: {took[what]:.2f} s, more than {limit}"
finally:
    lab.send_signal(signal.SIGTERM)
    lab.wait(30)
