"""Replays through a streak, and in the background: with a trainer that only remembers what it was given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.protocol.check_scene import ROUND, Scene, bits_of
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import Cancelled, LocalResult
from trainer.protocol.assignment import compute_batch
from trainer.roles.background import BackgroundReplay, Job
from trainer.roles.replay import Stage, plan_replay, replay

SECONDS = 5.0  # that a round takes, with its pauses
PATIENCE = 60.0  # seconds for a thread to get its turn on a busy machine


class FakeTrainer:
    """In place of `LocalTrainer`: three steps a round. given: state, inner state, batches and height of each round.
    look: called in each step.
    """

    def __init__(self) -> None:
        self.settings = SimpleNamespace(local_steps=3, batch_size=2)
        self.dataset = SimpleNamespace(bound=1000)
        self.given: list[tuple[int, int | None, list[list[int]], int]] = []
        self.is_asking = threading.Event()
        self.look: Callable[[], None] = lambda: None

    def train(
        self, state: Any, inner: InnerState | None, batches: Sequence[Any], height: int, should_stop: Callable[[], bool]
    ) -> LocalResult:
        for _ in batches:
            self.is_asking.set()
            if should_stop():
                raise Cancelled
            self.look()
        if should_stop():
            raise Cancelled
        if height == 666:
            raise ArithmeticError("a failure")
        found = [batch.tolist() for batch in batches]
        self.given.append((int(state[0]), None if inner is None else int(inner.leaves[0]), found, height))
        return LocalResult(bits_of("some"), InnerState((np.array(height),)), 1.0, SECONDS)


@pytest.fixture
def trainer() -> Any:
    return FakeTrainer()


def test_the_plan_of_a_replay() -> None:
    run = Scene({0: 1, 1: 1}).run
    stages = plan_replay(run, ROUND, 1, 3)
    assert stages == tuple(Stage(r, r - 2, run.rounds[r].seed) for r in (10, 11, 12, 13))
    run.finals[8] = replace(run.finals[8], accepted=1)  # round 10 did not accept it: it had worked all the same
    assert plan_replay(run, ROUND, 1, 3) == stages
    del run.rounds[10].reveals[1]
    assert [stage.round for stage in plan_replay(run, ROUND, 1, 3)] == [11, 12, 13]
    run.cuts.append(12)  # and an overturn took all of them what they had
    assert [stage.round for stage in plan_replay(run, ROUND, 1, 3)] == [13]
    assert [stage.round for stage in plan_replay(run, 2, 1, 3)] == [2]
    with pytest.raises(KeyError):
        plan_replay(run, 99, 1, 3)
    run.finals[-1] = replace(run.finals[-1], round=ROUND + 1)
    with pytest.raises(ValueError, match="does not stand"):
        plan_replay(run, ROUND, 1, 3)


def test_a_replay_goes_through_the_streak_on_the_seats_batches(trainer: Any) -> None:
    run = Scene({0: 1, 1: 1}).run
    stages = plan_replay(run, ROUND, 1, 2)
    result = replay(trainer, 1, stages, lambda height: np.array([height * 10]), lambda: False)
    assert int(result.inner_state.leaves[0]) == 11
    assert [(state, inner, height) for state, inner, _, height in trainer.given] == [
        (90, None, 9),
        (100, 9, 10),
        (110, 10, 11),
    ]
    for stage, (_, _, batches, height) in zip(stages, trainer.given, strict=True):
        expected = [compute_batch(stage.seed, 1, height, step, 2, 1000).tolist() for step in range(3)]
        assert batches == expected


def test_a_replay_goes_on_from_an_inner_state(trainer: Any) -> None:
    stages = plan_replay(Scene({0: 1, 1: 1}).run, ROUND, 1, 2)
    replay(trainer, 1, stages[2:], lambda height: np.array([0]), lambda: False, InnerState((np.array(10),)))
    assert [inner for _, inner, _, _ in trainer.given] == [10]
    with pytest.raises(ValueError, match="nothing"):
        replay(trainer, 1, (), lambda height: np.array([0]), lambda: False)


# ---------------------------------------------------------------------- in the background

JOB = Job(("dispute", 5, 1), 1, Stage(5, 3, bytes(32)))
STATE = np.zeros(1024, np.int32)


def wait(background: BackgroundReplay) -> None:
    assert background._thread
    background._thread.join(PATIENCE)
    assert not background._thread.is_alive()


def test_a_job_is_done_once_it_may_go(trainer: Any) -> None:
    background = BackgroundReplay(trainer)
    background.start(JOB, STATE, None)
    assert trainer.is_asking.wait(PATIENCE)
    assert background.collect() is None  # it begins paused, and has not made a step
    assert not trainer.given
    background.pause(False)
    wait(background)
    found = background.collect()
    assert found
    assert found[0] == JOB
    assert trainer.given[0][3] == 3
    assert background.job is None
    assert background.collect() is None


def test_a_paused_job_can_be_stopped_and_leaves_nothing(trainer: Any) -> None:
    background = BackgroundReplay(trainer)
    background.start(JOB, STATE, None)
    assert trainer.is_asking.wait(PATIENCE)
    background.stop()
    assert background.job is None
    assert background.collect() is None
    assert not trainer.given
    background.start(JOB, STATE, None)
    assert background.collect() is None  # paused still
    background.stop()


class Clock:
    """In place of `time`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.was_read = threading.Event()

    def perf_counter(self) -> float:
        now = self.now
        self.was_read.set()
        return now


def test_what_a_job_cost_is_without_its_pauses(trainer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("trainer.roles.background.time", clock)
    background = BackgroundReplay(trainer)
    for paused in (3.0, 4.0):  # the second has nothing of the first
        clock.was_read.clear()
        background.pause(True)
        background.start(JOB, STATE, None)
        assert clock.was_read.wait(PATIENCE)
        clock.now += paused
        background.pause(False)
        wait(background)
        found = background.collect()
        assert found
        assert found[1].seconds == SECONDS - paused


def test_how_much_of_a_job_is_done(trainer: Any) -> None:
    background, seen = BackgroundReplay(trainer), list[float]()
    trainer.look = lambda: seen.append(background.share)
    assert background.share == 0
    background.start(JOB, STATE, None)
    assert trainer.is_asking.wait(PATIENCE)
    assert background.share == 0
    background.pause(False)
    wait(background)
    assert [*seen, background.share] == [0, 1 / 3, 2 / 3, 1]
    background.pause(True)
    background.start(JOB, STATE, None)
    assert background.share == 0
    background.stop()


def test_a_failure_is_told(trainer: Any) -> None:
    background = BackgroundReplay(trainer)
    background.pause(False)
    background.start(replace(JOB, stage=Stage(5, 666, bytes(32))), STATE, None)
    wait(background)
    with pytest.raises(ArithmeticError):
        background.collect()
