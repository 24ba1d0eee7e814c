"""Every kernel: forward by its definition in plain Python, gradients by central differences, and what it may know."""

from __future__ import annotations

import ast
import inspect
import math
import sys
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from test_ops_rules import (
    NAMES,
    as_pair,
    between,
    in_specs,
    made,
    positions,
    refused,
    shuffled,
    spread,
    unshuffled,
    windowed_cases,
    windowed_names,
)  # fmt: skip

from convcalc import kernels, ops
from convcalc.kernels import correlation
from convcalc.kernels.correlation import im2col
from convcalc.ops._attributes import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = Any
FOLDER = Path(kernels.__file__).parent
BATCH = 2


class Case(NamedTuple):
    """A kernel with all it is given; ``args`` are the attributes that a spec would give."""

    name: str
    args: dict[str, Any]
    operands: list[Array]
    parameters: dict[str, Array]

    def run(self, **more: Any) -> tuple[tuple[Array, ...], Any]:
        """The results, and a vjp that takes as many."""
        y, vjp = kernels.find(self.name)(*self.operands, **{**self.args, **self.parameters, **more})
        return (y, vjp) if isinstance(y, tuple) else ((y,), lambda dy: vjp(dy[0]))


def case(name: str, args: dict[str, Any], shapes: Any, seed: int, dtype: Any = np.float64) -> Case:
    """Random operands and parameters; ``args`` as a kernel gets them."""
    rng = np.random.default_rng(seed)
    operands = [rng.standard_normal((BATCH, *shape)).astype(dtype) for shape in shapes]
    if name == "cross_entropy":
        operands[1] = target(rng, operands[0], shapes[1], dtype)
    if name == "max_unpool":
        found = ops.find(name)(**args).infer(*shapes).shapes[0]
        operands[1] = rng.integers(-1, math.prod(found[1:]), operands[1].shape)
    draw = kernels.initial(name)
    parameters = draw(rng, operands[0].shape, **args, dtype=dtype) if draw else {}
    return Case(name, args, operands, parameters)


def target(rng: Any, scores: Array, shape: Any, dtype: Any) -> Array:
    """Probabilities of the scores' shape, or classes."""
    if (BATCH, *shape) == scores.shape:
        odds = rng.random(scores.shape)
        return (odds / odds.sum(axis=1, keepdims=True)).astype(dtype)
    return rng.integers(0, scores.shape[1], (BATCH, *shape))


def spec_cases(name: str, dtype: Any = np.float64) -> list[Case]:
    """Every use of the op in its own spec, in 1-D to 4-D where it has so many."""
    uses = [*((op.given, shapes) for op, shapes in in_specs(name)), *MORE.get(name, ())]
    return [case(name, args, shapes, seed, dtype) for seed, (args, shapes) in enumerate(uses)]


MORE: dict[str, list[tuple[dict[str, Any], list[tuple[int, ...]]]]] = {
    "local_response_norm": [({"size": 4, "alpha": 0.5}, [(6, 3)]), ({"size": 9, "alpha": 0.5}, [(3, 2, 2)])],
}
"""What the specs leave out."""


def grid(seed: int, count: int, most: int = 10**9) -> Iterator[Case]:
    """Windows of every kind, in 1-D to 4-D, that the rules accept, and that read ``most`` values."""
    for turn, (name, args, shapes) in enumerate(windowed_cases(seed, count)):
        op = made(name, args)
        if refused(op, shapes):
            continue
        found = op.infer(*shapes).shapes[0]
        cost = op.cost(shapes, (found,))
        if min(found) > 0 and max(math.prod(shapes[0]), math.prod(found), *cost) <= most:
            yield case(name, op.given, shapes, turn)


# What a kernel is.


@pytest.mark.parametrize("name", NAMES)
def test_every_op_has_a_kernel(name: str) -> None:
    """With every attribute of the op as a keyword, and PyTorch's default wherever the op has one."""
    kernel = kernels.find(name)
    assert kernel.__module__ == f"convcalc.kernels.{name}"
    assert (kernel.__doc__ or "").strip()
    known = inspect.signature(kernel).parameters
    kind = ops.find(name)
    for key, attribute in kind.attributes.items():
        assert known[key].kind is inspect.Parameter.KEYWORD_ONLY
        inferred = key in ("bias", "num_parameters") or attribute.default is REQUIRED
        assert inferred or known[key].default == attribute.default, key
    fewest, most = kind.operands
    taken = [p for p in known.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    if most is None:
        assert any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in known.values())
    elif taken:
        assert len(taken) == most
        assert sum(p.default is inspect.Parameter.empty for p in taken) == fewest


def test_no_kernel_without_an_op() -> None:
    assert {path.stem for path in FOLDER.glob("[a-z]*.py")} == set(NAMES)


MODULES = sorted(FOLDER.rglob("*.py"))


def imported(source: str) -> set[str]:
    """Every module that a source names in an import."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def strangers(source: str) -> list[str]:
    """Imports of anything but kernels, numpy and the standard library."""

    def known(module: str) -> bool:
        top = module.partition(".")[0]
        return module == "numpy" or top in sys.stdlib_module_names or (module + ".").startswith("convcalc.kernels.")

    return [module for module in imported(source) if not known(module) and module != "numpy.typing"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_kernel_knows_arrays_alone(path: Path) -> None:
    assert not strangers(path.read_text(encoding="utf-8"))


def test_a_stranger_is_caught() -> None:
    for line in (
        "from convcalc.dims import window",
        "from .. import dims",
        "import scipy.signal",
        "import convcalc.ops",
    ):
        assert strangers(f"import math\ndef f():\n    {line}\n")


# Forward, by definition.


def over_windows(c: Case, reduce: Callable[[dict[tuple[int, ...], Array], list[tuple[int, ...]]], Any]) -> Array:
    """One value for each sample, channel and window: of the values by position, and the window's positions."""
    [x] = c.operands
    lines = positions(c.name, {"padding": 0, **c.args}, (x.shape[1:],))
    y = np.empty((*x.shape[:2], *map(len, lines)))
    for n, channel in np.ndindex(*x.shape[:2]):
        values = dict(np.ndenumerate(x[n, channel]))
        for p in np.ndindex(*y.shape[2:]):
            y[(n, channel, *p)] = reduce(values, list(product(*(line[i] for line, i in zip(lines, p, strict=True)))))
    return y


def largest(values: dict[tuple[int, ...], Any], window: list[tuple[int, ...]], nothing: float) -> float:
    return max((values[p] for p in window if p in values), default=nothing)


def first_largest(values: dict[tuple[int, ...], Any], window: list[tuple[int, ...]]) -> int:
    """Its place in the flattened map; Python's max returns the first."""
    inside = [p for p in window if p in values]
    return list(values).index(max(inside, key=lambda p: values[p])) if inside else -1


