"""The contract on a real EVM and the Python model, operation by operation: errors, events and the whole state must be
the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.differential.anvil import run_anvil
from tests.differential.generate import COUNT
from tests.differential.operations import DEFAULTS, SEQUENCES, load_sequences
from tests.differential.replay import Replayer
from trainer.chain.artifacts import build_compiler_input, compile_contract
from trainer.errors import REVERTS
from trainer.protocol.bounds import MAX_AMOUNT, MAX_WINDOW, check_parameters
from trainer.protocol.contract import Revert
from trainer.protocol.types import FOREVER, Parameters

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("COMITIA_SEQUENCES", SEQUENCES))  # scripts/test-deep replays others
PARTS = 10
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
    "--gas-limit",
    "4000000000",  # of a block: 256 steps in one
)


def compile_reader(name: str, kind: str) -> bytes:
    """Code of Lens.sol or Peek.sol: a second or two without the optimizer's long way. kind: bytecode creates it,
    deployedBytecode is what is then there, with immutables that are zero.
    """
    import solcx

    path = f"tests/differential/{name}.sol"
    data, _ = build_compiler_input(ROOT, path)
    evm = data["settings"]["evmVersion"]
    data["settings"] = {
        "evmVersion": evm,
        "optimizer": {"enabled": True},
        "outputSelection": {"*": {name: [f"evm.{kind}.object"]}},
    }
    output = solcx.compile_standard(data, solc_binary=ROOT / "scripts" / "solc-node")
    found: dict[str, Any] = output["contracts"][f"project/{path}"][name]
    return bytes.fromhex(found["evm"][kind]["object"])


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    artifact = compile_contract()
    lens, peek = compile_reader("Lens", "bytecode"), compile_reader("Peek", "deployedBytecode")
    with run_anvil(*FLAGS) as anvil:
        yield Replayer(anvil, artifact.abi, artifact.creation, lens, peek)


@pytest.mark.anvil
@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_contract_and_model_agree_on_every_recorded_sequence(replayer: Replayer, part: int) -> None:
    for index, sequence in enumerate(load_sequences(FILE)):
        if index % PARTS == part:
            replayer.replay(sequence)


@pytest.mark.anvil
@pytest.mark.slow
def test_the_sequences_went_everywhere(replayer: Replayer, capsys: pytest.CaptureFixture[str]) -> None:
    """What the parts above have played: every function has succeeded, every error was met, and what is rare was not."""
    with capsys.disabled():
        print()
        replayer.census.print()
    if replayer.replayed < COUNT:
        pytest.skip("only some of the sequences have been played")
    assert replayer.census.counts["overturn"] >= 50
    assert not replayer.census.find_missing(sorted(REVERTS), replayer.replayed / COUNT)


def bounds() -> list[Parameters]:
    """The parameters at, and one past, every bound of the constructor."""
    windows = [
        "commit_min", "grace", "commit_cap", "reveal_window", "vote_window", "challenge_window", "answer_window",
        "settle_window", "activate_delay", "leave_delay",
    ]  # fmt: skip
    wide = replace(DEFAULTS, ring=1 << 16, commit_cap=MAX_WINDOW, commit_min=MAX_WINDOW)
    changes: list[dict[str, int]] = [{name: value} for name in windows for value in (0, 1, MAX_WINDOW, MAX_WINDOW + 1)]
    changes += [{"parameter_count": value} for value in (0, 1, 1 << 32, (1 << 32) + 1)]
    changes += [{"ring": value} for value in (0, 1, 7, 8, 1 << 16, (1 << 16) + 1)]
    changes += [{"weight_unit": 0}, {"weight_unit": (1 << 128) - 1}, {"min_weight": 0}, {"min_weight": 65535}]
    changes += [{"peak_step": value} for value in (0, 1, (1 << 17) - 1, 1 << 17)]
    changes += [{"total_heights": value} for value in (0, 4, 5, FOREVER - 1, FOREVER)]
    changes += [{"warmup": value} for value in (0, 1, 17, 18)] + [{"decay": value} for value in (0, 1, 18, 19)]
    changes += [{"commit_min": 10, "commit_cap": 9}, {"commit_min": 10, "commit_cap": 10}]
    changes += [{name: value} for name in ("reward_per_round", "check_reward") for value in (0, MAX_AMOUNT)]
    changes += [{name: MAX_AMOUNT + 1} for name in ("reward_per_round", "check_reward", "challenge_bond")]
    changes += [{"challenge_bond": value} for value in (0, 1, MAX_AMOUNT)]
    changes += [{"answer_window": 8, "settle_window": value} for value in (7, 8)]
    changes += [{"answer_window": 8, "challenge_window": value} for value in (800, 801)]
    exact = {"commit_min": 10, "ring": 8, "challenge_window": 40, "answer_window": 10}
    changes += [exact | {"settle_window": value} for value in (19, 20, 21)]
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
        "ring decay warmup weightUnit minWeight peakStep commitCap totalHeights parameterCount settleWindow "
        "challengeWindow rewardPerRound checkReward challengeBond"
    )
    assert {"", *(f"BadParameter {name}" for name in names.split())} < refused


def find_refusal(attempt: Callable[[Parameters], object], parameters: Parameters) -> str:
    try:
        attempt(parameters)
    except Revert as revert:
        return f"{revert.name} {revert.arguments[0]}"
    return ""


def test_sequences_are_compact() -> None:
    assert SEQUENCES.stat().st_size < 1_000_000
    assert all(json.loads(line)["steps"] for line in SEQUENCES.read_text().splitlines())
