"""Every core op against PyTorch: equal shapes and parameters, or both refuse."""

from __future__ import annotations

import random
from itertools import pairwise, product
from typing import Any

import pytest

from convcalc import ops
from convcalc.diagnostics import Problem

torch = pytest.importorskip("torch", reason="PyTorch is the oracle; pip install convcalc[oracle]")
nn, F = torch.nn, torch.nn.functional

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]

REFUSALS = (RuntimeError, ValueError, IndexError, TypeError)
RANKS = (1, 2, 3)


def draws_from(seed: int) -> random.Random:
    """The same cases at every run."""
    return random.Random(seed)  # cases, not secrets


def literal(text: str) -> int:
    """No case here writes expressions."""
    raise AssertionError(f"{text} was evaluated")


def predicted(name: str, args: dict[str, Any], shapes: list[tuple[int, ...]]) -> Any:
    """Shapes and parameters, or None for a refusal, as ``analysis`` decides it."""
    op, problems = ops.find(name).read(args, literal)
    if op is None:
        assert problems
        return None
    fewest, most = op.spatial
    if not all(fewest <= len(shape) - 1 <= most for shape in shapes):
        return None
    try:
        outputs, demands = op.infer(*shapes)
    except Problem:
        return None
    if not all(demand.holds() for demand in demands) or min(map(min, outputs), default=1) < 1:
        return None
    state = {**op.parameters(*shapes), **op.buffers(*shapes)}
    return tuple(map(tuple, outputs)), {key: tuple(shape) for key, shape in state.items()}


def observed(run: Any, shapes: list[tuple[int, ...]]) -> Any:
    """The same from PyTorch: ``run`` takes tensors and returns a result, several, or results and a module."""
    try:
        found = run(*(torch.zeros(2, *shape) for shape in shapes))
    except REFUSALS:
        return None
    results, module = found if isinstance(found, tuple) and isinstance(found[-1], nn.Module) else (found, None)
    if results is None:
        return None
    results = tuple(results) if isinstance(results, (tuple, list)) else (results,)
    state = (
        {} if module is None else {key: tuple(value.shape) for key, value in module.state_dict().items() if value.ndim}
    )
    return tuple(tuple(result.shape[1:]) for result in results), state


def disagreements(name: str, cases: Any) -> tuple[list[str], int, int]:
    """Where the two differ, and how many cases both accept and both refuse."""
    wrong, accepted, refused = [], 0, 0
    for args, shapes, run in cases:
        ours, theirs = predicted(name, args, shapes), observed(run, shapes)
        if ours != theirs:
            wrong.append(f"{name} {args} on {shapes}: here {ours}, PyTorch {theirs}")
        elif ours is None:
            refused += 1
        else:
            accepted += 1
    return wrong, accepted, refused


def agree(name: str, cases: Any, accepted: int, refused: int = 0) -> None:
    """Both say the same on every case, and so often at least each of the two things."""
    wrong, both, neither = disagreements(name, cases)
    assert not wrong, f"{len(wrong)} cases:\n" + "\n".join(wrong[:10])
    assert both >= accepted
    assert neither >= refused


def module(kind: str, rank: int, *values: Any, **keys: Any) -> Any:
    """Run a module of torch.nn for this rank; an empty result, which PyTorch passes on, is refused here."""

    def run(x: Any) -> Any:
        made = getattr(nn, f"{kind}{rank}d")(*values, **keys)
        result = made(x)
        return (result, made) if result.numel() else (None, made)

    return run


def per_axis(draw: random.Random, rank: int, low: int, high: int) -> Any:
    """One integer, or one an axis."""
    return draw.choice((draw.randint(low, high), [draw.randint(low, high) for _ in range(rank)]))


def torch_pads(pairs: list[Any]) -> list[int]:
    """Pairs an axis as torch.nn.functional.pad wants them: the last axis first."""
    sides = [(pair, pair) if isinstance(pair, int) else pair for pair in pairs]
    return [side for pair in reversed(sides) for side in pair]


def conv_cases(seed: int = 1) -> Any:
    for n, k, s, p, d in product(range(1, 9), range(1, 5), range(1, 4), range(4), range(1, 4)):
        args = {"kernel_size": k, "stride": s, "padding": p, "dilation": d}
        yield {"out_channels": 2, **args}, [(3, n)], module("Conv", 1, 3, 2, **args)
    draw = draws_from(seed)
    for rank, count in ((1, 1500), (2, 2500), (3, 1500)):
        for _ in range(count):
            args = {
                "kernel_size": per_axis(draw, rank, 1, 4),
                "stride": per_axis(draw, rank, 1, 3),
                "padding": draw.choice((per_axis(draw, rank, 0, 3), "same", "valid")),
                "dilation": per_axis(draw, rank, 1, 3),
                "groups": draw.choice((1, 1, 2, 3, 4)),
                "bias": draw.random() < 0.5,
            }
            channels, filters = draw.choice((4, 6)), draw.choice((4, 6))
            stated = draw.choice((channels, channels, channels, 5))
            shape = (channels, *(draw.randint(1, 9) for _ in range(rank)))
            run = module("Conv", rank, stated, filters, **args)
            yield {"out_channels": filters, "in_channels": stated, **args}, [shape], run


