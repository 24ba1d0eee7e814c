"""JSON documents, as every command writes them for programs; ``VERSION`` counts the changes of docs/json.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

VERSION = 1


def write_document(file: TextIO, **content: Any) -> None:
    """Write a document of convcalc's own form."""
    write_data({"version": VERSION, **content}, file)


def write_data(data: Any, file: TextIO) -> None:
    """Write a document whose form others have set; escaped where the file is in another encoding than UTF-8."""
    escaped = (file.encoding or "utf-8").lower().replace("-", "") != "utf8"
    json.dump(data, file, indent=2, ensure_ascii=escaped)
    file.write("\n")
