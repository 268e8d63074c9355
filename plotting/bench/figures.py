"""The figures of other libraries beside which plotting/bench puts ours: their defaults, and a tuned one of each kind.

    python figures.py DIR           # the names of the figures
    python figures.py DIR NAME      # draws one and prints a line "KIND NAME CRITERION VALUE", with tabs, for each criterion

DIR/NAME.f64 are the data, little-endian float64. A figure is measured as it lies on a page of its kind's width. One whose
library is not installed prints nothing."""
import io, os, sys, warnings
for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(key, "1")
warnings.filterwarnings("ignore")
import numpy as np
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

out = sys.argv[1]


def load(name, *shape):
    return np.fromfile(os.path.join(out, name + ".f64"), "<f8").reshape(-1, *shape)


NAMES = [f"$\\theta_{i + 1}$" for i in range(6)]
KEYS = [f"theta{i + 1}" for i in range(6)]
x, w, truth, prior, fresh = load("six20000", 6), load("six20000w"), load("truth"), load("prior", 6), load("fresh", 6)
again = x[np.random.default_rng(1).choice(len(x), len(x), p=w / w.sum())]  # for libraries that take no weights
left, right = load("left", 2), load("right", 2)
ends = np.linspace(-13, 13, 401)
before, after = load("before", 401, 401)[0], load("after", 401, 401)[0]
ranks = load("ranks", 4).astype(int)
ess, logz, hits = load("ess", 100), load("logz", 100), load("hits", 100) > 0
digits = load("digits", 10, 8, 8)

FIGURES = {}


def figure(kind, mass=None):
    """kind is the plot whose rows a figure belongs to; mass, what its contours claim to hold, from the inside."""
    def keep(f):
        FIGURES[f.__name__] = (kind, mass, f)
        return f
    return keep


BLUE, GREY, SMALL = "#0072B2", "#8a8a8a", {"font.size": 7, "axes.labelsize": 8, "xtick.labelsize": 6, "ytick.labelsize": 6, "axes.linewidth": .6}
SIGMA = [1 - np.exp(-s * s / 2) for s in (.5, 1, 1.5, 2)]


@figure("pair", SIGMA)
def corner_default():
    import corner
    return corner.corner(x, weights=w, labels=NAMES, truths=truth)


@figure("pair", [.5, .9])
def corner_tuned():
    import corner
    plt.rcParams.update(SMALL)
    f = plt.figure(figsize=(3.5, 3.5))
    corner.corner(x, weights=w, labels=NAMES, truths=truth, truth_color="k", color=BLUE, bins=48, smooth=1, smooth1d=1, levels=[.5, .9], max_n_ticks=3, plot_datapoints=False,
                  plot_density=False, fill_contours=True, range=[.999] * 6, fig=f)
    for i, a in enumerate(f.axes):
        a.tick_params(labelrotation=0, pad=1.5, length=2)
        a.xaxis.set_label_coords(.5, -.27)
        a.yaxis.set_label_coords(-.3, .5)
    f.subplots_adjust(left=.085, right=.995, bottom=.075, top=.995, wspace=.09, hspace=.09)
    f.legend(handles=[plt.Line2D([], [], color=BLUE, label="posterior, 50 and 90 %"), plt.Line2D([], [], color="k", label="truth")], loc="upper right", frameon=False)
    return f


@figure("pair", [.68, .95])
def getdist():
    from getdist import MCSamples, plots
    s = MCSamples(samples=x, weights=w, names=KEYS, labels=[n.strip("$") for n in NAMES], settings={"ignore_rows": 0})
    g = plots.get_subplot_plotter()
    g.triangle_plot(s, filled=True, markers=dict(zip(KEYS, truth)))
    return g.fig


@figure("pair", [.683, .954])
def chainconsumer():
    import pandas as pd
    from chainconsumer import Chain, ChainConsumer, Truth
    c = ChainConsumer()
    c.add_chain(Chain(samples=pd.DataFrame(x, columns=NAMES).assign(weight=w), name="posterior"))
    c.add_truth(Truth(location=dict(zip(NAMES, truth))))
    return c.plotter.plot()


