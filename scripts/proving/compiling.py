"""Standard JSON through the npm compiler (scripts/solc-node), for the tools that look into sources."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache" / "prove"
SOLC = ROOT / "scripts" / "solc-node"


def get_settings() -> dict[str, Any]:
    """The settings of the deployed contract."""
    settings: dict[str, Any] = json.loads((ROOT / "contracts" / "solc.json").read_text())["settings"]
    return settings


def get_sources(root: Path, *patterns: str) -> dict[str, dict[str, str]]:
    """Sources under their relative paths, as everywhere (see docs: source keys go into the bytecode's metadata)."""
    paths = sorted({path for pattern in patterns for path in root.glob(pattern)})
    return {path.relative_to(root).as_posix(): {"content": path.read_text()} for path in paths}


def compile_json(sources: dict[str, dict[str, str]], settings: dict[str, Any]) -> dict[str, Any]:
    """The compiler's output; ends the program with the compiler's messages where there are errors."""
    given = json.dumps({"language": "Solidity", "sources": sources, "settings": settings})
    done = subprocess.run([SOLC, "--standard-json"], input=given, capture_output=True, text=True, check=True)
    output: dict[str, Any] = json.loads(done.stdout)
    errors = [error["formattedMessage"] for error in output.get("errors", ()) if error["severity"] == "error"]
    if errors:
        raise SystemExit("\n".join(errors))
    return output


def parse(sources: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The syntax trees of the sources, without looking at what they import."""
    output = compile_json(sources, {"stopAfter": "parsing", "outputSelection": {"*": {"": ["ast"]}}})
    return {name: made["ast"] for name, made in output["sources"].items()}
