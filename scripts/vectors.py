#!/usr/bin/env python3
"""Writes the test vectors from the Python reference: tests/vectors/*.json and tests/contracts/generated/Vectors.sol.

scripts/vectors.py            write what differs
scripts/vectors.py --check    write nothing; exit 1 if a committed file differs
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.vectors import cases, solidity  # noqa: E402


def render_json(document: dict[str, Any]) -> str:
    """JSON with one case a line, so that a change shows as a change of that case."""

    def render(value: Any) -> str:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n    " + ",\n    ".join(json.dumps(case) for case in value) + "\n  ]"
        return json.dumps(value)

    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {render(value)}" for key, value in document.items()) + "\n}\n"


def compute_files() -> dict[Path, str]:
    """Every generated file and what must be in it."""
    documents = cases.build_all()
    files = {ROOT / "tests" / "vectors" / f"{name}.json": render_json(document) for name, document in documents.items()}
    files[ROOT / "tests" / "contracts" / "generated" / "Vectors.sol"] = solidity.render(documents)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a committed file differs")
    check = parser.parse_args().check
    files = compute_files()
    stale = [path for path, body in files.items() if not path.exists() or path.read_text() != body]
    for path in stale:
        print(f"{'differs' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
