"""A generator and a denoiser in another process, with Python's library alone, and the ways in which they fail.

    python3 external.py generator | denoiser | dies | shape | hangs | chatter | error | half | endless
"""
import array
import json
import math
import sys
import time

mode = sys.argv[1]
inp, out = sys.stdin.buffer, sys.stdout.buffer


def rows(flat, n):
    width = len(flat) // n
    return [flat[i * width:(i + 1) * width] for i in range(n)]


while line := inp.readline():
    ask = json.loads(line)
    n = ask["shape"][0]
    x = array.array("f", inp.read(4 * math.prod(ask["shape"])))
    if mode == "generator":  # three values from two
        shape, y = [n, 3], [v for a, b in rows(x, n) for v in (a + 1, 2 * b, a * b)]
    elif mode == "denoiser":  # of N(3, .25 I)
        a, s, v = ask["alpha"], ask["sigma"], .25
        shape, y = ask["shape"], [3 + a * v / (a * a * v + s * s) * (u - a * 3) for u in x]
    elif mode == "dies":
        sys.exit("the weights are on another disk")
    elif mode == "shape":
        shape, y = [n, 2], list(x)[:2 * n]
    elif mode == "hangs":
        time.sleep(600)
    elif mode == "chatter":
        out.write(b"loading the model ...\n")
        shape, y = [n, 3], [0] * 3 * n
    elif mode == "error":
        out.write(b'{"error":"out of memory"}\n')
        out.flush()
        continue
    elif mode == "half":
        out.write(json.dumps({"shape": [n, 3]}).encode() + b"\n\0\0\0")
        out.flush()
        sys.exit(0)
    elif mode == "endless":
        while True:
            out.write(b"x" * 65536)
    out.write(json.dumps({"shape": shape}).encode() + b"\n" + array.array("f", y).tobytes())
    out.flush()