def test_conv() -> None:
    agree("conv", conv_cases(), 2300, 3000)


def test_conv_with_copies_in_the_padding() -> None:
    def cases() -> Any:
        draw = draws_from(22)
        for rank, mode in product(RANKS, ("reflect", "replicate", "circular")):
            for _ in range(300):
                args = {
                    "kernel_size": per_axis(draw, rank, 1, 4),
                    "stride": per_axis(draw, rank, 1, 3),
                    "padding": draw.choice((per_axis(draw, rank, 0, 4), "same", "valid")),
                    "dilation": per_axis(draw, rank, 1, 2),
                    "padding_mode": mode,
                }
                shape = (2, *(draw.randint(1, 7) for _ in range(rank)))
                yield {"out_channels": 3, **args}, [shape], module("Conv", rank, 2, 3, **args)

    agree("conv", cases(), 1000, 800)


def test_conv_with_uneven_padding() -> None:
    def cases() -> Any:
        draw = draws_from(2)
        for rank in RANKS:
            for _ in range(400):
                pairs = [[draw.randint(0, 3), draw.randint(0, 3)] for _ in range(rank)]
                args = {"kernel_size": per_axis(draw, rank, 1, 4), "stride": per_axis(draw, rank, 1, 3)}
                conv = module("Conv", rank, 2, 3, **args)

                def run(x: Any, conv: Any = conv, pairs: Any = pairs) -> Any:
                    return conv(F.pad(x, torch_pads(pairs)))

                shape = (2, *(draw.randint(1, 6) for _ in range(rank)))
                yield {"out_channels": 3, "padding": pairs, **args}, [shape], run

    agree("conv", cases(), 800, 50)


def test_conv_transpose() -> None:
    def cases() -> Any:
        for n, k, s, p, d, more in product(range(1, 5), range(1, 5), range(1, 4), range(4), range(1, 4), range(4)):
            args = {"kernel_size": k, "stride": s, "padding": p, "dilation": d, "output_padding": more}
            yield {"out_channels": 2, **args}, [(3, n)], module("ConvTranspose", 1, 3, 2, **args)
        draw = draws_from(3)
        for rank, count in ((1, 800), (2, 2000), (3, 1200)):
            for _ in range(count):
                args = {
                    "kernel_size": per_axis(draw, rank, 1, 4),
                    "stride": per_axis(draw, rank, 1, 3),
                    "padding": per_axis(draw, rank, 0, 2),
                    "dilation": per_axis(draw, rank, 1, 3),
                    "output_padding": draw.choice((0, per_axis(draw, rank, 0, 2))),
                    "groups": draw.choice((1, 1, 2, 3)),
                    "bias": draw.random() < 0.5,
                }
                channels, filters = draw.choice((4, 6)), draw.choice((4, 6))
                shape = (channels, *(draw.randint(1, 5) for _ in range(rank)))
                run = module("ConvTranspose", rank, channels, filters, **args)
                yield {"out_channels": filters, **args}, [shape], run

    agree("conv_transpose", cases(), 2500, 1500)


def axis_by_axis(args: dict[str, Any], x: Any) -> Any:
    """The result of avg_pool3d by one 1-D pool an axis.

    avg_pool3d alone refuses an input smaller than the kernel even where padding or ``ceil_mode`` admits it, as
    PyTorch's other pools do.
    """
    own = [{k: v[axis] if isinstance(v, list) else v for k, v in args.items()} for axis in range(3)]
    sizes = [nn.AvgPool1d(**own[axis])(torch.zeros(1, 1, n)).shape[2] for axis, n in enumerate(x.shape[2:])]
    small = any(n < a["kernel_size"] for n, a in zip(x.shape[2:], own, strict=True))
    if not small:
        assert list(nn.AvgPool3d(**args)(x).shape[2:]) == sizes
    return torch.empty(2, x.shape[1], *sizes)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_pools(name: str) -> None:
    def one(rank: int, args: dict[str, Any], shape: tuple[int, ...]) -> Any:
        extra = {"return_indices": True} if name == "max_pool" else {}
        pool = getattr(nn, f"{'MaxPool' if name == 'max_pool' else 'AvgPool'}{rank}d")
        if rank == 3 and name == "avg_pool":
            return args, [shape], lambda x: axis_by_axis(args, x)
        return args, [shape], lambda x: pool(**args, **extra)(x)

    def cases() -> Any:
        dilations = (1, 2, 3) if name == "max_pool" else (1,)
        flags = (False, True)
        for n, k, s, p, d, c in product(range(1, 10), range(1, 6), range(1, 5), range(3), dilations, flags):
            args = {"kernel_size": k, "stride": s, "padding": p, "ceil_mode": c}
            yield one(1, {**args, "dilation": d} if name == "max_pool" else args, (2, n))
        draw = draws_from(4)
        for rank, count in ((1, 500), (2, 2500), (3, 2000)):
            for _ in range(count):
                args = {
                    "kernel_size": per_axis(draw, rank, 1, 4),
                    "padding": per_axis(draw, rank, 0, 2),
                    "ceil_mode": draw.random() < 0.5,
                }
                if draw.random() < 0.8:
                    args["stride"] = per_axis(draw, rank, 1, 5)
                if name == "max_pool":
                    args["dilation"] = per_axis(draw, rank, 1, 3)
                yield one(rank, args, (2, *(draw.randint(1, 9) for _ in range(rank))))

    agree(name, cases(), 1500, 700)


