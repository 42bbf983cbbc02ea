"""The run as its events tell it: seats, clock, and a record of every round. One transition, `apply`, serves the worker,
the auditor and the ghost model of the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainer.protocol import assignment, keychain
from trainer.protocol.events import (
    Activated,
    Committed,
    Joined,
    Left,
    Proposed,
    Revealed,
    RoundFinal,
    RoundOpened,
    Voted,
    Withdrawn,
)
from trainer.protocol.messages import Domains
from trainer.protocol.phases import Clock, compute_commit_end, compute_phase, stretched
from trainer.protocol.types import FOREVER, NO_END, BlockRef, Event, Parameters, Phase


@dataclass
class Seat:
    """A seat. `from_round` 0 = benched; `until` FOREVER = has not left; `announced` = round id in which the tip was
    announced.
    """

    seat: int
    owner: str
    operator: str
    weight: int
    tip: bytes
    announced: int
    peer: str
    ready_at: int
    from_round: int = 0
    until: int = FOREVER
    left_at: int = 0
    withdrawn: bool = False
    # The newest valid key: a tip nearer than the announced one, so that a key costs a hash and not as many as rounds.
    nearest_tip: bytes = b""
    nearest_round: int = 0  # in which that tip counts as announced

    def __post_init__(self) -> None:
        self.nearest_tip, self.nearest_round = self.tip, self.announced

    def is_active(self, round_id: int) -> bool:
        """Whether the seat may act in that round."""
        return self.from_round != 0 and self.from_round <= round_id <= self.until

    def has_key(self, round_id: int) -> bool:
        """Whether the seat's tip serves that round."""
        return round_id >= self.announced + keychain.FIRST_SERVED


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
    weights: dict[int, int] = field(default_factory=dict)  # of the seats that committed
    commits: dict[int, Committed] = field(default_factory=dict)
    reveals: dict[int, Revealed] = field(default_factory=dict)
    valid_keys: set[int] = field(default_factory=set)  # seats whose revealed key is of their chain
    proposals: dict[bytes, Proposed] = field(default_factory=dict)  # insertion order: the first is the ballot's
    votes: dict[int, bytes] = field(default_factory=dict)
    vote_deadline: int = 0
    tally: int = 0  # weight behind the final outcome when it became final
    final: RoundFinal | None = None
    final_outcome: bytes = b""

    def get_tally(self, outcome: bytes, weights: Mapping[int, int]) -> int:
        """Weight that voted for an outcome, of the given weights of all seats."""
        return sum(weights[seat] for seat, cast in self.votes.items() if cast == outcome)

    def get_voters(self, outcome: bytes) -> int:
        """Bitmap of the seats that voted for an outcome."""
        return sum(1 << seat for seat, cast in self.votes.items() if cast == outcome)


