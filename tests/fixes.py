"""What a finding proposes, carried out on the text: a fix is a sentence in a small language, and this reads it.

    did you mean 'stride'?            the name that is underlined becomes this one
    write padding: 1 [at conv_3]      the attribute gets this value, there or where it is underlined
    write [8, 30, 30]                 what is underlined gets this value
    add kernel_size: 1                the same for an attribute that is lacking
    set H and W to 80 or 96           variables or attributes get the value; each of several is an alternative
    kernel_size: 4 fits               the same for one attribute
    remove inplace / leave it out     the key goes

Alternatives are divided by ``, or``. What is no such sentence is for people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convcalc.diagnostics import SpecError
from convcalc.expand import expand
from convcalc.source import Source, Span
from convcalc.spec import read_spec

if TYPE_CHECKING:
    from convcalc.diagnostics import Diagnostic
    from convcalc.graph import Graph
    from convcalc.spec import Path, Spec

_VALUE = r"(\[[^ ]*(?:, [^ ]+)*\]|\"[^\"]*\"|-?[\w.]+)"
_MEANT = re.compile(r"did you mean '([^']+)'\?")
_WRITE = re.compile(rf"(?:write|add) (\w+): {_VALUE}(?: or {_VALUE})?(?: at (\S+)| for .*)?")
_VALUE_ALONE = re.compile(rf"write {_VALUE}")
_SET = re.compile(rf"set (\w+(?: and \w+)*) to {_VALUE}(?: or {_VALUE})?")
_SUITS = re.compile(rf"(\w+): {_VALUE} (?:fits|makes room)")
_AT_LEAST = re.compile(rf"give (\w+) a value of {_VALUE} or more")
_REMOVE = re.compile(r"remove (?!it)(\w+)")


def carried_out(source: Source, finding: Diagnostic) -> dict[str, str]:
    """The text after each alternative of a fix that can be carried out without judgement."""
    try:
        spec = read_spec(source)
    except SpecError:
        return {}
    text = _Text(source.text, spec, expand(spec))
    results: dict[str, str] = {}
    path = text.path_of(finding)
    for alternative in _alternatives(finding.fix):
        if match := _MEANT.fullmatch(alternative):
            results[alternative] = text.renamed(finding, match[1])
        elif match := _SET.fullmatch(alternative):
            for value in filter(None, match.groups()[1:]):
                results[f"{alternative}: {value}"] = text.set_all(match[1].split(" and "), value, path)
        elif match := _WRITE.fullmatch(alternative):
            key, *values, name = match.groups()
            for value in filter(None, values):
                results[f"{alternative}: {value}"] = text.written(key, value, text.layer(name) if name else path)
        elif match := _SUITS.fullmatch(alternative) or _AT_LEAST.fullmatch(alternative):
            results[alternative] = text.written(match[1], match[2], path)
        elif match := _VALUE_ALONE.fullmatch(alternative):
            results[alternative] = text.replaced(spec.marks.values[path], match[1])
        elif alternative == "leave it out" or _REMOVE.fullmatch(alternative):
            results[alternative] = text.without(path)
    return results


def _alternatives(fix: str) -> list[str]:
    return re.split(r", or (?=[a-z])", fix)


class _Text:
    """A text and where everything stands in it."""

    def __init__(self, text: str, spec: Spec, graph: Graph) -> None:
        self.lines = text.split("\n")
        self.spec = spec
        self.graph = graph

    def path_of(self, finding: Diagnostic) -> Path:
        marks = self.spec.marks
        for places in (marks.keys, marks.values):
            for path, span in places.items():
                if span == finding.span:
                    return path
        raise AssertionError(f"nothing stands at {finding.span}")

    def layer(self, name: str) -> Path:
        layer = next(node.layer for node in self.graph.nodes if node.name == name)
        assert layer is not None
        return (*layer.path, layer.kind)

    def replaced(self, span: Span, new: str) -> str:
        lines = list(self.lines)
        line, start = lines[span.line - 1], span.column - 1
        width = 0 if line[start] in ",}" else span.width  # there is no value yet
        lines[span.line - 1] = line[:start] + new + line[start + width :]
        return "\n".join(lines)

    def renamed(self, finding: Diagnostic, new: str) -> str:
        """The underlined name, or in the value of the underlined key the name that the message quotes."""
        assert finding.span is not None
        old = re.findall(r"'([^']+)'", finding.message)
        line, start = self.lines[finding.span.line - 1], finding.span.column - 1
        marked = line[start : start + finding.span.width]
        if not old or marked in old:
            return self.replaced(finding.span, new)
        span = self.spec.marks.values[self.path_of(finding)]
        value = line[span.column - 1 : span.column - 1 + span.width]
        return self.replaced(span, re.sub(rf"\b{re.escape(old[0])}\b", new, value))

    def written(self, key: str, value: str, path: Path) -> str:
        """``key: value`` where the path leads, beside it, or among the arguments of the op there."""
        marks = self.spec.marks
        declared = self.spec.inputs[key].path if key in self.spec.inputs else ()
        for place in (declared, path, (*path, key), (*path[:-1], key), (*path[:-2], key)):
            if place and place in marks.values and (place == declared or place[-1] == key):
                return self.replaced(marks.values[place], value)
        return self._inserted(f"{key}: {value}", path)

    def _inserted(self, entry: str, path: Path) -> str:
        """One more argument, in the braces of an op or behind its bare name."""
        marks = self.spec.marks
        while len(path) > 2 and not (isinstance(path[-1], str) and isinstance(path[-2], int)):
            path = path[:-1]
        op = marks.keys.get(path)
        span = marks.values.get(path, op)
        assert span is not None
        line = self.lines[span.line - 1]
        written = line[span.column - 1 : span.column - 1 + span.width]
        if written.startswith("{"):
            return self.replaced(span, f"{written[:-1]}, {entry}}}")
        kind = str(path[-1]) if op else written
        colon = line[span.column - 1 + len(kind) :].startswith(":")
        return self.replaced(span._replace(width=len(kind) + colon), f"{kind}: {{{entry}}}")

    def set_all(self, names: list[str], value: str, path: Path) -> str:
        text = "\n".join(self.lines)
        for name in names:
            if name in self.spec.vars:
                text = self.replaced(self.spec.marks.values["vars", name], value)
            else:
                text = self.written(name, value, path)
            self.__init__(text, spec := read_spec(Source("", text)), expand(spec))  # type: ignore[misc]
        return text

    def without(self, path: Path) -> str:
        """The text without a key and its value, and without what then is empty."""
        marks = self.spec.marks
        key, value = marks.keys[path], marks.values[path]
        line = self.lines[key.line - 1]
        before, after = line[: key.column - 1], line[value.column - 1 + value.width :]
        if after.startswith(", "):
            line = before + after[2:]
        elif before.endswith(", "):
            line = before[:-2] + after
        else:
            line = re.sub(r":? *\{\}", "", before + after)
        return "\n".join([*self.lines[: key.line - 1], line, *self.lines[key.line :]])