@pytest.mark.parametrize("name", ["adaptive_avg_pool", "adaptive_max_pool"])
def test_adaptive_pools(name: str) -> None:
    def run(rank: int, size: Any) -> Any:
        if name == "adaptive_avg_pool":
            return lambda x: getattr(F, f"adaptive_avg_pool{rank}d")(x, size)
        return lambda x: getattr(F, f"adaptive_max_pool{rank}d")(x, size, return_indices=True)

    def cases() -> Any:
        for n, size in product(range(1, 13), range(1, 13)):
            yield {"output_size": size}, [(2, n)], run(1, size)
        draw = draws_from(5)
        for rank in (2, 3):
            for _ in range(500):
                goals = [draw.choice((None, draw.randint(1, 6))) for _ in range(draw.choice((rank, rank, rank, 1)))]
                shape = (2, *(draw.randint(1, 9) for _ in range(rank)))
                yield {"output_size": goals}, [shape], run(rank, goals)

    agree(name, cases(), 500, 100)


@pytest.mark.parametrize("name", ["global_avg_pool", "global_max_pool"])
def test_global_pools(name: str) -> None:
    kind = "avg" if name == "global_avg_pool" else "max"
    shapes = [(2, *sizes) for rank in RANKS for sizes in product((1, 2, 5), repeat=rank)]
    pools = {rank: getattr(F, f"adaptive_{kind}_pool{rank}d") for rank in RANKS}
    agree(name, [({}, [shape], lambda x: pools[x.ndim - 2](x, 1)) for shape in shapes], 39)


ACTIVATIONS: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "relu": (nn.ReLU, [{}]),
    "relu6": (nn.ReLU6, [{}]),
    "leaky_relu": (nn.LeakyReLU, [{}, {"negative_slope": 0.2}]),
    "elu": (nn.ELU, [{}, {"alpha": 0.5}]),
    "selu": (nn.SELU, [{}]),
    "gelu": (nn.GELU, [{}, {"approximate": "tanh"}, {"approximate": "none"}]),
    "silu": (nn.SiLU, [{}]),
    "sigmoid": (nn.Sigmoid, [{}]),
    "tanh": (nn.Tanh, [{}]),
    "hardswish": (nn.Hardswish, [{}]),
    "hardsigmoid": (nn.Hardsigmoid, [{}]),
    "softplus": (nn.Softplus, [{}, {"beta": 2, "threshold": 10}]),
    "mish": (nn.Mish, [{}]),
    "dropout": (nn.Dropout, [{}, {"p": 0}, {"p": 1}, {"p": 1.5}, {"p": -0.5}]),
    "local_response_norm": (nn.LocalResponseNorm, [{"size": 3}, {"size": 9, "alpha": 1e-3, "beta": 0.5, "k": 2}]),
    "prelu": (nn.PReLU, [{}, {"num_parameters": 3}, {"num_parameters": 5}]),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    kind, arguments = ACTIVATIONS[name]

    def run(args: dict[str, Any]) -> Any:
        def forward(x: Any) -> Any:
            made = kind(**args)
            return made(x), made

        return forward

    shapes = [(3, *(4, 1, 2)[:rank]) for rank in range(4)]
    agree(name, [(args, [shape], run(args)) for args in arguments for shape in shapes], 3)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str) -> None:
    shapes = [(3, *(4, 1, 2)[:rank]) for rank in range(4)]
    dims = [(shape, dim) for shape in shapes for dim in range(-6, 7) if dim not in (0, -len(shape) - 1)]
    agree(name, [({"dim": d}, [s], lambda x, d=d: getattr(F, name)(x, d)) for s, d in dims], 20, 15)


