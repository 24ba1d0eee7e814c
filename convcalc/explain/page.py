"""Explanations as text, Markdown or LaTeX."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from convcalc.diagnostics import Misuse, did_you_mean, listing, times
from convcalc.explain.spelled import spelling
from convcalc.explain.terms import sums
from convcalc.explain.writing import LATEX, TEXT, formula, numbers
from convcalc.report.markdown import escaped
from convcalc.report.numbers import grouped
from convcalc.report.text import width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TextIO

    from convcalc.explain.layer import Explanation, Step
    from convcalc.explain.terms import Factor, Sum
    from convcalc.explain.writing import Style

MOST = 6
"""Terms of one sum; of more, as the bins of an adaptive pool have, the first and the last are written."""
WIDTH = 100
"""Columns that a line of text may take before it is broken at its equals signs, where no terminal is narrower."""


def write(name: str, told: Sequence[Explanation], file: TextIO) -> None:
    """Write explanations as text, markdown or latex, in the order given. Raises Misuse for another format."""
    room = min(WIDTH, width(file)) if file.isatty() else WIDTH
    pages: dict[str, Callable[[Explanation], Iterator[str]]] = {
        "text": partial(_text, room=room),
        "markdown": _markdown,
        "latex": _latex,
    }
    _write(pages, name, told, file)


def write_sums(name: str, told: Sequence[Explanation], file: TextIO) -> None:
    """Write the sums of layers and of their gradients, in the same formats. Raises Misuse as ``sums`` does too."""
    pages = {"text": _text_sums, "markdown": _markdown_sums, "latex": _latex_sums}
    _write(pages, name, told, file)


def _write(
    pages: Mapping[str, Callable[[Explanation], Iterator[str]]], name: str, told: Sequence[Explanation], file: TextIO
) -> None:
    if name not in pages:
        raise Misuse(f"there is no format '{name}': {did_you_mean(name, pages) or listing(list(pages))}")
    written = ["\n".join(pages[name](one)) for one in told]
    file.write("\n\n".join(written) + "\n")


def sides(step: Step, told: Explanation, style: Style) -> list[str]:
    """The formula, the same with numbers, and the result; what says no more than the next is left out."""
    value = spelling(step.value)
    written = [write(value, style, told.exact, MOST) for write in (formula, numbers)]
    result = grouped(step.value).replace(",", style.comma)
    return [*(side for side in dict.fromkeys(written) if side.strip("()") != str(int(step.value))), result]


def heading(told: Explanation) -> str:
    """``conv_1: conv(out_channels=64, kernel_size=3) of 3x32x32 makes 64x30x30``."""
    operands = " and ".join(map(times, told.operands))
    results = " and ".join(dict.fromkeys(map(times, told.outputs)))
    return f"{told.name}: {told.op!r} of {operands} makes {results}"


def _text(told: Explanation, room: int) -> Iterator[str]:
    yield heading(told)
    margin = 2 + max((len(step.what) for step in told.steps), default=0)
    for step in told.steps:
        parts = sides(step, told, TEXT)
        line = " = ".join(parts)
        if margin + 2 + len(line) > room:
            line = f"\n{' ' * (margin + 2)}= ".join(parts)
        yield f"  {step.what:<{margin}}{line}"


def _markdown(told: Explanation) -> Iterator[str]:
    yield f"#### {escaped(heading(told))}"
    yield ""
    for step in told.steps:
        yield f"- {step.what}: {_inline(' = '.join(sides(step, told, LATEX)))}"


def _inline(formula: str) -> str:
    """A formula in a line of Markdown, in the quotes that keep GitHub from reading its backslashes before MathJax does.

    Source: GitHub's documentation, writing mathematical expressions; GitLab's knows no others.
    """
    return f"$`{formula}`$"


def _latex(told: Explanation) -> Iterator[str]:
    yield f"% {heading(told)}"
    yield "\\begin{align*}"
    for step in told.steps:
        first, *rest = sides(step, told, LATEX)
        yield f"  \\text{{{step.what}}} &= {first}" + "".join(f" \\\\\n  &= {side}" for side in rest) + " \\\\"
    yield "\\end{align*}"


def _text_sums(told: Explanation) -> Iterator[str]:
    yield heading(told)
    for _, values in sums(told):
        yield ""
        for value in values:
            products = ("*".join(map(_indexed, factors)) for factors in value.products)
            yield f"  {_indexed(value.of)} = {' + '.join(products)}"


def _markdown_sums(told: Explanation) -> Iterator[str]:
    yield f"#### {escaped(heading(told))}"
    for _, values in sums(told):
        yield ""
        for value in values:
            yield f"- {_inline(f'{_subscripted(value.of)} = {_products(value)}')}"


def _latex_sums(told: Explanation) -> Iterator[str]:
    yield f"% {heading(told)}"
    for _, values in sums(told):
        yield "\\begin{align*}"
        for value in values:
            yield f"  {_subscripted(value.of)} &= {_products(value)} \\\\"
        yield "\\end{align*}"


def _indexed(factor: Factor) -> str:
    letter, index = factor
    return f"{letter}[{','.join(map(str, index))}]" if index else letter


def _subscripted(factor: Factor) -> str:
    letter, index = factor
    symbol = letter.replace("d", "\\mathrm{d}", 1)
    return f"{symbol}_{{{','.join(map(str, index))}}}" if index else symbol


def _products(value: Sum) -> str:
    return " + ".join(" ".join(map(_subscripted, factors)) for factors in value.products)
