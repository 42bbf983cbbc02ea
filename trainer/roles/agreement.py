"""Measures how far recomputations of honest work agree with it, and how far those of cheats do: with real training.

A few seats train by vote and never reset. At some moments of the run each seat is replayed from a cold start, which is
followed for 16 heights: what agrees after K of them is what a check of depth K would find. Each cheat then trains the
same seat's work its own way for some heights and is compared with the same replays. Which bits a seat hands in decides
nothing here: all are accepted, and only honest ones are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.learn import integer_step
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalTrainer
from trainer.learn.numerics import Numerics
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Dataset, Task
from trainer.protocol.judgement import State
from trainer.protocol.step import Schedule
from trainer.roles.replay import count_agreeing
from trainer.roles.training import compute_batches

WINDOW = 16  # heights that a replay is followed: the largest K
DEPTHS = tuple(range(2, WINDOW + 1))
HABIT = 8  # heights that a cheat has been at it when it is compared last; replays start cold at its first, too
COMPARED = 4  # last heights of a window, at which cheats are compared
HONEST = "honest"

Tick = Callable[[float, str], None]  # rounds of training done since the last call, and what is being done


@dataclass(frozen=True)
class Agreement:
    """One comparison. kind: HONEST or a cheat's name. start: first height of its window. share: of the P bits that are
    equal, 0 to 1.
    """

    kind: str
    start: int
    height: int
    seat: int
    depth: int
    seat_numerics: str
    replay_numerics: str
    share: float


@dataclass(frozen=True)
class Cheat:
    """A cheat that trains less or otherwise. work: its share of an honest round's work."""

    name: str
    work: float
    steps: int
    batch_size: int
    is_old: bool = False  # trains from the state before
    is_elsewhere: bool = False  # trains on another seat's data