def test_batch_norm_and_linear() -> None:
    def batch_norm(args: dict[str, Any], stated: int) -> Any:
        def run(x: Any) -> Any:
            made = getattr(nn, f"BatchNorm{max(1, x.ndim - 2)}d")(stated, **args).eval()
            return made(x), made

        return run

    shapes = [(3, *(4, 1, 2)[:rank]) for rank in range(4)]
    flags = ({}, {"affine": True, "eps": 1e-3}, {"affine": False, "momentum": 0.5})
    cases = [({**a, "num_features": c}, [s], batch_norm(a, c)) for s in shapes for c in (3, 4) for a in flags]
    agree("batch_norm", cases, 12, 12)

    def linear(args: dict[str, Any], stated: int) -> Any:
        def run(x: Any) -> Any:
            made = nn.Linear(stated, 5, **args)
            return made(x), made

        return run

    flags = ({}, {"bias": False})
    cases = [
        ({"out_features": 5, **a, "in_features": c}, [s], linear(a, c)) for s in shapes for c in (2, 3) for a in flags
    ]
    agree("linear", cases, 4, 4)


def test_flatten() -> None:
    shapes = [(3, *(4, 1, 2)[:rank]) for rank in range(4)]
    spans = [
        (shape, start, end)
        for shape in shapes
        for start, end in product(range(-6, 7), repeat=2)
        if not {start, end} & {0, -len(shape) - 1}  # the batch axis
    ]
    cases = [({"start_dim": s, "end_dim": e}, [shape], lambda x, s=s, e=e: x.flatten(s, e)) for shape, s, e in spans]
    agree("flatten", cases, 50, 100)


def none_if_empty(result: Any) -> Any:
    """An empty tensor is refused here; PyTorch passes it on."""
    return result if result.numel() else None


def test_pad() -> None:
    def cases() -> Any:
        for n, before, after in product(range(1, 5), range(-5, 5), range(-5, 5)):
            yield {"padding": [[before, after]]}, [(2, n)], lambda x, p=(before, after): none_if_empty(F.pad(x, p))
        draw = draws_from(6)
        for rank in RANKS:
            for _ in range(300):
                pairs = [
                    draw.choice((draw.randint(-1, 3), [draw.randint(-2, 3), draw.randint(-2, 3)])) for _ in range(rank)
                ]
                shape = (2, *(draw.randint(1, 5) for _ in range(rank)))
                pads = torch_pads(pairs)
                yield {"padding": pairs, "value": 1.5}, [shape], lambda x, p=pads: none_if_empty(F.pad(x, p, value=1.5))

    agree("pad", cases(), 700, 100)


def test_pad_with_copies() -> None:
    def cases() -> Any:
        draw = draws_from(23)
        for rank, mode in product(RANKS, ("reflect", "replicate", "circular")):
            for _ in range(200):
                pairs = [[draw.randint(0, 4), draw.randint(0, 4)] for _ in range(rank)]
                shape = (2, *(draw.randint(1, 6) for _ in range(rank)))
                pads = torch_pads(pairs)
                yield {"padding": pairs, "mode": mode}, [shape], lambda x, p=pads, m=mode: F.pad(x, p, m)
        yield {"padding": [[1, 1]], "mode": "reflect", "value": 2}, [(2, 3)], lambda x: F.pad(x, (1, 1), "reflect", 2)

    agree("pad", cases(), 900, 300)


def test_pixels_and_channels_that_change_places() -> None:
    def cases(name: str, function: Any) -> Any:
        for channels, rows, columns, r in product((1, 4, 8, 9, 18), (1, 4, 6), (2, 6), (1, 2, 3)):
            key = "upscale_factor" if name == "pixel_shuffle" else "downscale_factor"
            yield {key: r}, [(channels, rows, columns)], lambda x, r=r: function(x, r)

    agree("pixel_shuffle", cases("pixel_shuffle", F.pixel_shuffle), 50, 30)
    agree("pixel_unshuffle", cases("pixel_unshuffle", F.pixel_unshuffle), 50, 30)
    shapes = [(c, *(3, 2, 2)[:rank]) for c in (4, 6, 7) for rank in RANKS]
    shuffles = [({"groups": g}, [s], lambda x, g=g: F.channel_shuffle(x, g)) for s in shapes for g in range(1, 8)]
    agree("channel_shuffle", shuffles, 20, 20)


