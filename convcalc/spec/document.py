"""YAML text to plain values and the side table of their places, from the parser's event stream.

The stream is walked with a stack of our own: YAML's composer recurses (200,000 open brackets crash it),
builds dates and octals, and forgets duplicate keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from convcalc.diagnostics import Note, Problem
from convcalc.source import Span
from convcalc.spec.scalars import scalar
from convcalc.spec.written import MAX_LINE, entry, quoted, spaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.source import Source
    from convcalc.spec.findings import Findings
    from convcalc.spec.model import Path

MAX_DEPTH = 64
MAX_EVENTS = 250_000
"""Keys, values and ends of lists and maps: what can be read in a second, and far more than any net needs."""

PARSER = f"PyYAML {yaml.__version__}{' with libyaml' * yaml.__with_libyaml__}"
"""What reads YAML here."""

_ENDS = (MappingEndEvent, SequenceEndEvent)
_STARTS = (MappingStartEvent, SequenceStartEvent)


def load(source: Source, found: Findings) -> Any:
    """The document as dicts, lists, text, numbers, booleans and None; places go to ``found.marks``.

    Mistakes that leave the rest readable (duplicate keys, aliases, tags ...) are added to ``found``;
    where nothing more can be read, SpecError is raised.
    """
    try:
        loader = getattr(yaml, "CLoader", yaml.Loader)(source.text)
        return _Document(source, found, loader.get_event).read()
    except yaml.MarkedYAMLError as error:
        from convcalc.spec.syntax import explain

        explanation = explain(source, error)
        found.forget(explanation.span)
        found.at(*explanation)
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        found.at(None, "not-text", f"the text holds a character that is not allowed ({error.reason})", "remove it")
    found.stop()


class _Document:
    """One pass over the events of one text."""

    def __init__(self, source: Source, found: Findings, next_event: Callable[[], Any]) -> None:
        self.source = source
        self.found = found
        self.next_event = next_event
        self.refused: set[str] = set()
        self.lines: list[str] = []
        self.patience = 1000  # for parentheses that look as if a comma had split them

    def read(self) -> Any:
        self.next_event()
        start = self.next_event()
        value = None if isinstance(start, StreamEndEvent) else self.value()
        if value is None:
            self.found.at(Span(1, 1), "empty", "there is no spec in this text", "start with `input:` and `layers:`")
            self.found.stop()
        self.next_event()
        further = self.next_event()
        if not isinstance(further, StreamEndEvent):
            span = self.span(further)
            self.found.at(span, "several-documents", "a second YAML document starts here", "remove the line `---`")
            self.found.stop()
        return value

    def value(self) -> Any:
        """The next node and all below it; in one function, because calls would cost half the time."""
        next_event, found, text_event, new = self.next_event, self.found, ScalarEvent, tuple.__new__
        keys, values = found.marks.keys, found.marks.values
        stack: list[tuple[Any, str | None, Path, Any]] = []
        # What is being filled: a dict, a list, or at the root nothing; the key of a dict that waits for its
        # value; where it stands in the document; the event that opened it.
        container: Any = None
        key: str | None = None
        path: Path = ()
        opened: Any = None
        # A spec says the same few words over and over: what is known of one is kept.
        sound_keys: set[str] = set()
        meanings: dict[str, Any] = {}
        value: Any
        here: Path
        for _ in range(MAX_EVENTS):
            event = next_event()
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                begin, end = opened.start_mark, event.end_mark
                if opened.flow_style and end.line == begin.line:
                    values[path] = new(Span, (begin.line + 1, begin.column + 1, end.column - begin.column))
                value = container
                container, key, path, opened = stack.pop()
                if container is None:
                    return value
                key = None
                continue

            begin, end = event.start_mark, event.end_mark
            line, column = begin.line, begin.column
            width = end.column - column if end.line == line else self.width(event)
            span = new(Span, (line + 1, column + 1, width or 1))
            sound = event.anchor is None and kind is not AliasEvent and event.tag is None

            if type(container) is not dict:
                here = (*path, len(container)) if stack else ()
            elif key is not None:
                here = (*path, key)
            else:
                name = event.value if kind is text_event else None
                if name not in sound_keys or name in container or not sound or event.style:
                    key = self.key(event, container, path, opened.flow_style)
                    if key is None:
                        continue
                    if not event.style:
                        sound_keys.add(key)
                else:
                    key = name
                keys[(*path, key)] = span
                continue

            values[here] = span
            if kind is text_event:
                value = event.value
                if event.style:
                    if not value and event.style in "|>":
                        self.empty_block(event, here)
                else:
                    if "(" in value and opened is not None and opened.flow_style:
                        self.split_by_comma(event, path)
                    if value in meanings:
                        value = meanings[value]
                    else:
                        try:
                            meanings[value] = value = scalar(value)
                        except Problem as problem:
                            found.problem(here, problem)
                            found.spoil(here)
                            value = None
            else:
                value = {} if kind is MappingStartEvent else [] if kind is SequenceStartEvent else None
            if not sound:
                self.refuse(event, here)

            if key is not None:
                container[key] = value
            elif stack:
                container.append(value)
            if kind is not MappingStartEvent and kind is not SequenceStartEvent:
                if not stack:
                    return value
                key = None
                continue
            if len(stack) >= MAX_DEPTH:
                self.too_deep(event)
            stack.append((container, key, path, opened))
            container, key, path, opened = value, None, here, event
        found.at(span, "too-many-values", f"more than {MAX_EVENTS:,} keys and values", "use blocks and repeat")
        found.stop()

    def key(self, event: Any, mapping: dict[str, Any], path: Path, flow: bool) -> str | None:
        """The key an event stands for; None, with its value skipped, for one that cannot be."""
        if isinstance(event, ScalarEvent):
            name: str = event.value
            if self.is_sound_key(event, name, mapping, path, flow):
                return name
        elif isinstance(event, AliasEvent):
            self.refuse(event, path)
        else:
            message = "a key is text, and this is a list or a map"
            self.found.at(self.span(event), "key-not-text", message, "write a name")
            self.skip(event)
        self.skip()
        return None

    def is_sound_key(self, event: Any, name: str, mapping: dict[str, Any], path: Path, flow: bool) -> bool:
        found, span = self.found, self.span(event)
        if event.anchor is not None or event.tag is not None:
            self.refuse(event, (*path, name))
        if not event.style:
            if name == "<<":
                message, fix = "the merge key '<<' is not part of a spec", "write the entries out, or use a block"
                found.at(span, "merge-key", message, fix)
                found.spoil(path)
                return False
            if (":" in name or name.startswith("-")) and (fix := spaced(name)):
                sign = "dash" if name.startswith("-") else "colon"
                found.at(span, "missing-space", f"a space is missing after the {sign} of '{name}'", fix)
                found.spoil(path)
                return False
            if not _is_text(name):
                message = f"a key is text, and '{name}' is not" if name else "a key is missing before the colon"
                found.at(span, "key-not-text", message, "write a name that starts with a letter")
                return False
            if flow and "(" in name:
                self.split_by_comma(event, path)
        if name in mapping:
            first = Note("first given here", found.marks.keys[(*path, name)])
            found.at(span, "duplicate-key", f"'{name}' is given twice", "remove one of the two", (first,))
            return False
        return True

    def skip(self, event: Any = None) -> None:
        """Pass over a node, the next one unless its first event is given."""
        depth = 0
        while True:
            event = event or self.next_event()
            depth += (type(event) in _STARTS) - (type(event) in _ENDS)
            if depth == 0:
                return
            if depth > MAX_DEPTH:
                self.too_deep(event)
            event = None

    def too_deep(self, event: Any) -> None:
        fix = "take the nesting apart, perhaps into blocks"
        self.found.at(self.span(event), "too-deep", f"nested deeper than {MAX_DEPTH}", fix)
        self.found.stop()

    def span(self, event: Any) -> Span:
        begin = event.start_mark
        return Span(begin.line + 1, begin.column + 1, max(1, self.width(event)))

    def width(self, event: Any) -> int:
        """How far an event reaches on its first line."""
        begin, end = event.start_mark, event.end_mark
        last: int = end.column if end.line == begin.line else len(self.line(event).rstrip())
        return last - int(begin.column)

    def line(self, event: Any) -> str:
        self.lines = self.lines or self.source.text.split("\n")
        row: int = event.start_mark.line
        return self.lines[row] if row < len(self.lines) else ""

    def refuse(self, event: Any, path: Path) -> None:
        """Complain of an alias, an anchor or a tag: of the first of its kind, since the second is the same mistake."""
        self.found.spoil(path)
        if isinstance(event, AliasEvent):
            fix = f"write `{event.anchor}` or the value itself; what repeats goes under vars or blocks"
            self.once(event, "alias", f"'*{event.anchor}' is a YAML alias, and a spec has none", fix)
            return
        if event.anchor is not None:
            fix = f"remove `&{event.anchor}`; what repeats goes under vars or blocks"
            self.once(event, "anchor", f"'&{event.anchor}' is a YAML anchor, and a spec has none", fix)
        if event.tag is not None:
            written = re.search(r"![^\s,\]}]*", self.rest(event))
            tag = written.group() if written else event.tag
            fix = f"remove `{tag}`" if getattr(event, "value", True) else f"write `not {tag[1:]}` if that is meant"
            self.once(event, "tag", f"'{tag}' is a YAML tag, and a spec has none", fix)

    def once(self, event: Any, code: str, message: str, fix: str) -> None:
        if code not in self.refused:
            self.refused.add(code)
            self.found.at(self.span(event), code, message, fix)

    def rest(self, event: Any) -> str:
        """The line from where an event starts, as far as anyone would read it."""
        column: int = event.start_mark.column
        return self.line(event)[column : column + MAX_LINE]

    def empty_block(self, event: Any, path: Path) -> None:
        written = entry(self.rest(event), inside=False)
        message = f"'{written[:1]}' at the start of a value opens a block of text"
        self.found.at(self.span(event), "block-text", message, f"quote it: `{quoted(written)}`")
        self.found.spoil(path)

    def split_by_comma(self, event: Any, holder: Path) -> None:
        """Complain of ``[max(a, b), 3]``, which YAML reads as three entries; ``holder`` is the list or map."""
        if event.value.count("(") <= event.value.count(")") or not self.patience:
            return
        self.patience -= 1
        whole = entry(self.rest(event))
        if whole.count("(") == whole.count(")"):
            span = Span(event.start_mark.line + 1, event.start_mark.column + 1, len(whole))
            message = f"inside [ ] or {{ }} the comma splits '{whole}' in two"
            self.found.at(span, "split-by-comma", message, f"quote it: `{quoted(whole)}`")
            self.found.spoil(holder)


def _is_text(name: str) -> bool:
    try:
        return isinstance(scalar(name), str)
    except Problem:
        return False
