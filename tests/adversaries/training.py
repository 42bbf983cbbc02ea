"""Participants that do not train as they should. Each changes one method: `train` of what their work is done with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.adversaries.place import Place
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult, LocalTrainer
from trainer.protocol.gradient import pack_bits, unpack_bits
from trainer.protocol.judgement import State
from trainer.roles.agreement import ignore_data
from trainer.roles.training import BackgroundTraining
from trainer.roles.worker import Parts

Batches = Sequence[npt.NDArray[np.int64]]
Stop = Callable[[], bool]
ELSEWHERE = 12_345  # examples further on: somebody else's, or nobody's
DIRECTION = 7  # seed of the direction that a gang agreed on
TUNED = 0.5  # percent above the threshold at which the edge rider aims


class DishonestTrainer:
    """What a `BackgroundTraining` works with, in place of a `LocalTrainer`. `honest`: that one."""

    def __init__(self, honest: LocalTrainer, parts: Parts, place: Place) -> None:
        self.honest, self.parts, self.place = honest, parts, place
        self.settings, self.dataset = honest.settings, honest.dataset
        self.count = honest.task.layout.parameter_count

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        """As `LocalTrainer.train`, honest; each adversary has its own."""
        return self.honest.train(state, inner, batches, height, should_stop)

    def pack(self, bits: npt.NDArray[np.bool_], height: int) -> bytes:
        """Bits of all parameters as they are handed in."""
        return pack_bits(bits, np.zeros(self.count, np.bool_), height)


def put_in(kind: type[DishonestTrainer]) -> Callable[[Parts, Place], None]:
    """Lets a worker train with it; what it replays to check others stays honest."""

    def alter(parts: Parts, place: Place) -> None:
        trainer: Any = kind(parts.training._trainer, parts, place)
        parts.training = BackgroundTraining(trainer)

    return alter


def train_less(*, steps: float = 1.0, batch: float = 1.0) -> type[DishonestTrainer]:
    """Takes this share of the local steps, one at least, with this share of each batch: the first ones of both, which
    is what fewer are drawn as.
    """

    class Less(DishonestTrainer):
        def __init__(self, honest: LocalTrainer, parts: Parts, place: Place) -> None:
            super().__init__(honest, parts, place)
            self.settings = replace(
                honest.settings,
                local_steps=max(1, int(honest.settings.local_steps * steps)),
                batch_size=int(honest.settings.batch_size * batch),
            )
            self.less = LocalTrainer(honest.task, honest.dataset, self.settings, honest.schedule)

        def train(
            self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
        ) -> LocalResult:
            return self.less.train(state, inner, batches, height, should_stop)

    return Less


class MomentumOnly(DishonestTrainer):
    """Moves on by momentum alone, after one honest round: no gradient is ever computed again."""

    def __init__(self, honest: LocalTrainer, parts: Parts, place: Place) -> None:
        super().__init__(honest, parts, place)
        self.idle = LocalTrainer(
            replace(honest.task, loss=ignore_data), honest.dataset, honest.settings, honest.schedule
        )

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        if inner is None:
            return super().train(state, inner, batches, height, should_stop)
        return replace(self.idle.train(state, inner, batches, height, should_stop), inner_state=inner)


class OldState(DishonestTrainer):
    """Trains from the state of the height before: it need not wait for the vote."""

    before: State | None = None

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        before, self.before = self.before, state
        return super().train(state if before is None else before, inner, batches, height, should_stop)


class WrongData(DishonestTrainer):
    """Trains on other data than the seed says."""

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        others = [(batch + ELSEWHERE) % self.dataset.bound for batch in batches]
        return super().train(state, inner, others, height, should_stop)


class OwnCopy(DishonestTrainer):
    """Trains once and hands in the same bits ever after."""

    first: LocalResult | None = None

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        if self.first is None:
            self.first = super().train(state, inner, batches, height, should_stop)
        return self.first


class SignFlip(DishonestTrainer):
    """Trains, and hands in the opposite; several do so together."""

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        result = super().train(state, inner, batches, height, should_stop)
        return replace(result, bits=self.pack(~unpack_bits(result.bits, self.count), height))


class RandomBits(DishonestTrainer):
    """Hands in noise: others each time, and each seat its own."""

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        noise = np.random.default_rng([self.place.seat, height]).random(self.count) < 0.5
        return self._hand_in(noise, height)

    def _hand_in(self, bits: npt.NDArray[np.bool_], height: int) -> LocalResult:
        return LocalResult(self.pack(bits, height), InnerState(()), 0.0, 0.0)


class CommonDirection(RandomBits):
    """Hands in one arbitrary direction, which the whole gang agreed on."""

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        return self._hand_in(np.random.default_rng(DIRECTION).random(self.count) < 0.5, height)


class EdgeRider(DishonestTrainer):
    """Alters as many bits of honest work as the threshold of the checks will bear, which it reckons from the run's own
    rules.
    """

    def train(
        self, state: State, inner: InnerState | None, batches: Batches, height: int, should_stop: Stop
    ) -> LocalResult:
        result = super().train(state, inner, batches, height, should_stop)
        share = 1 - (self.parts.checks.rules.agreement + TUNED) / 100
        altered = np.random.default_rng([self.place.seat, height, 1]).random(self.count) < share
        return replace(result, bits=self.pack(unpack_bits(result.bits, self.count) ^ altered, height))
