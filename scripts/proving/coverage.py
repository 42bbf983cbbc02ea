"""Demands that the Solidity tests reach each line and each branch of contracts/: python scripts/proving/coverage.py

In a copy of the tree, since coverage leaves instrumented artifacts behind. Hardhat counts statements; branches.py makes
branches into statements. Few runs of each fuzz test, with a fixed seed: what only luck reaches is not covered.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

from branches import Branch, split
from compiling import CACHE, ROOT, get_sources, parse

COPY = CACHE / "coverage"
EXPLAINED = ROOT / "tests" / "static" / "uncovered.toml"
RUNS = {"COMITIA_FUZZ_RUNS": "16", "COMITIA_FUZZ_SEED": "0x01"}
RUNS |= {"COMITIA_INVARIANT_RUNS": "8", "COMITIA_INVARIANT_DEPTH": "50"}


def write_copy() -> dict[str, dict[int, Branch]]:
    """Copies what Hardhat needs; returns the branches of each source by the line that stands for them."""
    shutil.rmtree(COPY, ignore_errors=True)
    for name in ("contracts", "tests", "scripts"):
        shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("hardhat.config.js", "package.json"):
        shutil.copy(ROOT / name, COPY)
    # One compilation in place of forty: what the bytecode depends on does not matter here.
    config = (COPY / "hardhat.config.js").read_text()
    (COPY / "hardhat.config.js").write_text(config.replace("isolated: true", "isolated: false"))
    for name in (".venv", "node_modules"):
        (COPY / name).symlink_to(ROOT / name)
    sources = get_sources(ROOT, "contracts/**/*.sol")
    branches = {}
    for name, tree in parse(sources).items():
        source, branches[name] = split(sources[name]["content"].encode(), tree, f"condition{Path(name).stem}")
        (COPY / name).write_bytes(source)
    return branches


def get_missing(report: str, branches: dict[str, dict[int, Branch]]) -> dict[str, list[str]]:
    """What no test reached in each source, from an lcov file; sources that it does not name have no statements."""
    missing = defaultdict(list)
    name = ""
    for line in report.splitlines():
        key, _, value = line.partition(":")
        if key == "SF":
            name = value
        elif key == "DA" and name.startswith("contracts/"):
            number, hits = map(int, value.split(",")[:2])
            branch = branches[name].get(number)
            if hits == 0:
                what = (
                    f"{branch.line}: never {str(branch.outcome).lower()}: {branch.text}"
                    if branch
                    else f"{number}: line"
                )
                missing[name].append(what)
    return missing


def main() -> int:
    """0 if all is covered, or its exception explained."""
    branches = write_copy()
    print(f"coverage: {sum(map(len, branches.values()))} branches; running the Solidity tests in {COPY}", flush=True)
    done = subprocess.run(
        [COPY / "scripts" / "hardhat", "test", "solidity", "--coverage"], cwd=COPY, env=os.environ | RUNS, check=False
    )
    report = COPY / "coverage" / "lcov.info"
    if done.returncode != 0 or not report.is_file():
        print("coverage: the tests failed in the copy", file=sys.stderr)
        return 1
    missing = get_missing(report.read_text(), branches)
    entries = tomllib.loads(EXPLAINED.read_text())["explained"] if EXPLAINED.is_file() else []
    # Without the line's number, which moves: "never true: left == right".
    explained = {(entry["source"], entry["what"]) for entry in entries if entry["reason"].strip()}
    count = 0
    for name, lines in sorted(missing.items()):
        for what in lines:
            if (name, what.partition(": ")[2]) not in explained:
                count += 1
                print(f"{name}:{what}")
    print(f"coverage: {count} lines and branches not reached, {len(explained)} explained")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
