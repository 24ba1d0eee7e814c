"""What YAML itself trips over, said in terms of the line at fault, with a fix that works.

libyaml says what it expected; a reader needs to know what was meant. Each rule looks at the offending
line and answers with a place, a cause and a correction, or passes the error on to the next rule.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.source import Span
from convcalc.spec.written import MAX_LINE, OPENERS, SIBLINGS, open_brackets, quoted, spaced, value_at

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

    from convcalc.source import Source

_MEANING = {
    ">": "opens a block of text", "|": "opens a block of text", "*": "is a YAML alias", "&": "is a YAML anchor",
    "!": "is a YAML tag", "%": "is a YAML directive", "@": "is reserved by YAML", "`": "is reserved by YAML",
    "?": "is a YAML key indicator",
}  # fmt: skip


class Explanation(NamedTuple):
    """A diagnostic without its source: the place, the code, the cause, the fix."""

    span: Span
    code: str
    message: str
    fix: str


class _Trouble(NamedTuple):
    """Where YAML stopped; lines and columns count from 0, as YAML's marks do."""

    lines: list[str]
    row: int
    column: int
    problem: str
    context: str
    context_row: int
    context_column: int

    @property
    def line(self) -> str:
        return self.lines[self.row] if self.row < len(self.lines) else ""

    @property
    def character(self) -> str:
        return self.line[self.column : self.column + 1]

    @property
    def context_line(self) -> str:
        return self.lines[self.context_row] if self.context_row < len(self.lines) else ""

    @property
    def at_end(self) -> bool:
        """Whether the text ends where the trouble is."""
        return self.row + 1 >= len(self.lines) and not self.character

    def above(self) -> int:
        """The number of the last line above the trouble that says something; -1 without one."""
        row = self.row - 1
        while row >= 0 and not _bare(self.lines[row]).strip():
            row -= 1
        return row


def explain(source: Source, error: yaml.MarkedYAMLError) -> Explanation:
    """What is wrong at a place where YAML cannot go on."""
    mark: Any = error.problem_mark or error.context_mark
    context: Any = error.context_mark or mark
    lines = source.text.split("\n")
    trouble = _Trouble(
        lines, mark.line, mark.column, error.problem or "", error.context or "", context.line, context.column
    )
    # A line that nobody wrote by hand is not worth guessing at, and guesses take their time on it.
    nearby = (trouble.line, trouble.context_line, lines[trouble.above()])
    for rule in _RULES if max(map(len, nearby)) <= MAX_LINE else ():
        explanation = rule(trouble)
        if explanation:
            return explanation
    what = trouble.problem.replace("<", "").replace(">", "") or "it cannot be read"
    return _at(trouble.row, trouble.column, 1, "yaml", f"YAML cannot go on here: {what}", "check this line's layout")


def _bare(line: str) -> str:
    """A line without its comment."""
    return re.sub(r"(^|\s)#.*", "", line).rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(count: int) -> str:
    return "1 space" if count == 1 else f"{count} spaces"


def _at(row: int, column: int, width: int, code: str, message: str, fix: str) -> Explanation:
    return Explanation(Span(row + 1, column + 1, max(1, width)), code, message, fix)


def _tab(trouble: _Trouble) -> Explanation | None:
    tabs = re.match(r" *\t\s*", trouble.line)
    if not tabs or trouble.column > tabs.end():
        return None
    fix = "indent with spaces"
    return _at(trouble.row, _indent(trouble.line), 1, "tab", "this line is indented with a tab", fix)


def _special_character(trouble: _Trouble) -> Explanation | None:
    """An unquoted value that starts with a character of YAML's own: ``>= 3``, ``* w``, ``@x``."""
    row, column = trouble.row, trouble.column
    if "cannot start any token" not in trouble.problem:
        if not re.search(r"scanning (a block scalar|an alias|an anchor|a tag|a directive)", trouble.context):
            return _keys_indicator(trouble)
        row, column = trouble.context_row, trouble.context_column
    line = trouble.lines[row]
    character = line[column : column + 1]
    value = value_at(line, column)
    if character not in _MEANING or not value:
        return None
    if character == "*":
        # An alias may have been read, and what follows it tripped YAML: the value starts at the star.
        column = max(line.rfind("*", 0, column + 1), 0)
        fix = f"write `{value.lstrip('* ')}`, or quote the value"
    elif character == "!" and re.fullmatch(r"!\s*\w+", value):
        fix = f"write `not {value[1:].strip()}`"
    elif value.startswith("!="):
        fix = "write what is compared before it"
    else:
        fix = f"quote it: `{quoted(value)}`" if character != "`" else f"write '{value.strip('`')}' without them"
    message = f"'{character}' at the start of a value {_MEANING[character]}"
    if character == "%" and column == 0:
        message, fix = "'%' at the start of a line is a YAML directive", "remove the line, or put it in quotes"
    return _at(row, column, len(value), "special-character", message, fix)


