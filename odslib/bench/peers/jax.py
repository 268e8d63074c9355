import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_default_prng_impl", "rbg")  # the fastest generator on a CPU


def features(t, width):
    w = t[:, None] * frequencies(width)[None]
    return jnp.concatenate([jnp.sin(w), jnp.cos(w)], 1)


def layers(p, h):
    for w, b in p[:-1]:
        h = jax.nn.silu(h @ w + b)
    return h @ p[-1][0] + p[-1][1]


def net(p, x, t):
    return layers(p, jnp.concatenate([x, features(t, 16)], 1))


def forward(_):
    f, p, x = jax.jit(layers), mlp_weights_(), jnp.asarray(fill(BATCH, 18))
    once = lambda: np.asarray(f(p, x))
    return once, 1, np.abs(once()).mean()


def mlp_weights_():
    return jax.tree.map(jnp.asarray, mlp_weights())


def dps(_):
    p, x = mlp_weights_(), jnp.asarray(fill(BATCH, 2))
    a, s = alpha_sigma(0.5)
    A, y = jnp.asarray([[1.0], [0.5]]), 0.25

    def log_r(x, p, t, a, s):
        x0 = a * x - s * net(p, x, jnp.broadcast_to(t, (BATCH,)))
        return jnp.sum(-0.5 * (y - x0 @ A) ** 2)

    f = jax.jit(jax.grad(log_r))
    once = lambda: np.asarray(f(x, p, np.float32(0.5), np.float32(a), np.float32(s)))
    return once, 1, np.abs(once()).mean()


def reverse(p, carry, row):
    x, key = carry
    key, k = jax.random.split(key)
    t, alpha, sigma, a, b, std = row
    x0 = alpha * x - sigma * net(p, x, jnp.broadcast_to(t, (BATCH,)))
    return (a * x + b * x0 + std * jax.random.normal(k, x.shape), key), None


def sampling(loop):
    def ready(q):
        p, begin, seed = mlp_weights_(), fill(BATCH, 2), [0]
        if loop:
            f = jax.jit(lambda p, x, key, rows: lax.scan(lambda c, r: reverse(p, c, r), (x, key), rows)[0][0])
            rows = jnp.asarray(np.array(q["table"], np.float32))

            def once():
                seed[0] += 1
                return np.asarray(f(p, begin, jax.random.key(seed[0]), rows))
        else:
            f = jax.jit(lambda p, x, key, row: reverse(p, (x, key), row)[0], donate_argnums=(1, 2))
            rows = [np.array(r, np.float32) for r in q["table"]]

            def once():
                seed[0] += 1
                x, key = jnp.asarray(begin), jax.random.key(seed[0])
                for r in rows:
                    x, key = f(p, x, key, r)
                return np.asarray(x)
        return once, 1, np.abs(once()).mean()

    return ready


def adam_step(apply, data):
    rows = (len(data),) + (1,) * (data.ndim - 1)

    def step(state, _):
        p, m, v, count, key = state
        key, k1, k2 = jax.random.split(key, 3)
        t, noise = jax.random.uniform(k1, (len(data),)), jax.random.normal(k2, data.shape)
        x = jnp.cos(t * math.pi / 2).reshape(rows) * data + jnp.sin(t * math.pi / 2).reshape(rows) * noise
        loss, g = jax.value_and_grad(lambda p: jnp.mean((apply(p, x, t) - noise) ** 2))(p)
        count = count + 1
        c1, c2 = 1 - BETA1**count, 1 - BETA2**count
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        p = jax.tree.map(lambda p, m, v: p - RATE / c1 * m / (jnp.sqrt(v / c2) + EPSILON), p, m, v)
        return (p, m, v, count, key), loss

    return step


def training(apply, weights, shape, n):
    def ready(_):
        p = jax.tree.map(jnp.asarray, weights())
        zero = lambda: jax.tree.map(jnp.zeros_like, p)
        step = adam_step(apply, jnp.asarray(fill(*shape)))
        if n > 1:
            f = jax.jit(lambda s: lax.scan(step, s, None, length=n), donate_argnums=0)
        else:
            f = jax.jit(lambda s: step(s, None), donate_argnums=0)
        state = [(p, zero(), zero(), jnp.float32(0), jax.random.key(1))]

        def once():
            state[0], loss = f(state[0])
            return float(np.ravel(loss)[-1])

        return once, n, once()

    return ready


def group_norm(w, x, groups=8):
    y = x.reshape(x.shape[0], -1, groups, x.shape[3] // groups)
    y = y - y.mean((1, 3), keepdims=True)
    y = y / jnp.sqrt((y * y).mean((1, 3), keepdims=True) + 1e-5)
    return y.reshape(x.shape) * w[0] + w[1]


def conv(w, x):
    return lax.conv_general_dilated(x, w[0], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + w[1]


def dense(w, x):
    return x @ w[0] + w[1]


def block(w, x, time):
    h = conv(w["conv0"], jax.nn.silu(group_norm(w["norm0"], x)))
    h = h + dense(w["time"], time)[:, None, None]
    h = conv(w["conv1"], jax.nn.silu(group_norm(w["norm1"], h)))
    return h + (dense(w["skip"], x) if "skip" in w else x)


def unet(w, x, t):
    time = jax.nn.silu(dense(w["time"], features(t, 64)))
    top = block(w["down"], conv(w["first"], x), time)
    n, height, width, c = top.shape
    h = top.reshape(n, height // 2, 2, width // 2, 2, c).sum((2, 4)) * 0.25
    h = block(w["middle"], block(w["below"], h, time), time)
    up = jnp.broadcast_to(h[:, :, None, :, None], (n, height // 2, 2, width // 2, 2, h.shape[3])).reshape(n, height, width, -1)
    h = block(w["up"], jnp.concatenate([up, top], 3), time)
    return conv(w["last"], jax.nn.silu(group_norm(w["norm"], h)))


converse({
    "MLP forward, B=1024": forward,
    "MLP Adam step, B=1024, one call each": training(net, mlp_weights, (BATCH, 2), 1),
    "MLP Adam step, B=1024, 25 in a loop": training(net, mlp_weights, (BATCH, 2), LOOP),
    "100 sampling steps, B=1024, one call each": sampling(False),
    "100 sampling steps, B=1024, in a loop": sampling(True),
    "DPS gradient, B=1024": dps,
    "U-Net 28x28 Adam step, B=32, one call each": training(unet, unet_weights, (IMAGES, 28, 28, 1), 1),
    "U-Net 28x28 Adam step, B=32, 5 in a loop": training(unet, unet_weights, (IMAGES, 28, 28, 1), IMAGE_LOOP),
}, lambda: jax.__version__)
