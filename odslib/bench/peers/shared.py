"""What both peers share: the formula of weights and inputs, and the conversation with the bench.

The program after this one defines cases, a dict from a case's name to a function of the request -> (once, per, check), and
calls converse with them. once() runs a repetition and leaves its result on the host; per is how many operations it holds.
version() says what runs.
"""
import json
import math
import sys
import time

import numpy as np

BATCH, IMAGES, LOOP, IMAGE_LOOP = 1024, 32, 25, 5
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def fill(*shape, std=1.0):
    u = np.sin(np.arange(1, math.prod(shape) + 1, dtype=np.float64)) * 43758.5453
    return (std * math.sqrt(12) * (u - np.floor(u) - 0.5)).astype(np.float32).reshape(shape)


def weight(*shape):
    return fill(*shape, std=1 / math.sqrt(math.prod(shape[:-1])))


def mlp_weights():
    sizes = [18, 128, 128, 128, 2]
    return [(weight(i, o), np.zeros(o, np.float32)) for i, o in zip(sizes, sizes[1:])]


def frequencies(width):
    half = width // 2
    return np.array([200 ** (i / (half - 1)) for i in range(half)], np.float32)


def unet_weights(ch=32, time=64):
    """Residual blocks are (norm, conv, time, norm, conv, skip or None), kernels HWIO."""
    norm = lambda c: (np.ones(c, np.float32), np.zeros(c, np.float32))
    dense = lambda i, o: (weight(i, o), np.zeros(o, np.float32))
    conv = lambda i, o: (weight(3, 3, i, o), np.zeros(o, np.float32))

    def block(i, o):
        w = dict(norm0=norm(i), conv0=conv(i, o), time=dense(4 * ch, o), norm1=norm(o), conv1=conv(o, o))
        if i != o:
            w["skip"] = dense(i, o)
        return w

    return dict(time=dense(time, 4 * ch), first=conv(1, ch), down=block(ch, ch), below=block(ch, 2 * ch),
                middle=block(2 * ch, 2 * ch), up=block(3 * ch, ch), norm=norm(ch), last=conv(ch, 1))


def alpha_sigma(t, s=0.008):
    """The cosine schedule, as diffusion.VPCosine."""
    f = lambda t: math.cos(math.pi / 2 * (t + s) / (1 + s))
    a = f(t) / f(0)
    return a, math.sqrt(1 - a * a)


def converse(cases, version):
    ready = None
    for line in sys.stdin:
        try:
            q = json.loads(line)
            if q.get("set_up"):
                ready = cases[q["set_up"]](q)
                answer = dict(version=version(), check=float(ready[2]))
            else:
                once, per, _ = ready
                once()
                ms, start = [], time.perf_counter()
                while not ms or time.perf_counter() - start < q["seconds"]:
                    t = time.perf_counter()
                    once()
                    ms.append((time.perf_counter() - t) * 1e3 / per)
                answer = dict(ms=ms)
        except Exception as e:  # one line for the bench, whatever it is
            answer = dict(error=f"{type(e).__name__}: {e}".splitlines()[0])
        print(json.dumps(answer), flush=True)
