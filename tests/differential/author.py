"""Writes a sequence step by step from the model's state: what moves the run on, and what aims at an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from tests.differential.census import Census
from tests.differential.operations import (
    ACTORS,
    NOBODY,
    REAL,
    SAME_BLOCK,
    Scene,
    Sequence,
    Step,
    account,
    word,
)
from trainer.protocol.contract import Revert
from trainer.protocol.phases import stretched
from trainer.protocol.run_state import Round, Seat
from trainer.protocol.types import FOREVER, NO_END, Event, Phase

Choice = tuple[str, list[int]]  # kind and arguments of a step
Aim = Callable[
    ["Author", Phase, int], Choice | None
]  # (author, phase, time of the step): an attempt at an error, if the state allows
Aims = Mapping[str, Aim]
INDEX = {account(index): index for index in range(NOBODY, ACTORS)}
AFTER_THE_END = 20  # steps once the run is finished
OVERFLOW = 1 << 24  # round ids are 24 bits in storage, 32 bits in calls


@dataclass(frozen=True)
class Plan:
    """How a sequence is played. Shares: jump = of the steps that go to a deadline; split = of the votes for another
    outcome than the first; traffic = of the steps that are about seats; mine = of those that let blocks pass.
    """

    steps: int
    jump: float
    split: float = 0.15
    traffic: float = 0.12
    mine: float = 0.001
    aim: float = 0.3
    same_block: float = 0.1


class Author:
    """Writes one sequence, step by step, on a model of its own."""

    def __init__(self, rng: Random, parameters: dict[str, int], plan: Plan, census: Census, aims: Aims) -> None:
        self.rng, self.parameters, self.plan, self.census, self.aims = rng, parameters, plan, census, aims
        self.scene = Scene(Sequence("", parameters, ()).all_parameters, 31337, account(0), lambda n: word("block", n))
        self.number, self.time = 1000, 1_000_000
        self.target = 1001  # number of the block of the step that is being chosen
        self.gradients: dict[tuple[int, int], tuple[int, int]] = {}  # (round, seat) -> gradient, account it is bound to
        self.roots: dict[bytes, int] = {}
        self.labels = 0
        self.seats_wanted = rng.randint(1, 7)

    # ------------------------------------------------------------------ the run

    def write(self) -> Iterator[Step]:
        """All steps."""
        started, rest = False, AFTER_THE_END
        yield self.play(1, *self.join())
        for _ in range(self.plan.steps):
            rest -= self.scene.state.height == self.scene.state.parameters.total_heights
            if not rest:
                return
            if self.rng.random() < self.plan.mine:
                yield self.mine(self.rng.choice([1, 5, 100, 254, 255, 256, 257, 300]))
                started = False
                continue
            delay = self._choose_delay(started)
            kind, args = self._choose(delay)
            started = True
            yield self.play(delay, kind, args)

    def play(self, delay: int, kind: str, args: list[int]) -> Step:
        """Carries a step out and says what came of it."""
        if delay != SAME_BLOCK:
            self.number += 1
            self.time += delay
        draft = Step(delay, "", kind, tuple(args))
        before = self.scene.state.compute_phase(self.time)[0]
        events: list[Event] = []
        try:
            events = self.scene.apply(draft, self.number, self.time)
        except Revert as revert:
            draft = Step(delay, revert.name, kind, tuple(args))
        else:
            if kind == "commit":
                self.gradients[args[1], args[2]] = (args[5], args[6])
            if kind == "vote":
                self.roots[word("root", args[-1])] = args[-1]
        self.census.add(self.scene, draft, before, events)
        return draft

    def mine(self, count: int, delay: int = 0) -> Step:
        """Lets blocks pass."""
        self.number += count
        self.time += delay
        self.census.counts["mine"] += 1
        return Step(delay, "", "mine", (count,))

    # ------------------------------------------------------------------ when

    def _choose_delay(self, may_share: bool) -> int:
        rng, roll = self.rng, self.rng.random()
        if may_share and roll < self.plan.same_block:
            return SAME_BLOCK
        if roll > 1 - self.plan.jump:
            ahead = sorted({t + d for t in self._list_deadlines() for d in (-1, 0, 1) if t + d >= self.time})
            near = ahead[: max(3, len(ahead) // 2)]
            if near:
                return rng.choice(near) - self.time
        return rng.choice((0, 1, 1, 1, 2, 3))

    def _list_deadlines(self) -> list[int]:
        state, p = self.scene.state, self.scene.state.parameters
        _, end = state.compute_phase(self.time)
        times = [seat.ready_at for seat in state.seats.values() if not seat.from_round and not seat.withdrawn]
        if end != NO_END:
            times += [
                end,
                end + stretched(p.reveal_window, state.clock.stretch),
                end + stretched(p.vote_window, state.clock.stretch),
            ]
        for seat in state.seats.values():
            if seat.left_at and not seat.withdrawn:
                times += [seat.left_at + p.horizon, seat.left_at + p.leave_delay]
                times += [record.final.block.time + p.horizon for record in state.rounds.values() if record.final]
        times.append(self.scene.contract.compute_next_opening()[2])
        return [time for time in times if time >= self.time]

    # ------------------------------------------------------------------ what

    def _choose(self, delay: int) -> Choice:
        now = self.time + max(delay, 0)
        self.target = self.number + (delay != SAME_BLOCK)
        phase = self.scene.state.compute_phase(now)[0]
        if self.rng.random() < self.plan.aim:
            choice = self._aim(phase, now)
            if choice:
                return choice
        if self.rng.random() < self.plan.traffic:
            return self._traffic(now)
        return self._move(phase, now) or self._traffic(now)

    def _aim(self, phase: Phase, now: int) -> Choice | None:
        """An attempt at one of the errors met least that the state allows."""
        counts = self.census.counts
        for name in sorted(self.aims, key=lambda name: (counts[name] + self.rng.random() * (20 + counts[name]), name)):
            choice = self.aims[name](self, phase, now)
            if choice:
                return choice
        return None

    def _move(self, phase: Phase, now: int) -> Choice | None:
        """A step that moves the run on."""
        state, record = self.scene.state, self.scene.state.current
        if phase in (Phase.IDLE, Phase.VOID, Phase.FINAL):
            benched = [seat for seat in self.living() if not seat.from_round and seat.until == FOREVER]
            if benched and (phase is Phase.IDLE or self.rng.random() < 0.5):
                return self.activate(self.rng.choice(benched))
            if len(state.seats) < self.seats_wanted and self.rng.random() < 0.4:
                return self.join()
            return "open", [self.rng.randrange(ACTORS)]
        if record is None or phase is Phase.FINISHED:
            return None
        seats = [seat for seat in self.living() if seat.is_active(record.round)]
        if phase is Phase.COMMIT:
            waiting = [seat for seat in seats if seat.seat not in record.commits]
            return self.commit(self.rng.choice(waiting).seat) if waiting else None
        if phase is Phase.REVEAL:
            sealed = [seat for seat in record.commits if seat not in record.reveals]
            return self.reveal(self.rng.choice(sealed)) if sealed else None
        waiting = [seat for seat in seats if seat.seat not in record.votes]
        return self.vote(record, self.rng.choice(waiting).seat) if waiting else None

    def _traffic(self, now: int) -> Choice:
        """Something about seats, or a late vote."""
        rng, state = self.rng, self.scene.state
        late = self.find_late()
        if late and rng.random() < 0.5:
            return self.late_vote(*late)
        seats = self.living()
        gone = [seat for seat in seats if seat.until != FOREVER]
        benched = [seat for seat in seats if not seat.from_round and seat.until == FOREVER]
        active = [seat for seat in seats if seat.from_round and seat.until == FOREVER]
        if gone and rng.random() < 0.5:
            return self.withdraw(rng.choice(gone))
        if benched and rng.random() < 0.6:
            return self.activate(rng.choice(benched))
        if active and rng.random() < (0.5 if len(active) > 2 or state.height > 2 else 0.1):
            return self.leave(rng.choice(benched if benched and rng.random() < 0.2 else active))
        return self.join()

    # ------------------------------------------------------------------ choices

    def living(self) -> list[Seat]:
        """Seats with a stake."""
        return [seat for seat in self.scene.state.seats.values() if not seat.withdrawn]

    def label(self) -> int:
        """A number not used before."""
        self.labels += 1
        return self.labels

    def operator(self, seat: int) -> int:
        """The operator's account."""
        return INDEX[self.scene.state.seats[seat].operator]

    def join(self) -> Choice:
        """A new seat."""
        rng = self.rng
        weight = rng.choice((1, 2, 3, 5, 5, 7, 10, 40, 100, 254, 255))
        return "join", [
            rng.randrange(ACTORS),
            weight,
            rng.randrange(ACTORS),
            rng.choice((0, 1, 31, 32, 60, 255, 256)),
            0,
        ]

    def activate(self, seat: Seat) -> Choice:
        """By owner or operator."""
        return "activate", [INDEX[self.rng.choice((seat.owner, seat.operator))], seat.seat]

    @staticmethod
    def leave(seat: Seat) -> Choice:
        """The owner leaves."""
        return "leave", [INDEX[seat.owner], seat.seat]

    def withdraw(self, seat: Seat) -> Choice:
        """To an address that nobody used before."""
        return "withdraw", [INDEX[seat.owner], seat.seat, self.label()]

    def anchor(self) -> list[int]:
        """A good anchor: blocks back, kind of hash."""
        age = self.target - self.scene.state.clock.opened_block
        oldest = max(1, min(age, 256))
        return [self.rng.choice((1, oldest, oldest, self.rng.randint(1, oldest))), REAL]

    def commit(self, seat: int) -> Choice:
        """A proper commit in the current round."""
        operator = self.operator(seat)
        return "commit", [operator, self.scene.state.clock.round, seat, *self.anchor(), self.label(), operator]

    def reveal(self, seat: int) -> Choice:
        """What the seat committed to."""
        round_id = self.scene.state.clock.round
        gradient, bound = self.gradients[round_id, seat]
        haves = self.rng.choice((0, 1 << seat, (1 << 256) - 1, self.rng.getrandbits(8)))
        return "reveal", [bound, round_id, seat, gradient, self.rng.randrange(3), haves]

    def vote(self, record: Round, seat: int) -> Choice:
        """For the first outcome or another."""
        other = self.rng.choice((1, 1, 1, 2)) if self.rng.random() < self.plan.split else 0
        return "vote", [self.operator(seat), record.round, seat, *self.anchor(), *self.outcome(record.round, other)]

    @staticmethod
    def outcome(round_id: int, other: int) -> list[int]:
        """Accepted, checked and root of a round's outcome; `other` picks one that is not the first."""
        return [(3, 7, 3)[other], (0, 0, 1)[other], 10 * round_id + min(other, 1)]

    def find_outcome(self, record: Round) -> list[int]:
        """The final outcome of a round."""
        assert record.final
        return [record.final.accepted, record.final.checked, self.roots[record.final.state_root]]

    def find_late(self) -> tuple[Round, int] | None:
        """A final round that takes votes, and a seat that has not voted in it."""
        state = self.scene.state
        if not state.finals:
            return None
        record = state.rounds[state.finals[-1].round]
        seats = [s.seat for s in self.living() if s.is_active(record.round) and s.seat not in record.votes]
        return (record, self.rng.choice(seats)) if seats else None

    def late_vote(self, record: Round, seat: int) -> Choice:
        """A vote for the final outcome."""
        return "vote", [self.operator(seat), record.round, seat, *self.anchor(), *self.find_outcome(record)]

    def stranger(self, *insiders: str) -> int:
        """An account that is none of these."""
        return self.rng.choice([index for index in range(ACTORS) if account(index) not in insiders])

    def pick(self, seats: list[Seat]) -> Seat | None:
        """One of these, if any."""
        return self.rng.choice(seats) if seats else None

    def find_voted(self) -> tuple[Round, int] | None:
        """A round with a ballot, and a living seat that voted in it."""
        found = [
            (record, seat)
            for record in self.scene.state.rounds.values()
            for seat in record.votes
            if not self.scene.state.seats[seat].withdrawn
        ]
        return self.rng.choice(found) if found else None
