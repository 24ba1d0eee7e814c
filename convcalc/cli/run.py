"""``convcalc run``."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcalc.cli._options import Batch, File, Settings, Variant, input_shapes, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from convcalc.analysis import Analysis
    from convcalc.graph import Graph
    from convcalc.kernels._types import Array
    from convcalc.report.run import Report
    from convcalc.witness import Step, Weights
    from convcalc.witness.training import Term


def run(
    context: typer.Context,
    spec: File,
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
    weights_by: Annotated[
        str, typer.Option(metavar="name|order", help="How the file's parameters are matched.")
    ] = "name",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the random parameters and inputs.")] = 0,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="float32 or float64.")] = "float32",
    forward_only: Annotated[bool, typer.Option("--forward-only", help="Leave the backward pass out.")] = False,
    input_gradient: Annotated[
        bool, typer.Option("--input-gradient", help="The gradient of the net's input too, not of parameters alone.")
    ] = False,
    train: Annotated[bool, typer.Option("--train", help="Batch statistics and dropout, as in training.")] = False,
    loss: Annotated[
        str, typer.Option(metavar="KIND", help="cross_entropy or mse_loss, for every output.", show_default=False)
    ] = "",
    output_weights: Annotated[
        str, typer.Option(metavar="NAME=W,...", help="Weights of the outputs in the loss.", show_default=False)
    ] = "",
    steps: Annotated[int, typer.Option(min=0, metavar="N", help="Steps of gradient descent on the batch.")] = 0,
    lr: Annotated[float, typer.Option(metavar="RATE", help="Learning rate of the steps.")] = 0.01,
    algorithm: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="How convolutions are computed: im2col, direct, toeplitz, fft, winograd or auto."
        ),
    ] = "im2col",
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
        str,
        typer.Option(
            metavar="NAMES",
            help="Layers whose results --save writes beside the outputs: conv_1,relu_1.",
            show_default=False,
        ),
    ] = "",
    fast: Annotated[
        bool, typer.Option("--fast", help="Fused layers, on two cores: outputs and times, no table of layers.")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Time and speed of each layer.")] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="With --profile: beside it what this device takes at least.", show_default=False
        ),
    ] = "",
    depth: Annotated[int, typer.Option(min=0, metavar="N", help="Levels of blocks to open.")] = 0,
) -> None:
    """Run a net on arrays, forward and backward, and verify every prediction.

    Parameters and inputs are seeded random ones unless files give them; a spec's own samples are run too.
    """
    from convcalc.checks import check_claims
    from convcalc.checks.capacity import refuse_single_values
    from convcalc.checks.samples import check_samples, moved
    from convcalc.devices import open_device
    from convcalc.diagnostics import SpecError
    from convcalc.expand import expand
    from convcalc.loading import open_spec

    _refuse_contradictions(context.params)
    if fast:
        # One worker beside the main thread shares the work, so BLAS keeps to one; it asks when numpy is imported.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    target = open_device(device) if device else None
    opened, named = open_spec(spec)
    files = [option for option in input_ or () if not _is_shape(option)]
    shapes = input_shapes([option for option in input_ or () if _is_shape(option)], list(opened.inputs))
    graph = expand(opened, settings(set_), variant=variant or named, inputs=shapes)
    analysis = _fitting(graph, batch, dtype, forward_only=forward_only, fast=fast)
    misfit = check_samples(analysis)
    if misfit and not moved(graph):
        raise SpecError(misfit)
    examples = () if misfit else opened.samples

    from numpy import errstate

    from convcalc import witness
    from convcalc.report.run import Report
    from convcalc.tensors import read_inputs, refuse_other_ending
    from convcalc.tensors import save as save_arrays
    from convcalc.witness.training import descend, terms
    from convcalc.witness.training import loss as loss_of

    _refuse_unknown_algorithm(algorithm)
    if save:
        refuse_other_ending(save)
    if files:
        samples = batch if batch > 1 else 0
        inputs = read_inputs(files, graph, dtype=dtype, batch=samples, resize=resize, normalize=normalize)
        analysis = _fitting(graph, len(next(iter(inputs.values()))), dtype, forward_only=forward_only, fast=fast)
    else:
        inputs = witness.random_inputs(graph, batch, seed=seed, dtype=dtype)
    if train:
        refuse_single_values(analysis)
    report = Report(analysis, sys.stdout, algorithm)
    given = _weights(report, weights, weights_map, weights_by, misfit=bool(misfit))
    asked = _layers_named(analysis, keep)
    if show_matrix:
        _check_matrix(analysis, show_matrix)
    # What is not finite is told in the report.
    context.with_resource(errstate(all="ignore"))

    def aim(outputs: dict[str, Array]) -> list[Term]:
        return terms(graph, outputs, kind=loss, weights=_pairs(output_weights, list(outputs)), seed=seed)

    if fast:
        kept = _run_fast(report, inputs, given, seed, None if forward_only else aim, input_gradient=input_gradient)
    else:
        choices: dict[str, Any] = {"seed": seed, "training": train, "algorithm": algorithm}
        with report.progress() as bar, _matrix_printed(report, show_matrix, bar) as watch:
            ran = witness.Run(
                graph, inputs, given, forward_only=forward_only, input_gradient=input_gradient, keep=asked,
                watch=watch, **choices,
            )  # fmt: skip
        found = aim(ran.outputs)
        value = loss_of(found, ran.outputs)
        gradients = None if forward_only else ran.backward(value.seeds)
        report.layers(ran, depth=depth, profile=profile, device=target)
        if not examples:
            report.outputs(ran)
        if gradients is not None:
            report.backward(ran, found, value.value, gradients)
        if examples:
            from convcalc.witness.examples import work

            report.samples(work(graph, analysis.stored(), algorithm=algorithm))
        if gradcheck:
            report.gradients(_checked(graph, analysis.batch, given, **choices))
        if receptive_field:
            from convcalc.witness.dependence import observed_fields

            for source in graph.inputs:
                report.fields(source, observed_fields(graph, inputs, given, source))
        if steps:
            again = partial(witness.Run, **choices)
            report.descent(list(descend(graph, inputs, given, found, steps=steps, rate=lr, run=again)))
        kept = {**ran.outputs, **ran.kept}
    if save:
        save_arrays(save, kept)
    report.claims(check_claims(analysis, prove=False))
    if not report.verdict():
        raise typer.Exit(1)


def _refuse_contradictions(given: Mapping[str, Any]) -> None:
    """Raise Misuse for options, by the names of ``run``'s arguments, that make no sense, alone or together."""
    from convcalc.diagnostics import Misuse

    if given["dtype"] not in ("float32", "float64"):
        raise Misuse(f"a run is in float32 or float64, not in '{given['dtype']}'")
    if given["loss"] not in ("", "cross_entropy", "mse_loss"):
        raise Misuse(f"a loss is cross_entropy or mse_loss, not '{given['loss']}'")
    images = any(not _is_shape(option) for option in given["input_"] or ())
    _refuse_idle_options(
        {
            "--keep": (bool(given["keep"]), "--save", bool(given["save"])),
            "--device": (bool(given["device"]), "--profile", given["profile"]),
            "--weights-map": (bool(given["weights_map"]), "--weights", bool(given["weights"])),
            "--weights-by": (given["weights_by"] != "name", "--weights", bool(given["weights"])),
            "--resize": (bool(given["resize"]), "--input with an image", images),
            "--normalize": (bool(given["normalize"]), "--input with an image", images),
        }
    )
    if given["forward_only"]:
        for option in ("steps", "input_gradient"):
            if given[option]:
                told = f"--{option.replace('_', '-')} needs the backward pass that --forward-only leaves out"
                raise Misuse(told)
    if given["train"] and given["receptive_field"]:
        told = "statistics of a batch depend on all of it, and so does every result: leave --train out"
        raise Misuse(f"--receptive-field looks at single results: {told}")
    if not 0 < given["lr"] < float("inf"):
        raise Misuse(f"a learning rate is a positive number, not {given['lr']:g}")
    if given["fast"]:
        plain = ("train", "keep", "steps", "gradcheck", "profile", "receptive_field", "show_matrix")
        wanted = [f"--{name.replace('_', '-')}" for name in plain if given[name]]
        for option in [*wanted, *["--algorithm"][: given["algorithm"] != "im2col"]]:
            raise Misuse(f"{option} looks into layers that --fast fuses: leave --fast out")