def test_norms_of_each_sample() -> None:
    shapes = [(6, *(4, 1, 2)[:rank]) for rank in range(4)] + [(6, 1), (6, 1, 1)]

    def run(kind: Any, *values: Any, **keys: Any) -> Any:
        def forward(x: Any) -> Any:
            if kind is nn.GroupNorm and values[1] != x.shape[1]:
                return None  # PyTorch asks for the number of channels only where it is learnt
            made = (kind if isinstance(kind, type) else kind[x.ndim])(*values, **keys)
            return made(x), made

        return forward

    instance = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}
    flags = ({"affine": True}, {"affine": False, "eps": 1e-3})
    groups = [
        ({"num_groups": g, "num_channels": c, **a}, [s], run(nn.GroupNorm, g, c, **a))
        for s in shapes for g in (1, 2, 4, 6) for c in (6, 8) for a in flags
    ]  # fmt: skip
    agree("group_norm", groups, 36, 50)
    instances = [
        ({"num_features": 6, **a}, [s], run(instance, 6, **a)) for s in shapes if len(s) > 1 for a in flags
    ]  # fmt: skip
    agree("instance_norm", instances, 6, 4)
    layers = []
    for shape, length, wrong in product(shapes, (1, 2, 3, 4, 5), (0, 1)):
        normalized = [n + wrong for n in ((1,) + shape)[-length:]]
        for more in ({}, {"bias": False}, {"elementwise_affine": False}):
            reference = run(nn.LayerNorm, normalized, **more)
            if length > len(shape):
                continue  # with the batch axis
            layers.append(({"normalized_shape": normalized, **more}, [shape], reference))
    agree("layer_norm", layers, 30, 30)


def test_pools_of_powers() -> None:
    def cases() -> Any:
        draw = draws_from(24)
        for rank in RANKS:
            for _ in range(200):
                args = {"kernel_size": per_axis(draw, rank, 1, 4), "ceil_mode": draw.random() < 0.5}
                if draw.random() < 0.8:
                    args["stride"] = per_axis(draw, rank, 1, 4)
                shape = (2, *(draw.randint(4, 9) for _ in range(rank)))
                theirs = {k: v[0] if rank == 1 and isinstance(v, list) else v for k, v in args.items()}
                yield {"norm_type": 2, **args}, [shape], module("LPPool", rank, 2, **theirs)

    agree("lp_pool", cases(), 500)


def test_max_unpool() -> None:
    def cases() -> Any:
        draw = draws_from(25)
        for rank in RANKS:
            for _ in range(400):
                args = {"kernel_size": per_axis(draw, rank, 1, 4), "padding": per_axis(draw, rank, 0, 2)}
                if draw.random() < 0.7:
                    args["stride"] = per_axis(draw, rank, 1, 4)
                unpool = getattr(nn, f"MaxUnpool{rank}d")(**args)
                shape = (2, *(draw.randint(1, 4) for _ in range(rank)))
                size = [draw.randint(1, 12) for _ in range(rank)]

                def run(x: Any, i: Any, unpool: Any = unpool, size: Any = None) -> Any:
                    return none_if_empty(unpool(x, i.long(), size))

                yield args, [shape, shape], run
                yield {**args, "output_size": size}, [shape, shape], lambda x, i, r=run, s=size: r(x, i, size=s)
                wrong = (2, *(n + draw.choice((0, 1)) for n in shape[1:]))
                yield args, [shape, wrong], run

    agree("max_unpool", cases(), 900, 700)


def narrowed(x: Any, starts: list[int], goals: list[int]) -> Any:
    for axis, (start, goal) in enumerate(zip(starts, goals, strict=True), 2):
        x = x.narrow(axis, start, goal)
    return x