@figure("pair")
def sbi():
    from sbi.analysis import pairplot
    return pairplot(again, points=truth[None], labels=NAMES)[0]


@figure("pair")
def seaborn():
    import pandas as pd, seaborn
    return seaborn.pairplot(pd.DataFrame(again, columns=NAMES), corner=True).figure


def tree(**groups):
    import arviz_base, arviz_plots
    arviz_plots.style.use("arviz-variat")
    return arviz_plots, arviz_base.from_dict({g: {k: v[:, i].reshape(4, -1) for i, k in enumerate(KEYS)} for g, v in groups.items()})


@figure("pair")
def arviz():
    az, t = tree(posterior=again)
    return az.plot_pair(t).viz["figure"].item()


@figure("pair with prior", [.68, .95])
def getdist_prior():
    from getdist import MCSamples, plots
    k = dict(names=KEYS, labels=[n.strip("$") for n in NAMES])
    g = plots.get_subplot_plotter()
    g.triangle_plot([MCSamples(samples=prior, label="prior", **k), MCSamples(samples=x, weights=w, label="posterior", **k)], filled=True, markers=dict(zip(KEYS, truth)))
    return g.fig


@figure("pair with prior", [.683, .954])
def chainconsumer_prior():
    import pandas as pd
    from chainconsumer import Chain, ChainConsumer, Truth
    c = ChainConsumer()
    c.add_chain(Chain(samples=pd.DataFrame(prior, columns=NAMES), name="prior"))
    c.add_chain(Chain(samples=pd.DataFrame(x, columns=NAMES).assign(weight=w), name="posterior"))
    c.add_truth(Truth(location=dict(zip(NAMES, truth))))
    return c.plotter.plot()


@figure("marginals")
def arviz_prior_posterior():
    az, t = tree(posterior=again, prior=prior)
    return az.plot_prior_posterior(t).viz["figure"].item()


@figure("intervals")
def arviz_forest():
    az, t = tree(posterior=again)
    return az.plot_forest(t).viz["figure"].item()


@figure("density")
def matplotlib_density():
    f, axes = plt.subplots(1, 2, figsize=(10, 4.8))
    for a, s, p, t in zip(axes, (left, right), (before, after), ("prior", "target")):
        h = a.contourf(ends, ends, p)
        a.scatter(*s.T, s=2, c="k")
        a.set(title=t, xlabel="$x_1$", ylabel="$x_2$")
        f.colorbar(h, ax=a)
    return f


@figure("density")
def seaborn_joint():
    import pandas as pd, seaborn
    d = pd.concat([pd.DataFrame(s, columns=["$x_1$", "$x_2$"]).assign(source=n) for s, n in ((left, "prior"), (right, "target"))], ignore_index=True)
    return seaborn.jointplot(d, x="$x_1$", y="$x_2$", hue="source", kind="kde").figure


@figure("density")
def matplotlib_density_tuned():
    plt.rcParams.update(SMALL)
    f, axes = plt.subplots(1, 2, figsize=(3.5, 1.74))
    f.subplots_adjust(left=.105, right=.865, bottom=.155, top=.89, wspace=.08)
    top = np.log(after.max())
    for a, s, p, t in zip(axes, (left, right), (before, after), ("prior", "target")):
        h = a.imshow(np.log(p + 1e-300), extent=[-13, 13, -13, 13], origin="lower", vmin=top - 10, vmax=top)
        mass = np.sort(p.ravel())[::-1]
        a.contour(ends, ends, p, levels=sorted(mass[np.searchsorted(mass.cumsum() / mass.sum(), m)] for m in (.5, .9)), colors="w", linewidths=.5)
        a.scatter(*s.T, s=.45, c="k", alpha=.3, lw=0, rasterized=True)
        a.set(title=t, xticks=[-10, 0, 10], yticks=[-10, 0, 10], xlabel="$x_1$")
        a.tick_params(pad=1.5, length=2)
        a.xaxis.labelpad = a.yaxis.labelpad = 1
    axes[0].set_ylabel("$x_2$")
    axes[1].set_yticklabels([])
    f.colorbar(h, cax=f.add_axes([.877, .16, .018, .72])).set_label("log density", labelpad=1)
    return f


