"""Recorded operations: what is in sequences.jsonl, and what each means on the Python model and as a call of the
contract.

A sequence is one line of JSON: {"name", "parameters", "steps"}; a step is [delay, expected, kind, arguments...]. delay:
seconds since the block before, -1 = in the same block. expected: the error's name, or "" for success. Accounts, hashes
and roots are small numbers, blocks are counted back from the current one: so a sequence replays on any chain, at any
address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from trainer.protocol.contract import Anchor, Call, Contract
from trainer.protocol.messages import Domains, compute_commitment
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Event, Parameters

SEQUENCES = Path(__file__).resolve().parent / "sequences.jsonl"
ACTORS = 24
SAME_BLOCK = -1
NOBODY = -1  # as an account: the zero address; as a recipient: the contract itself, which takes no transfer
REAL, ZERO, WRONG = 0, 1, 2  # hash of an anchor

DEFAULTS = Parameters(
    genesis_root=sha256(b"genesis").digest(),
    spec_digest=sha256(b"specification").digest(),
    parameter_count=5000,
    commit_min=10,
    grace=3,
    commit_cap=25,
    reveal_window=12,
    vote_window=20,
    challenge_window=10,
    answer_window=4,
    settle_window=2,
    activate_delay=5,
    leave_delay=30,
    ring=3,
    weight_unit=7,
    min_weight=1,
    peak_step=1000,
    warmup=2,
    decay=3,
    total_heights=6,
    reward_per_round=1000,
    check_reward=100,
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
        return replace(DEFAULTS, **self.parameters)  # type: ignore[arg-type]


def load_sequences(path: Path = SEQUENCES) -> Iterator[Sequence]:
    """The recorded sequences."""
    for line in path.read_text().splitlines():
        raw = json.loads(line)
        steps = tuple(Step(step[0], step[1], step[2], tuple(step[3:])) for step in raw["steps"])
        yield Sequence(raw["name"], raw["parameters"], steps)


def account(index: int) -> str:
    """Address of an actor."""
    return ZERO_ADDRESS if index == NOBODY else str(to_checksum_address(sha256(b"actor %d" % index).digest()[:20]))


def recipient(index: int, contract: str) -> str:
    """Address to withdraw to: nobody else ever uses it."""
    return contract if index == NOBODY else str(to_checksum_address(sha256(b"recipient %d" % index).digest()[:20]))


def word(kind: str, index: int) -> bytes:
    """A hash, root or key by number: 32 bytes."""
    return sha256(f"{kind} {index}".encode()).digest()


class Scene:
    """The Python model of one run, and the meaning of a step in a given block."""

    def __init__(self, parameters: Parameters, chain_id: int, address: str, hash_of: Callable[[int], bytes]) -> None:
        self.address = address
        self.hash_of = hash_of
        self.domains = Domains.of(chain_id, address)
        self.state = RunState(parameters, self.domains)
        self.contract = Contract(self.state)

    def apply(self, step: Step, number: int, time: int) -> list[Event]:
        """Carries a step out on the model, in block `number` at `time`. Raises Revert."""
        sender = account(step.args[0])
        call = Call(sender, BlockRef(number, bytes(32), time), lambda n: self._get_block_hash(n, number))
        method, args, value = self.build(step, number)
        match step.kind:
            case "join":
                args.append(value)
            case "withdraw":
                args.append(args[1] != self.address)
            case "commit" | "vote":
                args[2:4] = [Anchor(*args[2:4])]
        operation: Callable[..., list[Event]] = getattr(self.contract, {"openRound": "open_round"}.get(method, method))
        return operation(call, *args)

    def build(self, step: Step, number: int) -> tuple[str, list[Any], int]:
        """The contract's function, its arguments, and the wei sent along, for a call in block `number`."""
        a = step.args
        match step.kind:
            case "join":
                sender, weight, operator, peer_length, extra = a
                stake = weight * self.state.parameters.weight_unit
                return (
                    "join",
                    [
                        weight,
                        account(operator),
                        word("tip", sender),
                        "é" * (peer_length // 2) + "x" * (peer_length % 2),
                    ],
                    stake + extra,
                )
            case "activate" | "leave":
                return step.kind, [a[1]], 0
            case "withdraw":
                return "withdraw", [a[1], recipient(a[2], self.address)], 0
            case "open":
                return "openRound", [], 0
            case "commit":
                _, round_id, seat, back, kind, gradient, bound = a
                commitment = compute_commitment(
                    self.domains, round_id, seat, account(bound), word("gradient", gradient)
                )
                digest = word("sealed", gradient)
                return "commit", [round_id, seat, *self._anchor(number, back, kind), commitment, digest], 0
            case "reveal":
                _, round_id, seat, gradient, key, haves = a
                return "reveal", [round_id, seat, word("gradient", gradient), word("key", key), haves], 0
            case "vote":
                _, round_id, seat, back, kind, accepted, checked, root = a
                return (
                    "vote",
                    [round_id, seat, *self._anchor(number, back, kind), accepted, checked, word("root", root)],
                    0,
                )
        raise ValueError(f"unknown operation {step.kind!r}")

    def _anchor(self, number: int, back: int, kind: int) -> tuple[int, bytes]:
        anchor = number - back
        if kind == ZERO:
            return anchor, bytes(32)
        if kind == WRONG or back <= 0:  # a block that is not there yet has no hash to name
            return anchor, word("hash", back)
        return anchor, self.hash_of(anchor)

    def _get_block_hash(self, wanted: int, current: int) -> bytes:
        return self.hash_of(wanted) if current - 256 <= wanted < current else bytes(32)
