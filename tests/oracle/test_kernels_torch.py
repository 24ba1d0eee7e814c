"""Every kernel against PyTorch: results and all gradients, in float64, to 1e-10."""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convcalc import kernels, ops

torch = pytest.importorskip("torch", reason="PyTorch is the oracle; pip install convcalc[oracle]")
nn, F = torch.nn, torch.nn.functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]

RANKS = (1, 2, 3)
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}
Array = Any
Case = tuple[dict[str, Any], list[Array], dict[str, Array], Any]
"""Attributes, operands, parameters, and PyTorch's function of the operands and of the parameters as keywords."""


def draws_from(seed: int) -> random.Random:
    """The same cases at every run."""
    return random.Random(seed)  # cases, not secrets


def array(draw: random.Random, *shape: int, low: float = -2, high: float = 2) -> Array:
    """Uniform values."""
    return np.random.default_rng(draw.getrandbits(32)).uniform(low, high, shape)


def per_axis(draw: random.Random, rank: int, low: int, high: int) -> Any:
    """One integer, or one an axis."""
    return draw.choice((draw.randint(low, high), tuple(draw.randint(low, high) for _ in range(rank))))


def sizes(draw: random.Random, rank: int, low: int, high: int) -> list[int]:
    return [draw.randint(low, high) for _ in range(rank)]


def compare(name: str, case: Case, **more: Any) -> None:
    """The results, and the gradients of everything that PyTorch has one of."""
    args, operands, parameters, reference = case
    y, vjp = kernels.find(name)(*operands, **args, **parameters, **more)
    results = y if isinstance(y, tuple) else (y,)

    leaves = [leaf(x) for x in operands]
    keys = {key: leaf(value) for key, value in parameters.items()}
    for key in ("running_mean", "running_var"):
        if key in keys:
            keys[key].requires_grad_(False)
    wanted = reference(*leaves, **keys)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(results) == len(wanted)
    seeds, total = [], 0
    for ours, theirs in zip(results, wanted, strict=True):
        assert ours.shape == tuple(theirs.shape), args
        np.testing.assert_allclose(ours, theirs.detach().numpy(), **TOLERANCE, err_msg=str(args))
        seed = np.random.default_rng(1).standard_normal(ours.shape) if ours.dtype.kind == "f" else None
        seeds.append(seed)
        if seed is not None:
            total = total + (theirs * torch.from_numpy(seed)).sum()
    total.backward()
    gradients = vjp(tuple(seeds) if isinstance(y, tuple) else seeds[0])
    for key, tensor in [*enumerate(leaves), *keys.items()]:
        if tensor.grad is None:
            assert key not in gradients
        else:
            np.testing.assert_allclose(gradients[key], tensor.grad.numpy(), **TOLERANCE, err_msg=f"{key} {args}")


def leaf(x: Array) -> Any:
    tensor = torch.from_numpy(np.array(x))
    return tensor.requires_grad_() if x.dtype.kind == "f" else tensor


def function(stem: str, rank: int) -> Any:
    return getattr(F, f"{stem}{rank}d")


# Convolution.


def torch_pads(pairs: Any) -> list[int]:
    """Pairs an axis as torch.nn.functional.pad wants them: the last axis first."""
    sides = [(pair, pair) if isinstance(pair, int) else pair for pair in pairs]
    return [side for pair in reversed(sides) for side in pair]


def conv_cases(seed: int, count: int) -> Iterator[Case]:
    draw = draws_from(seed)
    for rank, _ in product(RANKS, range(count)):
        groups, each, outputs = draw.choice((1, 1, 2, 3)), draw.randint(1, 3), draw.randint(1, 3)
        kernel = tuple(sizes(draw, rank, 1, 3))
        uneven = tuple((draw.randint(0, 3), draw.randint(0, 3)) for _ in range(rank))
        args = {
            "stride": per_axis(draw, rank, 1, 3),
            "dilation": per_axis(draw, rank, 1, 3),
            "padding": draw.choice((per_axis(draw, rank, 0, 3), uneven, "same", "valid", "full")),
            "groups": groups,
        }
        if args["padding"] == "same":
            args["stride"] = 1
        x = array(draw, 2, groups * each, *sizes(draw, rank, 1, 8))
        state = {"weight": array(draw, groups * outputs, each, *kernel)}
        if draw.random() < 0.5:
            state["bias"] = array(draw, groups * outputs)
        reach = [d * (k - 1) for d, k in zip(spread(args["dilation"], rank), kernel, strict=True)]

        def run(
            x: Any, weight: Any, bias: Any = None, *, args: Any = args, rank: int = rank, reach: Any = reach
        ) -> Any:
            padding = args["padding"]
            if padding == "full" or (isinstance(padding, tuple) and isinstance(padding[0], tuple)):
                x = F.pad(x, torch_pads(reach if padding == "full" else padding))
                padding = 0
            return function("conv", rank)(x, weight, bias, **{**args, "padding": padding})

        try:
            run(torch.from_numpy(x), **{key: torch.from_numpy(value) for key, value in state.items()})
        except RuntimeError:
            with pytest.raises(ValueError, match="no window fits"):
                kernels.find("conv")(x, **state, **args)
            continue
        yield args, [x], state, run


