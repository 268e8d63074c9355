"""Exports a small generator and a small denoiser from JAX, with their vector-Jacobian products, as priors.OpenExported reads them.

    python odslib/priors/testdata/exported/export.py odslib/priors/testdata/exported

export(path, f, *shapes) is all that one's own model needs. For each model three files are written: NAME.json (shapes, platform,
version, sums), NAME.mlirbc (StableHLO), NAME.vjp.mlirbc (the same with a cotangent as last input: value and product by the first
input). NAME.check.json has inputs and what JAX makes of them.
"""
import hashlib
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")  # no folders of this machine in what is handed on


def export(path, f, *shapes, platform="cpu"):
    args = [jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes]
    f = jax.jit(f, keep_unused=True)
    out = jax.eval_shape(f, *args)

    def product(*args):
        y, pull = jax.vjp(lambda x: f(x, *args[1:-1]), args[0])
        return y, pull(args[-1])[0]

    head = {"format": "odslab exported 1", "jax": jax.__version__, "platform": platform, "inputs": [list(s) for s in shapes],
            "output": list(out.shape), "dtype": "float32", "sha256": {}}
    for ending, g, a in (("mlirbc", f, args), ("vjp.mlirbc", jax.jit(product, keep_unused=True), args + [jax.ShapeDtypeStruct(out.shape, jnp.float32)])):
        program = jax_export.export(g, platforms=[platform])(*a).mlir_module_serialized
        head["sha256"][ending] = hashlib.sha256(program).hexdigest()
        with open(f"{path}.{ending}", "wb") as file:
            file.write(program)
    with open(path + ".json", "w") as file:
        json.dump(head, file, indent="\t")
        file.write("\n")


def check(path, f, *arrays):
    y, pull = jax.vjp(lambda x: f(x, *arrays[1:]), arrays[0])
    v = np.random.default_rng(7).normal(size=y.shape).astype(np.float32)
    flat = lambda a: [float(x) for x in np.asarray(a).ravel()]
    with open(path + ".check.json", "w") as file:
        json.dump({"inputs": [flat(a) for a in arrays], "output": flat(y), "cotangent": flat(v), "product": flat(pull(v)[0])}, file)
        file.write("\n")


if __name__ == "__main__":
    to, rng, batch = sys.argv[1], np.random.default_rng(1), 16
    w1, w2 = [jnp.asarray(rng.normal(size=s) / np.sqrt(s[0]), jnp.float32) for s in ((3, 24), (24, 10))]

    def generator(z):  # three noises to ten values
        return jnp.tanh(z @ w1) @ w2

    def denoiser(x, t, alpha, sigma):  # of N(3, ¼), a pair of values; the level is a number for each row
        a, s = alpha[:, None], sigma[:, None]
        return 3 + a * .25 / (a * a * .25 + s * s) * (x - a * 3)

    z = rng.normal(size=(batch, 3)).astype(np.float32)
    x = rng.normal(size=(batch, 2)).astype(np.float32)
    level = [np.full(batch, v, np.float32) for v in (.5, .7, .7)]
    export(to + "/generator", generator, (batch, 3))
    check(to + "/generator", generator, z)
    export(to + "/denoiser", denoiser, (batch, 2), (batch,), (batch,), (batch,))
    check(to + "/denoiser", denoiser, x, *level)
