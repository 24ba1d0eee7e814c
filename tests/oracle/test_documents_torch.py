"""What the documents do with PyTorch does what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import documents
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.oracle

DOCUMENTS = [
    path for path in sorted((documents.ROOT / "docs").glob("*.md")) if "<!-- torch" in path.read_text(encoding="utf-8")
]


def test_there_is_one() -> None:
    assert DOCUMENTS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_examples_with_pytorch(path: Path, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path, documents.refreshed(path.read_text(encoding="utf-8"), tmp_path, torch=True))
