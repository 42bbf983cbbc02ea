"""What the contract's views return: one record of its storage each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from trainer.protocol.types import FOREVER, Status

NEW_OPERATOR, PAID_OUT, CONDEMNED = 1, 2, 4  # flags of a seat
NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class Roll:
    """`ITrainingRun.Roll`: weight that may act in the next round, weight of all who have not left, number of seat ids
    given, and what is rare.
    """

    next_active: int
    seated: int
    seats: int
    misses_from: int
    open_challenges: int
    epoch: int
    departed_in: int
    departed: int
    stopped_at: int


@dataclass(frozen=True)
class SeatRecord:
    """`ITrainingRun.Seat` as stored. `from_round` 0 = never active; times in seconds of chain time."""

    operator: str
    weight: int
    next_weight: int
    changes_at: int
    from_round: int
    until: int
    flags: int
    owner: str
    ready_at: int
    left_at: int
    first: int
    named: int
    next_operator: str
    operator_from: int
    misses_from: int
    settled_to: int
    condemned_in: int

    @classmethod
    def of(cls, values: Sequence[Any]) -> SeatRecord:
        """From the ABI's values."""
        found = dict(zip(cls.__dataclass_fields__, values, strict=True))
        for name in ("operator", "owner", "next_operator"):
            found[name] = str(to_checksum_address(found[name]))
        return cls(**found)

    @property
    def is_given(self) -> bool:
        """Whether anybody has or had it."""
        return self.owner != NOBODY

    @property
    def is_activated(self) -> bool:
        """Whether it may act in the next round."""
        return self.from_round != 0 and self.until == FOREVER

    @property
    def is_benched(self) -> bool:
        """Whether it was activated before, may act no more, and has not left."""
        return self.is_given and self.left_at == 0 and not self.is_activated

    @property
    def is_paid_out(self) -> bool:
        """Whether its stake was withdrawn."""
        return self.flags & PAID_OUT != 0

    def get_weight(self, round_id: int) -> int:
        """Its weight in a round."""
        return self.weight if round_id < self.changes_at else self.next_weight

    def get_operator(self, round_id: int) -> str:
        """Who acts for it in a round."""
        return self.next_operator if self.flags & NEW_OPERATOR and round_id >= self.operator_from else self.operator


@dataclass(frozen=True)
class Bid:
    """`ITrainingRun.Bid`: a stake that waits for a seat's place; weight 0 = none."""

    owner: str
    weight: int
    ready_at: int

    @classmethod
    def of(cls, values: Sequence[Any]) -> Bid:
        """From the ABI's values."""
        owner, weight, ready_at = values
        return cls(str(to_checksum_address(owner)), weight, ready_at)


@dataclass(frozen=True)
class Entry:
    """`ITrainingRun.Entry`: leading 27 bytes of commitment (stage 0) or gradient root (stage 1); round 0 = none."""

    digest: bytes
    weight: int
    round: int
    stage: int


@dataclass(frozen=True)
class Ballot:
    """`ITrainingRun.Ballot` with the bitmaps of who voted for `outcome` (leading 20 bytes) and for others; round 0 =
    none.
    """

    outcome: bytes
    round: int
    time: int
    tally: int
    base: int
    flags: int
    voters: int
    dissenters: int

    @property
    def is_final(self) -> bool:
        """Whether the round is final with `outcome`."""
        return self.flags & 1 != 0


@dataclass(frozen=True)
class Result:
    """The state of a height: leading 26 bytes of its root, the round that made it (0: the first), its bitmaps."""

    root: bytes
    round: int
    accepted: int
    checked: int


@dataclass(frozen=True)
class Challenge:
    """`ITrainingRun.Challenge`; status NONE = there is none."""

    challenger: str
    time: int
    height: int
    status: Status
    old_root: bytes
    new_root: bytes
    bond: int
    prize: int
    voters: int

    @classmethod
    def of(cls, values: Sequence[Any]) -> Challenge:
        """From the ABI's values."""
        challenger, time, height, status, *rest = values
        return cls(str(to_checksum_address(challenger)), time, height, Status(status), *rest)
