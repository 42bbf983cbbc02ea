"""Writes a sequence step by step from the model's state: what moves the run on, errands, and what aims at an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.differential.census import Census
from tests.differential.operations import ACTORS, NOBODY, REAL, SAME_BLOCK, Sequence, Step, account, word
from tests.differential.scene import Scene
from trainer.protocol.constants import FIRST_ROUND
from trainer.protocol.contract import Revert
from trainer.protocol.phases import is_two_thirds, stretched
from trainer.protocol.run_state import Seat
from trainer.protocol.types import NO_END, Event, Phase

Choice = tuple[str, list[int]]  # kind and arguments of a step
Errand = tuple[int, list[Choice]]  # time, and what to do then in one block
Move = Callable[["Author", Phase, int], Choice | None]  # (author, phase, time of the step): a step, if the state allows
INDEX = {account(index): index for index in range(NOBODY, ACTORS)}
AFTER_THE_END = 30  # steps once the run is finished
OVERFLOW = 1 << 24  # round ids are 24 bits in storage, 32 bits in calls


@dataclass(frozen=True)
class Plan:
    """How a sequence is played.

    Shares of the blocks: errand = of what somebody may want; aim = at an error; chaos = a call that nobody thought
    about; mine = empty ones; the others move the run on. jump: of those that do not know better, at a deadline.
    same_block: that one more step is in the block.

    Shares of the rounds: flawed = with a false root; sleepy = from which on a seat is away. split: of the votes for
    another outcome. patience: rounds that can be challenged before anybody does it. places: all ids are given.
    favourites: errands for this plan above all.
    """

    steps: int
    errand: float = 0.35
    aim: float = 0.2
    chaos: float = 0.08
    jump: float = 0.06
    mine: float = 0.002
    same_block: float = 0.2
    flawed: float = 0.4
    sleepy: float = 0.25
    split: float = 0.1
    seats: tuple[int, ...] = (2, 3, 3, 4, 5)
    patience: int = 1
    places: bool = False
    favourites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tools:
    """What the author chooses from: how a round goes on, errands and how often each is wanted, aims by error, chaos."""

    go_on: Move
    errands: Mapping[str, tuple[float, Callable[[Author], Errand | None]]]
    aims: Mapping[str, Move]
    chaos: Move


@dataclass
class Conduct:
    """How the seats behave in a round, drawn when it opens."""

    silent: set[int] = field(default_factory=set)  # do not commit
    sealed: set[int] = field(default_factory=set)  # do not reveal
    mute: set[int] = field(default_factory=set)  # do not vote
    flaw: int = 0
    accepted: int = 0  # 0: not drawn yet
    checked: int = 0


class Author:
    """Writes one sequence, step by step, on a model of its own."""

    def __init__(self, rng: Random, parameters: dict[str, int], plan: Plan, census: Census, tools: Tools) -> None:
        self.rng, self.parameters, self.plan, self.census, self.tools = rng, parameters, plan, census, tools
        self.scene = Scene(Sequence("", parameters, ()).all_parameters, 31337, account(0), lambda n: word("block", n))
        self.number, self.time = 1000, 1_000_000
        self.scene.started = self.time
        self.target = 1001  # number of the block of the step that is being chosen
        self.played = self.labels = 0
        self.conducts: dict[int, Conduct] = {}
        self.sleepers: dict[int, tuple[int, str]] = {}  # seat to the last round in which it is away, and how
        self.seats_wanted = rng.choice(plan.seats)

    # ------------------------------------------------------------------ the run

    def write(self, prelude: Iterator[tuple[int, Choice]]) -> Iterator[Step]:
        """All steps, after those of the prelude."""
        for delay, choice in prelude:
            yield self.play(delay, choice)
        self.played, rest = 0, AFTER_THE_END
        while self.played < self.plan.steps and rest:
            rest -= self.scene.state.height == self.scene.state.parameters.total_heights
            if self.rng.random() < self.plan.mine:
                yield self.mine(self.rng.choice([1, 5, 100, 255, 256, 257]))
                continue
            delay, choices = self._choose_block()
            yield self.play(delay, choices[0])
            for choice in choices[1:]:
                yield self.play(SAME_BLOCK, choice)
            while self.rng.random() < self.plan.same_block:
                yield self.play(SAME_BLOCK, self._choose(self.time))

    def play(self, delay: int, choice: Choice) -> Step:
        """Carries a step out and says what came of it."""
        kind, args = choice
        if delay != SAME_BLOCK:
            self.number += 1
            self.time += delay
        self.played += 1
        args = [max(args[0], 0), *args[1:]]  # the zero address sends nothing
        step, error = Step(delay, "", kind, tuple(args)), ""
        before = self.scene.state.compute_phase(self.time)[0]
        events: list[Event] = []
        try:
            events = self.scene.apply(step, self.number, self.time)
        except Revert as revert:
            error = revert.name
        self.census.add(self.scene, step, error, before, events)
        return Step(delay, error, kind, tuple(args))

    def mine(self, count: int) -> Step:
        """Lets blocks pass."""
        self.number += count
        self.census.counts["mine"] += 1
        return Step(0, "", "mine", (count,))

    # ------------------------------------------------------------------ when and what

    def _choose_block(self) -> Errand:
        """Delay and steps of the next block."""
        self.target = self.number + 1
        if self.rng.random() < self.plan.errand:
            errand = self._find_errand()
            if errand:
                return max(0, errand[0] - self.time), errand[1]
        delay = self._choose_delay()
        choice = self._try(self.time + delay)
        if choice is None:  # this phase has nothing left: on to the next, or let somebody want something
            end = self.scene.state.compute_phase(self.time)[1]
            if end != NO_END:
                delay = max(0, end - self.time)
                choice = self._try(self.time + delay)
            else:
                errand = self._find_errand()
                if errand:
                    return max(0, errand[0] - self.time), errand[1]
        return delay, [choice or self._chaos(self.time + delay)]

    def _find_errand(self) -> Errand | None:
        """One of those done least for what they are worth, if the state allows."""
        counts = self.census.counts

        def rank(name: str) -> tuple[float, str]:
            share = self.tools.errands[name][0] * (6 if name in self.plan.favourites else 1)
            return (counts[f"errand {name}"] + 5) / share * (0.3 + self.rng.random()), name

        for name in sorted(self.tools.errands, key=rank):
            errand = self.tools.errands[name][1](self)
            if errand and errand[1]:
                counts[f"errand {name}"] += 1
                return errand
        return None

    def _choose_delay(self) -> int:
        if self.rng.random() < self.plan.jump:
            ahead = sorted({t + d for t in self._list_deadlines() for d in (-1, 0, 1) if t + d >= self.time})
            near = ahead[: max(3, len(ahead) // 2)]
            if near:
                return self.rng.choice(near) - self.time
        return self.rng.choice((0, 1, 1, 1, 2, 3))

    def _list_deadlines(self) -> list[int]:
        state, p = self.scene.state, self.scene.state.parameters
        _, end = state.compute_phase(self.time)
        times = [seat.ready_at for seat in state.seats.values() if seat.is_benched]
        if end != NO_END:
            times += [
                end,
                end + stretched(p.reveal_window, state.clock.stretch),
                end + stretched(p.vote_window, state.clock.stretch),
            ]
        for seat in (*state.seats.values(), *state.former.values()):
            if seat.has_left and not seat.withdrawn:
                times += [seat.left_at + p.horizon, seat.left_at + p.leave_delay]
        for final in state.finals[-4:]:
            times += [final.block.time + p.challenge_window, final.block.time + p.horizon]
        for challenge in state.challenges.values():
            times += [challenge.time + p.answer_window, challenge.time + 2 * p.answer_window]
        times.append(state.compute_next_opening()[2])
        return [time for time in times if time >= self.time]

    def _choose(self, now: int) -> Choice:
        self.target = self.number
        return self._try(now) or self._chaos(now)

    def _try(self, now: int) -> Choice | None:
        phase, roll = self.scene.state.compute_phase(now)[0], self.rng.random()
        if roll < self.plan.aim:
            choice = self._aim(phase, now)
            if choice:
                return choice
        if roll > 1 - self.plan.chaos:
            return self._chaos(now)
        return self.tools.go_on(self, phase, now)

    def _chaos(self, now: int) -> Choice:
        choice = self.tools.chaos(self, self.scene.state.compute_phase(now)[0], now)
        assert choice
        return choice

    def _aim(self, phase: Phase, now: int) -> Choice | None:
        """An attempt at one of the errors met least that the state allows."""
        counts = self.census.counts
        for name in sorted(
            self.tools.aims, key=lambda name: (counts[name] + self.rng.random() * (20 + counts[name]), name)
        ):
            choice = self.tools.aims[name](self, phase, now)
            if choice:
                return choice
        return None

    # ------------------------------------------------------------------ what others choose from

    def label(self) -> int:
        """A number not used before."""
        self.labels += 1
        return self.labels

    def actor(self) -> int:
        """Anybody."""
        return self.rng.randrange(ACTORS)

    def stranger(self, *insiders: str) -> int:
        """An account that is none of these."""
        return self.rng.choice([index for index in range(ACTORS) if account(index) not in insiders])

    def pick(self, seats: list[Seat]) -> Seat | None:
        """One of these, if any."""
        return self.rng.choice(seats) if seats else None

    def present(self) -> list[Seat]:
        """Seats that have not left, fillers of a full run aside."""
        return [s for s in self.scene.state.seats.values() if not s.has_left and (s.seat < 6 or s.first > FIRST_ROUND)]

    def acting(self, round_id: int) -> list[int]:
        """Ids that may act in a round."""
        state = self.scene.state
        return [seat for seat in state.seats if round_id and state.find_acting(seat, round_id).is_active(round_id)]

    def operator(self, seat: int, round_id: int) -> int:
        """Who acts for an id in a round."""
        return INDEX[self.scene.state.find_acting(seat, round_id).get_operator(round_id)]

    def anchor(self) -> list[int]:
        """A good anchor: blocks back, kind of hash."""
        age = self.target - self.scene.state.clock.opened_block
        oldest = max(1, min(age, 256))
        return [self.rng.choice((1, oldest, oldest, self.rng.randint(1, oldest))), REAL]

    def conduct(self, round_id: int) -> Conduct:
        """How the seats behave in a round."""
        if round_id not in self.conducts:
            found = self.conducts[round_id] = Conduct()
            acting = self.acting(round_id) if round_id in self.scene.state.rounds else []
            if acting and self.rng.random() < self.plan.sleepy:
                how = self.rng.choice(("silent", "silent", "sealed", "mute", "mute"))
                record, rng = self.scene.state.rounds[round_id], self.rng
                weights = {seat: self.scene.state.find_acting(seat, round_id).get_weight(round_id) for seat in acting}
                spare = [s for s in acting if is_two_thirds(record.active - weights[s], record.base)]
                # Mostly one without whom the round goes on, for a while; else the round is void.
                if spare and rng.random() < 0.8:
                    self.sleepers[rng.choice(spare)] = round_id + rng.randint(0, 4), how
                elif rng.random() < 0.5:
                    self.sleepers[rng.choice(acting)] = round_id + rng.randint(0, 3), how
            for seat, (last, how) in self.sleepers.items():
                if round_id <= last:
                    getattr(found, how).add(seat)
            if self.rng.random() < self.plan.flawed:
                found.flaw = self.rng.choice((1, 1, 2, 3, 4, 4, 5))
        return self.conducts[round_id]