def list_cheats(settings: LocalSettings) -> list[Cheat]:
    """The cheats that train, mildest first. Those that the settings do not allow (half of one example) are left out."""
    steps, size = settings.local_steps, settings.batch_size
    fewer = {int(steps * part): f"{name} of the steps" for part, name in ((0.5, "1/2"), (0.75, "3/4"), (0.875, "7/8"))}
    cheats = [Cheat(name, n / steps, n, size) for n, name in sorted(fewer.items(), reverse=True) if 0 < n < steps]
    if size > 1:
        cheats.append(Cheat("half of each batch", size // 2 / size, steps, size // 2))
    cheats.append(Cheat("old state", 1.0, steps, size, is_old=True))
    return [*cheats, Cheat("wrong data", 1.0, steps, size, is_elsewhere=True)]


MOMENTUM_ONLY = "momentum only"
OWN_COPY = "copy of its own last submission"


def choose_starts(moments: int, heights: int) -> list[int]:
    """First heights of so many windows, evenly from the beginning of a run to its end."""
    last = heights - 1 - WINDOW
    if last < 1:
        raise ValueError(f"a run of {heights} heights is too short: at least {WINDOW + 2}")
    return sorted({1 + round(i * (last - 1) / max(moments - 1, 1)) for i in range(moments)})


class Measurement:
    """One run of a few seats, and what is compared in it. Seats take the numerics in turns."""

    def __init__(
        self,
        task: Task,
        dataset: Dataset,
        settings: LocalSettings,
        schedule: Schedule,
        numerics: Sequence[Numerics],
        seats: int,
        seed: int,
    ) -> None:
        self._task, self._dataset, self._settings, self._schedule = task, dataset, settings, schedule
        self._numerics = {each.name: each for each in numerics}
        self._names = [list(self._numerics)[seat % len(numerics)] for seat in range(seats)]
        self.seats, self.cheats = seats, list_cheats(settings)
        self._seats, self._seed = range(seats), seed
        self._trainers: dict[tuple[str, str], LocalTrainer] = {}
        self._states: dict[int, State] = {}
        self._bits: dict[tuple[int, int], bytes] = {}  # by seat and height
        self._entering: dict[tuple[int, int], InnerState | None] = {}  # the inner state, by seat and height

    def compute_cost(self, starts: Sequence[int]) -> float:
        """Rounds of one seat's training that `run` takes."""
        replayed = len(self._numerics) * (WINDOW + 1 + HABIT + 1)
        cheated = sum(cheat.work for cheat in self.cheats) * (HABIT + 1) + COMPARED
        return len(self._seats) * (max(starts) + WINDOW + 1 + len(starts) * (replayed + cheated))

    def run(self, starts: Sequence[int], tick: Tick) -> list[Agreement]:
        """Trains until the last window (from each of `starts`, >= 1) is over, and compares."""
        state, found = self._task.compute_genesis(self._seed), list[Agreement]()
        inner: dict[int, InnerState | None] = dict.fromkeys(self._seats)
        for height in range(max(starts) + WINDOW + 1):
            self._states[height] = state
            for seat in self._seats:
                self._entering[seat, height] = inner[seat]
                result = self._get(self._names[seat]).train(state, inner[seat], self._draw(seat, height), height)
                self._bits[seat, height], inner[seat] = result.bits, result.inner_state
                tick(1.0, f"height {height}: seat {seat} trains")
            votes = [(self._bits[seat, height], 1) for seat in self._seats]
            state = integer_step.apply_step(state, votes, self._schedule.compute_step(height))
            if height - WINDOW in starts:
                for seat in self._seats:
                    found += self._measure(seat, height - WINDOW, tick)
            self._forget(height - WINDOW)
        return found

    # ------------------------------------------------------------------ one window of one seat

    def _measure(self, seat: int, start: int, tick: Tick) -> list[Agreement]:
        end, own = start + WINDOW, self._names[seat]
        found, replays = list[Agreement](), dict[tuple[str, int, int], bytes]()
        for name in self._numerics:
            for first in (start, end - HABIT):
                inner: InnerState | None = None
                for height in range(first, end + 1):
                    result = self._get(name).train(self._states[height], inner, self._draw(seat, height), height)
                    inner, replays[name, first, height] = result.inner_state, result.bits
                    tick(1.0, f"height {height}: a {name} replay of seat {seat} from height {first}")

        count = self._task.layout.parameter_count

        def compare(kind: str, height: int, bits: bytes) -> None:
            for (name, first, at), again in replays.items():
                if at == height and height - first in DEPTHS:
                    share = count_agreeing(bits, again, count) / count
                    found.append(Agreement(kind, start, height, seat, height - first, own, name, share))

        for height in range(start, end + 1):
            compare(HONEST, height, self._bits[seat, height])
        compared = range(end - COMPARED + 1, end + 1)
        for cheat in self.cheats:
            inner = self._entering[seat, end - HABIT]
            for height in range(end - HABIT, end + 1):
                state = self._states[height - cheat.is_old]
                batches = self._draw(len(self._seats) + seat if cheat.is_elsewhere else seat, height)
                batches = [batch[: cheat.batch_size] for batch in batches[: cheat.steps]]
                result = self._get(own, cheat).train(state, inner, batches, height)
                inner = result.inner_state
                if height in compared:
                    compare(cheat.name, height, result.bits)
                tick(cheat.work, f"height {height}: {cheat.name}, seat {seat}")
        for height in compared:
            # The least that it can be: it was honest in the round before.
            inner, batches = self._entering[seat, height], self._draw(seat, height)
            still = self._get(own, MOMENTUM_ONLY).train(self._states[height], inner, batches, height)
            compare(MOMENTUM_ONLY, height, still.bits)
            compare(OWN_COPY, height, self._bits[seat, height - 1])
            tick(1.0, f"height {height}: {MOMENTUM_ONLY}, seat {seat}")
        return found

    def _draw(self, seat: int, height: int) -> list[npt.NDArray[np.int64]]:
        """The batches of a seat at a height."""
        seed = sha256(b"bench-agreement %d %d" % (self._seed, height)).digest()
        return compute_batches(self._get(self._names[0]), seed, seat, height)

    def _get(self, name: str, cheat: Cheat | str = HONEST) -> LocalTrainer:
        """The trainer of a numerics and a cheat; made when first asked for."""
        key = name, cheat if isinstance(cheat, str) else cheat.name
        if key not in self._trainers:
            task, settings = self._task, self._settings
            if isinstance(cheat, Cheat):
                settings = replace(settings, local_steps=cheat.steps, batch_size=cheat.batch_size)
            elif cheat == MOMENTUM_ONLY:
                task = replace(task, loss=ignore_data)
            self._trainers[key] = self._numerics[name].make(task, self._dataset, settings, self._schedule)
        return self._trainers[key]

    def _forget(self, height: int) -> None:
        """Drops what no window needs any more."""
        self._states.pop(height - 1, None)
        for seat in self._seats:
            self._bits.pop((seat, height - 1), None)
            self._entering.pop((seat, height), None)


def ignore_data(params: Any, batch: Any) -> Any:
    """A loss whose gradient is zero."""
    return 0.0 * sum(leaf.sum() for leaf in params.values())
