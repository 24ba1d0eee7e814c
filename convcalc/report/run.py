"""A run as text: what was predicted beside what was observed, layer by layer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from convcalc.analysis import analyze
from convcalc.analysis.roofline import bounds, together
from convcalc.checks.verification import compare, compare_backward, compare_fields
from convcalc.diagnostics import listing, times
from convcalc.ops._op import Cost
from convcalc.report.lines import Line, fold
from convcalc.report.lines import lines as predicted_lines
from convcalc.report.numbers import grouped, share, short
from convcalc.report.summary import heading
from convcalc.report.text import wants_color, write_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convcalc.analysis import Analysis
    from convcalc.analysis.roofline import Bound
    from convcalc.checks.claims import Claims
    from convcalc.checks.verification import Compared
    from convcalc.devices import Device
    from convcalc.diagnostics import Diagnostic
    from convcalc.kernels._types import Array
    from convcalc.tensors import Match
    from convcalc.witness import Gradients, Run, Seen, Step
    from convcalc.witness.dependence import Reach
    from convcalc.witness.examples import Worked
    from convcalc.witness.gradcheck import Checked
    from convcalc.witness.training import Term

SAME = "="
"""Stands for an observation that is the same as the prediction in front of it."""

SMALL = 64
"""Results of so many values are printed."""

LONG = 2 * 10**9
"""A run of more MACs shows its progress."""

COMPARED: dict[str, Callable[[Line], str]] = {
    "output": lambda line: times(line.shape),
    "params": lambda line: grouped(line.params) if line.params else "",
    "MACs": lambda line: grouped(line.cost.macs) if line.cost.macs else "",
    "bytes": lambda line: grouped(line.bytes),
}


class Report:
    """Writes the parts of a run as they are known, and remembers what did not agree."""

    def __init__(self, analysis: Analysis, file: TextIO, algorithm: str = "im2col") -> None:
        self.algorithm = algorithm
        self.analysis = analysis
        self.file = file
        self.verified: list[str] = []
        self.suspended: list[str] = []
        self.wrong: list[str] = []
        self.findings: list[Diagnostic] = []

    def say(self, line: str = "") -> None:
        """Write one line."""
        self.file.write(line + "\n")

    @contextmanager
    def progress(self) -> Iterator[Callable[[Step], None] | None]:
        """A progress bar over the layers where the run is long and somebody looks on."""
        if self.analysis.totals.macs < LONG or not wants_color(self.file):
            yield None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(file=self.file), transient=True) as bar:
            task = bar.add_task("forward", total=len(self.analysis.rows))
            yield lambda step: bar.update(task, advance=1, description=step.node.name)

    def matches(self, matches: Sequence[Match]) -> None:
        """Which array of a file each parameter was read from."""
        from convcalc.report.tensors import match_text

        self.say(match_text(matches) + "\n")

    def layers(self, run: Run, *, depth: int, profile: bool, device: Device | None = None) -> None:
        """The table of layers; a folded line is compared as a whole. A profile stands beside a device's bounds."""
        self.say(heading(self.analysis) + "\n")
        compared = compare(self.analysis, run.rows)
        _write_layers(self.analysis, run.rows, depth, self.file)
        self.say()
        self._count(compared)
        fallen = [saw.name for saw in run.rows if saw.algorithm and saw.algorithm != self.algorithm != "auto"]
        if fallen:
            self.say(f"{self.algorithm} does not apply to {listing(fallen)}: computed by im2col\n")
        if profile:
            _write_timings(run, bounds(self.analysis, device) if device else (), self.file)
            self.say()
        self.first_not_finite(run.rows)

    def first_not_finite(self, rows: Sequence[Seen]) -> None:
        """Remember the first layer that made a NaN or an infinity."""
        spoilt = next((saw for saw in rows if not saw.finite), None)
        if spoilt:
            self.wrong.append(f"{spoilt.name} ({spoilt.op}) is the first layer whose result is not finite")

    def fast(self, outputs: dict[str, Array], gradients: Gradients | None, seconds: Sequence[float]) -> None:
        """What a fast run shows: its time, and results of the predicted shapes."""
        self.say(heading(self.analysis) + "\n")
        macs = self.analysis.totals.macs
        self.say(f"forward   {1e3 * seconds[0]:,.1f} ms  {2 * macs / seconds[0] / 1e9:,.1f} GFLOP/s")
        if gradients is not None:
            count = sum(array.size for entry in gradients.parameters.values() for array in entry.values())
            self.say(f"backward  {1e3 * seconds[1]:,.1f} ms")
            self._gradient_count(count)
        self.say()
        seen = {name: y.shape[1:] for name, y in outputs.items()}
        for name, shape in self.analysis.outputs.items():
            if seen.get(name) != shape:
                self.wrong.append(f"output {name}: predicted {times(shape)}, observed {times(seen.get(name, ()))}")
        self.verified.append(f"{len(seen)} output{'s' * (len(seen) != 1)} of the predicted shape")

    def _count(self, compared: Sequence[Compared]) -> None:
        told = differences(compared)
        self.wrong += told
        right = sum(not entry.differing for entry in compared)
        what = "shape, parameters, MACs and bytes"
        self.verified.append(f"{right} of {len(compared)} layers: {what} observed as predicted")

    def outputs(self, run: Run) -> None:
        """Results that are small enough to read."""
        from convcalc.report.tensors import tensor_text

        for name, y in run.outputs.items():
            if y.size <= SMALL:
                self.say(f"{name}:\n{tensor_text(y)}\n")

    def backward(self, run: Run, terms: Sequence[Term], value: float, gradients: Gradients) -> None:
        """The loss, and what the backward pass showed."""
        count = sum(array.size for entry in gradients.parameters.values() for array in entry.values())
        weight_macs = sum(row.weight_macs for row in run.backward_rows.values())
        input_macs = sum(row.input_macs for row in run.backward_rows.values())
        kinds = ", ".join(f"{term.kind} of {term.output}" if term.kind else term.output for term in terms)
        self.say(f"loss                {value:.6g}  {kinds}")
        self.say(f"parameter gradients {grouped(count)}  {short(weight_macs)} MACs")
        arrived = ", ".join(times(gradient.shape[1:]) for gradient in gradients.inputs.values())
        self.say(f"input gradients     {arrived or 'of layers alone'}  {short(input_macs)} MACs")
        self.say()
        self._gradient_count(count)
        self._performed(run, asked=bool(gradients.inputs))

    def _performed(self, run: Run, *, asked: bool) -> None:
        """Multiply-adds of the backward pass against the predicted ones, of the inputs' gradients where ``asked``."""
        mine = self.analysis
        expected = analyze(mine.graph, batch=mine.batch, dtype=mine.dtype, input_gradient=True) if asked else mine
        compared = compare_backward(expected, run.backward_rows)
        self.wrong += differences(compared)
        if compared:
            right = sum(not entry.differing for entry in compared)
            self.verified.append(f"{right} of {len(compared)} layers: MACs of both gradients observed as predicted")

    def _gradient_count(self, count: int) -> None:
        if count != self.analysis.totals.params:
            expected = grouped(self.analysis.totals.params)
            self.wrong.append(f"gradients: predicted {expected} parameters, observed {grouped(count)}")
        else:
            self.verified.append(f"{grouped(count)} parameters have a gradient, as predicted")

    def samples(self, worked: Sequence[Worked]) -> None:
        """Worked examples, as the lectures print them."""
        from convcalc.report.tensors import tensor_text

        for example in worked:
            for name, array in {**example.inputs, **example.outputs}.items():
                if array.size <= SMALL:
                    self.say(f"{name}:\n{tensor_text(array)}\n")
            self.findings += example.findings
        compared = sum(example.compared for example in worked)
        right = compared - sum(len(example.findings) for example in worked)
        self.verified.append(f"{right} of {compared} arrays of the spec's samples came out as it says")

    def claims(self, claims: Claims) -> None:
        """What the spec expects and budgets, as ``convcalc shape`` tells it."""
        if claims.hold:
            some = f"{claims.hold} expectation{'s' * (claims.hold != 1)} hold{'s' * (claims.hold == 1)}"
            self.verified.append(f"{some}, as the spec says")
        if claims.suspended:
            self.suspended.append(f"{claims.suspended} of the spec's claims, said of other values of the variables")
        self.findings += claims.failed

    def gradients(self, checked: Sequence[Checked]) -> None:
        """Backward passes held against differences."""
        for entry in checked:
            if not entry.agrees:
                told = f"by its backward pass {entry.by_vjp:.9g}, by differences {entry.by_differences:.9g}"
                self.wrong.append(f"{entry.name} ({entry.op}): gradient: {told}")
        right = sum(entry.agrees for entry in checked)
        self.verified.append(f"{right} of {len(checked)} layers: gradient as by differences")

    def fields(self, source: str, observed: dict[str, list[Reach | None]]) -> None:
        """Receptive fields as seen, against the predicted ones."""
        right, bounded, wrong = compare_fields(self.analysis, source, observed)
        loose = f", {bounded} of them inside of a bound" if bounded else ""
        self.verified.append(f"{right} receptive fields on an axis of '{source}' as predicted{loose}")
        self.wrong += wrong

    def descent(self, losses: Sequence[float]) -> None:
        """The loss, step by step; that it does not fall is told."""
        for step, value in enumerate(losses):
            self.say(f"step {step:<3} loss {value:.6g}")
        self.say()
        if not losses[-1] < losses[0]:
            self.wrong.append(f"the loss did not fall: {losses[0]:.6g} before, {losses[-1]:.6g} after")
        else:
            self.verified.append(f"the loss fell from {losses[0]:.6g} to {losses[-1]:.6g}")

    def verdict(self) -> bool:
        """Say what was verified and what was not; whether all was."""
        for line in self.verified:
            self.say(f"verified: {line}")
        for line in self.suspended:
            self.say(f"suspended: {line}")
        for line in self.wrong:
            self.say(f"differs:  {line}")
        if self.findings:
            from convcalc.report.findings import print_findings

            self.say()
            print_findings(self.findings, self.file)
        return not self.wrong and not self.findings