def _keys_indicator(trouble: _Trouble) -> Explanation | None:
    if "mapping keys are not allowed" not in trouble.problem:
        return None
    value = value_at(trouble.line, trouble.column)
    message = f"'?' at the start of a value {_MEANING['?']}"
    return _at(trouble.row, trouble.column, len(value), "special-character", message, f"quote it: `{quoted(value)}`")


def _special_after_star(trouble: _Trouble) -> Explanation | None:
    """``*w * 2``: the alias is read, the second star trips."""
    star = re.search(r"(?:^|[\s\[{,])(\*\w.*)", trouble.line[: trouble.column + 1])
    if not star:
        return None
    value = value_at(trouble.line, star.start(1))
    message = f"'*' at the start of a value {_MEANING['*']}"
    fix = f"write `{value.lstrip('* ')}`, or quote the value"
    return _at(trouble.row, star.start(1), len(value), "special-character", message, fix)


def _quote(trouble: _Trouble) -> Explanation | None:
    if "quoted scalar" not in trouble.context:
        after = re.search(r"""(["']).*?\1\s+$""", trouble.line[: trouble.column])
        if after and trouble.character not in ("", *"]},:#"):
            value = value_at(trouble.line, after.start())
            fix = f"put all of it in one pair of quotes: `{quoted(value.replace(after[1], ''))}`"
            message = "a quoted text ends, and more follows it"
            return _at(trouble.row, after.start(), len(value), "quotes", message, fix)
        return None
    row, column = trouble.context_row, trouble.context_column
    value = value_at(trouble.context_line, column)
    if "escape" in trouble.problem:
        message = f"'{trouble.line[trouble.column : trouble.column + 2]}' means nothing inside double quotes"
        fix = f"use single quotes: `'{value.strip(chr(34))}'`"
        return _at(row, column, len(value), "quotes", message, fix)
    mark = value[:1]
    return _at(row, column, len(value), "quotes", "this quote is never closed", f"close it: `{value}{mark}`")


def _bracket(trouble: _Trouble) -> Explanation | None:
    """Inside ``[ ]`` or ``{ }``: never closed, closed by the wrong one, or a comma missing."""
    if "flow" not in trouble.context:
        if trouble.character in ("]", "}") and "expected" in trouble.problem:
            message = f"nothing opened what this '{trouble.character}' closes"
            fixed = (trouble.line[: trouble.column] + trouble.line[trouble.column + 1 :]).strip()
            return _at(trouble.row, trouble.column, 1, "brackets", message, f"remove it: `{fixed}`")
        return None
    if "node content" in trouble.problem:
        if trouble.at_end:
            return _cut_short(trouble)
        if trouble.character != ",":
            return None
        fixed = re.sub(r"([\[{,])\s*,\s*", lambda match: match[1] + " " * (match[1] == ","), trouble.line).strip()
        message = "a value is missing before this comma"
        return _at(trouble.row, trouble.column, 1, "brackets", message, f"write `{fixed}`")
    row, column = trouble.context_row, trouble.context_column
    opener = trouble.context_line[column : column + 1]
    if opener not in OPENERS:
        return None
    closer = OPENERS[opener]
    wrong = _closed_by(trouble, row, column)
    if wrong == closer:
        return _missing_comma(trouble)
    line = _bare(trouble.context_line)
    if wrong and trouble.row == row and trouble.character == wrong:
        before, after = trouble.line[: trouble.column], trouble.line[trouble.column :]
        if open_brackets(before) > 1:
            fix = f"write `{(before + closer + after).strip()}`"
        else:
            fix = f"write `{(before + closer + after[1:]).strip()}`"
        return _at(row, trouble.column, 1, "brackets", f"'{wrong}' closes a '{opener}'", fix)
    last = row
    while _bare(trouble.lines[last]).endswith((",", "[", "{")) and last + 1 < len(trouble.lines):
        last += 1
    fix = f"close it: `{line[column:]}{closer}`" if last == row else f"write '{closer}' at the end of line {last + 1}"
    return _at(row, column, 1, "brackets", f"this '{opener}' is never closed", fix)