def test_crop() -> None:
    def cases() -> Any:
        draw = draws_from(7)
        for rank in RANKS:
            for _ in range(400):
                sizes = [draw.randint(1, 6) for _ in range(rank)]
                goals = [draw.randint(1, 6) for _ in range(rank)]
                starts = [draw.randint(0, 3) for _ in range(rank)]
                if min(a - b for a, b in zip(sizes, goals, strict=True)) >= 0:
                    middle = [(a - b) // 2 for a, b in zip(sizes, goals, strict=True)]
                else:
                    middle = [9] * rank  # narrow refuses it
                x, y = (2, *sizes), (3, *goals)
                yield {"size": goals}, [x], lambda x, a=middle, b=goals: narrowed(x, a, b)
                yield {"size": goals, "offset": starts}, [x], lambda x, a=starts, b=goals: narrowed(x, a, b)
                yield {}, [x, y], lambda x, y, a=middle: narrowed(x, a, list(y.shape[2:]))
                yield {"offset": starts}, [x, y], lambda x, y, a=starts: narrowed(x, a, list(y.shape[2:]))
                pads = [-m for m in torch_pads(starts)]
                yield {"margin": starts}, [x], lambda x, p=pads: none_if_empty(F.pad(x, p))

    agree("crop", cases(), 1000, 1000)


def test_upsample() -> None:
    def cases() -> Any:
        draw = draws_from(8)
        for rank in RANKS:
            for _ in range(200):
                shape = (2, *(draw.randint(1, 6) for _ in range(rank)))
                scale, size = per_axis(draw, rank, 1, 4), per_axis(draw, rank, 1, 9)
                yield {"scale_factor": scale}, [shape], lambda x, s=scale: F.interpolate(x, scale_factor=s)
                yield {"size": size}, [shape], lambda x, s=size: F.interpolate(x, size=s)
                yield {"size": size, "scale_factor": scale}, [shape], lambda x, a=size, b=scale: F.interpolate(x, a, b)
            yield {}, [(2, *(3,) * rank)], F.interpolate
            yield {"size": [2] * (rank + 1)}, [(2, *(3,) * rank)], lambda x, r=rank: F.interpolate(x, [2] * (r + 1))

    agree("upsample", cases(), 1000, 500)


def test_upsample_by_interpolation() -> None:
    def cases() -> Any:
        draw = draws_from(26)
        for rank, mode, aligned in product(RANKS, ("nearest", "linear", "bilinear", "trilinear"), (False, True)):
            for _ in range(30):
                shape = (2, *(draw.randint(1, 6) for _ in range(rank)))
                for args in ({"scale_factor": per_axis(draw, rank, 1, 4)}, {"size": per_axis(draw, rank, 1, 9)}):
                    if mode == "linear" and rank > 1:
                        continue  # here it is for every rank
                    more = {"mode": mode, "align_corners": aligned}
                    theirs = {**args, "mode": mode} | ({} if mode == "nearest" and not aligned else more)
                    yield {**args, **more}, [shape], lambda x, a=theirs: F.interpolate(x, **a)

    agree("upsample", cases(), 300, 300)


def test_reshape() -> None:
    def cases() -> Any:
        for shape in ((12,), (2, 6), (3, 2, 2), (5, 2)):
            for length in (1, 2, 3):
                for goal in product((-1, 0, 1, 2, 3, 4, 6, 12), repeat=length):
                    yield {"shape": list(goal)}, [shape], lambda x, g=goal: x.reshape(2, *g)

    agree("reshape", cases(), 100, 1000)


def test_permute() -> None:
    def cases() -> Any:
        for rank in (1, 2, 3):
            for dims in product(range(-rank - 2, rank + 2), repeat=rank + 1):
                if dims[0] in (0, -rank - 1):  # the batch axis stays in front here
                    yield {"dims": list(dims)}, [(2, 3, 4)[:rank]], lambda x, d=dims: x.permute(d)

    agree("permute", cases(), 50, 500)


def test_slice() -> None:
    """A range that leaves the operand is refused here, where Python clamps it; so is an empty one."""

    def sliced(x: Any, start: int, end: int | None, step: int) -> Any:
        n = x.shape[2]
        if start < -n or start > n or (end is not None and end > n):
            return None
        return none_if_empty(x[:, :, start:end:step])

    def cases() -> Any:
        places = range(-6, 7)
        for n, start, end, step in product(range(1, 6), places, (None, *places), (1, 2, 3)):
            args = {"dim": 2, "start": start, "step": step} | ({} if end is None else {"end": end})
            yield args, [(2, n)], lambda x, a=start, b=end, c=step: sliced(x, a, b, c)

    agree("slice", cases(), 400, 1000)


def test_split() -> None:
    """Chunks that do not divide the axis are refused here, where torch.chunk returns fewer or smaller ones."""

    def chunked(x: Any, chunks: int, dim: int) -> Any:
        return x.chunk(chunks, dim) if x.shape[dim] % chunks == 0 else None

    def cases() -> Any:
        for n, chunks, dim in product(range(1, 9), range(1, 9), (1, 2, 3, -1)):
            yield {"chunks": chunks, "dim": dim}, [(n, n)], lambda x, c=chunks, d=dim: chunked(x, c, d)
        for n, length in product(range(1, 6), (1, 2, 3)):
            for sections in product(range(1, 4), repeat=length):
                args = {"sections": list(sections), "dim": 2}
                yield args, [(2, n)], lambda x, s=sections: x.split(list(s), 2)

    agree("split", cases(), 80, 150)


def shapes_alike(draw: random.Random, count: int) -> list[tuple[int, ...]]:
    """Shapes of one rank that often agree."""
    first = [draw.randint(1, 3) for _ in range(draw.randint(1, 4))]
    shapes = [tuple(draw.choice((n, n, n, n, draw.randint(1, 3))) for n in first) for _ in range(count)]
    return [shape if draw.random() < 0.9 else (*shape, 2) for shape in shapes]


def test_joins() -> None:
    """Shapes that differ are refused here, where PyTorch broadcasts them, but for a gate in mul."""

    def gate(shape: tuple[int, ...]) -> bool:
        return len(shape) > 1 and set(shape[1:]) == {1}

    def permitted(name: str, shapes: list[tuple[int, ...]]) -> bool:
        full = [s for s in shapes if not gate(s)] if name == "mul" else shapes
        return len(set(full)) <= 1 and len({s[0] for s in shapes}) == 1 and len({len(s) for s in shapes}) == 1

    def folded(name: str) -> Any:
        def run(*xs: Any) -> Any:
            if not permitted(name, [tuple(x.shape[1:]) for x in xs]):
                return None
            total = xs[0]
            for x in xs[1:]:
                total = getattr(torch, name)(total, x)
            return total

        return run

    draw = draws_from(9)
    for name, most in (("add", 4), ("mul", 4), ("sub", 2)):
        draws = [shapes_alike(draw, draw.randint(2, most)) for _ in range(1500)]
        agree(name, [({}, shapes, folded(name)) for shapes in draws], 300, 300)


def test_concat() -> None:
    def cases() -> Any:
        draw = draws_from(10)
        for _ in range(3000):
            shapes = shapes_alike(draw, draw.randint(2, 4))
            dim = draw.choice([d for d in range(-5, 6) if d not in (0, *(-len(s) - 1 for s in shapes))])
            yield {"dim": dim}, shapes, lambda *xs, d=dim: torch.cat(xs, d)

    agree("concat", cases(), 300, 500)


def test_matmul() -> None:
    """Leading axes agree here, where PyTorch broadcasts them; vectors are refused."""

    def run(a: Any, b: Any) -> Any:
        if a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2] or a.ndim < 3:
            return None
        return torch.matmul(a, b)

    def cases() -> Any:
        draw = draws_from(11)
        for _ in range(2000):
            x, y = shapes_alike(draw, 2)
            yield {}, [x, (*y[:-2], *reversed(y[-2:]))], run

    agree("matmul", cases(), 300, 300)