def _refuse_unknown_algorithm(name: str) -> None:
    from convcalc.diagnostics import Misuse, did_you_mean
    from convcalc.kernels import correlation

    known = [*correlation.names(), "auto"]
    if name not in known:
        raise Misuse(f"there is no algorithm '{name}': {did_you_mean(name, known)}")


def _fitting(graph: Graph, batch: int, dtype: str, **run: bool) -> Analysis:
    """The analysis of a run that fits into memory; raises Misuse where it does not."""
    from convcalc.analysis import analyze
    from convcalc.checks.capacity import refuse_too_large

    analysis = analyze(graph, batch=batch, dtype=dtype)
    refuse_too_large(analysis, **run)
    return analysis


def _weights(report: Report, path: str, mapping: str, by: str, *, misfit: bool) -> Weights:
    """The parameters of a file, or those that the spec writes down; how a file's were matched is reported."""
    from convcalc.tensors import read_weights
    from convcalc.tensors.samples import weights_of

    analysis = report.analysis
    if path:
        loaded = read_weights(path, analysis.stored(), by=by, mapping=mapping, dtype=analysis.dtype)
        if by == "order" or mapping:
            report.matches(loaded.matches)
        return loaded.weights
    spec = analysis.graph.spec
    return weights_of(spec.weights, analysis.stored(), analysis.dtype) if spec and spec.weights and not misfit else {}


