"""Trains the network of the recipe "digits" in JAX, and prints its held-out denoising loss.

    go run ./odslib/priors/recipe -name digits -data digits.safetensors
    python odslib/priors/recipe/peer.py digits.safetensors [steps]

Same data and split, architecture, schedule, optimiser and number of steps; other random numbers. Needs jax and numpy.
"""
import json, struct, sys, time
from functools import partial

import jax, jax.numpy as jnp, numpy as np

HIDDEN, LAYERS, TIME, BATCH = 256, 4, 64, 128
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
PEAK, WARMUP, DECAY, CLIP, EMA, SEED = 2e-3, 100, 4000, 1.0, .999, 1


def read(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + n])
    out = {}
    for name, t in head.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(raw[8 + n + a:8 + n + b], "<f4").reshape(t["shape"][0], -1)
    return out


data = read(sys.argv[1])
train, held = data["train"], data["held"]
D = train.shape[1]


def alpha(t):  # cosine schedule, Nichol & Dhariwal, scaled to 1 at t=0
    o = .008
    a = np.cos(.5 * np.pi * (t + o) / (1 + o)) / np.cos(.5 * np.pi * o / (1 + o))
    return np.clip(a, 0, 1)


lo, hi = 0., 1.  # the noisiest time: where alpha is 1e-3
for _ in range(60):
    mid = .5 * (lo + hi)
    lo, hi = (mid, hi) if alpha(mid) >= 1e-3 else (lo, mid)
TOP = lo


def init(rng):
    p = {}

    def dense(name, i, o, scale=1.):
        p[name + "/w"] = (scale * i ** -.5 * rng.standard_normal((i, o))).astype(np.float32)
        p[name + "/b"] = np.zeros(o, np.float32)

    def norm(name):
        p[name + "/scale"], p[name + "/shift"] = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)

    dense("in", D, HIDDEN)
    dense("time", TIME, HIDDEN)
    for l in range(1, LAYERS):
        norm(f"{l}/norm")
        dense(f"{l}/0", HIDDEN, HIDDEN)
        dense(f"{l}/time", TIME, HIDDEN)
        dense(f"{l}/1", HIDDEN, HIDDEN)
    norm("norm")
    dense("out", HIDDEN, D, 0.)
    return {k: jnp.asarray(v) for k, v in p.items()}


FREQ = jnp.asarray(200. ** (np.arange(TIME // 2) / (TIME // 2 - 1)), jnp.float32)


def net(p, x, t):
    def dense(name, v):
        return v @ p[name + "/w"] + p[name + "/b"]

    def norm(name, v):
        v = v - v.mean(1, keepdims=True)
        return v / jnp.sqrt((v * v).mean(1, keepdims=True) + 1e-5) * p[name + "/scale"] + p[name + "/shift"]

    w = t[:, None] * FREQ
    time = jnp.concatenate([jnp.sin(w), jnp.cos(w)], 1)
    h = dense("in", x) + dense("time", time)
    for l in range(1, LAYERS):
        h = h + dense(f"{l}/1", jax.nn.silu(dense(f"{l}/0", norm(f"{l}/norm", h)) + dense(f"{l}/time", time)))
    return dense("out", jax.nn.silu(norm("norm", h)))


def loss(p, x0, eps, t, a, s):
    x = a[:, None] * x0 + s[:, None] * eps
    return jnp.mean((net(p, x, t) - (a[:, None] * eps - s[:, None] * x0)) ** 2)


@partial(jax.jit, donate_argnums=0)
def step(state, x0, t, a, s, rate, count, decay):
    p, m, v, avg, key = state
    key, k = jax.random.split(key)
    l, g = jax.value_and_grad(loss)(p, x0, jax.random.normal(k, x0.shape), t, a, s)
    size = jnp.sqrt(sum(jnp.sum(x * x) for x in jax.tree.leaves(g)))
    g = jax.tree.map(lambda x: x * CLIP / jnp.maximum(size, CLIP), g)
    m = jax.tree.map(lambda m, g: .9 * m + .1 * g, m, g)
    v = jax.tree.map(lambda v, g: .999 * v + .001 * g * g, v, g)
    c1, c2 = 1 - .9 ** count, 1 - .999 ** count
    p = jax.tree.map(lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), p, m, v)
    avg = jax.tree.map(lambda a, p: a + (1 - decay) * (p - a), avg, p)
    return (p, m, v, avg, key), l


def rate(k):
    warm = min(WARMUP, DECAY // 2)
    if k < warm:
        return PEAK * (k + 1) / warm
    return PEAK * .5 * (1 + np.cos(np.pi * min(1, (k - warm) / (DECAY - warm))))


rng = np.random.default_rng(SEED)
p = init(rng)
zeros = lambda: jax.tree.map(jnp.zeros_like, p)
state = (p, zeros(), zeros(), jax.tree.map(jnp.copy, p), jax.random.key(SEED))
order, at, start = rng.permutation(len(train)), 0, None
for k in range(STEPS):
    index = []
    while len(index) < BATCH:
        if at == len(order):
            order, at = rng.permutation(len(train)), 0
        index.append(order[at])
        at += 1
    t = TOP * (1e-3 + (1 - 1e-3) * (np.arange(BATCH) + rng.random(BATCH)) / BATCH)
    a = alpha(t)
    f = lambda x: np.asarray(x, np.float32)
    state, l = step(state, train[index], f(t), f(a), f(np.sqrt(1 - a * a)), f(rate(k)), f(k + 1), f(min(EMA, (1 + k) / (10 + k))))
    if start is None:
        l.block_until_ready()
        start = time.time()
    if k % (STEPS // 10) == 0:
        print(f"step {k}, loss {float(l):.4f}", flush=True)
jax.block_until_ready(state)
spent, cpu = time.time() - start, time.process_time()

total, levels = 0., 32
for k in range(levels):
    t = TOP * (k + .5) / levels
    a = alpha(t)
    n, one = len(held), lambda v: jnp.full(len(held), v, jnp.float32)
    total += float(loss(state[3], held, rng.standard_normal(held.shape).astype(np.float32), one(t), one(a), one(np.sqrt(1 - a * a)))) / levels
print(f"held-out loss {total:.4f} on {len(held)} samples after {STEPS} steps, {spent / STEPS * 1e3:.2f} ms a step, {cpu:.0f} s of processor time in all")
