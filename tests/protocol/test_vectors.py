"""The committed vectors are what the reference gives today; `scripts/vectors.py` writes them anew."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_files_are_those_of_the_reference() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "vectors.py"))
    files = script["compute_files"]()
    assert len(files) == 12
    stale = [str(path.relative_to(ROOT)) for path, body in files.items() if path.read_text() != body]
    assert not stale, "run `make vectors` and look at what changed: hashed bytes are final"