def max_pooled(c: Case) -> tuple[Array, ...]:
    nothing = -sys.float_info.max if c.args.get("ceil_mode") == "caffe" else -math.inf
    return over_windows(c, partial(largest, nothing=nothing)), over_windows(c, first_largest)


def avg_pooled(c: Case) -> tuple[Array, ...]:
    sizes = c.operands[0].shape[2:]
    padding = c.args.get("padding", 0)
    edges = [(-n, 2 * n) if isinstance(padding, str) else (-as_pair(p)[0], n + as_pair(p)[1])
             for n, p in zip(sizes, spread(padding, len(sizes)), strict=True)]  # fmt: skip
    if c.args.get("padding") == "valid":
        edges = [(0, n) for n in sizes]
    if isinstance(padding, str) and padding != "valid":
        edges = [(-99, 99) for _ in sizes]

    def mean(values: dict[tuple[int, ...], Any], window: list[tuple[int, ...]]) -> float:
        total = sum(values[p] for p in window if p in values)
        counted = [p for p in window if all(low <= i < high for i, (low, high) in zip(p, edges, strict=True))]
        if not c.args.get("count_include_pad", True):
            counted = [p for p in window if p in values]
        return total / (c.args.get("divisor_override") or max(len(counted), 1))

    return (over_windows(c, mean),)


def averaged(c: Case) -> tuple[Array, ...]:
    return (over_windows(c, lambda values, window: sum(values[p] for p in window) / len(window)),)


def gathered(c: Case, fill: float = 0.0) -> tuple[Array, ...]:
    """Each result is one value of the operand, or the filling."""
    x, *_ = c.operands
    lines = positions(c.name, c.args, tuple(operand.shape[1:] for operand in c.operands))
    y = np.empty((*x.shape[:2], *map(len, lines)))
    for p in np.ndindex(*y.shape):
        sources = [line[i] for line, i in zip(lines, p[2:], strict=True)]
        y[p] = x[(*p[:2], *(source[0] for source in sources))] if all(sources) else fill
    return (y,)


