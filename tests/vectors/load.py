"""Reads the committed vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def load(name: str) -> dict[str, Any]:
    """The document tests/vectors/NAME.json."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return document


def raw(value: str) -> bytes:
    """Bytes of a hex string with 0x."""
    return bytes.fromhex(value.removeprefix("0x"))