def _cut_short(trouble: _Trouble) -> Explanation | None:
    """The text ends inside brackets, behind an opening one, a comma or a colon: YAML itself knows which are open."""
    import yaml

    waiting: list[tuple[int, int]] = []
    with suppress(yaml.YAMLError):
        for token in yaml.scan("\n".join(trouble.lines), Loader=getattr(yaml, "CLoader", yaml.Loader)):
            if isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)):
                waiting.append((token.start_mark.line, token.start_mark.column))
            elif isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)) and waiting:
                waiting.pop()
    if not waiting:
        return None
    openers = [trouble.lines[row][column] for row, column in waiting]
    row, column = waiting[-1]
    last = trouble.above()
    closed = _bare(trouble.lines[last]).strip().rstrip(", ") + "".join(OPENERS[opener] for opener in reversed(openers))
    where = "" if last == row else f" in line {last + 1}"
    message = f"this '{openers[-1]}' is never closed"
    return _at(row, column, 1, "brackets", message, f"close it{where}: `{closed}`")


def _closed_by(trouble: _Trouble, row: int, column: int) -> str:
    """The bracket that closes the one at a place, right or wrong; nothing if none does."""
    waiting: list[str] = []
    text = "\n".join([trouble.lines[row][column:], *trouble.lines[row + 1 :]])
    for match in re.finditer(r"""[\[\]{}]|"(?:[^"\\]|\\.)*"|'[^']*'|(?<=\s)#.*""", text):
        character = match.group()
        if character in OPENERS:
            waiting.append(OPENERS[character])
        elif character in ("]", "}") and (waiting.pop() != character or not waiting):
            return character
    return ""


def _missing_comma(trouble: _Trouble) -> Explanation:
    before = trouble.line[: trouble.column]
    # At a colon the entry that lacks its comma starts with the key before it.
    start = re.search(r"[^\s,\[{]+\s*$", before) if trouble.character == ":" else None
    column = start.start() if start else trouble.column
    word = trouble.line[column:].split()[0].rstrip(":,]}") if trouble.line[column:].strip() else ""
    return _at(trouble.row, column, len(word), "comma", f"a comma is missing before '{word}'", f"write `, {word}`")


def _colon_in_brackets(trouble: _Trouble) -> Explanation | None:
    """``{mid:, n: 1}`` and ``{a:[3]}``."""
    if "unexpected ':'" not in trouble.problem:
        return None
    line, column = trouble.line, trouble.column
    start = trouble.context_column
    word = line[start:column]
    if line[column + 1 : column + 2] in ("[", "{"):
        fix = f"write `{word}: {value_at(line, column + 1)}`"
        return _at(trouble.row, start, column - start + 1, "missing-space", "a space is missing after the colon", fix)
    message, fix = f"'{word}' has no value", f"write one, or in the args of a block `{word}: required`"
    return _at(trouble.row, start, column - start + 1, "missing-value", message, fix)


def _key_without_space(trouble: _Trouble) -> Explanation | None:
    """``kernel_size:3`` or ``-relu`` on a line of its own, noticed there or one line later."""
    if "simple key" in trouble.context:
        row = trouble.context_row
    elif "mapping values" in trouble.problem:
        row = trouble.above()
        if spaced(re.sub(r"^[\s-]*", "", trouble.line)):
            row = trouble.row
    else:
        return None
    if row < 0:
        return None
    line = _bare(trouble.lines[row])
    text = re.sub(r"^\s*(- +)*", "", line)
    column = len(line) - len(text)
    if fix := spaced(text):
        sign = "dash" if text.startswith("-") else "colon"
        return _at(row, column, len(text), "missing-space", f"a space is missing after the {sign}", fix)
    if "simple key" in trouble.context:
        message = f"'{text}' is neither a list entry nor a key with a value"
        return _at(row, column, len(text), "missing-colon", message, f"write `{text}: ` and a value")
    return None


def _mapping_value(trouble: _Trouble) -> Explanation | None:
    """A key where none can be: under a bare op, within a value, or indented too far."""
    if "mapping values" not in trouble.problem:
        return None
    line, row = trouble.line, trouble.row
    pair = re.match(r"(\s*(?:- +)*)([\w.-]+): +(\S.*)", _bare(line))
    if pair and trouble.column > pair.end(2):
        value = pair[3]
        if pair[2] in ("name", "source"):
            fix = f"quote it: `{pair[2]}: {quoted(value)}`"
        else:
            fix = f"put what follows in braces: `{pair[2]}: {{{value}}}`"
        return _at(row, pair.start(3), len(value), "second-colon", "a second ': ' in one value", fix)
    above = trouble.above()
    if above < 0 or _indent(line) <= _indent(trouble.lines[above]):
        return None
    key = line.strip().split(":")[0]
    op = re.fullmatch(r"(\s*(?:- +)+)([A-Za-z_]\w*)", _bare(trouble.lines[above]))
    if op:
        message = f"'{op[2]}' has entries below it, but no colon"
        fix = f"write `- {op[2]}:`"
        if key not in SIBLINGS:
            fix += f", and indent `{key}` by {_spaces(len(op[1]) + 2)}"
        return _at(above, len(op[1]), len(op[2]), "missing-colon", message, fix)
    return _indentation(trouble)