def differences(compared: Sequence[Compared]) -> list[str]:
    """A line for each quantity that differs, saying which side says what."""
    told = []
    for entry in compared:
        for key in entry.differing:
            expected, found = _told(entry.predicted[key]), _told(entry.observed[key])
            told.append(f"{entry.name} ({entry.op}): {key}: predicted {expected}, observed {found}")
    return told


def _told(value: Any) -> str:
    return " and ".join(map(times, value)) if isinstance(value, tuple) else grouped(value)


def _write_layers(analysis: Analysis, seen: Sequence[Seen], depth: int, file: TextIO) -> None:
    singles = [_observed(saw) for saw in seen]
    predicted, observed = predicted_lines(analysis, depth), fold(analysis.graph, singles, depth)
    if [line.name for line in predicted] != [line.name for line in observed]:
        # Copies that were seen to differ fold differently: show every layer by itself.
        every = 1 << 16
        predicted, observed = predicted_lines(analysis, every), fold(analysis.graph, singles, every)
    rows = [_row(one, other) for one, other in zip(predicted, observed, strict=True)]
    titles = ["layer", *(title for name in COMPARED for title in (name, "seen"))]
    plain = [set(column) == {SAME} for column in zip(*rows, strict=True)]
    head = [SAME if same else title for title, same in zip(titles, plain, strict=True)]
    write_grid([head, *rows], [False, *[True, False] * len(COMPARED)], file)