@figure("rank histogram")
def sbi_ranks():
    from sbi.analysis import sbc_rank_plot
    return sbc_rank_plot(ranks, 100, plot_type="hist", parameter_labels=NAMES[:4])[0]


@figure("rank ECDF")
def arviz_ecdf():
    import arviz_base, arviz_plots
    arviz_plots.style.use("arviz-variat")
    t = arviz_base.from_dict({"prior_sbc": {k: ((ranks[:, i] + .5) / 101)[None] for i, k in enumerate(KEYS[:4])}})
    return arviz_plots.plot_ecdf_pit(t).viz["figure"].item()


@figure("ESS and log Z")
def matplotlib_ess():
    f, (a, b) = plt.subplots(2, 1, sharex=True)
    a.plot(ess.T)
    a.axhline(.5, ls="--")
    a.set_ylabel("ESS / N")
    b.plot(logz.T)
    b.set(xlabel="step", ylabel="log Z")
    return f


@figure("ESS and log Z")
def matplotlib_ess_tuned():
    plt.rcParams.update(SMALL | {"axes.spines.top": False, "axes.spines.right": False})
    t = np.arange(1, 101)
    f, (a, b) = plt.subplots(2, 1, figsize=(3.5, 2.5), sharex=True, layout="constrained", height_ratios=[1.15, 1])
    a.plot(t, ess[1:].T, color=BLUE, lw=.5, alpha=.25)
    a.plot(t, ess[0], color=BLUE, lw=1.2)
    a.axhline(.5, color="k", lw=.6, ls="--")
    a.eventplot(t[hits[0]], lineoffsets=.03, linelengths=.06, colors="#D55E00")
    a.set(ylim=(0, 1.02), ylabel="ESS / N")
    q = np.quantile(logz, [0, .25, .5, .75, 1], axis=0)
    b.fill_between(t, q[0], q[4], color=BLUE, alpha=.12, lw=0)
    b.fill_between(t, q[1], q[3], color=BLUE, alpha=.3, lw=0)
    b.plot(t, q[2], color=BLUE, lw=1.2)
    b.axhline(0, color="k", lw=.6, ls="--")
    b.set(xlim=(0, 100), xlabel="step", ylabel="log Z")
    return f


TITLES = ["truth", "measured", "mean", "std. dev."]


@figure("images")
def matplotlib_images():
    f, axes = plt.subplots(3, 10, figsize=(15, 5))
    for i, row in enumerate(axes):
        for j, a in enumerate(row):
            a.imshow(digits[i, j])
            if i == 0:
                a.set_title(TITLES[j] if j < 4 else f"sample {j - 3}")
    return f


@figure("images")
def matplotlib_images_tuned():
    plt.rcParams.update({"font.size": 7})
    f = plt.figure(figsize=(7.2, 2.5))
    at, high = .03, .0885 * 7.2 / 2.5
    for j in range(10):
        for i in range(3):
            a = f.add_axes([at, .91 - (i + 1) * high - .0109 * i, .0885, high])
            a.imshow(digits[i, j], cmap="viridis" if j == 3 else "gray", vmin=0, vmax=np.nanmax(digits[:, 3]) if j == 3 else 1)
            a.set(xticks=[], yticks=[])
            if j == 0:
                a.set_ylabel("abc"[i], rotation=0, labelpad=6, fontweight="bold")
            if i == 0 and j in (0, 1, 2, 3, 6):
                a.set_title(TITLES[j] if j < 4 else "posterior samples", fontsize=7.5, pad=3)
        at += .0885 + (.011 if j < 4 else .0035)
    return f


# ---------------------------------------------------------------- criteria

WIDE = {"images": 183, "rank histogram": 183, "rank ECDF": 183}  # mm; the others fill a column of 89