class RunState:
    """State of a run, derived from its events alone; `apply` them in the order of the chain."""

    def __init__(self, parameters: Parameters, domains: Domains) -> None:
        self.parameters = parameters
        self.domains = domains
        self.clock = Clock()
        self.seats: dict[int, Seat] = {}
        self.rounds: dict[int, Round] = {}
        self.finals: list[RoundFinal] = []  # finals[h - 1] made height h
        self.next_active = 0
        self.seated = 0
        self.staked = 0  # wei

    # ------------------------------------------------------------------ reads

    @property
    def current(self) -> Round | None:
        """The current (or last) round."""
        return self.rounds.get(self.clock.round)

    @property
    def height(self) -> int:
        """Good rounds so far."""
        return self.clock.height

    @property
    def next_round(self) -> int:
        """Id of the round that would open next."""
        return self.clock.round + 1 if self.clock.round else 2

    @property
    def weights(self) -> dict[int, int]:
        """Weight of every seat that ever was."""
        return {seat.seat: seat.weight for seat in self.seats.values()}

    def compute_phase(self, time: int) -> tuple[Phase, int]:
        """Phase at a chain time and its end."""
        return compute_phase(self.clock, self.parameters, time)

    def get_root(self, height: int) -> bytes:
        """32-byte state root of a good height."""
        return self.parameters.genesis_root if height == 0 else self.finals[height - 1].state_root

    def is_valid_key(self, reveal: Revealed) -> bool:
        """Whether the key of a reveal belongs to its seat's chain: a function of the tip's event and the round id
        alone.
        """
        return reveal.seat in self.rounds[reveal.round].valid_keys

    def compute_seed_after(self, round_id: int) -> bytes:
        """Seed of round `round_id + 1`, from the reveals of `round_id`."""
        record = self.rounds[round_id]
        keys = {seat: reveal.key for seat, reveal in record.reveals.items() if self.is_valid_key(reveal)}
        return assignment.compute_next_seed(round_id, record.seed, keys)

    def compute_streak(self, seat: int, height: int) -> int:
        """Number of consecutive good rounds, ending with the one that made `height`, that accepted the seat."""
        streak = 0
        while streak < height and (self.finals[height - 1 - streak].accepted >> seat) & 1:
            streak += 1
        return streak

    # ------------------------------------------------------------------ transition

    def apply(self, event: Event) -> None:
        """Applies one event of the contract."""
        match event:
            case Joined():
                self.seats[event.seat] = Seat(
                    event.seat,
                    event.owner,
                    event.operator,
                    event.weight,
                    event.tip,
                    event.round,
                    event.peer,
                    event.block.time + self.parameters.activate_delay,
                )
                self.seated += event.weight
                self.staked += event.weight * self.parameters.weight_unit
            case Activated():
                self.seats[event.seat].from_round = event.from_round
                self.next_active += event.weight
            case Left():
                seat = self.seats[event.seat]
                seat.until, seat.left_at = event.last_round, event.block.time
                self.next_active -= seat.weight if seat.from_round else 0
                self.seated -= seat.weight
                # No round outlives the seats it waits for: with two thirds gone, no commit would ever start the clock.
                if self.clock.commit_end == NO_END and seat.is_active(self.clock.round):
                    cap = stretched(self.parameters.commit_cap, self.clock.stretch)
                    self.clock.commit_end = event.block.time + cap
            case Withdrawn():
                self.seats[event.seat].withdrawn = True
                self.staked -= event.amount
            case RoundOpened():
                self._apply_opening(event)
            case Committed():
                self._apply_commit(event)
            case Revealed():
                self._apply_reveal(event)
            case Proposed():
                self.rounds[event.round].proposals[event.outcome] = event
            case Voted():
                self._apply_vote(event)
            case RoundFinal():
                self._apply_final(event)
            case _:
                raise TypeError(f"unknown event {event!r}")

    def _apply_opening(self, event: RoundOpened) -> None:
        if event.round - 1 in self.rounds:
            seed = self.compute_seed_after(event.round - 1)
        else:
            seed = assignment.compute_genesis_seed(self.domains.run, self.parameters.genesis_root)
        self.rounds[event.round] = Round(
            event.round, event.height, event.active, event.base, event.stretch, event.block, seed
        )
        self.clock = Clock(
            round=event.round,
            height=event.height,
            opened_at=event.block.time,
            commit_end=NO_END,
            stretch=event.stretch,
            active=event.active,
            base=event.base,
            opened_block=event.block.number,
        )

    def _apply_commit(self, event: Committed) -> None:
        record, weight = self.rounds[event.round], self.seats[event.seat].weight
        record.commits[event.seat] = event
        record.weights[event.seat] = weight
        self.clock.committed += weight
        self.clock.commit_end = compute_commit_end(self.clock, self.parameters, event.block.time)

    def _apply_reveal(self, event: Revealed) -> None:
        record = self.rounds[event.round]
        record.reveals[event.seat] = event
        seat = self.seats[event.seat]
        if keychain.is_valid_key(seat.nearest_tip, seat.nearest_round, event.round, event.key):
            record.valid_keys.add(event.seat)
            seat.nearest_tip, seat.nearest_round = event.key, event.round - 1
        self.clock.revealed += record.weights[event.seat]
        if self.clock.revealed == self.clock.committed:
            self.clock.reveal_end = event.block.time

    def _apply_vote(self, event: Voted) -> None:
        record = self.rounds[event.round]
        if not record.votes:
            end = self.clock.reveal_end or self.clock.commit_end + stretched(
                self.parameters.reveal_window, self.clock.stretch
            )
            record.vote_deadline = end + stretched(self.parameters.vote_window, self.clock.stretch)
        record.votes[event.seat] = event.outcome

    def _apply_final(self, event: RoundFinal) -> None:
        record = self.rounds[event.round]
        record.final = event
        record.final_outcome = next(
            outcome
            for outcome, proposed in record.proposals.items()
            if (proposed.accepted, proposed.checked, proposed.new_state_root)
            == (event.accepted, event.checked, event.state_root)
        )
        record.tally = record.get_tally(record.final_outcome, self.weights)
        self.finals.append(event)
        self.clock.height = event.height
        # An opening in the same transaction follows as its own event and replaces this.
        self.clock.closed, self.clock.stretch = True, 0
