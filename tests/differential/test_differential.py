"""The contract on a real EVM and the Python model, operation by operation: errors, events and the whole state must be
the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.differential import generate
from tests.differential.anvil import run_anvil
from tests.differential.operations import DEFAULTS, SEQUENCES, load_sequences
from tests.differential.replay import Replayer
from trainer.chain.artifacts import build_compiler_input, compile_contract
from trainer.protocol.bounds import MAX_WINDOW, check_parameters
from trainer.protocol.contract import Revert
from trainer.protocol.types import FOREVER, Parameters

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-mining",
    "--order",
    "fifo",
    "--auto-impersonate",
    "--hardfork",
    "osaka",
    "--base-fee",
    "0",
    "--gas-price",
    "0",
)


def compile_lens() -> bytes:
    """Creation code of Lens.sol: a second or two without the optimizer's long way."""
    import solcx

    data, _ = build_compiler_input(ROOT, "tests/differential/Lens.sol")
    evm = data["settings"]["evmVersion"]
    data["settings"] = {
        "evmVersion": evm,
        "optimizer": {"enabled": True},
        "outputSelection": {"*": {"Lens": ["evm.bytecode.object"]}},
    }
    output = solcx.compile_standard(data, solc_binary=ROOT / "scripts" / "solc-node")
    found: dict[str, Any] = output["contracts"]["project/tests/differential/Lens.sol"]["Lens"]
    return bytes.fromhex(found["evm"]["bytecode"]["object"])


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    artifact = compile_contract()
    with run_anvil(*FLAGS) as anvil:
        yield Replayer(anvil, artifact.abi, artifact.creation, compile_lens())


@pytest.mark.anvil
@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_contract_and_model_agree_on_every_recorded_sequence(replayer: Replayer, part: int) -> None:
    for sequence in list(load_sequences())[part::10]:
        replayer.replay(sequence)


def test_recorded_sequences_are_those_of_the_generator_and_go_everywhere() -> None:
    sequences, _ = generate.write_all()  # raises where something is too rare
    assert len(sequences) >= 200
    assert SEQUENCES.read_text().splitlines() == [sequence.encode() for sequence in sequences]


def bounds() -> list[Parameters]:
    """The parameters at, and one past, every bound of the constructor."""
    windows = [
        "commit_min", "grace", "commit_cap", "reveal_window", "vote_window", "challenge_window", "answer_window",
        "settle_window", "activate_delay", "leave_delay",
    ]  # fmt: skip
    wide = replace(DEFAULTS, ring=1 << 16, commit_cap=MAX_WINDOW, commit_min=MAX_WINDOW)
    changes: list[dict[str, int]] = [{name: value} for name in windows for value in (0, 1, MAX_WINDOW, MAX_WINDOW + 1)]
    changes += [{"parameter_count": value} for value in (0, 1, 1 << 32, (1 << 32) + 1)]
    changes += [{"ring": value} for value in (0, 1, 2, 3, 1 << 16, (1 << 16) + 1)]
    changes += [{"weight_unit": 0}, {"weight_unit": (1 << 128) - 1}, {"min_weight": 0}, {"min_weight": 65535}]
    changes += [{"peak_step": value} for value in (0, 1, (1 << 17) - 1, 1 << 17)]
    changes += [{"total_heights": value} for value in (0, 4, 5, FOREVER - 1, FOREVER)]
    changes += [{"warmup": value} for value in (0, 1, 3, 4)] + [{"decay": value} for value in (0, 1, 4, 5)]
    changes += [{"commit_min": 10, "commit_cap": 9}, {"commit_min": 10, "commit_cap": 10}]
    exact = {"commit_min": 10, "ring": 2, "challenge_window": 10, "answer_window": 4}
    changes += [exact | {"settle_window": value} for value in (1, 2, 3)]
    return [replace(base, **change) for change in changes for base in (DEFAULTS, wide)]  # type: ignore[arg-type]


@pytest.mark.anvil
@pytest.mark.slow
def test_constructor_and_model_refuse_the_same_parameters(replayer: Replayer) -> None:
    refused = set()
    for parameters in bounds():
        found = find_refusal(replayer.deploy, parameters)
        assert found == find_refusal(check_parameters, parameters), parameters
        refused.add(found)
    names = (
        "ring",
        "decay",
        "warmup",
        "weightUnit",
        "minWeight",
        "peakStep",
        "commitCap",
        "totalHeights",
        "parameterCount",
    )
    assert {"", *(f"BadParameter {name}" for name in names)} < refused


def find_refusal(attempt: Callable[[Parameters], object], parameters: Parameters) -> str:
    try:
        attempt(parameters)
    except Revert as revert:
        return f"{revert.name} {revert.arguments[0]}"
    return ""


def test_sequences_are_compact() -> None:
    assert SEQUENCES.stat().st_size < 1_000_000
    assert all(json.loads(line)["steps"] for line in SEQUENCES.read_text().splitlines())