def _observed(saw: Seen) -> Line:
    return Line(saw.name, saw.op, saw.shape, (), False, saw.params, Cost(macs=saw.macs), saw.bytes, 1)


def _row(one: Line, other: Line) -> list[str]:
    cells = [one.name]
    for told in COMPARED.values():
        expected, found = told(one), told(other)
        cells += [expected, SAME if expected == found else found or "none"]
    return cells


def _write_timings(run: Run, least: Sequence[Bound], file: TextIO) -> None:
    backward = {name: row.seconds for name, row in run.backward_rows.items()}
    total = sum(saw.seconds for saw in run.rows) + sum(backward.values())
    beside = ["at least", "reached", "waits for"] if least else []
    table = [["layer", "by", "forward ms", *beside, "backward ms", "share", "GFLOP/s", "multiplied"]]
    for place, saw in enumerate(run.rows):
        behind = backward.get(saw.name, 0.0)
        speed = f"{2 * saw.macs / saw.seconds / 1e9:.1f}" if saw.macs and saw.seconds else ""
        part = share(round(1e9 * (saw.seconds + behind)), round(1e9 * total))
        took = f"{1e3 * behind:.2f}" if behind else ""
        done = grouped(saw.multiplications) if saw.multiplications else ""
        bound = _bounded(least[place], saw.seconds) if least else []
        table.append([saw.name, saw.algorithm or saw.op, f"{1e3 * saw.seconds:.2f}", *bound, took, part, speed, done])
    write_grid(table, [False, False, *[True] * (5 + len(beside))], file)
    if least:
        whole, seconds = together(least).seconds, sum(saw.seconds for saw in run.rows)
        reached = share(round(1e9 * whole), round(1e9 * seconds))
        told = f"forward {1e3 * seconds:.2f} ms; at least {1e3 * whole:.2f} ms on the device"
        file.write(f"\n{told}: {reached} of what it can\n")


def _bounded(bound: Bound, seconds: float) -> list[str]:
    """The bound, and which part of the measured time it is: more than all of it on another device than this one."""
    if not bound.by:
        return ["", "", ""]
    return [f"{1e3 * bound.seconds:.2f}", share(round(1e9 * bound.seconds), round(1e9 * seconds)), bound.by]