def _block_structure(trouble: _Trouble) -> Explanation | None:
    """A line that fits none of the lists and maps that are open."""
    if not re.search(r"did not find expected (key|'-' indicator|<document start>)", trouble.problem):
        return None
    line = trouble.line
    if trouble.column != _indent(line):
        return None
    if trouble.character == ":":
        message, fix = "a key is missing before the colon", "write a name there"
        return _at(trouble.row, trouble.column, 1, "missing-key", message, fix)
    if "<document start>" in trouble.problem:
        first = next(row for row, text in enumerate(trouble.lines) if _bare(text).strip())
        message, fix = (
            "the top-level keys are not indented alike",
            f"remove the {_spaces(_indent(trouble.lines[first]))}",
        )
        return _at(first, 0, _indent(trouble.lines[first]), "indentation", message, f"{fix} before the first key")
    text = _bare(line).strip()
    if "'-'" in trouble.problem:
        above = trouble.above()
        key = text.split(":")[0]
        op = re.fullmatch(r"(\s*(?:- +)+)([A-Za-z_]\w*)(:.*)?", _bare(trouble.lines[above]))
        if op and key in SIBLINGS:
            fix = f"indent `{key}` by {_spaces(len(op[1]))}"
            if not op[3]:
                fix = f"write `- {op[2]}:` with a colon, and {fix}"
            message = f"'{key}' does not stand beside '{op[2]}'"
            return _at(trouble.row, trouble.column, len(key), "indentation", message, fix)
        if trouble.column == trouble.context_column:
            message = "a key between the entries of a list"
            return _at(trouble.row, trouble.column, len(text), "missing-dash", message, f"write `- {text}`")
    opening = _bare(trouble.context_line)
    if text.startswith("- ") and trouble.context_column == _indent(opening) == _indent(line):
        message, fix = "a list entry follows this key of a map", f"write `- {opening.strip()}`"
        return _at(trouble.context_row, trouble.context_column, len(opening.strip()), "missing-dash", message, fix)
    return _indentation(trouble)


def _indentation(trouble: _Trouble) -> Explanation | None:
    """The nearest indentation above at which such a line can stand."""
    line = trouble.line
    indent = _indent(line)
    is_entry = line.lstrip().startswith("- ")
    nearest: int | None = None
    for row in range(trouble.row - 1, -1, -1):
        text = _bare(trouble.lines[row])
        if not text.strip():
            continue
        starts = _indent(text)
        dashes = re.match(r"(- +)*", text[starts:])
        candidates = [starts] if is_entry else [starts + len(dashes.group() if dashes else "")]
        if is_entry and not text.lstrip().startswith("- "):
            candidates = []
        for candidate in candidates:
            if nearest is None or abs(candidate - indent) < abs(nearest - indent):
                nearest = candidate
        if starts == 0:
            break
    if nearest is None or nearest == indent:
        return None
    text = _bare(line).strip()
    message = f"this line is indented by {_spaces(indent)}, unlike the lines above it"
    fix = f"indent it by {_spaces(nearest)}" if nearest else "do not indent it"
    return _at(trouble.row, indent, len(text), "indentation", message, fix)


def _dash_in_value(trouble: _Trouble) -> Explanation | None:
    if "block sequence entries" not in trouble.problem:
        return None
    value = value_at(trouble.line, trouble.column)
    fix = f"put `{value}` on a line of its own"
    return _at(trouble.row, trouble.column, len(value), "dash-in-value", "a list starts on the line of its key", fix)


def _comma_at_start(trouble: _Trouble) -> Explanation | None:
    if "node content" not in trouble.problem:
        return None
    value = value_at(trouble.line, trouble.column)
    message = f"a value cannot start with '{trouble.character}'"
    return _at(trouble.row, trouble.column, len(value), "special-character", message, f"quote it: `{quoted(value)}`")


def _yaml_version(trouble: _Trouble) -> Explanation | None:
    if not trouble.line.startswith("%"):
        return None
    message, fix = "'%' at the start of a line is a YAML directive", "remove the line, or put it in quotes"
    return _at(trouble.row, 0, len(trouble.line), "special-character", message, fix)


_RULES: tuple[Callable[[_Trouble], Explanation | None], ...] = (
    _tab,
    _special_after_star,
    _special_character,
    _quote,
    _colon_in_brackets,
    _bracket,
    _key_without_space,
    _mapping_value,
    _dash_in_value,
    _comma_at_start,
    _yaml_version,
    _block_structure,
)