def spread(value: Any, rank: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * rank


@pytest.mark.parametrize("algorithm", ["im2col", "direct"])
def test_conv(algorithm: str) -> None:
    checked = 0
    for case in conv_cases(1, 120):
        compare("conv", case, algorithm=algorithm)
        checked += 1
    assert checked > 200


COPIES = ("reflect", "replicate", "circular")


def extended(x: Any, pairs: Any, mode: str) -> Any:
    return F.pad(x, torch_pads(pairs), "constant" if mode == "zeros" else mode)


def copied_cases(seed: int, count: int) -> Iterator[tuple[dict[str, Any], list[Array], int, Any]]:
    """Attributes, an operand, its rank, and the operand padded by PyTorch."""
    draw = draws_from(seed)
    for rank, mode, _ in product(RANKS, ("zeros", *COPIES), range(count)):
        pairs = tuple((draw.randint(0, 2), draw.randint(0, 2)) for _ in range(rank))
        args = {
            "padding": pairs, "padding_mode": mode, "flip": draw.random() < 0.5,
            "stride": per_axis(draw, rank, 1, 2), "dilation": per_axis(draw, rank, 1, 2),
        }  # fmt: skip
        x = array(draw, 2, 3, *sizes(draw, rank, 5, 7))
        yield args, [x], rank, lambda x, p=pairs, m=mode: extended(x, p, m)


def flipped(weight: Any, rank: int, flip: bool) -> Any:
    return weight.flip(tuple(range(-rank, 0))) if flip else weight


def slid(args: dict[str, Any]) -> dict[str, Any]:
    return {key: args[key] for key in ("stride", "dilation")}


def test_copies_in_the_padding_and_flipped_kernels() -> None:
    for seed, (args, operands, rank, pad) in enumerate(copied_cases(30, 12)):
        state = {"weight": array(draws_from(seed), 4, 3, *(2, 3, 1)[:rank]), "bias": array(draws_from(seed), 4)}

        def run(x: Any, weight: Any, bias: Any, *, args: Any = args, rank: int = rank, pad: Any = pad) -> Any:
            return function("conv", rank)(pad(x), flipped(weight, rank, args["flip"]), bias, **slid(args))

        compare("conv", (args, operands, state, run))


def by_position(x: Any, weight: Any, bias: Any, args: dict[str, Any], rank: int) -> Any:
    """One convolution for each position of the result, of which that position is taken."""
    maps = []
    for place in np.ndindex(*weight.shape[1 : 1 + rank]):
        own = flipped(weight[(slice(None), *place)], rank, args["flip"])
        maps.append(function("conv", rank)(x, own, bias[(slice(None), *place)], **slid(args))[(..., *place)])
    return torch.stack(maps, -1).reshape(len(x), *weight.shape[: 1 + rank])


def places(x: Any, kernel: Any, args: dict[str, Any], rank: int) -> list[int]:
    return list(function("conv", rank)(x[:, :1], torch.ones(1, 1, *kernel, dtype=x.dtype), **slid(args)).shape[2:])


def test_local_conv() -> None:
    for seed, (args, operands, rank, pad) in enumerate(copied_cases(31, 3)):
        kernel = (2, 3, 1)[:rank]
        size = places(pad(torch.from_numpy(operands[0])), kernel, args, rank)
        draw = draws_from(seed)
        state = {"weight": array(draw, 2, *size, 3, *kernel), "bias": array(draw, 2, *size)}

        def run(x: Any, weight: Any, bias: Any, *, args: Any = args, rank: int = rank, pad: Any = pad) -> Any:
            return by_position(pad(x), weight, bias, args, rank)

        compare("local_conv", (args, operands, state, run))


def test_tiled_conv() -> None:
    """The weights spread over all positions make a local convolution; one tile is a convolution."""
    for seed, (args, operands, rank, pad) in enumerate(copied_cases(32, 3)):
        kernel, draw = (2, 3, 1)[:rank], draws_from(seed)
        size = places(pad(torch.from_numpy(operands[0])), kernel, args, rank)
        tiles = tuple(sizes(draw, rank, 1, 3))
        state = {"weight": array(draw, 2, *tiles, 3, *kernel), "bias": array(draw, 2, *tiles)}
        index = np.ix_(*(np.arange(n) % t for n, t in zip(size, tiles, strict=True)))

        def run(
            x: Any, weight: Any, bias: Any, *, args: Any = args, rank: int = rank, pad: Any = pad, index: Any = index
        ) -> Any:
            cut = (slice(None), *index)
            return by_position(pad(x), weight[cut], bias[cut], args, rank)

        compare("tiled_conv", ({**args, "tiles": tiles}, operands, state, run))


def test_filter() -> None:
    for seed, (args, operands, rank, pad) in enumerate(copied_cases(33, 6)):
        numbers = array(draws_from(seed), *(2, 3, 3)[:rank])

        def run(x: Any, *, args: Any = args, rank: int = rank, pad: Any = pad, numbers: Any = numbers) -> Any:
            weight = flipped(torch.from_numpy(numbers)[None, None] / 4, rank, args["flip"])
            weight = weight.expand(3, 1, *numbers.shape)
            return function("conv", rank)(pad(x), weight, groups=3, **slid(args))

        compare("filter", ({**args, "kernel": numbers.tolist(), "divisor": 4}, operands, {}, run))


def transposed_cases(seed: int, count: int) -> Iterator[Case]:
    draw = draws_from(seed)
    for rank, _ in product(RANKS, range(count)):
        groups, each, outputs = draw.choice((1, 1, 2, 3)), draw.randint(1, 3), draw.randint(1, 3)
        args = {
            "stride": per_axis(draw, rank, 1, 3),
            "dilation": per_axis(draw, rank, 1, 3),
            "padding": per_axis(draw, rank, 0, 2),
            "output_padding": draw.choice((0, per_axis(draw, rank, 0, 2))),
            "groups": groups,
        }
        x = array(draw, 2, groups * each, *sizes(draw, rank, 1, 4))
        state = {"weight": array(draw, groups * each, outputs, *sizes(draw, rank, 1, 3))}
        if draw.random() < 0.5:
            state["bias"] = array(draw, groups * outputs)

        def run(x: Any, weight: Any, bias: Any = None, *, args: Any = args, rank: int = rank) -> Any:
            return function("conv_transpose", rank)(x, weight, bias, **args)

        try:
            run(torch.from_numpy(x), **{key: torch.from_numpy(value) for key, value in state.items()})
        except RuntimeError:
            continue
        yield args, [x], state, run


@pytest.mark.parametrize("algorithm", ["im2col", "direct"])
def test_conv_transpose(algorithm: str) -> None:
    checked = 0
    for case in transposed_cases(2, 120):
        compare("conv_transpose", case, algorithm=algorithm)
        checked += 1
    assert checked > 150


# Pools.


def pool_cases(name: str, seed: int, count: int) -> Iterator[tuple[int, Case]]:
    draw = draws_from(seed)
    for rank, _ in product(RANKS, range(count)):
        kernel = per_axis(draw, rank, 1, 4)
        padding = tuple(draw.randint(0, k // 2) for k in spread(kernel, rank))
        args: dict[str, Any] = {"kernel_size": kernel, "padding": padding, "ceil_mode": draw.random() < 0.5}
        if draw.random() < 0.8:
            args["stride"] = per_axis(draw, rank, 1, 4)
        if name == "max_pool":
            args["dilation"] = per_axis(draw, rank, 1, 3)
        else:
            args["count_include_pad"] = draw.random() < 0.5
            if rank > 1 and draw.random() < 0.3:
                args["divisor_override"] = draw.randint(1, 9)
        x = array(draw, 2, 3, *sizes(draw, rank, 1, 9))
        if name == "max_pool" and draw.random() < 0.5:
            x = np.round(x)

        def run(x: Any, *, args: Any = args, rank: int = rank) -> Any:
            if name == "max_pool":
                return function(name, rank)(x, **args, return_indices=True)
            return function(name, rank)(x, **args)

        try:
            seen = run(torch.from_numpy(x))
        except RuntimeError:
            continue
        seen = seen[0] if isinstance(seen, tuple) else seen
        if torch.isfinite(seen).all():
            yield rank, (args, [x], {}, run)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_pools(name: str) -> None:
    """Of equal values the same one wins. Windows of padding alone are left out: PyTorch gives them places outside."""
    checked = dict.fromkeys(RANKS, 0)
    for rank, case in pool_cases(name, 3, 150):
        compare(name, case)
        checked[rank] += 1
    assert min(checked.values()) > 50, checked


@pytest.mark.parametrize("name", ["adaptive_max_pool", "adaptive_avg_pool"])
def test_adaptive_pools(name: str) -> None:
    draw = draws_from(4)
    for rank, _ in product(RANKS, range(60)):
        goals = tuple(draw.choice((None, *range(1, 7))) for _ in range(rank))
        shape = sizes(draw, rank, 1, 8)
        asked = [n if goal is None else goal for n, goal in zip(shape, goals, strict=True)]

        def run(x: Any, *, rank: int = rank, asked: Any = asked) -> Any:
            extra = {"return_indices": True} if "max" in name else {}
            return function(name, rank)(x, asked, **extra)

        compare(name, ({"output_size": goals}, [np.round(array(draw, 2, 3, *shape), 1)], {}, run))


@pytest.mark.parametrize("name", ["global_max_pool", "global_avg_pool"])
def test_global_pools(name: str) -> None:
    draw = draws_from(5)
    for rank, _ in product(RANKS, range(10)):
        stem = name.replace("global", "adaptive")
        x = np.round(array(draw, 2, 3, *sizes(draw, rank, 1, 6)))
        compare(name, ({}, [x], {}, lambda x, stem=stem, rank=rank: function(stem, rank)(x, 1)))


def test_pools_of_powers() -> None:
    draw = draws_from(34)
    for rank, power, _ in product(RANKS, (1.0, 2.0, 3.0, 2.5), range(12)):
        args = {
            "kernel_size": per_axis(draw, rank, 1, 3), "ceil_mode": draw.random() < 0.5,
            "stride": draw.choice((None, per_axis(draw, rank, 1, 3))),
        }  # fmt: skip
        x = array(draw, 2, 3, *sizes(draw, rank, 3, 7), low=0.1)

        def run(x: Any, *, rank: int = rank, power: float = power, args: Any = args) -> Any:
            own = {k: v[0] if rank == 1 and isinstance(v, tuple) else v for k, v in args.items()}
            return function("lp_pool", rank)(x, power, **own)

        compare("lp_pool", ({"norm_type": power, **args}, [x], {}, run))


def test_pools_of_logarithms() -> None:
    """By unfolding each axis."""
    draw = draws_from(35)
    for rank, r, mean, _ in product(RANKS, (1.0, 5.0), (False, True), range(6)):
        kernel, stride = tuple(sizes(draw, rank, 1, 3)), tuple(sizes(draw, rank, 1, 3))
        x = array(draw, 2, 3, *sizes(draw, rank, 3, 7))

        def run(x: Any, *, kernel: Any = kernel, stride: Any = stride, r: float = r, mean: bool = mean) -> Any:
            for axis, (k, s) in enumerate(zip(kernel, stride, strict=True), 2):
                x = x.unfold(axis, k, s)
            sums = torch.logsumexp(r * x.flatten(2 + len(kernel)), -1)
            return (sums - (np.log(np.prod(kernel)) if mean else 0)) / r

        compare(
            "log_sum_exp_pool", ({"kernel_size": kernel, "stride": stride, "sharpness": r, "mean": mean}, [x], {}, run)
        )


def test_max_unpool() -> None:
    """Windows that do not overlap: of several values for one place PyTorch keeps any."""
    draw = draws_from(36)
    for rank, _ in product(RANKS, range(20)):
        kernel = tuple(sizes(draw, rank, 1, 3))
        whole = array(draw, 2, 3, *sizes(draw, rank, 3, 8))
        pooled, indices = function("max_pool", rank)(torch.from_numpy(whole), kernel, return_indices=True)
        x = array(draw, *pooled.shape)

        def run(x: Any, i: Any, *rest: Any, rank: int = rank, kernel: Any = kernel, size: Any = whole.shape[2:]) -> Any:
            return function("max_unpool", rank)(x, i, kernel, output_size=size)

        size = {"output_size": whole.shape[2:]}
        compare("max_unpool", ({"kernel_size": kernel, **size}, [x, indices.numpy()], {}, run))
        compare("max_unpool", ({"kernel_size": kernel}, [x, indices.numpy(), whole], {}, run))


def test_unpool() -> None:
    """A bed of nails is a transposed convolution with a kernel of one."""
    draw = draws_from(37)
    for rank, _ in product(RANKS, range(10)):
        block = tuple(sizes(draw, rank, 1, 3))
        x = array(draw, 2, 3, *sizes(draw, rank, 1, 4))
        nail = torch.zeros(3, 1, *block, dtype=torch.float64)
        nail[(slice(None), 0, *(0,) * rank)] = 1

        def nails(x: Any, *, rank: int = rank, nail: Any = nail, block: Any = block) -> Any:
            return function("conv_transpose", rank)(x, nail, stride=block, groups=3)

        compare("unpool", ({"kernel_size": block, "mode": "bed_of_nails"}, [x], {}, nails))
        compare("unpool", ({"kernel_size": block}, [x], {}, lambda x, b=block: F.interpolate(x, scale_factor=b)))


# Values by themselves, and along an axis.

ACTIVATIONS: dict[str, tuple[Callable[..., Any], list[dict[str, Any]]]] = {
    "relu": (F.relu, [{}]),
    "relu6": (F.relu6, [{}]),
    "leaky_relu": (F.leaky_relu, [{}, {"negative_slope": 0.2}]),
    "elu": (F.elu, [{}, {"alpha": 0.5}]),
    "selu": (F.selu, [{}]),
    "gelu": (F.gelu, [{}, {"approximate": "tanh"}]),
    "silu": (F.silu, [{}]),
    "sigmoid": (torch.sigmoid, [{}]),
    "tanh": (torch.tanh, [{}]),
    "hardswish": (F.hardswish, [{}]),
    "hardsigmoid": (lambda x: F.relu6(x + 3) / 6, [{}]),
    "softplus": (F.softplus, [{}, {"beta": 2.0, "threshold": 10.0}]),
    "mish": (F.mish, [{}]),
    "softmax": (F.softmax, [{"dim": d} for d in (1, -1)]),
    "log_softmax": (F.log_softmax, [{"dim": d} for d in (1, -1)]),
    "local_response_norm": (
        F.local_response_norm,
        [{"size": 3}, {"size": 4, "alpha": 0.3}, {"size": 9, "alpha": 1.0, "beta": 0.5, "k": 2.0}, {"size": 1}],
    ),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    run, arguments = ACTIVATIONS[name]
    draw = draws_from(6)
    fewest = 1 if name == "local_response_norm" else 0
    for args, rank in product(arguments, range(fewest, 4)):
        x = array(draw, 3, 5, *sizes(draw, rank, 2, 4), low=-8, high=8)
        compare(name, (args, [x], {}, lambda x, args=args: run(x, **args)))


def test_hardsigmoid() -> None:
    """PyTorch's own works with a sixth in float32."""
    x = np.linspace(-4, 4, 33)[None]
    tensor = leaf(x)
    F.hardsigmoid(tensor).sum().backward()
    y, vjp = kernels.find("hardsigmoid")(x)
    np.testing.assert_allclose(vjp(np.ones_like(y))[0], tensor.grad.numpy(), rtol=1e-7)


CORNERS = ["relu", "relu6", "leaky_relu", "elu", "selu", "hardswish", "hardsigmoid", "softplus"]


@pytest.mark.parametrize("name", CORNERS)
def test_corners(name: str) -> None:
    """Where a derivative jumps, PyTorch's is taken."""
    run, arguments = ACTIVATIONS[name]
    for args in arguments:
        x = np.array([[-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0, 6.0, 10.0, 20.0]])
        compare(name, (args, [x], {}, lambda x, args=args: run(x, **args)))


def test_prelu() -> None:
    draw = draws_from(7)
    for rank, slopes in product(range(4), (1, 5)):
        x = array(draw, 3, 5, *sizes(draw, rank, 1, 4))
        compare("prelu", ({}, [x], {"weight": array(draw, slopes)}, F.prelu))


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(training: bool) -> None:
    draw = draws_from(8)
    for rank, affine, _ in product(range(4), (True, False), range(4)):
        args = {"eps": draw.choice((1e-5, 1e-2)), "momentum": draw.choice((0.1, 0.7))}
        x = array(draw, 3, 4, *sizes(draw, rank, 1, 4))
        state = {"running_mean": array(draw, 4), "running_var": array(draw, 4, low=0.5)}
        if affine:
            state |= {"weight": array(draw, 4), "bias": array(draw, 4)}
        moved: dict[str, Array] = {}

        def run(x: Any, *, args: Any = args, moved: Any = moved, **state: Any) -> Any:
            mean, var = state.pop("running_mean").clone(), state.pop("running_var").clone()
            y = F.batch_norm(x, mean, var, **state, training=training, **args)
            moved.update(running_mean=mean.numpy(), running_var=var.numpy())
            return y

        buffers: dict[str, Array] = {}
        case = ({**args, "affine": affine}, [x], state, run)
        compare("batch_norm", case, training=training, buffers=buffers)
        assert buffers.keys() == (moved.keys() if training else set())
        for key, values in buffers.items():
            np.testing.assert_allclose(values, moved[key], **TOLERANCE)


def test_norms_of_each_sample() -> None:
    draw = draws_from(38)
    for rank, eps, learnt in product(range(4), (1e-5, 1e-2), (True, False)):
        x = array(draw, 3, 6, *sizes(draw, rank, 2, 4))
        state = {"weight": array(draw, 6), "bias": array(draw, 6)} if learnt else {}
        more = {"eps": eps, "affine": learnt}
        for groups in (1, 2, 3):
            case = (
                {**more, "num_groups": groups},
                [x],
                state,
                lambda x, g=groups, e=eps, **s: F.group_norm(x, g, eps=e, **s),
            )
            compare("group_norm", case)
        if rank:
            compare("instance_norm", (more, [x], state, lambda x, e=eps, **s: F.instance_norm(x, eps=e, **s)))
        for length in range(1, x.ndim):
            shape = x.shape[x.ndim - length :]
            own = {"weight": array(draw, *shape), "bias": array(draw, *shape)} if learnt else {}
            args = {"normalized_shape": shape, "eps": eps, "elementwise_affine": learnt}
            compare("layer_norm", (args, [x], own, lambda x, sh=shape, e=eps, **s: F.layer_norm(x, sh, eps=e, **s)))


def test_dropout() -> None:
    """In eval mode; in train mode with the mask that was drawn here."""
    draw = draws_from(9)
    x = array(draw, 3, 4, 5)
    compare("dropout", ({"p": 0.3}, [x], {}, lambda x: F.dropout(x, 0.3, training=False)))
    kept = np.random.default_rng(1).random(x.shape, dtype=np.float32) >= 0.3
    mask = torch.from_numpy(kept)
    more = {"training": True, "rng": np.random.default_rng(1)}
    compare("dropout", ({"p": 0.3}, [x], {}, lambda x: x * mask / 0.7), **more)


# Matrices and losses.


def test_linear() -> None:
    draw = draws_from(10)
    for rank, bias, _ in product(range(4), (True, False), range(5)):
        x = array(draw, 3, 4, *sizes(draw, rank, 1, 4))
        state = {"weight": array(draw, 6, x.shape[-1])}
        if bias:
            state["bias"] = array(draw, 6)
        compare("linear", ({"bias": False} if not bias else {}, [x], state, F.linear))


def test_matmul() -> None:
    draw = draws_from(11)
    for rank, _ in product(range(1, 4), range(8)):
        front, (n, k, m) = sizes(draw, rank - 1, 1, 3), sizes(draw, 3, 1, 5)
        compare("matmul", ({}, [array(draw, 2, *front, n, k), array(draw, 2, *front, k, m)], {}, torch.matmul))


def test_cross_entropy() -> None:
    """PyTorch's mean over the batch is the mean of what is here the loss of each sample."""
    draw = draws_from(12)
    rng = np.random.default_rng(12)
    for rank, _ in product(range(4), range(6)):
        shape = sizes(draw, rank, 1, 4)
        x = array(draw, 3, 5, *shape, low=-9, high=9)
        odds = rng.random(x.shape)

        def mean(x: Any, target: Any) -> Any:
            losses = F.cross_entropy(x, target, reduction="none").reshape(len(x), -1).mean(1, keepdim=True)
            torch.testing.assert_close(losses.mean(), F.cross_entropy(x, target))
            return losses

        def by_class(x: Any, target: Any, mean: Any = mean) -> Any:
            return mean(x, target[:, 0] if x.ndim == 2 else target)

        compare("cross_entropy", ({}, [x, odds / odds.sum(axis=1, keepdims=True)], {}, mean))
        compare("cross_entropy", ({}, [x, rng.integers(0, 5, (3, *(shape or [1])))], {}, by_class))


def test_mse_loss() -> None:
    draw = draws_from(13)
    for rank in range(4):
        shape = [3, 4, *sizes(draw, rank, 1, 4)]

        def run(x: Any, target: Any) -> Any:
            losses = F.mse_loss(x, target, reduction="none").reshape(len(x), -1).mean(1, keepdim=True)
            torch.testing.assert_close(losses.mean(), F.mse_loss(x, target))
            return losses

        compare("mse_loss", ({}, [array(draw, *shape), array(draw, *shape)], {}, run))


# Everything else.


def test_joins() -> None:
    draw = draws_from(14)
    for rank, count in product(range(4), (2, 3)):
        shape = [2, 3, *sizes(draw, rank, 2, 4)]
        xs = [array(draw, *shape) for _ in range(count)]
        compare("add", ({}, xs, {}, lambda *xs: sum(xs[1:], xs[0])))
        compare("sub", ({}, xs[:2], {}, lambda a, b: a - b))
        gate = array(draw, 2, 3, *(1 for _ in range(rank)))
        for operands in (xs, [*xs, gate], [gate, *xs], [gate, xs[0], gate]):
            compare("mul", ({}, operands, {}, lambda *xs: torch.stack(torch.broadcast_tensors(*xs)).prod(0)))
        for dim in range(1, rank + 2):
            compare("concat", ({"dim": dim}, xs, {}, lambda *xs, dim=dim: torch.cat(xs, dim)))
            compare("concat", ({"dim": dim - rank - 2}, xs, {}, lambda *xs, dim=dim: torch.cat(xs, dim)))


def test_views() -> None:
    draw = draws_from(15)
    for rank in range(1, 4):
        x = array(draw, 2, 6, *sizes(draw, rank, 2, 5))
        for dim in range(1, x.ndim):
            n = x.shape[dim]
            for start, step in product(range(n), (1, 2)):
                index = (*(slice(None),) * dim, slice(start, None, step))
                args = {"dim": dim, "start": start, "step": step}
                compare("slice", (args, [x], {}, lambda x, index=index: x[index].clone()))
            sections = (1, n - 1)
            compare("split", ({"sections": sections, "dim": dim}, [x], {}, lambda x, s=sections, d=dim: x.split(s, d)))
            compare("flatten", ({"start_dim": dim}, [x], {}, lambda x, d=dim: x.flatten(d)))
            for keep in (True, False):
                args = {"dim": dim, "keepdim": keep}
                compare("mean", (args, [x], {}, lambda x, args=args: x.mean(**args)))
        compare("mean", ({"dim": (1, -1)}, [x], {}, lambda x: x.mean((1, -1))))
        compare("split", ({"chunks": 3}, [x], {}, lambda x: x.chunk(3, 1)))
        compare("reshape", ({"shape": (3, -1)}, [x], {}, lambda x: x.reshape(2, 3, -1)))
        order = [0, *draw.sample(range(1, x.ndim), x.ndim - 1)]
        compare("permute", ({"dims": tuple(order)}, [x], {}, lambda x, order=order: x.permute(order)))


def test_pad_and_crop() -> None:
    draw = draws_from(16)
    for rank, _ in product(RANKS, range(30)):
        pairs = tuple((draw.randint(-1, 3), draw.randint(-1, 3)) for _ in range(rank))
        x = array(draw, 2, 3, *sizes(draw, rank, 3, 6))
        value = draw.choice((0.0, 1.5))
        args = {"padding": pairs, "value": value}
        compare("pad", (args, [x], {}, lambda x, p=pairs, v=value: F.pad(x, torch_pads(p), value=v)))
        margins = tuple((draw.randint(0, 1), draw.randint(0, 1)) for _ in range(rank))
        negative = torch_pads([(-a, -b) for a, b in margins])
        compare("crop", ({"margin": margins}, [x], {}, lambda x, p=negative: F.pad(x, p)))
        goals = tuple(draw.randint(1, n) for n in x.shape[2:])
        around = [((n - goal) // 2, n - goal - (n - goal) // 2) for n, goal in zip(x.shape[2:], goals, strict=True)]
        centred = torch_pads([(-a, -b) for a, b in around])
        compare("crop", ({"size": goals}, [x], {}, lambda x, p=centred: F.pad(x, p)))
        like = array(draw, 2, 1, *goals)
        compare("crop", ({}, [x, like], {}, lambda x, like, p=centred: F.pad(x, p)))


def test_upsample() -> None:
    draw = draws_from(17)
    for rank, _ in product(RANKS, range(30)):
        x = array(draw, 2, 3, *sizes(draw, rank, 1, 5))
        scale = per_axis(draw, rank, 1, 3)
        compare("upsample", ({"scale_factor": scale}, [x], {}, lambda x, s=scale: F.interpolate(x, scale_factor=s)))
        goals = tuple(draw.randint(1, 9) for _ in range(rank))
        compare("upsample", ({"size": goals}, [x], {}, lambda x, g=goals: F.interpolate(x, size=g)))


def test_upsample_by_interpolation() -> None:
    draw = draws_from(39)
    for rank, aligned, _ in product(RANKS, (False, True), range(30)):
        x = array(draw, 2, 3, *sizes(draw, rank, 1, 5))
        mode = ("linear", "bilinear", "trilinear")[rank - 1]
        for size in ({"scale_factor": per_axis(draw, rank, 1, 4)}, {"size": tuple(sizes(draw, rank, 1, 9))}):
            more = {**size, "align_corners": aligned}

            def run(x: Any, *, mode: str = mode, more: Any = more) -> Any:
                return F.interpolate(x, mode=mode, **more)

            compare("upsample", ({**more, "mode": draw.choice((mode, "linear"))}, [x], {}, run))


def test_pad_with_copies() -> None:
    draw = draws_from(40)
    for rank, mode, _ in product(RANKS, COPIES, range(15)):
        pairs = tuple((draw.randint(0, 3), draw.randint(0, 3)) for _ in range(rank))
        x = array(draw, 2, 3, *sizes(draw, rank, 4, 6))
        compare("pad", ({"padding": pairs, "mode": mode}, [x], {}, lambda x, p=pairs, m=mode: extended(x, p, m)))


def test_places_that_change() -> None:
    draw = draws_from(41)
    for r in (1, 2, 3):
        x = array(draw, 2, 2 * r * r, 3, 4)
        compare("pixel_shuffle", ({"upscale_factor": r}, [x], {}, lambda x, r=r: F.pixel_shuffle(x, r)))
        x = array(draw, 2, 3, 2 * r, 3 * r)
        compare("pixel_unshuffle", ({"downscale_factor": r}, [x], {}, lambda x, r=r: F.pixel_unshuffle(x, r)))
        for rank in RANKS:
            x = array(draw, 2, 6, *sizes(draw, rank, 2, 4))
            run = lambda x, g=r: x.unflatten(1, (g, -1)).transpose(1, 2).flatten(1, 2)  # noqa: E731
            compare("channel_shuffle", ({"groups": r}, [x], {}, run))
            with torch.no_grad():
                torch.testing.assert_close(run(torch.from_numpy(x)), F.channel_shuffle(torch.from_numpy(x), r))


# The comparison itself.

COMPARED = {
    *ACTIVATIONS, "conv", "conv_transpose", "linear", "matmul", "prelu", "batch_norm", "dropout", "cross_entropy",
    "mse_loss", "max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "global_max_pool",
    "global_avg_pool", "add", "sub", "mul", "concat", "slice", "split", "flatten", "mean", "reshape", "permute",
    "pad", "crop", "upsample", "local_conv", "tiled_conv", "filter", "lp_pool", "log_sum_exp_pool", "max_unpool",
    "unpool", "layer_norm", "group_norm", "instance_norm", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
}  # fmt: skip


def test_every_op_is_compared() -> None:
    assert set(ops.names()) == COMPARED


def test_planted_errors_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flip that is forgotten, a padding off by one, a wrong argmax, a slope at a corner."""
    from convcalc.kernels import _sliding, max_pool, relu
    from convcalc.kernels.correlation import im2col

    adjoint, paddings, places = im2col.input_adjoint, _sliding.paddings, max_pool._places

    def flipped(dy: Array, w: Array, *rest: Any) -> Array:
        return adjoint(dy, w[(..., *(slice(None, None, -1),) * (w.ndim - 2))], *rest)

    faults = [
        (im2col, "input_adjoint", flipped, lambda: test_conv_transpose("im2col")),
        (im2col, "input_adjoint", flipped, lambda: test_conv("im2col")),
        (
            _sliding,
            "paddings",
            lambda *a: [(after, before) for before, after in paddings(*a)],
            lambda: test_conv("im2col"),
        ),
        (max_pool, "_places", lambda *a: np.maximum(places(*a) - 1, 0), lambda: test_pools("max_pool")),
        (relu, "relu", lambda x: (np.maximum(x, 0), lambda dy: {0: dy * (x >= 0)}), lambda: test_corners("relu")),
    ]
    for module, name, wrong, check in faults:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, wrong)
            with pytest.raises(AssertionError):
                check()