def test_mean() -> None:
    """The batch axis is not averaged over, and one axis is left."""

    def run(dims: Any, keep: bool) -> Any:
        def forward(x: Any) -> Any:
            result = x.mean(dims, keepdim=keep)
            return result if result.ndim > 1 else None

        return forward

    def cases() -> Any:
        for rank, keep in product((1, 2, 3, 4), (False, True)):
            dims = [dim for dim in range(-5, 6) if dim not in (0, -rank - 1)]
            for chosen in (*dims, *([a] for a in dims), *(list(pair) for pair in product(dims, repeat=2))):
                args = {"dim": chosen, "keepdim": keep}
                yield args, [(2, 3, 4, 5)[:rank]], run(chosen, keep)

    agree("mean", cases(), 100, 200)


OTHER = torch.rand(1, 2, 5, 5, requires_grad=True)
TARGET = torch.rand(1, 2, 5, 5)


SAVING: dict[str, tuple[Any, dict[str, Any]]] = {
    "conv": (lambda x: F.conv2d(x, torch.ones(2, 2, 3, 3, requires_grad=True)), {"out_channels": 2, "kernel_size": 3}),
    "conv_transpose": (
        lambda x: F.conv_transpose2d(x, torch.ones(2, 2, 3, 3, requires_grad=True)),
        {"out_channels": 2, "kernel_size": 3},
    ),
    "linear": (lambda x: F.linear(x, torch.ones(3, 5, requires_grad=True)), {"out_features": 3}),
    "max_pool": (lambda x: F.max_pool2d(x, 2, return_indices=True), {"kernel_size": 2}),
    "avg_pool": (lambda x: F.avg_pool2d(x, 2), {"kernel_size": 2}),
    "adaptive_avg_pool": (lambda x: F.adaptive_avg_pool2d(x, 2), {"output_size": 2}),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool2d(x, 2, return_indices=True), {"output_size": 2}),
    "global_max_pool": (lambda x: F.adaptive_max_pool2d(x, 1), {}),
    "global_avg_pool": (lambda x: F.adaptive_avg_pool2d(x, 1), {}),
    "relu": (lambda x: F.relu_(x + 0), {}),
    "relu6": (F.relu6, {}),
    "leaky_relu": (F.leaky_relu, {}),
    "elu": (F.elu, {}),
    "selu": (F.selu, {}),
    "gelu": (F.gelu, {}),
    "silu": (F.silu, {}),
    "sigmoid": (torch.sigmoid, {}),
    "tanh": (torch.tanh, {}),
    "hardswish": (F.hardswish, {}),
    "hardsigmoid": (F.hardsigmoid, {}),
    "softplus": (F.softplus, {}),
    "mish": (F.mish, {}),
    "prelu": (lambda x: F.prelu(x, torch.ones(1, requires_grad=True)), {}),
    "softmax": (lambda x: F.softmax(x, 1), {}),
    "log_softmax": (lambda x: F.log_softmax(x, 1), {}),
    "pad": (lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), {"padding": 1, "mode": "reflect"}),
    "pad with zeros": (lambda x: F.pad(x, (1, 1, 1, 1)), {"padding": 1}),
    "upsample": (lambda x: F.interpolate(x, scale_factor=2), {"scale_factor": 2}),
    "flatten": (lambda x: x.flatten(1), {}),
    "reshape": (lambda x: x.reshape(1, -1), {"shape": [-1]}),
    "permute": (lambda x: x.permute(0, 2, 3, 1), {"dims": [0, 2, 3, 1]}),
    "slice": (lambda x: x[:, :1], {"dim": 1, "end": 1}),
    "split": (lambda x: x.chunk(2, 1), {"chunks": 2}),
    "crop": (lambda x: x[:, :, 1:-1], {"margin": 1}),
    "mean": (lambda x: x.mean((2, 3)), {"dim": [2, 3]}),
    "add": (lambda x: x + OTHER, {}),
    "sub": (lambda x: x - OTHER, {}),
    "mul": (lambda x: x * OTHER, {}),
    "mul of three": (lambda x: x * OTHER * OTHER, {}),
    "matmul": (lambda x: x @ OTHER, {}),
    "concat": (lambda x: torch.cat((x, OTHER), 1), {}),
    "cross_entropy": (lambda x: F.cross_entropy(x, TARGET), {}),
    "mse_loss": (lambda x: F.mse_loss(x, TARGET), {}),
    "layer_norm": (lambda x: F.layer_norm(x, (5, 5)), {"elementwise_affine": False}),
    "group_norm": (lambda x: F.group_norm(x, 2), {"num_groups": 2}),
    "instance_norm": (F.instance_norm, {}),
    "instance_norm with a scale": (
        lambda x: F.instance_norm(x, weight=torch.ones(2, requires_grad=True)),
        {"affine": True},
    ),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x.reshape(1, -1, 5, 1)[:, :8], 2), {"upscale_factor": 2}),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 5), {"downscale_factor": 5}),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), {"groups": 2}),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, torch.ones(2, requires_grad=True), training=True), {}),
}
"""Dropout stands apart: on the CPU PyTorch keeps its mask in floats, on a GPU in bytes, as here. So does local
response normalisation, which PyTorch composes of six operations that each keep something."""


