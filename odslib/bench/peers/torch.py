import torch
import torch.nn.functional as F


def tensors(w):
    """A copy of nested weights as tensors; convolutions take OIHW."""
    if isinstance(w, dict):
        return {k: tensors(v) for k, v in w.items()}
    if isinstance(w, (list, tuple)):
        return [tensors(v) for v in w]
    return torch.tensor(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w)


def leaves(w):
    for v in w.values() if isinstance(w, dict) else w:
        yield from [v] if isinstance(v, torch.Tensor) else leaves(v)


def features(t, f):
    w = t[:, None] * f
    return torch.cat([torch.sin(w), torch.cos(w)], 1)


FEATURES = {k: torch.tensor(frequencies(k)) for k in (16, 64)}


def layers(p, h):
    for w, b in p[:-1]:
        h = F.silu(torch.addmm(b, h, w))
    return torch.addmm(p[-1][1], h, p[-1][0])


def net(p, x, t):
    return layers(p, torch.cat([x, features(t, FEATURES[16])], 1))


form = "eager"


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


MANY = torch.get_num_threads()
torch.set_num_threads(1)


def choose_threads(once):
    """All threads when that is faster: on a busy machine threads that wait for each other lose most."""
    one = min(timed(once) for _ in range(2))
    torch.set_num_threads(MANY)
    if timed(once) > 3 * one or timed(once) > one:
        torch.set_num_threads(1)


def faster(f, run, compile):
    """f or its compiled form, whichever run(f) is faster with; torch.compile needs a C++ compiler."""
    global form
    if not compile:
        return f
    try:
        compiled, best = torch.compile(f), []
        for g in (f, compiled):
            best.append(min(timed(lambda: run(g)) for _ in range(8)))
    except Exception as e:
        form = f"eager (torch.compile: {type(e).__name__})"
        return f
    form = "compiled" if best[1] < best[0] else "eager (compiled is slower)"
    return compiled if best[1] < best[0] else f


def forward(q):
    p, x = tensors(mlp_weights()), torch.tensor(fill(BATCH, 18))

    @torch.inference_mode()
    def run(f):
        return f(p, x).numpy()

    f = faster(layers, run, q["compile"])
    return lambda: run(f), 1, np.abs(run(f)).mean()


def dps(q):
    p, x = tensors(mlp_weights()), torch.tensor(fill(BATCH, 2)).requires_grad_()
    a, s = alpha_sigma(0.5)
    A, t = torch.tensor([[1.0], [0.5]]), torch.full((BATCH,), 0.5)

    def log_r(x):
        return (-0.5 * (0.25 - (a * x - s * net(p, x, t)) @ A) ** 2).sum()

    run = lambda f: torch.autograd.grad(f(x), x)[0].numpy()
    f = faster(log_r, run, q["compile"])
    return lambda: run(f), 1, np.abs(run(f)).mean()


def sampling(q):
    p, begin = tensors(mlp_weights()), torch.tensor(fill(BATCH, 2))
    rows = list(torch.tensor(q["table"]))

    def step(x, row):
        t, alpha, sigma, a, b, std = row
        x0 = alpha * x - sigma * net(p, x, t.expand(BATCH))
        return a * x + b * x0 + std * torch.randn_like(x)

    @torch.inference_mode()
    def run(f):
        x = begin
        for row in rows:
            x = f(x, row)
        return x.numpy()

    f = faster(step, run, q["compile"])
    return lambda: run(f), 1, np.abs(run(f)).mean()


def training(apply, weights, shape, n):
    def ready(q):
        p = tensors(weights())
        for w in leaves(p):
            w.requires_grad_()
        data = torch.tensor(fill(*shape))
        if data.ndim == 4:
            data = data.permute(0, 3, 1, 2).contiguous()
        adam = torch.optim.Adam(leaves(p), RATE, (BETA1, BETA2), EPSILON, fused=True)
        rows = (len(data),) + (1,) * (data.ndim - 1)

        def loss_of(t, noise):
            angle = (t * (math.pi / 2)).reshape(rows)
            return ((apply(p, torch.cos(angle) * data + torch.sin(angle) * noise, t) - noise) ** 2).mean()

        def run(f):
            loss = f(torch.rand(len(data)), torch.randn_like(data))
            adam.zero_grad()
            loss.backward()
            adam.step()
            return loss

        def once():
            for _ in range(n):
                loss = run(f)
            return loss.item()

        f = loss_of
        check = once()
        f = faster(loss_of, run, q["compile"])
        return once, n, check

    return ready


def dense(w, x):
    return torch.addmm(w[1], x, w[0])


def conv(w, x):
    return F.conv2d(x, w[0], w[1], padding=w[0].shape[2] // 2)


def norm(w, x):
    return F.group_norm(x, 8, w[0], w[1], 1e-5)


def block(w, x, time):
    h = conv(w["conv0"], F.silu(norm(w["norm0"], x)))
    h = h + dense(w["time"], time)[:, :, None, None]
    h = conv(w["conv1"], F.silu(norm(w["norm1"], h)))
    if "skip" in w:
        x = F.conv2d(x, w["skip"][0].t()[:, :, None, None], w["skip"][1])
    return x + h


def unet(w, x, t):
    time = F.silu(dense(w["time"], features(t, FEATURES[64])))
    top = block(w["down"], conv(w["first"], x), time)
    h = block(w["middle"], block(w["below"], F.avg_pool2d(top, 2), time), time)
    h = block(w["up"], torch.cat([F.interpolate(h, scale_factor=2), top], 1), time)
    return conv(w["last"], F.silu(norm(w["norm"], h)))


def ready(case):
    def set_up(q):
        once, per, check = case(q)
        choose_threads(once)
        return once, per, check

    return set_up


cases = {
    "MLP forward, B=1024": forward,
    "MLP Adam step, B=1024, one call each": training(net, mlp_weights, (BATCH, 2), 1),
    "MLP Adam step, B=1024, 25 in a loop": training(net, mlp_weights, (BATCH, 2), LOOP),
    "100 sampling steps, B=1024, one call each": sampling,
    "100 sampling steps, B=1024, in a loop": sampling,
    "DPS gradient, B=1024": dps,
    "U-Net 28x28 Adam step, B=32, one call each": training(unet, unet_weights, (IMAGES, 28, 28, 1), 1),
    "U-Net 28x28 Adam step, B=32, 5 in a loop": training(unet, unet_weights, (IMAGES, 28, 28, 1), IMAGE_LOOP),
}

converse({name: ready(case) for name, case in cases.items()},
         lambda: f"{torch.__version__.split('+')[0]} {form}, threads: {torch.get_num_threads()}")
