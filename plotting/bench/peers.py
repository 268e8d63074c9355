"""The Python side of plotting/bench: writes the data and says what corner, matplotlib and GetDist need for it.

    python peers.py DIR

DIR/NAME.f64 are little-endian float64; a line "name value" on standard output is a measurement."""
import io, os, sys, time
for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(key, "1")
import numpy as np
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

out = sys.argv[1]


def cpu(f, repeat):
    best = np.inf
    for _ in range(repeat):
        plt.close("all")
        t = time.process_time()
        f()
        best = min(best, time.process_time() - t)
    return best


def save(name, a):
    np.ascontiguousarray(a, "<f8").tofile(os.path.join(out, name + ".f64"))


def say(name, value):
    print(name, value, flush=True)


def six(n, seed=0):
    rng = np.random.default_rng(seed)
    d = 6
    def cov(sd, pairs):
        r = np.eye(d)
        for i, j, v in pairs:
            r[i, j] = r[j, i] = v
        return r * np.outer(sd, sd)
    m1, m2 = np.array([1, -.5, 2, 0, -1.5, .5]), np.array([-1.5, 1.5, 1, 2.5, -1, .5])
    c1 = cov([.6, .5, .8, .5, .35, 1], [(0, 1, .75), (2, 3, -.6), (4, 5, .5), (0, 2, .3)])
    c2 = cov([.4, .6, .5, .45, .5, .8], [(0, 1, -.6), (2, 3, .5), (4, 5, -.4)])
    first = rng.random(n) < .65
    x = np.where(first[:, None], rng.multivariate_normal(m1, c1, n), rng.multivariate_normal(m2, c2, n))
    return x, np.exp(.5 * rng.standard_normal(n))


def png(fig):
    fig.savefig(io.BytesIO(), format="png")


for n, repeat in ((20_000, 3), (200_000, 1)):
    x, w = six(n)
    save(f"six{n}", x)
    save(f"six{n}w", w)
    try:
        import corner
        labels = [rf"$\theta_{i + 1}$" for i in range(6)]
        say(f"corner{n}", cpu(lambda: png(corner.corner(x, weights=w, labels=labels)), repeat + 1))
    except ImportError:
        pass

x = np.random.default_rng(1).standard_normal(1_000_000)
save("million", x)
try:
    from scipy.stats import gaussian_kde
    def marginal():
        fig, ax = plt.subplots()
        ax.hist(x, bins=100, density=True, alpha=.4)
        g = np.linspace(x.min(), x.max(), 200)
        ax.plot(g, gaussian_kde(x)(g))
        png(fig)
    say("marginal", cpu(marginal, 1))
except ImportError:
    pass

# What figures.py and we draw: a truth and a prior of the six variables, two sets of modes, ranks, traces.
rng = np.random.default_rng(2)
save("truth", six(1, 3)[0])
save("fresh", six(20_000, 4)[0])
save("prior", rng.normal(0, 3, (5000, 6)))
lattice = np.array([(i, j) for i in (-10, -5, 0, 5, 10) for j in (-10, -5, 0, 5, 10)], float)
nine = np.array([(-10, -5), (-5, -10), (-5, 0), (10, -5), (0, 0), (0, 5), (5, -5), (5, 0), (5, 10)], float)
share = np.array([4, 10, 4, 5, 10, 5, 4, 15, 4]) / 61
g = np.linspace(-13, 13, 401)
for name, means, p, density in (("left", lattice, np.full(25, .04), "before"), ("right", nine, share, "after")):
    save(name, means[rng.choice(len(means), 2000, p=p)] + np.sqrt(.3) * rng.standard_normal((2000, 2)))
    save(density, sum(q * np.exp(-((g[None] - a) ** 2 + (g[:, None] - b) ** 2) / .6) / (.6 * np.pi) for q, (a, b) in zip(p, means)))
ranks = rng.integers(0, 101, (300, 4))
ranks[:, 1] = np.floor(rng.beta(.45, .45, 300) * 101)
save("ranks", ranks)
steps = .32 * (1 - .6 * np.linspace(0, 1, 100))
ess, logz, hits = np.empty((8, 100)), np.empty((8, 100)), np.zeros((8, 100))
for r in range(8):
    lw, base = np.zeros(512), 0.
    for t, s in enumerate(steps):
        lw = lw + s * rng.standard_normal(512) - s * s / 2
        v = np.exp(lw - lw.max())
        ess[r, t], logz[r, t] = v.sum() ** 2 / (v * v).sum() / 512, base + lw.max() + np.log(v.mean())
        if ess[r, t] < .5:
            hits[r, t], base, lw = 1, logz[r, t], np.zeros(512)
save("ess", ess)
save("logz", logz)
save("hits", hits)

# Contour masses: the same samples for GetDist and for us, fresh ones to count.
laws = {
    "Gaussian": lambda r, n: r.standard_normal((n, 2)),
    "banana": lambda r, n: (lambda a, b: np.c_[a, a * a + .5 * b])(r.standard_normal(n), r.standard_normal(n)),
    "t2": lambda r, n: r.standard_normal((n, 2)) / np.sqrt(r.exponential(size=n))[:, None],
    "uniform": lambda r, n: r.random((n, 2)),
    "modes25": lambda r, n: 5. * (r.integers(5, size=(n, 2)) - 2) + np.sqrt(.3) * r.standard_normal((n, 2)),
}
try:
    import logging
    logging.getLogger().setLevel(logging.ERROR)
    from getdist import MCSamples
    import getdist.chains
    getdist.chains.print_load_details = False
except ImportError:
    MCSamples = None
for name, law in laws.items():
    for n, seeds in ((2_000, 20), (20_000, 20)):
        off = []
        for seed in range(seeds):
            r = np.random.default_rng(seed)
            x, fresh = law(r, n), law(r, 20_000)
            save(f"{name}-{n}-{seed}", x)
            save(f"{name}-{n}-{seed}-fresh", fresh)
            if MCSamples is None:
                continue
            kw = dict(ranges={"a": (0, 1), "b": (0, 1)}) if name == "uniform" else {}
            s = MCSamples(samples=x, names=["a", "b"], labels=["a", "b"], settings=dict(ignore_rows=0), **kw)
            d = s.get2DDensity("a", "b")
            d._initSpline()
            p = d.spl.ev(fresh[:, 0], fresh[:, 1])
            box = (fresh[:, 0] >= d.x[0]) & (fresh[:, 0] <= d.x[-1]) & (fresh[:, 1] >= d.y[0]) & (fresh[:, 1] <= d.y[-1])
            lv = d.getContourLevels([.5, .9])
            off.append([100 * np.mean(box & (p > l)) for l in lv])
        if off:
            m = np.mean(off, 0)
            say(f"getdist-{name}-{n}-50", m[0])
            say(f"getdist-{name}-{n}-90", m[1])
