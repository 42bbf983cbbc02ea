"""Runs slither on contracts/ and compares what it finds with tests/static/explained.toml: scripts/prove static

A finding is its detector and its place (Contract.function or Contract.variable), never a line. Two findings of one
detector at one place are two entries. What is found and not explained fails, and so does
what is explained and no longer found.
"""

from __future__ import annotations

import inspect
import logging
import sys
import tomllib
from collections import Counter
from typing import Any

from compiling import ROOT, SOLC, get_settings, get_sources
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector

EXPLAINED = ROOT / "tests" / "static" / "explained.toml"
OUTPUTS = ["abi", "evm.bytecode", "evm.deployedBytecode", "userdoc", "devdoc"]


def find() -> list[dict[str, Any]]:
    """What all detectors of slither say about the sources, compiled as they are deployed."""
    settings = get_settings() | {"outputSelection": {"*": {"*": OUTPUTS, "": ["ast"]}}}
    given = {"language": "Solidity", "sources": get_sources(ROOT, "contracts/**/*.sol"), "settings": settings}
    slither = Slither(CryticCompile(SolcStandardJson(given), solc=str(SOLC), solc_disable_warnings=True))
    for detector in vars(all_detectors).values():
        if inspect.isclass(detector) and issubclass(detector, AbstractDetector) and detector is not AbstractDetector:
            slither.register_detector(detector)
    return [finding for findings in slither.run_detectors() for finding in findings]


def compute_place(finding: dict[str, Any]) -> str:
    """The innermost named thing that a finding is about."""
    first = finding["elements"][0] if finding["elements"] else {"name": "(all)"}
    names = [first["name"]]
    outer = first
    while (outer := outer.get("type_specific_fields", {}).get("parent")) and outer["type"] in {"function", "contract"}:
        names.insert(0, outer["name"])
    return ".".join(names)


def get_explained() -> Counter[tuple[str, str]]:
    """The explained findings; each has a reason."""
    entries = tomllib.loads(EXPLAINED.read_text())["explained"]
    for entry in entries:
        if not entry["reason"].strip():
            raise SystemExit(f"{EXPLAINED}: {entry['detector']} is without a reason")
    return Counter((entry["detector"], place) for entry in entries for place in entry["places"])


def main() -> int:
    """0 if each finding is explained and each explanation needed."""
    logging.basicConfig(level=logging.ERROR)
    findings = find()
    found = Counter((finding["check"], compute_place(finding)) for finding in findings)
    explained = get_explained()
    new, stale = found - explained, explained - found
    for finding in findings:
        if (finding["check"], compute_place(finding)) in new:
            print(f"NEW  {finding['check']} ({finding['impact']})  {compute_place(finding)}")
            print("     " + finding["description"].strip().replace("\n", "\n     "))
    for (detector, place), count in sorted(stale.items()):
        print(f"GONE {detector}  {place}: {count} explained and no longer found")
    print(f"{len(findings)} findings, {new.total()} without an explanation, {stale.total()} explanations without one")
    return 1 if new or stale else 0


if __name__ == "__main__":
    sys.exit(main())
