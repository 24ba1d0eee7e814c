"""``convcalc run``."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcalc.cli._options import Batch, Settings, Variant, input_shapes, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.graph import Graph
    from convcalc.witness import Step


def run(
    context: typer.Context,
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A file, - for standard input, or a shipped spec's name.")
    ],
    set_: Settings = None,
    variant: Variant = "",
    batch: Batch = 1,
    input_: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE|CxHxW",
            help="An array (.npy, .npz), an image, or a shape for random values; may be repeated.",
            show_default=False,
        ),
    ] = None,
    resize: Annotated[str, typer.Option(metavar="HxW|SIDE", help="Resize images.", show_default=False)] = "",
    normalize: Annotated[
        str, typer.Option(metavar="HOW", help="Scale an image's values: imagenet, or mean,std.", show_default=False)
    ] = "",
    weights: Annotated[
        str, typer.Option(metavar="FILE", help="Parameters (.npz, .safetensors), not random ones.", show_default=False)
    ] = "",
    weights_map: Annotated[
        str, typer.Option(metavar="FILE", help="A YAML map from our names to the file's.", show_default=False)
    ] = "",
    weights_by: Annotated[str, typer.Option(metavar="name|order", help="How parameters are matched.")] = "name",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of random parameters and inputs.")] = 0,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="float32 or float64.")] = "float32",
    forward_only: Annotated[bool, typer.Option("--forward-only", help="Leave the backward pass out.")] = False,
    train: Annotated[bool, typer.Option("--train", help="Batch statistics and dropout, as in training.")] = False,
    loss: Annotated[
        str, typer.Option(metavar="KIND", help="cross_entropy or mse_loss, for every output.", show_default=False)
    ] = "",
    output_weights: Annotated[
        str, typer.Option(metavar="NAME=W,...", help="Weights of the outputs in the loss.", show_default=False)
    ] = "",
    steps: Annotated[int, typer.Option(min=0, metavar="N", help="Steps of gradient descent on the batch.")] = 0,
    lr: Annotated[float, typer.Option(metavar="RATE", help="Learning rate of the steps.")] = 0.01,
    algorithm: Annotated[str, typer.Option(metavar="NAME", help="How convolutions are computed.")] = "im2col",
    gradcheck: Annotated[
        bool, typer.Option("--gradcheck", help="Hold each layer's gradient against differences, in float64.")
    ] = False,
    receptive_field: Annotated[
        bool, typer.Option("--receptive-field", help="Observe receptive fields by what spreads through the layers.")
    ] = False,
    show_matrix: Annotated[
        str,
        typer.Option(
            "--show-matrix", metavar="LAYER", help="Print a convolution as its Toeplitz matrix.", show_default=False
        ),
    ] = "",
    save: Annotated[str, typer.Option(metavar="FILE", help="Save results to an .npz file.", show_default=False)] = "",
    keep: Annotated[
        str, typer.Option(metavar="NAMES", help="Layers whose results to save beside the outputs.", show_default=False)
    ] = "",
    fast: Annotated[
        bool, typer.Option("--fast", help="Fused layers and both cores: outputs and times, no table of layers.")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Time and speed of each layer.")] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="In --profile, beside what this device takes at least.", show_default=False
        ),
    ] = "",
    depth: Annotated[int, typer.Option(min=0, metavar="N", help="Levels of blocks to open.")] = 0,
) -> None:
    """Run a net on arrays, forward and backward, and verify every prediction.

    Parameters and inputs are seeded random ones unless files give them; a spec's own samples are run too.
    """
    from convcalc.analysis import analyze
    from convcalc.checks import check_claims
    from convcalc.checks.capacity import refuse_single_values, refuse_too_large
    from convcalc.checks.samples import check_samples, moved
    from convcalc.device import open_device
    from convcalc.diagnostics import Misuse, SpecError, did_you_mean
    from convcalc.expand import expand
    from convcalc.loading import open_spec

    if dtype not in ("float32", "float64"):
        raise Misuse(f"a run is in float32 or float64, not in '{dtype}'")
    if loss not in ("", "cross_entropy", "mse_loss"):
        raise Misuse(f"a loss is cross_entropy or mse_loss, not '{loss}'")
    files = [option for option in input_ or () if not _is_shape(option)]
    _refuse_idle_options(
        {
            "--keep": (bool(keep), "--save", bool(save)),
            "--device": (bool(device), "--profile", profile),
            "--weights-map": (bool(weights_map), "--weights", bool(weights)),
            "--weights-by": (weights_by != "name", "--weights", bool(weights)),
            "--resize": (bool(resize), "--input with an image", bool(files)),
            "--normalize": (bool(normalize), "--input with an image", bool(files)),
        }
    )
    if steps and forward_only:
        raise Misuse("--steps needs the backward pass that --forward-only leaves out")
    if not 0 < lr < float("inf"):
        raise Misuse(f"a learning rate is a positive number, not {lr:g}")
    if fast:
        plain = {"--train": train, "--keep": keep, "--steps": steps, "--gradcheck": gradcheck, "--profile": profile,
                 "--receptive-field": receptive_field, "--algorithm": algorithm != "im2col"}  # fmt: skip
        for option in (option for option, given_too in plain.items() if given_too):
            raise Misuse(f"{option} looks into layers that --fast fuses: leave --fast out")
        # One worker beside the main thread shares the work, so BLAS keeps to one; it asks when numpy is imported.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    target = open_device(device) if device else None
    opened, named = open_spec(spec)
    shapes = input_shapes([option for option in input_ or () if _is_shape(option)], list(opened.inputs))
    graph = expand(opened, settings(set_), variant=variant or named, inputs=shapes)
    analysis = analyze(graph, batch=batch, dtype=dtype)
    misfit = check_samples(analysis)
    if misfit and not moved(graph):
        raise SpecError(misfit)
    refuse_too_large(analysis, forward_only=forward_only)

    from numpy import errstate

    from convcalc import witness
    from convcalc.kernels import correlation
    from convcalc.report.run import Report
    from convcalc.tensors import read_inputs, read_weights
    from convcalc.tensors import save as save_arrays
    from convcalc.tensors.samples import weights_of
    from convcalc.training import descend, terms
    from convcalc.training import loss as loss_of

    known = [*correlation.names(), "auto"]
    if algorithm not in known:
        raise Misuse(f"there is no algorithm '{algorithm}': {did_you_mean(algorithm, known)}")
    if files:
        inputs = read_inputs(
            files, graph, dtype=dtype, batch=batch if batch > 1 else 0, resize=resize, normalize=normalize
        )
        batch = len(next(iter(inputs.values())))
        analysis = analyze(graph, batch=batch, dtype=dtype)
        refuse_too_large(analysis, forward_only=forward_only)
    else:
        inputs = witness.random_inputs(graph, batch, seed=seed, dtype=dtype)
    if train:
        refuse_single_values(analysis)
    report = Report(analysis, sys.stdout, algorithm)
    given: witness.Weights = {}
    if opened.weights and not misfit:
        given = weights_of(opened.weights, analysis.stored(), dtype)
    if weights:
        loaded = read_weights(weights, analysis.stored(), by=weights_by, mapping=weights_map, dtype=dtype)
        given = loaded.weights
        if weights_by == "order" or weights_map:
            report.matches(loaded.matches)
    asked = frozenset(name.strip() for name in keep.split(",") if name.strip())
    if unknown := sorted(asked - {row.name for row in analysis.rows}):
        near = did_you_mean(unknown[0], [row.name for row in analysis.rows])
        raise Misuse(f"there is no layer '{unknown[0]}' to keep: {near}")
    # What is not finite is told in the report.
    context.with_resource(errstate(all="ignore"))
    if fast:
        _run_fast(report, graph, inputs, given, seed, forward_only)
        report.claims(check_claims(analysis))
        if save:
            save_arrays(save, report.fast_outputs)
        if not report.verdict():
            raise typer.Exit(1)
        return
    if show_matrix:
        _check_matrix(analysis, show_matrix)
    with report.progress() as bar, _matrix_printed(report, show_matrix, bar) as watch:
        ran = witness.Run(
            graph, inputs, given, seed=seed, training=train, forward_only=forward_only, keep=asked,
            algorithm=algorithm, watch=watch,
        )  # fmt: skip
    found = terms(graph, ran.outputs, kind=loss, weights=_pairs(output_weights, list(ran.outputs)), seed=seed)
    value = loss_of(found, ran.outputs)
    gradients = None if forward_only else ran.backward(value.seeds)
    report.layers(ran, depth=depth, profile=profile, device=target)
    examples = () if misfit else opened.samples
    if not examples:
        report.outputs(ran)
    if gradients is not None:
        report.backward(ran, found, value.value, gradients)
    if examples:
        from convcalc.examples import work

        report.samples(work(graph, analysis.stored(), algorithm=algorithm))
    if gradcheck:
        report.gradients(_checked(graph, batch, given, seed=seed, training=train, algorithm=algorithm))
    if receptive_field:
        from convcalc.dependence import observed_fields

        for source in graph.inputs:
            report.fields(source, observed_fields(graph, inputs, given, source))
    if steps:
        again = partial(witness.Run, seed=seed, training=train, algorithm=algorithm)
        report.descent(list(descend(graph, inputs, given, found, steps=steps, rate=lr, run=again)))
    if save:
        save_arrays(save, {**ran.outputs, **ran.kept})
    report.claims(check_claims(analysis))
    if not report.verdict():
        raise typer.Exit(1)


def _check_matrix(analysis: Analysis, name: str) -> None:
    """Raise Misuse unless ``name`` is a convolution whose matrix can be read."""
    from convcalc.diagnostics import Misuse, did_you_mean
    from convcalc.report.matrix import check_matrix

    rows = {row.name: row for row in analysis.rows if row.op in ("conv", "conv_transpose")}
    if name not in rows:
        raise Misuse(f"there is no convolution '{name}': {did_you_mean(name, rows)}")
    graph = analysis.graph
    inputs = {node.name: node.shape for node in graph.nodes if node.is_input}
    operand = rows[name].operands[0]
    shape = inputs[operand] if operand in inputs else analysis[operand].shape
    check_matrix(name, rows[name].shape, shape or ())


@contextmanager
def _matrix_printed(report: Any, name: str, bar: Any) -> Iterator[Any]:
    """What watches a run: the progress bar, or for the layer of that name what prints its matrix."""
    if not name:
        yield bar
        return

    def watch(step: Step) -> None:
        from convcalc.kernels.correlation.toeplitz import layer_matrix
        from convcalc.report.matrix import matrix_text

        if step.node.name == name:
            operand = step.operands[0].shape[1:]
            whole = layer_matrix(step.node.kind, operand, step.parameters["weight"], step.options)
            report.say(matrix_text(name, whole, step.results[0].shape[1:], operand) + "\n")

    yield watch


def _run_fast(report: Any, graph: Graph, inputs: Any, weights: Any, seed: int, forward_only: bool) -> None:
    """Run the plan, and the plain kernels after it where a result is not finite: they name the layer."""
    from time import perf_counter

    import numpy as np

    from convcalc import witness
    from convcalc.plan import Plan
    from convcalc.training import loss, terms

    plan = Plan(graph, weights, seed=seed)
    start = perf_counter()
    ran = plan.run(inputs, forward_only=forward_only)
    times = [perf_counter() - start]
    gradients = None
    if not forward_only:
        seeds = loss(terms(graph, ran.outputs, seed=seed), ran.outputs).seeds
        start = perf_counter()
        gradients = ran.backward(seeds)
        times.append(perf_counter() - start)
    report.fast(ran.outputs, gradients, times)
    if not all(np.isfinite(y).all() for y in ran.outputs.values()):
        report.first_not_finite(witness.Run(graph, inputs, plan.weights, seed=seed, forward_only=True).rows)


def _refuse_idle_options(options: dict[str, tuple[bool, str, bool]]) -> None:
    """Raise Misuse for an option that is given without the one that it belongs to."""
    from convcalc.diagnostics import Misuse

    for option, (given, other, other_given) in options.items():
        if given and not other_given:
            raise Misuse(f"{option} is of no use without {other}")


def _is_shape(option: str) -> bool:
    """``3x64x64`` or ``name=3,64,64``: digits between x and commas, no file."""
    return not option.rpartition("=")[2].strip("0123456789xX, []()")


def _pairs(text: str, known: list[str]) -> dict[str, float]:
    """``name=number`` pairs; raises Misuse for a name that is no output."""
    from convcalc.diagnostics import Misuse, did_you_mean

    weights: dict[str, float] = {}
    for pair in filter(None, text.split(",")):
        name, _, number = pair.partition("=")
        if name not in known:
            raise Misuse(f"there is no output '{name}': {did_you_mean(name, known)}")
        try:
            weights[name] = float(number)
        except ValueError:
            raise Misuse(f"--output-weights takes name=number, not '{pair}'") from None
    return weights


def _checked(graph: Graph, batch: int, weights: Any, *, seed: int, **choices: Any) -> list[Any]:
    """Each layer's gradient held against differences, in a run of its own in float64."""
    from numpy.random import default_rng

    from convcalc import gradcheck, witness

    checked = []
    rng = default_rng([seed, 2])

    def watch(step: Step) -> None:
        checked.append(gradcheck.check(step, rng))

    doubled = {layer: {name: a.astype("float64") for name, a in entry.items()} for layer, entry in weights.items()}
    inputs = witness.random_inputs(graph, batch, seed=seed, dtype="float64")
    witness.Run(graph, inputs, doubled, seed=seed, forward_only=True, watch=watch, **choices)
    return checked
