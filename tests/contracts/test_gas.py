"""Gas and size of the contract are numbers in a file: a change shows in the diff."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A zero byte of calldata costs 12 gas less than another, and block hashes and digests of metadata have some by chance:
# any edit, of a comment too, moves them.
LEEWAY_GAS, LEEWAY_SHARE = 60, 0.001


def load_bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_gas", ROOT / "scripts" / "bench" / "gas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_drift(found: Any, expected: Any, path: str = "") -> Iterator[str]:
    """Figures that are not those of the snapshot, one line each."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            yield from find_drift(found.get(name), expected.get(name), f"{path}/{name}")
    elif found is None or expected is None:
        yield f"{path}: {found} now, {expected} in the snapshot"
    elif abs(found - expected) > max(LEEWAY_GAS, LEEWAY_SHARE * expected):
        yield f"{path}: {found:,} now, {expected:,} in the snapshot"


def test_drift_is_seen() -> None:
    expected = {"4": {"vote": 40_000, "deploy": 9_000_000}}
    assert not list(find_drift({"4": {"vote": 40_060, "deploy": 9_009_000}}, expected))
    assert list(find_drift({"4": {"vote": 39_900, "deploy": 9_000_000}}, expected)) == [
        "/4/vote: 39,900 now, 40,000 in the snapshot"
    ]
    assert list(find_drift({"4": {"vote": 40_000}}, expected)) == ["/4/deploy: None now, 9000000 in the snapshot"]
    assert list(find_drift({**expected, "16": 1}, expected)) == ["/16: 1 now, None in the snapshot"]


@pytest.mark.anvil
def test_gas_equals_the_snapshot() -> None:
    bench = load_bench()
    found = bench.take_snapshot()
    drift = list(find_drift(found, json.loads(bench.SNAPSHOT.read_text())))
    assert not drift, "\n".join(["if the change is meant: scripts/bench/gas.py --snapshot", *drift])
    for sizes in (found[seats]["runtime_bytes"] for seats in found):
        assert all(size <= 23_500 for size in sizes.values())  # the limit of a chain is 24,576
