"""Values that travel between the floors: parameters of a run, events, seats, the clock. Frozen where they are facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

UINT32_MAX = (1 << 32) - 1
NO_END = UINT32_MAX  # a phase whose end is not known yet
FOREVER = (1 << 24) - 1  # `until` of a seat that has not left


class Phase(IntEnum):
    """Where the run stands at a given time; the numbers are those of `ITrainingRun.Phase`."""

    IDLE = 0
    COMMIT = 1
    REVEAL = 2
    VOTE = 3
    VOID = 4
    FINAL = 5
    FINISHED = 6


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


@dataclass(frozen=True)
class Joined(Event):
    seat: int
    owner: str
    operator: str
    weight: int
    round: int
    tip: bytes
    peer: str


@dataclass(frozen=True)
class Activated(Event):
    seat: int
    from_round: int
    weight: int


@dataclass(frozen=True)
class Left(Event):
    seat: int
    last_round: int
    weight: int


@dataclass(frozen=True)
class Withdrawn(Event):
    seat: int
    to: str
    amount: int


@dataclass(frozen=True)
class RoundOpened(Event):
    round: int
    height: int
    active: int
    base: int
    stretch: int
    previous_block: int


@dataclass(frozen=True)
class Committed(Event):
    round: int
    seat: int
    sealed_digest: bytes


@dataclass(frozen=True)
class Revealed(Event):
    round: int
    seat: int
    gradient_root: bytes
    key: bytes
    haves: int


@dataclass(frozen=True)
class Proposed(Event):
    round: int
    outcome: bytes
    accepted: int
    checked: int
    new_state_root: bytes


@dataclass(frozen=True)
class Voted(Event):
    round: int
    seat: int
    outcome: bytes


@dataclass(frozen=True)
class RoundFinal(Event):
    round: int
    height: int
    accepted: int
    checked: int
    state_root: bytes
    voters: int


EVENTS: tuple[type[Event], ...] = (
    Joined,
    Activated,
    Left,
    Withdrawn,
    RoundOpened,
    Committed,
    Revealed,
    Proposed,
    Voted,
    RoundFinal,
)