def convolved(c: Case) -> tuple[Array, ...]:
    """With weights that are shared by all positions, by those that are some tiles apart, or by none."""
    [x], w = c.operands, c.parameters["weight"]
    lines = positions("conv", {"padding": 0, **c.args}, (x.shape[1:],))
    rank = x.ndim - 2
    channels, kernel = w.shape[-1 - rank], w.shape[-rank:]
    cycle = {"conv": (), "tiled_conv": w.shape[1 : 1 + rank], "local_conv": tuple(map(len, lines))}[c.name]
    each = len(w) // c.args.get("groups", 1)
    y = np.zeros((len(x), len(w), *map(len, lines)))
    for n, o, *p in np.ndindex(*y.shape):
        own = (o, *(q % t for q, t in zip(p, cycle, strict=False)))
        total = c.parameters["bias"][own] if "bias" in c.parameters else 0.0
        for i, *j in np.ndindex(channels, *kernel):
            place = [line[q][k] for line, q, k in zip(lines, p, j, strict=True)]
            if all(0 <= at < size for at, size in zip(place, x.shape[2:], strict=True)):
                total += w[(*own, i, *turned(j, kernel, c))] * x[(n, o // each * channels + i, *place)]
        y[(n, o, *p)] = total
    return (y,)


def turned(tap: Any, kernel: Any, c: Case) -> list[int]:
    """The tap of a kernel that is turned around if the layer says so."""
    return [k - 1 - j if c.args.get("flip") else j for j, k in zip(tap, kernel, strict=True)]


def filtered(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    lines = positions("filter", {"padding": 0, **c.args}, (x.shape[1:],))
    numbers = filter_numbers(c.args["kernel"], spread(c.args.get("kernel_size", 3), x.ndim - 2))
    y = np.zeros((*x.shape[:2], *map(len, lines)))
    for n, i, *p in np.ndindex(*y.shape):
        for j in np.ndindex(*numbers.shape):
            place = [line[q][k] for line, q, k in zip(lines, p, j, strict=True)]
            if all(0 <= at < size for at, size in zip(place, x.shape[2:], strict=True)):
                y[(n, i, *p)] += numbers[tuple(turned(j, numbers.shape, c))] * x[(n, i, *place)]
    return (y / c.args.get("divisor", 1),)


def filter_numbers(kernel: Any, size: list[int]) -> Array:
    """Each filter by what it is made of."""
    if not isinstance(kernel, str):
        return np.array(kernel)
    if kernel == "box":
        return np.full(size, 1 / math.prod(size))
    if kernel == "gaussian":  # the mean of two neighbours, taken again and again
        numbers = np.ones(())
        for k in size:
            line = np.ones(1)
            for _ in range(k - 1):
                line = np.convolve(line, [0.5, 0.5])
            numbers = numbers[..., None] * line
        return numbers
    here = np.pad([[1]], 1)
    if kernel.startswith("laplacian"):
        second = np.array([1, -2, 1])
        straight = np.pad(second[:, None], ((0, 0), (1, 1))) + np.pad(second[None], ((1, 1), (0, 0)))
        return straight if kernel == "laplacian" else np.ones((3, 3)) - 9 * here
    if kernel.startswith("line"):
        along = {"horizontal": np.pad([[1, 1, 1]], ((1, 1), (0, 0))), "diagonal": np.eye(3)}
        along |= {"vertical": along["horizontal"].T, "antidiagonal": np.eye(3)[::-1]}
        return 3 * along[kernel.removeprefix("line_")] - 1
    beside = {"sobel": [1, 2, 1], "prewitt": [1, 1, 1], "scharr": [3, 10, 3]}[kernel[:-2]]
    change = np.outer(beside, [-1, 0, 1])
    return change if kernel.endswith("x") else change.T


def soft_pooled(c: Case) -> tuple[Array, ...]:
    r = c.args.get("sharpness", 1)

    def soft(values: dict[tuple[int, ...], Any], window: list[tuple[int, ...]]) -> float:
        inside = [math.exp(r * values[p]) for p in window if p in values]
        total = sum(inside) / (len(inside) if c.args.get("mean") and inside else 1)
        return math.log(total) / r if inside else -math.inf

    return (over_windows(c, soft),)


def power_pooled(c: Case) -> tuple[Array, ...]:
    """By the mean of the powers, which a window that is cut off has of fewer values."""
    p = c.args["norm_type"]
    powers = c._replace(name="avg_pool", operands=[c.operands[0] ** p])
    kernel = spread(c.args["kernel_size"], c.operands[0].ndim - 2)
    [means] = avg_pooled(powers)
    return ((means * math.prod(kernel)) ** (1 / p),)


def unpooled(c: Case) -> tuple[Array, ...]:
    x, indices, *_ = c.operands
    shape = made(c.name, listed(c.args)).infer(*(operand.shape[1:] for operand in c.operands)).shapes[0]
    y = np.zeros((len(x), *shape))
    for p, value in np.ndenumerate(x):
        if indices[p] >= 0:
            y[p[:2]].flat[indices[p]] = value
    return (y,)


def listed(args: dict[str, Any]) -> dict[str, Any]:
    """Attributes as a spec writes them."""
    return {k: [list(e) if isinstance(e, tuple) else e for e in v] if isinstance(v, tuple) else v
            for k, v in args.items()}  # fmt: skip


def interpolated(c: Case) -> tuple[Array, ...]:
    if "linear" not in c.args.get("mode", ""):
        return gathered(c)
    [x] = c.operands
    lines = positions("upsample", c.args, (x.shape[1:],))
    aligned = c.args.get("align_corners", False)
    y = np.zeros((*x.shape[:2], *map(len, lines)))
    for n, i, *p in np.ndindex(*y.shape):
        sides = [between(size, len(line), at, aligned) for size, line, at in zip(x.shape[2:], lines, p, strict=True)]
        for place in product(*sides):
            share = math.prod(side[at] for side, at in zip(sides, place, strict=True))
            y[(n, i, *p)] += float(share) * x[(n, i, *place)]
    return (y,)


def moved(carry: Callable[[Case, Array], Array]) -> Callable[[Case], tuple[Array, ...]]:
    """Values that only change places, sample by sample, as labels do."""
    return lambda c: (np.stack([carry(c, sample.astype(object)).astype(float) for sample in c.operands[0]]),)


def self_normalised(c: Case) -> tuple[Array, ...]:
    """Each value against those of its sample that it is normalised with."""
    [x] = c.operands
    count = len(c.args.get("normalized_shape") or x.shape[1:])
    each = x.shape[1] // c.args.get("num_groups", x.shape[1])

    def group(p: tuple[int, ...]) -> tuple[int, ...]:
        return p[: len(p) - count] if c.name == "layer_norm" else (p[0], p[1] // each)

    groups: dict[tuple[int, ...], list[float]] = {}
    for p, value in np.ndenumerate(x):
        groups.setdefault(group(p), []).append(float(value))
    y = np.empty_like(x)
    for p, value in np.ndenumerate(x):
        values = groups[group(p)]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        place = p[len(p) - count :] if c.name == "layer_norm" else p[1]
        y[p] = (value - mean) / math.sqrt(variance + c.args.get("eps", 1e-5))
        y[p] = y[p] * (c.parameters["weight"][place] if "weight" in c.parameters else 1)
        y[p] += c.parameters["bias"][place] if "bias" in c.parameters else 0
    return (y,)


def transposed(c: Case) -> tuple[Array, ...]:
    """Each input adds its kernel to a canvas, of which a part is cut out."""
    [x], w = c.operands, c.parameters["weight"]
    channels, each, *kernel = w.shape
    rank, groups = len(kernel), c.args.get("groups", 1)
    strides, dilations = spread(c.args.get("stride", 1), rank), spread(c.args.get("dilation", 1), rank)
    pads = [as_pair(p) for p in spread(c.args.get("padding", 0), rank)]
    canvas: dict[tuple[int, ...], float] = {}
    for n, i, *p in np.ndindex(*x.shape):
        for o, *j in np.ndindex(each, *kernel):
            place = (q * s + k * d for q, s, k, d in zip(p, strides, j, dilations, strict=True))
            key = (n, i // (channels // groups) * each + o, *place)
            canvas[key] = canvas.get(key, 0.0) + float(x[(n, i, *p)] * w[(i, o, *j)])
    more = spread(c.args.get("output_padding", 0), rank)
    ends = [max(key[2 + axis] for key in canvas) + 1 + more[axis] for axis in range(rank)]
    y = np.zeros((len(x), each * groups, *(end - a - b for end, (a, b) in zip(ends, pads, strict=True))))
    for n, o, *p in np.ndindex(*y.shape):
        value = canvas.get((n, o, *(q + a for q, (a, _) in zip(p, pads, strict=True))), 0.0)
        y[(n, o, *p)] = value + (c.parameters["bias"][o] if "bias" in c.parameters else 0.0)
    return (y,)


def dense(c: Case) -> tuple[Array, ...]:
    [x], w = c.operands, c.parameters["weight"]
    y = np.empty((*x.shape[:-1], len(w)))
    for p in np.ndindex(*y.shape):
        y[p] = sum(float(a) * float(b) for a, b in zip(x[p[:-1]], w[p[-1]], strict=True))
        y[p] += c.parameters["bias"][p[-1]] if "bias" in c.parameters else 0
    return (y,)


def multiplied(c: Case) -> tuple[Array, ...]:
    a, b = c.operands
    y = np.empty((*a.shape[:-1], b.shape[-1]))
    for p in np.ndindex(*y.shape):
        y[p] = sum(float(a[(*p[:-1], k)]) * float(b[(*p[:-2], k, p[-1])]) for k in range(a.shape[-1]))
    return (y,)


def lines_of(x: Array, axis: int) -> Iterator[tuple[Any, list[float]]]:
    """Every line along an axis: its index, and its values."""
    for p in np.ndindex(*np.delete(x.shape, axis)):
        index = (*p[:axis], slice(None), *p[axis:])
        yield index, [float(value) for value in x[index]]


def softmaxed(c: Case, log: bool) -> tuple[Array, ...]:
    [x] = c.operands
    y = np.empty_like(x)
    for index, line in lines_of(x, c.args.get("dim", 1) % x.ndim):
        total = sum(map(math.exp, line))
        y[index] = [value - math.log(total) if log else math.exp(value) / total for value in line]
    return (y,)


def normalised(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    y = np.empty_like(x)
    for p in np.ndindex(*x.shape):
        state = {name: float(values[p[1]]) for name, values in c.parameters.items()}
        value = (x[p] - state["running_mean"]) / math.sqrt(state["running_var"] + c.args.get("eps", 1e-5))
        y[p] = value * state.get("weight", 1) + state.get("bias", 0)
    return (y,)


def responded(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    size, alpha = c.args["size"], c.args.get("alpha", 1e-4)
    beta, k = c.args.get("beta", 0.75), c.args.get("k", 1.0)
    y = np.empty_like(x)
    for index, line in lines_of(x, 1):
        for channel, value in enumerate(line):
            around = [line[i] for i in range(channel - size // 2, channel + (size - 1) // 2 + 1) if 0 <= i < len(line)]
            around = sum(other * other for other in around)
            y[(*index[:1], channel, *index[2:])] = value / (k + alpha * around / size) ** beta
    return (y,)


def averaged_over(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    places = {d % x.ndim for d in spread(c.args["dim"], 1)}
    groups: dict[tuple[int, ...], list[float]] = {}
    for p, value in np.ndenumerate(x):
        groups.setdefault(tuple(0 if axis in places else i for axis, i in enumerate(p)), []).append(float(value))
    y = np.empty([1 if axis in places else n for axis, n in enumerate(x.shape)])
    for p, values in groups.items():
        y[p] = sum(values) / len(values)
    kept = c.args.get("keepdim", False)
    return (y if kept else y.reshape([n for axis, n in enumerate(x.shape) if axis not in places]),)


def crossed(c: Case) -> tuple[Array, ...]:
    x, truth = c.operands
    y = np.zeros((len(x), 1))
    for n in range(len(x)):
        for p in np.ndindex(*x.shape[2:]):
            line = [float(value) for value in x[(n, slice(None), *p)]]
            total = math.log(sum(map(math.exp, line)))
            if truth.dtype.kind == "i":
                y[n] -= line[truth[(n, *(p or (0,)))]] - total
            else:
                shares = truth[(n, slice(None), *p)]
                y[n] -= sum(float(share) * (value - total) for share, value in zip(shares, line, strict=True))
        y[n] /= math.prod(x.shape[2:])
    return (y,)


def joined(c: Case, operation: Callable[[float, float], float]) -> tuple[Array, ...]:
    shape = max((x.shape for x in c.operands), key=math.prod)
    y = np.empty(shape)
    for p in np.ndindex(*shape):
        values = [float(x[tuple(i if n > 1 else 0 for i, n in zip(p, x.shape, strict=True))]) for x in c.operands]
        y[p] = values[0]
        for value in values[1:]:
            y[p] = operation(y[p], value)
    return (y,)


def concatenated(c: Case) -> tuple[Array, ...]:
    axis = c.args.get("dim", 1) % c.operands[0].ndim
    places: list[tuple[Array, int]] = [(x, i) for x in c.operands for i in range(x.shape[axis])]
    shape = list(c.operands[0].shape)
    shape[axis] = len(places)
    y = np.empty(shape)
    for p in np.ndindex(*shape):
        x, i = places[p[axis]]
        y[p] = x[(*p[:axis], i, *p[axis + 1 :])]
    return (y,)


def parted(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    axis = c.args.get("dim", 1) % x.ndim
    n = x.shape[axis]
    sections = c.args.get("sections") or [n // c.args["chunks"]] * c.args["chunks"]
    ends = [sum(sections[: i + 1]) for i in range(len(sections))]
    return tuple(moved_along(x, axis, range(end - part, end)) for part, end in zip(sections, ends, strict=True))


def moved_along(x: Array, axis: int, taken: range) -> Array:
    shape = list(x.shape)
    shape[axis] = len(taken)
    y = np.empty(shape)
    for p in np.ndindex(*shape):
        y[p] = x[(*p[:axis], taken[p[axis]], *p[axis + 1 :])]
    return y


def ranged(c: Case) -> tuple[Array, ...]:
    [x] = c.operands
    axis = c.args["dim"] % x.ndim
    every = range(x.shape[axis])
    return (moved_along(x, axis, every[c.args.get("start", 0) : c.args.get("end") : c.args.get("step", 1)]),)


def permuted(c: Case) -> tuple[Array, ...]:
    [x], dims = c.operands, c.args["dims"]
    y = np.empty([x.shape[d] for d in dims])
    for p in np.ndindex(*y.shape):
        source = [0] * x.ndim
        for i, d in zip(p, dims, strict=True):
            source[d] = i
        y[p] = x[tuple(source)]
    return (y,)


def in_order(c: Case) -> tuple[Array, ...]:
    """The same values in row-major order; the shape is held to the rule's elsewhere."""
    [x] = c.operands
    shape = ops.find(c.name)(**c.args).infer(x.shape[1:]).shapes[0]
    return (np.array([float(value) for value in x.flat]).reshape(len(x), *shape),)


def pointwise(function: Callable[..., float]) -> Callable[[Case], tuple[Array, ...]]:
    """Value by value."""

    def apply(c: Case) -> tuple[Array, ...]:
        [x] = c.operands
        y = np.empty_like(x)
        for p, value in np.ndenumerate(x):
            y[p] = function(float(value), **c.args)
        return (y,)

    return apply


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def gelu(x: float, approximate: str = "none") -> float:
    if approximate == "tanh":
        return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + math.erf(x / math.sqrt(2)))


def elu(x: float, alpha: float = 1.0) -> float:
    return x if x > 0 else alpha * (math.exp(x) - 1)


def softplus(x: float, beta: float = 1.0, threshold: float = 20.0) -> float:
    return x if beta * x > threshold else math.log(1 + math.exp(beta * x)) / beta


def sloped(c: Case) -> tuple[Array, ...]:
    [x], weight = c.operands, c.parameters["weight"]
    y = np.empty_like(x)
    for p, value in np.ndenumerate(x):
        y[p] = value if value > 0 else value * weight[p[1] if len(weight) > 1 else 0]
    return (y,)


DEFINITIONS: dict[str, Callable[[Case], tuple[Array, ...]]] = {
    "conv": convolved,
    "conv_transpose": transposed,
    "linear": dense,
    "matmul": multiplied,
    "max_pool": max_pooled,
    "adaptive_max_pool": max_pooled,
    "global_max_pool": lambda c: max_pooled(c)[:1],
    "avg_pool": avg_pooled,
    "adaptive_avg_pool": averaged,
    "global_avg_pool": averaged,
    "pad": lambda c: gathered(c, c.args.get("value", 0.0)),
    "crop": gathered,
    "upsample": interpolated,
    "unpool": gathered,
    "max_unpool": unpooled,
    "local_conv": convolved,
    "tiled_conv": convolved,
    "filter": filtered,
    "log_sum_exp_pool": soft_pooled,
    "lp_pool": power_pooled,
    "layer_norm": self_normalised,
    "group_norm": self_normalised,
    "instance_norm": self_normalised,
    "pixel_shuffle": moved(lambda c, x: shuffled(x, c.args["upscale_factor"])),
    "pixel_unshuffle": moved(lambda c, x: unshuffled(x, c.args["downscale_factor"])),
    "channel_shuffle": moved(
        lambda c, x: np.stack([x[i % (g := c.args["groups"]) * (len(x) // g) + i // g] for i in range(len(x))])
    ),
    "batch_norm": normalised,
    "local_response_norm": responded,
    "softmax": lambda c: softmaxed(c, log=False),
    "log_softmax": lambda c: softmaxed(c, log=True),
    "cross_entropy": crossed,
    "mse_loss": lambda c: (
        np.array([[sum((float(a) - float(b)) ** 2 for a, b in zip(x.flat, t.flat, strict=True)) / x.size]
                  for x, t in zip(*c.operands, strict=True)]),
    ),
    "mean": averaged_over,
    "add": lambda c: joined(c, lambda a, b: a + b),
    "sub": lambda c: joined(c, lambda a, b: a - b),
    "mul": lambda c: joined(c, lambda a, b: a * b),
    "concat": concatenated,
    "split": parted,
    "slice": ranged,
    "permute": permuted,
    "flatten": in_order,
    "reshape": in_order,
    "dropout": pointwise(lambda x, p=0.5: x),
    "relu": pointwise(lambda x: max(x, 0)),
    "relu6": pointwise(lambda x: min(max(x, 0), 6)),
    "leaky_relu": pointwise(lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x),
    "elu": pointwise(elu),
    "selu": pointwise(lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "gelu": pointwise(gelu),
    "silu": pointwise(lambda x: x * sigmoid(x)),
    "mish": pointwise(lambda x: x * math.tanh(softplus(x))),
    "sigmoid": pointwise(sigmoid),
    "tanh": pointwise(lambda x: (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1)),
    "hardsigmoid": pointwise(lambda x: min(max(x + 3, 0), 6) / 6),
    "hardswish": pointwise(lambda x: x * min(max(x + 3, 0), 6) / 6),
    "softplus": pointwise(softplus),
    "prelu": sloped,
}  # fmt: skip


def check_forward(c: Case, **more: Any) -> None:
    """Hold a kernel's results to the definition."""
    results, _ = c.run(**more)
    wanted = DEFINITIONS[c.name](c)
    assert len(results) == len(wanted)
    for y, right in zip(results, wanted, strict=True):
        assert y.shape == right.shape, c.args
        np.testing.assert_allclose(y, right, rtol=1e-11, atol=1e-12, err_msg=str(c.args))


@pytest.mark.parametrize("name", NAMES)
def test_forward_by_definition(name: str) -> None:
    found = spec_cases(name)
    assert found
    for c in found:
        check_forward(c)


def test_windows_by_definition() -> None:
    """Every kind of window, in 1-D to 4-D."""
    checked: dict[tuple[str, int], int] = {}
    for c in grid(11, 120, 3_000):
        check_forward(c)
        key = c.name, c.operands[0].ndim - 2
        checked[key] = checked.get(key, 0) + 1
    assert len(checked) == 4 * len(windowed_names()), checked
    assert min(checked.values()) >= 2


def test_shapes_of_many_windows() -> None:
    """Windows that are placed are as many as a formula says, and where none fits a kernel says so."""
    refusals, checked = 0, 0
    for turn, (name, args, shapes) in enumerate(windowed_cases(12, 300)):
        op = made(name, args)
        found, demands = op.infer(*shapes)
        failed = {demand.code for demand in demands if not demand.holds()}
        if failed & {"padding-too-large", "output-padding-too-large"} or (min(map(min, found)) < 1 and not failed):
            continue
        if failed:
            with pytest.raises(ValueError, match=r"\w"):
                case(name, op.given, shapes, turn).run()
            refusals += 1
        else:
            assert tuple(y.shape[1:] for y in case(name, op.given, shapes, turn).run()[0]) == found
            checked += 1
    assert checked > 2_000
    assert refusals > 300


@pytest.mark.parametrize("name", ["max_pool", "adaptive_max_pool", "global_max_pool"])
def test_of_equal_values_the_first_wins(name: str) -> None:
    rng = np.random.default_rng(5)
    for c in spec_cases(name):
        operands = [rng.integers(-1, 2, c.operands[0].shape).astype(float)]
        check_forward(c._replace(operands=operands))
        infinite = [np.full_like(operands[0], -np.inf)]
        check_forward(c._replace(operands=infinite))


@pytest.mark.parametrize("name", ["max_pool", "global_max_pool", "adaptive_max_pool", "relu", "avg_pool", "conv"])
def test_a_missing_number_is_passed_on(name: str) -> None:
    """NaN comes out of every window that holds it, and out of no other."""
    c = spec_cases(name)[0]
    x = c.operands[0]
    places = np.zeros_like(x)
    x[(0, 0, *(1,) * (x.ndim - 2))] = np.nan
    places[np.isnan(x)] = 1
    reached = np.isnan(c.run()[0][0])
    ones = {key: np.full_like(value, key == "weight") for key, value in c.parameters.items()}
    np.testing.assert_array_equal(reached, c._replace(operands=[places], parameters=ones).run()[0][0] > 0)


# Gradients, by central differences.

STEP = 1e-6


def differentiable(c: Case) -> dict[int | str, Array]:
    """All that a gradient may be asked of: what is not, is not learnt, or only its size is read."""
    found: dict[int | str, Array] = {i: x for i, x in enumerate(c.operands) if x.dtype.kind == "f"}
    if c.name == "crop":
        found.pop(1, None)
    if c.name == "max_unpool":
        found.pop(2, None)
    return found | {key: value for key, value in c.parameters.items() if not key.startswith("running_")}


def finite(y: Array) -> Array:
    """Without the windows that hold nothing but padding."""
    return np.where(abs(y) < sys.float_info.max, y, 0)


def check_gradients(c: Case, seed: int = 0, **more: Any) -> None:
    """One inner product: the vjp along a random direction against central differences."""
    rng = np.random.default_rng([seed, 7])
    asked = differentiable(c)
    results, vjp = c.run(**more)
    seeds = tuple(rng.standard_normal(y.shape) if y.dtype.kind == "f" else None for y in results)
    gradients = vjp(seeds)
    assert gradients.keys() == asked.keys()
    assert all(gradients[key].shape == asked[key].shape for key in asked), c.args
    direction = {key: rng.standard_normal(value.shape) for key, value in asked.items()}

    def moved(step: float) -> float:
        def at(key: int | str, value: Array) -> Array:
            return value + step * direction[key] if key in direction else value

        operands = [at(i, x) for i, x in enumerate(c.operands)]
        parameters = {key: at(key, value) for key, value in c.parameters.items()}
        there, _ = c._replace(operands=operands, parameters=parameters).run(**more)
        return sum(float((dy * finite(y)).sum()) for dy, y in zip(seeds, there, strict=True) if dy is not None)

    seen = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    told = sum(float((gradients[key] * direction[key]).sum()) for key in asked)
    size = sum(float(np.abs(gradients[key] * direction[key]).sum()) for key in asked)
    assert abs(seen - told) <= 1e-7 * (1 + size), (c.name, c.args, seen, told)


@pytest.mark.parametrize("name", NAMES)
def test_gradients(name: str) -> None:
    for seed, c in enumerate(spec_cases(name)):
        check_gradients(c, seed)


def test_gradients_of_windows() -> None:
    for seed, c in enumerate(grid(13, 30)):
        check_gradients(c, seed)


@pytest.mark.parametrize("name", ["batch_norm", "dropout"])
def test_gradients_in_training(name: str) -> None:
    for seed, c in enumerate(spec_cases(name)):
        if name == "batch_norm":
            check_gradients(c, seed, training=True)
        else:

            class Same:
                """A generator that gives the same numbers at every call."""

                def random(self, shape: Any, dtype: Any) -> Array:
                    return np.random.default_rng(3).random(shape, dtype=dtype)

            check_gradients(c, seed, training=True, rng=Same())


@pytest.mark.parametrize("name", ["split", "max_pool", "adaptive_max_pool"])
def test_a_result_that_nobody_uses_has_no_gradient(name: str) -> None:
    c = spec_cases(name)[0]
    results, vjp = c.run()
    dy = np.ones_like(results[0])
    rest = tuple(np.zeros_like(y) for y in results[1:])
    whole = vjp((dy, *rest))[0]
    np.testing.assert_array_equal(vjp((dy, *(None for _ in rest)))[0], whole)


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "linear", "local_conv", "tiled_conv"])
def test_the_input_gradient_can_be_left_out(name: str) -> None:
    c = spec_cases(name)[0]
    results, vjp = c.run(wanted=(False,))
    assert set(vjp((np.ones_like(results[0]),))) == {"weight", "bias"}


def test_derivatives_at_corners() -> None:
    """As torch.autograd has them."""
    corners: list[tuple[str, float, float]] = [
        ("relu", 0, 0), ("relu6", 0, 0), ("relu6", 6, 0), ("leaky_relu", 0, 0.01), ("elu", 0, 1),
        ("hardsigmoid", -3, 0), ("hardsigmoid", 3, 0), ("hardswish", -3, 0), ("hardswish", 3, 1),
    ]  # fmt: skip
    for name, at, slope in corners:
        _, vjp = kernels.find(name)(np.full((1, 1), float(at)))
        assert vjp(np.ones((1, 1)))[0] == pytest.approx(slope), name


def test_nothing_overflows() -> None:
    """Warnings are errors here."""
    x = np.array([[-1e4, -800.0, -50.0, 0.0, 50.0, 800.0, 1e4]])
    for name in NAMES:
        if name in ("tanh", "softmax", "log_softmax", "softplus", "mish", "silu", "gelu", "elu", "selu", "sigmoid"):
            y, vjp = kernels.find(name)(x)
            assert np.isfinite(y).all()
            assert np.isfinite(vjp(np.ones_like(y))[0]).all()
    y, vjp = kernels.find("log_sum_exp_pool")(x[None], kernel_size=7, sharpness=100.0)
    assert y == 1e4
    assert np.isfinite(vjp(y)[0]).all()


# Planted errors.


def altered(kernel: Any, gradient: Callable[[Array], Array]) -> Any:
    """The kernel with one of its gradients changed."""

    def wrong(*operands: Array, **keys: Any) -> Any:
        y, vjp = kernel(*operands, **keys)

        def changed(dy: Any) -> Any:
            gradients = dict(vjp(dy))
            last = list(gradients)[-1]
            return gradients | {last: gradient(gradients[last])}

        return y, changed

    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_gradient_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One that is 1 % too large, and one that is turned around."""
    right = kernels.find(name)
    for fault in (lambda g: 1.01 * g, lambda g: np.roll(g, 1) if g.size > 1 else -g):
        monkeypatch.setattr(import_module(f"convcalc.kernels.{name}"), name, altered(right, fault))
        with pytest.raises(AssertionError):
            test_gradients(name)


def plant(monkeypatch: pytest.MonkeyPatch, place: str, change: Callable[[Any], Any]) -> None:
    """Replace a function of a kernel's module."""
    module, _, function = place.rpartition(".")
    found = import_module(f"convcalc.kernels.{module}")
    monkeypatch.setattr(found, function, change(getattr(found, function)))


def flipped(right: Any) -> Any:
    return lambda dy, w, *rest: right(dy, w[(..., *(slice(None, None, -1),) * (w.ndim - 2))], *rest)


FAULTS: dict[str, tuple[str, Callable[[Any], Any], str, tuple[bool, bool]]] = {
    "off by one in padding": (
        "_sliding.paddings",
        lambda right: lambda *a: [(before + 1, after - 1) if after else (before, after) for before, after in right(*a)],
        "conv", (True, False),
    ),
    "a position of padding too many": (
        "_sliding.paddings",
        lambda right: lambda *a: [(before, after + 1) for before, after in right(*a)],
        "conv", (True, False),
    ),
    "a forgotten flip": ("correlation.im2col.input_adjoint", flipped, "conv_transpose", (True, True)),
    "a forgotten flip, backward": ("correlation.im2col.input_adjoint", flipped, "conv", (False, True)),
    "a wrong argmax": (
        "max_pool._places",
        lambda right: lambda ranks, sizes, windows: np.maximum(right(ranks, sizes, windows) - 1, 0),
        "max_pool", (True, True),
    ),
    "an argmax that forgets the padding": (
        "max_pool._axis",
        lambda right: lambda window, trailing, j: right(window._replace(before=0), trailing, j),
        "max_pool", (True, True),
    ),
    "padding that counts": (
        "avg_pool._members",
        lambda right: lambda n, window, count: right(n, window, True),
        "avg_pool", (True, False),
    ),
    "a tap too few": (
        "_pool.reach",
        lambda right: lambda kernel, dilation: right(kernel, dilation) - (dilation > 1),
        "avg_pool", (True, False),
    ),
    "a bin that is rounded down": (
        "_adaptive._shares",
        lambda right: lambda n, goal: [
            slice(part.start, max((i + 1) * n // goal, part.start + 1)) for i, part in enumerate(right(n, goal))
        ],
        "adaptive_avg_pool", (True, False),
    ),
    "a border that is copied twice": (
        "_border._copied",
        lambda right: lambda n, before, after, mode: right(n, before, after, mode.replace("reflect", "replicate")),
        "conv", (True, False),
    ),
    "a copy whose gradient is lost": (
        "_sliding.gathered",
        lambda right: lambda dx, amounts, mode: right(dx, amounts, "zeros"),
        "conv", (False, True),
    ),
    "shares that are exchanged": (
        "upsample._between",
        lambda right: lambda *a: (right(*a)[0], np.where(right(*a)[1] > 0, 1 - right(*a)[1], 0)),
        "upsample", (True, False),
    ),
    "tiles that do not cycle": (
        "tiled_conv._parts",
        lambda right: lambda count, places, strides: (
            ((slice(None), *(0 for _ in count)), outputs, seen) for _, outputs, seen in right(count, places, strides)
        ),
        "tiled_conv", (True, True),
    ),
    "channels the wrong way round": (
        "local_response_norm._neighbours",
        lambda right: lambda x, before, after: right(x, after, before),
        "local_response_norm", (True, False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_error_is_caught(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """By the definition, by the differences, or by both, as is claimed."""
    place, change, name, (forward, backward) = FAULTS[fault]
    plant(monkeypatch, place, change)
    for claims, check in ((forward, test_forward_by_definition), (backward, test_gradients)):
        if claims:
            with pytest.raises((AssertionError, ValueError)):
                check(name)


def test_an_argmax_of_the_last_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ties show it."""

    def last(ranks: Array, *rest: Any) -> Array:
        top = ranks.max()
        return places(np.where(ranks > 0, top + 1 - ranks, 0).astype(ranks.dtype), *rest)

    from convcalc.kernels import max_pool

    places = max_pool._places
    monkeypatch.setattr(max_pool, "_places", last)
    with pytest.raises(AssertionError):
        test_of_equal_values_the_first_wins("max_pool")


# Algorithms.


def correlations(seed: int, count: int) -> Iterator[Case]:
    """Convolutions of every kind, also with groups."""
    yield from (c for c in grid(seed, count) if c.name in ("conv", "conv_transpose"))
    for name, rank, groups in product(("conv", "conv_transpose"), (1, 2, 3, 4), (2, 3, 6)):
        args = {"out_channels": 6, "kernel_size": 2, "groups": groups, "stride": 2, "bias": groups == 3}
        yield case(name, args, [(6, *(5, 4, 3, 3)[:rank])], groups)


def test_algorithms_agree() -> None:
    """Forward and backward, for each sample of a batch."""
    checked = 0
    for c in correlations(14, 50):
        (right,), vjp = c.run(algorithm="direct")
        dy = np.random.default_rng(0).standard_normal(right.shape)
        wanted = vjp((dy,))
        (y,), vjp = c.run(algorithm="im2col")
        np.testing.assert_allclose(y, right, rtol=1e-11, atol=1e-12)
        found = vjp((dy,))
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-11, atol=1e-11)
        checked += 1
    assert checked > 80


@pytest.mark.parametrize("workspace", [1, 300, 2_000])
def test_tiles_make_no_difference(monkeypatch: pytest.MonkeyPatch, workspace: int) -> None:
    """One window, some rows, or some samples at a time."""
    tiles = im2col._tiles
    for c in correlations(15, 12):
        (right,), vjp = c.run()
        wanted = vjp((right,))
        with monkeypatch.context() as patch:
            patch.setattr(im2col, "WORKSPACE", workspace)
            patch.setattr(im2col, "_tiles", lambda windows, rank, weights: tiles(windows, rank, 0))
            (y,), vjp = c.run()
            found = vjp((right,))
        np.testing.assert_allclose(y, right, rtol=1e-12, atol=1e-13)
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-12, atol=1e-12)


def test_adjoints_are_adjoint() -> None:
    """``<correlate(x, w), dy>`` is ``<x, input_adjoint(dy, w)>`` and ``<w, weight_adjoint(x, dy)>``."""
    rng = np.random.default_rng(1)
    for name, rank in product(("direct", "im2col"), (1, 2, 3, 4)):
        core = correlation.find(name)
        sizes, kernel = (9, 8, 7, 6)[:rank], (3, 2, 1, 2)[:rank]
        moved = (2, 1, 3, 2)[:rank], (1, 3, 1, 2)[:rank], 2
        x, w = rng.standard_normal((3, 4, *sizes)), rng.standard_normal((6, 2, *kernel))
        y = core.correlate(x, w, *moved)
        dy = rng.standard_normal(y.shape)
        total = (y * dy).sum()
        assert (x * core.input_adjoint(dy, w, sizes, *moved)).sum() == pytest.approx(total)
        assert (w * core.weight_adjoint(x, dy, kernel, *moved)).sum() == pytest.approx(total)


# Precision, parameters, training, refusals.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_results_have_the_dtype_of_the_operand(name: str, dtype: Any) -> None:
    for c in spec_cases(name, dtype):
        results, vjp = c.run()
        assert [y.dtype for y in results if y.dtype.kind == "f"] == [dtype] * sum(y.dtype.kind == "f" for y in results)
        assert all(y.dtype == np.int64 for y in results if y.dtype.kind != "f")
        seeds = tuple(np.ones_like(y) if y.dtype.kind == "f" else None for y in results)
        assert {gradient.dtype for gradient in vjp(seeds).values()} == {np.dtype(dtype)}, c.args


@pytest.mark.parametrize("name", NAMES)
def test_initial_values_have_the_predicted_extents(name: str) -> None:
    draw = kernels.initial(name)
    for op, shapes in in_specs(name):
        wanted = {**op.parameters(*shapes), **op.buffers(*shapes)}
        assert draw or not wanted
        if draw:
            drawn = draw(np.random.default_rng(1), (3, *shapes[0]), **op.given)
            assert {key: array.shape for key, array in drawn.items()} == wanted
            assert {array.dtype for array in drawn.values()} <= {np.dtype(np.float32)}
            again = draw(np.random.default_rng(1), (3, *shapes[0]), **op.given, dtype=np.float64)
            for key, array in drawn.items():
                np.testing.assert_array_equal(array, again[key])
                assert array.dtype != again[key].dtype


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "linear"])
def test_a_relu_behind_keeps_the_variance(name: str) -> None:
    """He et al. 2015, equation 10: the second moment of what goes in and of what comes out are one."""
    rng = np.random.default_rng(2)
    shape, args = {
        "conv": ((32, 20, 20), {"out_channels": 64, "kernel_size": 3, "bias": False}),
        "conv_transpose": ((32, 20, 20), {"out_channels": 64, "kernel_size": 4, "stride": 2, "bias": False}),
        "linear": ((512,), {"out_features": 4096, "bias": False}),
    }[name]
    x = np.maximum(rng.standard_normal((2, *shape)), 0)
    y, _ = kernels.find(name)(x, **{**args, **kernels.initial(name)(rng, x.shape, **args, dtype=float)})
    assert y.var() / 2 == pytest.approx((x**2).mean(), rel=0.1)


def test_statistics_in_training() -> None:
    """The result has mean 0 and variance 1; the running statistics move towards the batch's."""
    c = case("batch_norm", {"momentum": 0.25}, [(3, 5, 4)], 1)
    buffers: dict[str, Array] = {}
    c.parameters.update(weight=np.ones(3), bias=np.zeros(3))
    (y,), _ = c.run(training=True, buffers=buffers)
    [x] = c.operands
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, rtol=1e-4)
    for key, batch in (("running_mean", x.mean(axis=(0, 2, 3))), ("running_var", x.var(axis=(0, 2, 3), ddof=1))):
        np.testing.assert_allclose(buffers[key], 0.75 * c.parameters[key] + 0.25 * batch)


def test_one_value_a_channel_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="more than 1 value a channel"):
        kernels.find("batch_norm")(np.ones((1, 3, 1, 1)), affine=False, training=True)


def test_dropout_in_training() -> None:
    drop = kernels.find("dropout")
    x = np.ones((4, 5, 50, 50))
    y, vjp = drop(x, p=0.2, training=True, rng=np.random.default_rng(1))
    assert set(np.unique(y)) == {0, 1.25}
    assert (y == 0).mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(vjp(x)[0], y)
    assert drop(x, p=1, training=True, rng=np.random.default_rng(1))[0].max() == 0
    assert drop(x, p=0, training=True)[0] is x
    assert drop(x, p=0.2)[0] is x
    with pytest.raises(ValueError, match="random generator"):
        drop(x, training=True)


X = np.ones((2, 4, 5, 5))
REFUSED: dict[str, list[tuple[tuple[Array, ...], dict[str, Any]]]] = {
    "conv": [
        ((X,), {"weight": np.ones((2, 3, 1, 1))}),
        ((X,), {"weight": np.ones((3, 2, 1, 1)), "groups": 2}),
        ((X,), {"weight": np.ones((2, 4, 6, 1))}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "kernel_size": 2}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "out_channels": 4}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "in_channels": 3}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "stride": (1, 2, 3)}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding": "same", "stride": 2}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding": "some"}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding_mode": "some", "padding": 1}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding_mode": "reflect", "padding": 5}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding_mode": "circular", "padding": 6}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "padding_mode": "circular", "padding": "same_upper"}),
        ((X,), {"weight": np.ones((2, 4, 3, 3)), "bias": True}),
    ],
    "conv_transpose": [
        ((X,), {"weight": np.ones((3, 2, 1, 1))}),
        ((X,), {"weight": np.ones((4, 2, 1, 1)), "out_channels": 3}),
        ((X,), {"weight": np.ones((4, 2, 1, 1)), "padding": 3}),
    ],
    "linear": [((X,), {"weight": np.ones((2, 4))}), ((X,), {"weight": np.ones((2, 5)), "bias": True})],
    "matmul": [((X, X[..., :4, :]), {}), ((X, X[:, :2]), {})],
    "max_pool": [((X,), {"kernel_size": 6}), ((X,), {"kernel_size": 2, "padding": "same"})],
    "avg_pool": [((X,), {"kernel_size": 6}), ((X,), {"kernel_size": 2, "padding": "full"})],
    "batch_norm": [((X,), {}), ((X,), {"affine": False}), ((X,), {"affine": False, "num_features": 3})],
    "prelu": [((X,), {"weight": np.ones(2)}), ((X,), {"weight": np.ones(1), "num_parameters": 4})],
    "add": [((X, X[:, :1]), {})],
    "sub": [((X, X[..., :1]), {})],
    "mul": [((X, X[..., :1]), {}), ((X, X[:, :1, :1, :1]), {})],
    "split": [((X,), {}), ((X,), {"sections": (1, 2)}), ((X,), {"chunks": 3})],
    "slice": [((X,), {"dim": 1, "end": 5}), ((X,), {"dim": 1, "start": -5}), ((X,), {"dim": 1, "start": 2, "end": 2})],
    "crop": [((X,), {}), ((X,), {"size": 6}), ((X,), {"size": 5, "offset": 1}), ((X,), {"size": 2, "margin": 1})],
    "pad": [
        ((X,), {"padding": -3}),
        ((X,), {"padding": 5, "mode": "reflect"}),
        ((X,), {"padding": 1, "mode": "some"}),
        ((X,), {"padding": 1, "mode": "circular", "value": 2}),
        ((X,), {"padding": -1, "mode": "replicate"}),
    ],
    "upsample": [
        ((X,), {}),
        ((X,), {"size": 2, "scale_factor": 2}),
        ((X,), {"size": 2, "align_corners": True}),
        ((X,), {"size": 2, "mode": "cubic"}),
        ((X,), {"size": 2, "mode": "trilinear"}),
    ],
    "unpool": [((X,), {"kernel_size": 2, "mode": "some"}), ((X,), {"kernel_size": (2, 2, 2)})],
    "max_unpool": [
        ((X, X), {"kernel_size": 2}),
        ((X, np.zeros((2, 4, 5, 4), int)), {"kernel_size": 2}),
        ((X, np.full(X.shape, 100)), {"kernel_size": 2}),
        ((X, np.zeros(X.shape, int)), {"kernel_size": 2, "output_size": 12}),
        ((X, np.zeros(X.shape, int), np.ones((2, 4, 8, 10))), {"kernel_size": 2}),
    ],
    "local_conv": [
        ((X,), {"weight": np.ones((2, 5, 5, 3, 1, 1))}),
        ((X,), {"weight": np.ones((2, 4, 5, 4, 1, 1))}),
        ((X,), {"weight": np.ones((2, 5, 5, 4, 1, 1)), "out_channels": 3}),
        ((X,), {"weight": np.ones((2, 5, 5, 4, 1, 1)), "bias": True}),
    ],
    "tiled_conv": [
        ((X,), {"weight": np.ones((2, 2, 2, 3, 1, 1)), "tiles": 2}),
        ((X,), {"weight": np.ones((2, 2, 2, 4, 1, 1)), "tiles": 3}),
        ((X,), {"weight": np.ones((2, 2, 2, 4, 6, 1)), "tiles": 2}),
        ((X,), {"weight": np.ones((2, 2, 2, 4, 1, 1)), "tiles": 2, "bias": True}),
    ],
    "filter": [((X,), {"kernel": "some"}), ((X,), {"kernel": (1, 2)}), ((X[..., :2],), {"kernel": "sobel_x"})],
    "log_sum_exp_pool": [((X,), {"kernel_size": 6}), ((X,), {"kernel_size": 2, "padding": "same"})],
    "lp_pool": [
        ((X,), {"kernel_size": 6, "norm_type": 2}),
        ((X,), {"kernel_size": 2, "padding": "full", "norm_type": 2}),
    ],
    "layer_norm": [((X,), {}), ((X,), {"elementwise_affine": False, "normalized_shape": (4, 5)})],
    "group_norm": [
        ((X,), {"num_groups": 2}),
        ((X,), {"num_groups": 3, "affine": False}),
        ((X,), {"num_groups": 2, "affine": False, "num_channels": 3}),
    ],
    "instance_norm": [((X,), {"affine": True}), ((X[..., :1, :1],), {})],
    "pixel_shuffle": [((X,), {"upscale_factor": 3})],
    "pixel_unshuffle": [((X,), {"downscale_factor": 2})],
    "channel_shuffle": [((X,), {"groups": 3})],
    "flatten": [((X,), {"start_dim": 2, "end_dim": 1})],
    "reshape": [((X,), {"shape": (7,)})],
    "permute": [((X,), {"dims": (0, 1)})],
    "cross_entropy": [((X, X[:, :1]), {}), ((X, np.full((2, 5, 5), 4)), {}), ((X, np.zeros((2, 5), int)), {})],
    "mse_loss": [((X, X[:, :1]), {})],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    for operands, keys in REFUSED[name]:
        with pytest.raises(ValueError, match=r"\w"):
            kernels.find(name)(*operands, **keys)
