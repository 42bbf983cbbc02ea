"""A run's storage as its events tell it, and what can be read off it: the twin of contracts/parts/RunStorage.sol.
The transitions are in seat_events.py, round_events.py and money_events.py.
"""

from __future__ import annotations

from collections import Counter

from trainer.protocol.constants import FIRST_ROUND, MAX_SEATS
from trainer.protocol.events import GroupKeyAnnounced, RoundFinal
from trainer.protocol.messages import Domains
from trainer.protocol.phases import Clock, compute_base, compute_phase, stretched
from trainer.protocol.records import Accusation, Bid, Challenge, Result, Round, Seat
from trainer.protocol.types import NO_END, Parameters, Phase

ROOT_BYTES = 26  # of a state root, as the contract keeps it
OPEN_PHASES = (Phase.COMMIT, Phase.REVEAL, Phase.VOTE)
MAX_DOUBLINGS = 100  # of a bond


class Ledger:
    """Everything that a run's contract keeps. Ring records are here for ever; `find_ballot`, `find_result` and
    `has_entry` tell which of them the contract still has.
    """

    def __init__(self, parameters: Parameters, domains: Domains) -> None:
        self.parameters = parameters
        self.domains = domains
        self.clock = Clock()
        self.seats: dict[int, Seat] = {}
        self.former: dict[int, Seat] = {}  # the holder before the present one
        self.blanks: dict[int, Seat] = {}  # holders that nobody is, but that somebody has settled
        self.rounds: dict[int, Round] = {}
        self.finals: list[RoundFinal] = []  # finals[h - 1] made height h
        self.closed_at = 0  # when the current round became final or was overturned
        self.cuts: list[int] = []  # last rounds that an overturn took
        self.next_active = 0
        self.seated = 0
        self.departed = 0  # weight of the current round that has left since its opening
        self.misses_from = 0
        self.stopped_at = 0
        self.group_keys: list[GroupKeyAnnounced] = []
        # money, in wei
        self.staked = 0
        self.pool = 0
        self.burnt = 0
        self.credits: Counter[str] = Counter()
        self.bids: dict[int, Bid] = {}
        self.challenges: dict[tuple[int, int], Challenge] = {}  # by round and chunk
        self.open_challenges = 0
        self.accusations: dict[tuple[int, int, int], Accusation] = {}  # by round, accused and witness
        # membership
        self.invitations: Counter[str] = Counter()
        self.used_invitations: set[bytes] = set()
        self.has_sat: set[str] = set()  # kept in an invitation-only run
        # what the ring holds
        self.ballots: dict[int, int] = {}  # slot to the last round in it that was voted on
        self.entries: dict[tuple[int, int], int] = {}  # slot and seat to the last round in which the seat committed
        self.results: dict[int, Result] = {0: Result(parameters.genesis_root, 0, 0)}

    # ------------------------------------------------------------------ rounds

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
        return self.clock.round + 1 if self.clock.round else FIRST_ROUND

    def compute_phase(self, time: int) -> tuple[Phase, int]:
        """Phase at a chain time and its end."""
        return compute_phase(self.clock, self.parameters, time)

    def is_open(self, time: int) -> bool:
        """Whether the current round can still change: neither void nor final."""
        return self.compute_phase(time)[0] in OPEN_PHASES

    def compute_next_opening(self) -> tuple[int, int, int]:
        """What the next opening would have: active weight, base, and the time until which its ring slot is taken."""
        p = self.parameters
        base = compute_base(self.next_active, self.seated, p.min_weight)
        # Void rounds free their slot at once; a final one after its horizon and the time to settle it.
        ballot = self.find_slot_ballot(self.next_round)
        is_final = ballot is not None and ballot.final is not None
        busy_until = ballot.ballot_time + p.horizon + p.settle_window if ballot and is_final else 0
        return self.next_active, base, busy_until

    def find_slot_ballot(self, round_id: int) -> Round | None:
        """The round whose ballot is in the ring slot of `round_id`."""
        found = self.ballots.get(round_id % self.parameters.ring)
        return None if found is None else self.rounds[found]

    def find_ballot(self, round_id: int) -> Round | None:
        """The round, if somebody voted in it and its ballot is kept still."""
        return self.rounds[round_id] if self.ballots.get(round_id % self.parameters.ring) == round_id else None

    def has_entry(self, round_id: int, seat: int) -> bool:
        """Whether the seat committed in the round and its entry is kept still."""
        return self.entries.get((round_id % self.parameters.ring, seat)) == round_id

    def has_revealed(self, round_id: int, seat: int) -> bool:
        """Whether the seat revealed in the round and its entry is kept still."""
        return self.has_entry(round_id, seat) and seat in self.rounds[round_id].reveals

    def find_result(self, height: int) -> Result | None:
        """What is kept of a height; an overturn leaves it."""
        found = self.results.get(height % (self.parameters.ring + 1))
        return found if found and found.height == height else None

    def is_standing(self, round_id: int, height: int) -> bool:
        """Whether the round made the height and no overturn has taken it back."""
        found = self.find_result(height)
        return found is not None and found.round == round_id and height <= self.height

    def is_last_height(self, round_id: int) -> bool:
        """Whether the final round made the newest height."""
        if self.clock.round == round_id + 1 and not self.clock.closed:
            return True
        kept = self.results.get(self.height % (self.parameters.ring + 1))
        return (kept.round if kept else 0) == round_id

    # ------------------------------------------------------------------ seats

    @property
    def weights(self) -> dict[int, int]:
        """Stake of every seat, in units of weight."""
        return {seat.seat: seat.next_weight for seat in self.seats.values()}

    @property
    def epoch(self) -> int:
        """Number of the newest group key; 0 = none."""
        return len(self.group_keys)

    def find_holder_at(self, seat: int, round_id: int) -> Seat:
        """Who held the seat id in a round; a blank seat where nobody did."""
        present = self.find_holder(seat)
        return self.find_holder(seat + MAX_SEATS) if round_id < present.first else present

    def find_acting(self, seat: int, round_id: int) -> Seat:
        """Who may act for the seat id in a round, if anybody: who was displaced acts on where it was seated."""
        present = self.find_holder(seat)
        if (present.from_round == 0 or round_id < present.from_round) and round_id < present.first:
            return self.find_holder(seat + MAX_SEATS)
        return present

    def find_holder(self, holder: int) -> Seat:
        """A seat by id, + 256 for the former holder; a blank one where nobody is."""
        former = holder >= MAX_SEATS
        found = (self.former if former else self.seats).get(holder % MAX_SEATS)
        return found or self.blanks.get(holder) or Seat(holder % MAX_SEATS)

    def is_settled(self, seat: Seat) -> bool:
        """Whether no round before the seat's last change of weight can still be paid."""
        following = seat.settled_to + 1
        if following > self.height:
            return True
        # Where a later height has the place of the next one, those between may still be paid.
        kept = self.results.get(following % (self.parameters.ring + 1))
        return kept is not None and kept.height == following and kept.round >= seat.changes_at

    def start_cap(self, time: int) -> None:
        """Starts the cap of a commit phase whose end is not known."""
        if self.clock.commit_end == NO_END:
            self.clock.commit_end = time + stretched(self.parameters.commit_cap, self.clock.stretch)

    # ------------------------------------------------------------------ money

    @property
    def bonds(self) -> int:
        """Wei of all bonds held."""
        return sum(challenge.bond for challenge in self.challenges.values())

    @property
    def held(self) -> int:
        """Wei that the contract must hold: what it received and has not paid out."""
        return self.staked + self.pool + self.burnt + sum(self.credits.values()) + self.bonds

    @property
    def next_bond(self) -> int:
        """Bond of the next challenge."""
        return self.parameters.challenge_bond << min(self.open_challenges, MAX_DOUBLINGS)