def _layers_named(analysis: Analysis, text: str) -> frozenset[str]:
    """The layers of a list with commas; raises Misuse for one that there is not."""
    from convcalc.diagnostics import Misuse, did_you_mean

    asked = frozenset(name.strip() for name in text.split(",") if name.strip())
    known = [row.name for row in analysis.rows]
    if unknown := sorted(asked.difference(known)):
        raise Misuse(f"there is no layer '{unknown[0]}' to keep: {did_you_mean(unknown[0], known)}")
    return asked


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
def _matrix_printed(report: Report, name: str, bar: Any) -> Iterator[Any]:
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


def _run_fast(
    report: Report,
    inputs: dict[str, Array],
    weights: Weights,
    seed: int,
    aim: Callable[[dict[str, Array]], list[Term]] | None,
    *,
    input_gradient: bool,
) -> dict[str, Array]:
    """The outputs by the plan, and its gradients where there is an aim.

    Where an output is not finite, the plain kernels run after it and name the layer.
    """
    from time import perf_counter

    import numpy as np

    from convcalc import witness
    from convcalc.plan import Plan
    from convcalc.witness.training import loss

    graph = report.analysis.graph
    plan = Plan(graph, weights, seed=seed)
    start = perf_counter()
    ran = plan.run(inputs, forward_only=aim is None, input_gradient=input_gradient)
    times = [perf_counter() - start]
    gradients = None
    if aim:
        seeds = loss(aim(ran.outputs), ran.outputs).seeds
        start = perf_counter()
        gradients = ran.backward(seeds)
        times.append(perf_counter() - start)
    report.fast(ran.outputs, gradients, times)
    if not all(np.isfinite(y).all() for y in ran.outputs.values()):
        report.first_not_finite(witness.Run(graph, inputs, plan.weights, seed=seed, forward_only=True).rows)
    return ran.outputs


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

    from convcalc import witness
    from convcalc.witness import gradcheck

    checked = []
    rng = default_rng([seed, 2])

    def watch(step: Step) -> None:
        checked.append(gradcheck.check(step, rng))

    doubled = {layer: {name: a.astype("float64") for name, a in entry.items()} for layer, entry in weights.items()}
    inputs = witness.random_inputs(graph, batch, seed=seed, dtype="float64")
    witness.Run(graph, inputs, doubled, seed=seed, forward_only=True, watch=watch, **choices)
    return checked
