"""Recorded operations: what is in sequences.jsonl. What each means is told in scene.py.

A sequence is one line of JSON: {"name", "parameters", "steps"}; a step is [delay, expected, kind, arguments...]. delay:
seconds since the block before, -1 = in the same block. expected: the error's name, or "" for success. kind: the
function of the contract, or "mine". Accounts, gradients and flaws are small numbers, blocks are counted back from the
current one: so a sequence replays on any chain, at any address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address

from tests.differential.states import make_genesis
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.tree import compute_chunks
from trainer.protocol.types import Parameters

SEQUENCES = Path(__file__).resolve().parent / "sequences.jsonl"
ACTORS = 24
OWNER = 0  # of the run: the one that deploys it
SAME_BLOCK = -1
NOBODY = -1  # as an account: the zero address; as a recipient: the contract itself, which takes no transfer
REAL, ZERO, WRONG = 0, 1, 2  # hash of an anchor

# The shortest ring and windows: in sixty steps a run can pass all of them.
DEFAULTS = Parameters(
    genesis_root=make_genesis(3).root,
    spec_digest=sha256(b"specification").digest(),
    parameter_count=2500,
    commit_min=10,
    grace=3,
    commit_cap=25,
    reveal_window=12,
    vote_window=20,
    challenge_window=40,
    answer_window=8,
    settle_window=10,
    activate_delay=5,
    leave_delay=30,
    ring=8,
    weight_unit=7,
    min_weight=1,
    peak_step=100_000,
    warmup=2,
    decay=3,
    total_heights=20,
    reward_per_round=1000,
    check_reward=300,
    challenge_bond=50,
    invitation_only=False,
)


@dataclass(frozen=True)
class Step:
    """One recorded operation."""

    delay: int
    expected: str
    kind: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Sequence:
    """A run from its deployment on. `parameters` holds what differs from DEFAULTS."""

    name: str
    parameters: dict[str, int]
    steps: tuple[Step, ...]

    def encode(self) -> str:
        """One line of JSON."""
        steps = [[step.delay, step.expected, step.kind, *step.args] for step in self.steps]
        return json.dumps({"name": self.name, "parameters": self.parameters, "steps": steps}, separators=(",", ":"))

    @property
    def all_parameters(self) -> Parameters:
        """The constructor's arguments."""
        changed: Parameters = replace(DEFAULTS, **self.parameters)  # type: ignore[arg-type]
        genesis = make_genesis(compute_chunks(changed.parameter_count))
        return replace(changed, genesis_root=genesis.root)


def load_sequences(path: Path = SEQUENCES) -> Iterator[Sequence]:
    """The recorded sequences."""
    with path.open() as lines:
        for line in lines:
            raw = json.loads(line)
            steps = tuple(Step(step[0], step[1], step[2], tuple(step[3:])) for step in raw["steps"])
            yield Sequence(raw["name"], raw["parameters"], steps)


def split_blocks(steps: tuple[Step, ...]) -> Iterator[list[Step]]:
    """Steps by block."""
    block: list[Step] = []
    for step in steps:
        if step.delay != SAME_BLOCK and block:
            yield block
            block = []
        block.append(step)
    if block:
        yield block


@cache
def key_of(kind: str, index: int) -> PrivateKey:
    """A private key: of an actor, or one that is used once."""
    return PrivateKey(sha256(f"{kind} {index}".encode()).digest())


@cache
def account(index: int) -> str:
    """Address of an actor."""
    return ZERO_ADDRESS if index == NOBODY else str(key_of("actor", index).public_key.to_checksum_address())


@cache
def one_time(index: int) -> str:
    """Address of an invitation's key."""
    return str(key_of("one-time", index).public_key.to_checksum_address())


def recipient(index: int, contract: str) -> str:
    """Address to pay to: nobody else ever uses it."""
    return contract if index == NOBODY else str(to_checksum_address(sha256(b"recipient %d" % index).digest()[:20]))


def word(kind: str, index: int) -> bytes:
    """A hash, root or key by number: 32 bytes."""
    return sha256(f"{kind} {index}".encode()).digest()
