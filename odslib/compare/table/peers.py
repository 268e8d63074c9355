"""azula's and deepinv's own guidance on an instance of T2, with the exact denoiser and the defaults of each library.

A line of JSON asks {method, weights, means, a, y, sigma, n, steps, seed}; the answer is {x: n·d numbers} or {error}.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import torch

torch.set_num_threads(1)


def posterior_mean(x, alpha, sigma, means, logw):
    """E[x_0 | x_t] of Gaussians of unit variance."""
    v = alpha**2 + sigma**2
    near = logw + (alpha * (x @ means.T) - 0.5 * alpha**2 * (means**2).sum(1)) / v
    m = torch.softmax(near, -1) @ means
    return m + alpha / v * (x - alpha * m)


def azula(q, means, logw, a, y):
    from azula.denoise import Denoiser, DiracPosterior
    from azula.guidance import DPSSampler, MMPSDenoiser, PGDMSampler, TMPDenoiser
    from azula.linalg.covariance import IsotropicCovariance
    from azula.noise import VPSchedule
    from azula.sample import DDIMSampler, DDPMSampler

    class Exact(Denoiser):
        def __init__(self):
            super().__init__()
            self.schedule = VPSchedule()

        def forward(self, x, t, **_):
            alpha, sigma = self.schedule(t)
            return DiracPosterior(mean=posterior_mean(x, alpha, sigma, means, logw))

    class DPSEach(DPSSampler):
        """DPS with the norm of each sample, where azula takes one over the whole batch."""

        def step(self, x, t, s, **k):
            with torch.enable_grad():
                here = x.detach().requires_grad_()
                each = torch.linalg.vector_norm(self.y - self.A(self.denoiser(here, t).mean), dim=-1).sum()
            g = torch.autograd.grad(each, here)[0]
            zeta, self.zeta = self.zeta, 0.0
            out = super().step(x, t, s, **k)
            self.zeta = zeta
            return out - zeta * g

    den, pinv, var = Exact(), torch.linalg.pinv(a), q["sigma"] ** 2
    forward, back, k = (lambda x: x @ a.T), (lambda v: v @ pinv.T), dict(steps=q["steps"], silent=True)
    cov = IsotropicCovariance(torch.tensor(var))
    s = {
        "azula DPS": lambda: DPSSampler(den, y, forward, **k),
        "azula DPS, a norm for each": lambda: DPSEach(den, y, forward, **k),
        "azula ΠGDM": lambda: PGDMSampler(den, y, forward, back, **k),
        "azula ΠGDM, η=1": lambda: PGDMSampler(den, y, forward, back, eta=1.0, **k),
        "azula TMPD, DDPM": lambda: DDPMSampler(TMPDenoiser(den, y, forward, var), **k),
        "azula TMPD, DDIM": lambda: DDIMSampler(TMPDenoiser(den, y, forward, var), **k),
        "azula MMPS, DDPM": lambda: DDPMSampler(MMPSDenoiser(den, y, forward, cov), **k),
        "azula MMPS, DDIM": lambda: DDIMSampler(MMPSDenoiser(den, y, forward, cov), **k),
    }[q["method"]]()
    if not hasattr(s, "denoiser"):
        s.denoiser = den
    return s(s.init((q["n"], means.shape[1])))


def deepinv(q, means, logw, a, y):
    import deepinv as dinv
    from deepinv.sampling import (DDPMSolver, DPSDataFidelity, MomentMatchingDataFidelity, PiGDMDataFidelity, PosteriorDiffusion,
                                  VariancePreservingDiffusion)

    class Exact(dinv.models.Denoiser):
        def forward(self, u, sigma, *_, **__):
            x, s = u.reshape(len(u), -1).float(), torch.as_tensor(sigma, dtype=torch.float32).reshape(-1, 1)
            return posterior_mean(x, torch.ones_like(s), s, means, logw).reshape(u.shape)

    n, d = q["n"], means.shape[1]
    physics = dinv.physics.LinearPhysics(
        A=lambda u, **_: u.reshape(len(u), -1) @ a.to(u.dtype).T,
        A_adjoint=lambda v, **_: (v @ a.to(v.dtype)).reshape(-1, 1, 1, d),
        noise_model=dinv.physics.GaussianNoise(float(q["sigma"])))
    fidelity = {
        "deepinv DPS": lambda: DPSDataFidelity(guidance="norm"),
        "deepinv DPS, annealed": lambda: DPSDataFidelity(guidance="annealed"),
        "deepinv ΠGDM": PiGDMDataFidelity,
        "deepinv moment matching": MomentMatchingDataFidelity,
    }[q["method"]]()
    model = PosteriorDiffusion(
        data_fidelity=fidelity, denoiser=Exact(), sde=VariancePreservingDiffusion(alpha=1.0, device="cpu", dtype=torch.float64),
        solver=DDPMSolver(timesteps=torch.linspace(1.0, 0.0, q["steps"] + 1, dtype=torch.float64)), minus_one_one=False)
    return model(y.expand(n, -1).contiguous(), physics, x_init=(n, 1, 1, d))


for line in sys.stdin:
    try:
        q = json.loads(line)
        torch.manual_seed(q["seed"])
        means, logw, a, y = (torch.tensor(v, dtype=torch.float32) for v in (q["means"], q["logw"], q["a"], q["y"]))
        x = (azula if q["method"].startswith("azula") else deepinv)(q, means, logw, a, y)
        answer = dict(x=[v if v == v and abs(v) < 1e30 else None for v in x.detach().reshape(-1).float().tolist()])
    except Exception as e:  # one line for the table, whatever it is
        answer = dict(error=f"{type(e).__name__}: {e}".splitlines()[0])
    print(json.dumps(answer), flush=True)
