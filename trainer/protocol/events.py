"""Events of a run, one class for each of `IRunEvents.sol`: everything that the contract knows can be derived from them.
Fields have the names of the contract's in snake case; what they mean is told there.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainer.protocol.types import Event


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


@dataclass(frozen=True)
class Benched(Event):
    seat: int
    last_round: int
    weight: int


@dataclass(frozen=True)
class WeightChanged(Event):
    seat: int
    weight: int
    from_round: int


@dataclass(frozen=True)
class OperatorChanged(Event):
    seat: int
    operator: str
    from_round: int


@dataclass(frozen=True)
class PeerChanged(Event):
    seat: int
    peer: str


@dataclass(frozen=True)
class TipAnnounced(Event):
    seat: int
    round: int
    tip: bytes


@dataclass(frozen=True)
class BidPlaced(Event):
    seat: int
    owner: str
    weight: int


@dataclass(frozen=True)
class BidReturned(Event):
    seat: int
    owner: str
    weight: int


@dataclass(frozen=True)
class FormerWithdrawn(Event):
    seat: int
    to: str
    amount: int


@dataclass(frozen=True)
class FormerPaid(Event):
    seat: int
    owner: str
    amount: int


@dataclass(frozen=True)
class Funded(Event):
    from_: str  # a keyword here
    amount: int


@dataclass(frozen=True)
class Settled(Event):
    seat: int
    height: int
    paid: int
    forfeited: int


@dataclass(frozen=True)
class Claimed(Event):
    account: str
    to: str
    amount: int


@dataclass(frozen=True)
class Swept(Event):
    to: str
    amount: int


@dataclass(frozen=True)
class Challenged(Event):
    round: int
    chunk: int
    challenger: str
    height: int
    bond: int
    state_root: bytes
    credited: int


@dataclass(frozen=True)
class AnswerAdvanced(Event):
    round: int
    chunk: int
    answerer: str
    next: int
    weight: int


@dataclass(frozen=True)
class Answered(Event):
    round: int
    chunk: int
    answerer: str
    reward: int
    is_late: bool


@dataclass(frozen=True)
class Overturned(Event):
    round: int
    chunk: int
    height: int
    last_round: int
    voters: int


@dataclass(frozen=True)
class ChallengeLapsed(Event):
    round: int
    chunk: int


@dataclass(frozen=True)
class Slashed(Event):
    round: int
    chunk: int
    seat: int
    lost: int
    prize: int


@dataclass(frozen=True)
class Accused(Event):
    round: int
    accused: int
    accuser: int
    witness: int


@dataclass(frozen=True)
class Condemned(Event):
    round: int
    accused: int
    witness: int
    last_round: int
    owed: int


@dataclass(frozen=True)
class Admitted(Event):
    account: str
    invitation: bytes


@dataclass(frozen=True)
class GroupKeyAnnounced(Event):
    epoch: int
    file: bytes
    from_round: int


@dataclass(frozen=True)
class Stopped(Event):
    pass


EVENTS: tuple[type[Event], ...] = tuple(Event.__subclasses__())  # in the order of the interface
