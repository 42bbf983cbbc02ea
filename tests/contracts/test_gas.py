"""Gas and size of the contract are numbers in a file: a change shows in the diff."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_gas", ROOT / "scripts" / "bench" / "gas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.anvil
def test_gas_equals_the_snapshot() -> None:
    bench = load_bench()
    found = bench.take_snapshot()
    expected = json.loads(bench.SNAPSHOT.read_text())
    assert found == expected, "if the change is meant: scripts/bench/gas.py --snapshot"
    for sizes in (found[seats]["runtime_bytes"] for seats in found):
        assert all(size <= 23_500 for size in sizes.values())  # the limit of a chain is 24,576
