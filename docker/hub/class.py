"""What docker/hub/test.sh asks of a running hub: users by its REST interface, and a kernel of each at work at once.

    class.py URL TOKEN short|"" USER…
"""

import asyncio
import json
import os
import pwd
import sys
import time
import uuid

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

url, token, short, *users = sys.argv[1:]
headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
limit = 150  # MB of private memory of all kernel processes of a user, idle


async def ask(method, path, body=None):
    request = HTTPRequest(url + path, method=method, headers=headers, body=None if body is None else json.dumps(body),
                          allow_nonstandard_methods=True, request_timeout=120)
    response = await AsyncHTTPClient().fetch(request)
    return json.loads(response.body) if response.body else None


async def until(what, seconds, check):
    end = time.time() + seconds
    while True:
        try:
            if found := await check():
                return found
        except (HTTPClientError, ConnectionError, OSError):
            pass
        if time.time() > end:
            sys.exit(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.2)


def first_cells():
    cells = [c for c in json.load(open("notebooks/01-first-posterior.ipynb"))["cells"] if c["cell_type"] == "code"]
    return ["".join(c["source"]) for c in cells[: 1 if short else 3]]


async def student(user, start):
    began = time.time()
    await ask("POST", f"/hub/api/users/{user}/server", {})
    await until(f"server of {user}", 180, lambda: ready(user))
    served = time.time() - began
    specs = await until(f"kernelspecs of {user}", 60, lambda: ask("GET", f"/user/{user}/api/kernelspecs"))
    assert "odslab" in specs["kernelspecs"], specs
    await start.wait()  # all servers are there
    began = time.time()
    kernel = await ask("POST", f"/user/{user}/api/kernels", {"name": "odslab"})
    socket = await websocket_connect(HTTPRequest(f"{url.replace('http', 'ws')}/user/{user}/api/kernels/{kernel['id']}/channels", headers=headers),
                                     max_message_size=1 << 27)
    assert "7" in await run(socket, "me := 3 + 4\nfmt.Println(me)", user)
    first = time.time() - began
    times = []
    for source in first_cells():
        began = time.time()
        said = await run(socket, source, user)
        assert "image/" in said, (user, source, said[:500])
        times.append(time.time() - began)
    # Their own kernel and folder: each finds what it made itself.
    assert user in await run(socket, 'os.WriteFile("mine", nil, 0o644); wd, _ := os.Getwd(); fmt.Println(wd)', user)
    return served, first, times


async def ready(user):
    return (await ask("GET", f"/hub/api/users/{user}"))["servers"].get("", {}).get("ready")


async def run(socket, code, user):
    """All that a cell has shown, as text; an error ends the test."""
    id = uuid.uuid4().hex
    header = {"msg_id": id, "msg_type": "execute_request", "username": "", "session": id, "version": "5.3", "date": ""}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
    await socket.write_message(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}))
    said = []
    while True:
        text = await asyncio.wait_for(socket.read_message(), 300)
        if text is None:
            sys.exit(f"{user}: the kernel's connection has closed")
        if isinstance(text, bytes):
            continue
        message = json.loads(text)
        if message["parent_header"].get("msg_id") != id:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            sys.exit(f"{user}: {content['ename']}: {content['evalue']}\n" + "\n".join(content["traceback"]))
        if kind in ("stream", "display_data", "execute_result"):
            said.append(json.dumps(content))
        if kind == "status" and content["execution_state"] == "idle":
            return "\n".join(said)


def memory(user):
    """Private memory of a user's kernel processes by name, in MB: what another user's kernel adds to a machine."""
    uid, found = pwd.getpwnam(user).pw_uid, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid != uid:
                continue
            name = open(f"/proc/{pid}/comm").read().strip()
            lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/smaps_rollup") if ":" in line)
        except (OSError, ValueError):
            continue
        if name.startswith(("python", "jupyter")):  # the server, of Jupyter and not of the kernel
            continue
        private = sum(int(lines[k].split()[0]) for k in ("Private_Clean", "Private_Dirty")) / 1024
        found[name] = found.get(name, 0) + private
    return found


async def main():
    await until("the hub", 60, lambda: ask("GET", "/hub/api/"))
    await ask("POST", "/hub/api/users", {"usernames": users})
    print("== three kernels at once")
    start = asyncio.Event()
    tasks = [asyncio.create_task(student(user, start)) for user in users]
    await until("all servers", 200, all_ready)
    start.set()
    for user, (served, first, times) in zip(users, await asyncio.gather(*tasks)):
        print(f"{user}: server in {served:.1f} s, first print {first:.1f} s, cells {', '.join(f'{t:.1f}' for t in times)} s")
    await asyncio.sleep(20)  # idle
    for user in users:
        parts = memory(user)
        total = sum(parts.values())
        print(f"{user}: {total:.0f} MB private: " + ", ".join(f"{k} {v:.0f}" for k, v in sorted(parts.items(), key=lambda p: -p[1])))
        assert parts and total <= limit, f"more than {limit} MB"
    for user in users:
        await ask("DELETE", f"/hub/api/users/{user}/server")


async def all_ready():
    return all([await ready(user) for user in users])


asyncio.run(main())