def held(axes, mass):
    """The share of fresh samples inside each contour of the lower panels less what it claims, the largest in absolute value of the means over panels."""
    off = []
    for a in axes:
        panel = getattr(a, "at", None)
        if panel is None:
            continue
        i, j = panel
        sets = [c for c in a.get_children() if isinstance(c, matplotlib.contour.QuadContourSet) and not c.filled]
        if not sets:
            continue
        c = sets[-1]
        got = []
        for path in c.get_paths():
            inside = np.zeros(len(fresh), bool)
            for loop in path.to_polygons(closed_only=False):
                if len(loop) > 2:
                    inside ^= matplotlib.path.Path(loop).contains_points(fresh[:, [j, i]])
            got.append(inside.mean())
        got = sorted(got)[-len(mass):]
        if len(got) == len(mass):
            off.append(np.array(got) - np.array(mass))
    return np.abs(np.mean(off, 0)).max() * 100 if off else None


def measure(f, kind, mass):
    f.canvas.draw()
    render = f.canvas.get_renderer()
    wide, high = f.get_size_inches() * 72
    scale = WIDE.get(kind, 89) / 25.4 * 72 / wide
    page = f.bbox
    axes = [a for a in f.axes if a.get_visible() and (a.lines or a.collections or a.images or a.patches) and not hasattr(a, "_colorbar")]
    boxes = [a.get_window_extent() for a in axes]
    mm = 72 / 25.4
    area = lambda b: b.width / f.dpi * 72 * scale / mm * b.height / f.dpi * 72 * scale / mm
    yield "panel", np.median([area(b) for b in boxes])
    texts = [t for t in f.findobj(matplotlib.text.Text) if t.get_visible() and t.get_text().strip() and t.get_window_extent(render).width > 0
             and t.get_window_extent(render).overlaps(page) and not hidden(t)]
    yield "text", min(t.get_size() * scale for t in texts)
    where = [t.get_window_extent(render).transformed(f.dpi_scale_trans.inverted()) for t in texts]
    hit = 0
    for n, a in enumerate(where):
        for b in where[:n]:
            hit += min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) * 72 * scale > .8
        hit += a.x0 * 72 < -1 or a.y0 * 72 < -1 or a.x1 * 72 > wide + 1 or a.y1 * 72 > high + 1
    yield "overlaps", hit
    if kind.startswith("pair"):
        grid = {}
        for a, b in zip(axes, boxes):
            grid.setdefault(round(b.x0 / 8), []).append(a)
        columns = sorted(grid)
        rows = sorted({round(b.y1 / 8) for b in boxes}, reverse=True)
        gone = np.zeros(len(x), bool)
        for a, b in zip(axes, boxes):
            i, j = rows.index(round(b.y1 / 8)), columns.index(round(b.x0 / 8))
            lo, hi = sorted(a.get_xlim())
            gone |= (x[:, j] < lo) | (x[:, j] > hi)
            if i != j and len(rows) == len(columns) == 6:
                a.at = (i, j)
                lo, hi = sorted(a.get_ylim())
                gone |= (x[:, i] < lo) | (x[:, i] > hi)
        yield "off the page, unsaid", gone.sum()
        if mass and (m := held(axes, mass)) is not None:
            yield "mass", m
    def size(kind, **how):
        b = io.BytesIO()
        f.savefig(b, format=kind, **how)
        return len(b.getvalue()) / 1e3
    yield "svg", size("svg")
    yield "png", size("png", dpi=300 * scale)


def hidden(t):
    """Tick labels outside their axis's view are made and never drawn."""
    a = t.axes
    if a is None:
        return False
    for axis in (a.xaxis, a.yaxis):
        labels = axis.get_ticklabels() + axis.get_ticklabels(minor=True)
        if t in labels:
            lo, hi = sorted(axis.get_view_interval())
            at = t.get_position()[0 if axis is a.xaxis else 1]
            return not (lo - 1e-9 <= at <= hi + 1e-9) or not a.axison or not axis.get_visible()
    return not a.axison and (t is a.xaxis.label or t is a.yaxis.label)


if len(sys.argv) == 2:
    print("\n".join(FIGURES))
    sys.exit()
kind, mass, f = FIGURES[sys.argv[2]]
try:
    for key, value in measure(f(), kind, mass):
        print(kind, sys.argv[2].replace("_", " "), key, f"{value:.6g}", sep="\t", flush=True)
except ImportError:
    pass
