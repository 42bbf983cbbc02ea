"""Values that travel between the floors: parameters of a run, phases, blocks. Frozen where they are facts; the events
are in events.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

UINT32_MAX = (1 << 32) - 1
NO_END = UINT32_MAX  # a phase whose end is not known yet
FOREVER = (1 << 24) - 1  # `until` of a seat that neither is benched nor has left


class Phase(IntEnum):
    """Where the run stands at a given time; the numbers are those of `ITrainingRun.Phase`."""

    IDLE = 0
    COMMIT = 1
    REVEAL = 2
    VOTE = 3
    VOID = 4
    FINAL = 5
    FINISHED = 6


class Status(IntEnum):
    """What became of a challenge; the numbers are those of `ITrainingRun.Status`."""

    NONE = 0
    OPEN = 1
    ANSWERED = 2
    EXECUTED = 3
    CANCELLED = 4
    LAPSED = 5


@dataclass(frozen=True)
class Parameters:
    """Constructor arguments of a run, in the order of `ITrainingRun.Parameters`. Times in seconds, money in wei."""

    genesis_root: bytes
    spec_digest: bytes
    parameter_count: int
    commit_min: int
    grace: int
    commit_cap: int
    reveal_window: int
    vote_window: int
    challenge_window: int
    answer_window: int
    settle_window: int
    activate_delay: int
    leave_delay: int
    ring: int
    weight_unit: int
    min_weight: int
    peak_step: int
    warmup: int
    decay: int
    total_heights: int
    reward_per_round: int
    check_reward: int
    challenge_bond: int
    invitation_only: bool

    @property
    def horizon(self) -> int:
        """Seconds from finality until a round is safe."""
        return self.challenge_window + 2 * self.answer_window


@dataclass(frozen=True)
class BlockRef:
    """A block as an event's place in time: number, 32-byte hash, timestamp in seconds of chain time."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True)
class Event:
    """Base of all events: `block` says where it happened. Field names are those of the contract, in snake case."""

    block: BlockRef
