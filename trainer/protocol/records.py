"""What the contract keeps, as a run's events tell it: seats, rounds, bids, challenges, condemnations. Money in wei,
weights in units of stake, times in seconds of chain time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trainer.protocol import keychain
from trainer.protocol.events import Committed, Proposed, Revealed, RoundFinal
from trainer.protocol.types import FOREVER, BlockRef, Status

ZERO_ADDRESS = "0x" + "00" * 20


@dataclass
class Tip:
    """A key chain of a seat: `announced` = round id in which its tip was announced.

    The newest valid key is a tip nearer than the announced one, so that a key costs a hash and not as many as rounds;
    `nearest_round` is the round in which that nearer tip counts as announced.
    """

    announced: int
    tip: bytes
    nearest_tip: bytes = b""
    nearest_round: int = 0

    def __post_init__(self) -> None:
        self.nearest_tip, self.nearest_round = self.tip, self.announced

    def serves(self, round_id: int) -> bool:
        """Whether the tip may serve that round, if no newer one does."""
        return round_id >= self.announced + keychain.FIRST_SERVED


@dataclass
class Condemnation:
    """Pay of rounds final at or before `time` and not yet safe then is forfeited; `left` of it is owed to `witness`."""

    witness: str
    time: int
    left: int


@dataclass
class Seat:
    """A holder of a seat id. Names as in `ITrainingRun.Seat`: `weight` counts before round `changes_at`, `next_weight`
    (the stake) from then on; `operator` before `operator_from`, where a `next_operator` waits.
    """

    seat: int
    owner: str = ZERO_ADDRESS
    operator: str = ZERO_ADDRESS
    weight: int = 0
    next_weight: int = 0
    changes_at: int = 0
    from_round: int = 0  # 0 = never so far, or its stake is paid out
    until: int = 0  # FOREVER = neither benched nor left
    ready_at: int = 0
    left_at: int = 0
    first: int = 0  # first round that can be this holder's
    named: int = 0
    next_operator: str = ""
    operator_from: int = 0
    misses_from: int = 0
    settled_to: int = 0
    condemned_in: int = 0
    withdrawn: bool = False
    peer: str = ""
    tips: list[Tip] = field(default_factory=list)  # the newest last
    condemnations: list[Condemnation] = field(default_factory=list)

    @property
    def has_left(self) -> bool:
        """Whether the seat left or was made to leave, for ever."""
        return self.left_at != 0

    @property
    def is_activated(self) -> bool:
        """Whether the seat counts from the next round on."""
        return self.from_round != 0 and self.until == FOREVER

    @property
    def is_benched(self) -> bool:
        """Whether the seat waits to be activated, for the first time or again."""
        return not self.has_left and not self.is_activated

    @property
    def tip(self) -> bytes:
        """The tip announced last; which one serves a round says `find_tip`."""
        return self.tips[-1].tip

    @property
    def announced(self) -> int:
        """Round in which the last tip was announced."""
        return self.tips[-1].announced

    def is_active(self, round_id: int) -> bool:
        """Whether the seat may act in that round."""
        return self.from_round != 0 and self.from_round <= round_id <= self.until

    def get_weight(self, round_id: int) -> int:
        """Weight in a round that is not older than the one weight that is kept beside the newest."""
        return self.weight if round_id < self.changes_at else self.next_weight

    def get_operator(self, round_id: int) -> str:
        """Who acts for the seat in a round from the current one on."""
        return self.next_operator if self.next_operator and round_id >= self.operator_from else self.operator

    def promote_operator(self, round_id: int) -> None:
        """The first act in or after `operator_from` makes the next operator the only one, for older rounds too."""
        if self.next_operator and round_id >= self.operator_from:
            self.operator, self.next_operator = self.next_operator, ""

    def find_tip(self, round_id: int) -> Tip:
        """The chain whose key a reveal of the round must show: the newest tip that serves it. Before any does, the
        first: its tip is shown, and valid for nobody.
        """
        return next((tip for tip in reversed(self.tips) if tip.serves(round_id)), self.tips[0])

    def has_key(self, round_id: int) -> bool:
        """Whether a tip of the seat serves that round."""
        return self.find_tip(round_id).serves(round_id)


@dataclass
class Round:
    """What happened in one round, in the order of events. Weights are those of the round."""

    round: int
    height: int  # of the state it trains from
    active: int
    base: int
    stretch: int
    opened: BlockRef
    seed: bytes
    seated: dict[int, int] = field(default_factory=dict)  # weights of the seats that were active at the opening
    weights: dict[int, int] = field(default_factory=dict)  # of the seats that committed
    firsts: dict[int, int] = field(default_factory=dict)  # `Seat.first` of who committed: an id may change hands
    commits: dict[int, Committed] = field(default_factory=dict)
    reveals: dict[int, Revealed] = field(default_factory=dict)
    # Seats whose revealed key is of their chain, with the round in which that chain's tip was announced.
    valid_keys: dict[int, int] = field(default_factory=dict)
    proposals: dict[bytes, Proposed] = field(default_factory=dict)  # insertion order: the first is the ballot's
    votes: dict[int, bytes] = field(default_factory=dict)
    vote_weights: dict[int, int] = field(default_factory=dict)
    vote_deadline: int = 0
    tally: int = 0  # weight behind the final outcome when it became final
    final: RoundFinal | None = None
    final_outcome: bytes = b""
    overturned: bool = False  # it does not count: made by, or after, an outcome that nobody could show
    interrupted: bool = False  # an overturn ended it while it was the current round

    @property
    def ballot_time(self) -> int:
        """Deadline of the vote; once final, the time of finality."""
        return self.final.block.time if self.final else self.vote_deadline

    @property
    def voters(self) -> int:
        """Bitmap of the voters that count: of the final outcome, or of the first while none is final."""
        outcome = self.final_outcome if self.final else next(iter(self.votes.values()), b"")
        return self.get_voters(outcome)

    def get_tally(self, outcome: bytes) -> int:
        """Weight that voted for an outcome."""
        return sum(self.vote_weights[seat] for seat, cast in self.votes.items() if cast == outcome)

    def get_voters(self, outcome: bytes) -> int:
        """Bitmap of the seats that voted for an outcome."""
        return sum(1 << seat for seat, cast in self.votes.items() if cast == outcome)


@dataclass(frozen=True)
class Result:
    """The state that a height has or had: its root, and the round that made it."""

    root: bytes
    round: int
    height: int


@dataclass(frozen=True)
class Bid:
    """A stake that waits for the place of a seat."""

    owner: str
    weight: int
    ready_at: int


@dataclass
class Challenge:
    """A challenge of one chunk of the state that `round` made. `time`: when it was posted; from the overturn on, when
    that was. `old_root`: the leading 26 bytes. `voters`: named by the overturn and not settled.
    """

    round: int
    chunk: int
    challenger: str
    time: int
    height: int
    status: Status
    old_root: bytes
    new_root: bytes
    bond: int
    prize: int
    voters: int = 0


@dataclass
class Accusation:
    """Accusers of a seat in a round, by witness."""

    voters: int = 0
    tally: int = 0