COMPOSED = {"local_conv", "tiled_conv", "filter", "log_sum_exp_pool", "lp_pool", "unpool", "max_unpool"}
"""PyTorch has no such operation, or composes it of several; max_unpool keeps the indices, which its pool keeps too."""


@pytest.mark.parametrize("case", SAVING)
def test_what_backward_keeps(case: str) -> None:
    """The words of ``saved`` are the kinds of tensor that autograd packs, and its values are as many."""
    run, args = SAVING[case]
    name = case.split()[0]
    packed: list[Any] = []

    def pack(tensor: Any) -> Any:
        packed.append(tensor)
        return tensor

    x = torch.rand(1, 2, 5, 5, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        results = run(x)
    result = results[0] if isinstance(results, tuple) else results
    found = {_kind(name, tensor, x, result) for tensor in packed} - {"parameter"}
    if found >= {"input", "target"}:
        found.remove("target")  # all operands
    op, _ = ops.find(name).read(args, literal)
    assert op is not None
    inputs = ((2, 5, 5),) * (3 if case.endswith("three") else op.operands[0])
    values = op.own_values(inputs, op.infer(*inputs).shapes)
    assert {word for word in op.saved(*inputs) if word != "values" or values} == found
    assert sum(tensor.numel() for tensor in packed if _kind(name, tensor, x, result) == "values") == (
        values if "values" in found else 0
    )


def _kind(name: str, tensor: Any, x: Any, result: Any) -> str:
    """What of the operation a tensor is; a scale repeated for each sample is of its own making."""
    if tensor.dtype == torch.int64:
        return "indices"
    for kind, known in {"output": result, "input": x, "target": TARGET}.items():
        if tensor.data_ptr() == known.data_ptr():
            return kind
    if tensor.data_ptr() == OTHER.data_ptr():
        return "input"
    base = tensor if tensor._base is None else tensor._base
    if base.is_leaf and base.requires_grad:
        return "parameter"
    if "Repeat" in type(tensor.grad_fn).__name__:
        return "values"
    return "statistics" if "norm" in name and tensor.numel() <= 2 else "values"


def test_every_op_is_compared() -> None:
    compared = {*ACTIVATIONS, *(case.split()[0] for case in SAVING), *COMPOSED, "softmax", "log_softmax"}
    assert set(ops.names()) <= compared


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison fails once a formula is off by one, and once a demand is missing."""
    from convcalc.ops import _window

    right = _window.window
    monkeypatch.setattr(_window, "window", lambda *a: right(*a) + 1)
    assert len(disagreements("conv", conv_cases())[0]) > 2000
    monkeypatch.setattr(_window, "window", right)
    conv = ops.find("conv")
    monkeypatch.setattr(conv, "infer", lambda self, *x, infer=conv.infer: infer(self, *x)._replace(demands=()))
    assert len(disagreements("conv", conv_cases())[0]) > 500


def test_neighbours_of_a_case_differ() -> None:
    """The grid is not made of one case: neighbouring draws differ."""
    cases = [(str(args), shapes) for args, shapes, _ in conv_cases()]
    assert sum(a != b for a, b in pairwise(cases)) > 0.95 * len(cases)
