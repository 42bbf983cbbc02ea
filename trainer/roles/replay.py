"""Replays the local work of one seat in one round from public data alone: what a blind cross-check, the judgement of a
dispute, `comitia recompute` and `comitia audit --training` have in common.

The seat's inner state is not public, so a replay starts cold some heights earlier, or where the seat began to
work without a gap, if that is later: then it is exact, but for the rounding of another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult, LocalTrainer
from trainer.protocol.gradient import count_agreeing
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.roles.training import compute_batches

__all__ = ["GetState", "Stage", "count_agreeing", "plan_replay", "replay", "replay_stage"]

GetState = Callable[[int], State]


@dataclass(frozen=True)
class Stage:
    """The work of one round: H local steps from the state of `height`, on the batches of the round's `seed`."""

    round: int
    height: int
    seed: bytes


def plan_replay(run: RunState, round_id: int, seat: int, depth: int) -> tuple[Stage, ...]:
    """The rounds of a replay, oldest first: the good ones before in which the seat worked without a gap, `depth` at
    most, none where it began cold, and last `round_id` itself.

    Raises KeyError for a round that nobody has opened, ValueError where an overturn took what the round was trained
    from.
    """
    record = run.rounds[round_id]
    begin = record.height - run.compute_run_up(round_id, seat, depth)
    finals = run.finals[begin : record.height]
    history = (Stage(final.round, final.height - 1, run.rounds[final.round].seed) for final in finals)
    return (*history, Stage(round_id, record.height, record.seed))


def replay_stage(
    trainer: LocalTrainer,
    seat: int,
    stage: Stage,
    state: State,
    inner: InnerState | None,
    should_stop: Callable[[], bool],
) -> LocalResult:
    """The work of one round. state: int32[Ppad] of the stage's height; inner: None = cold. should_stop: as of
    `LocalTrainer.train`, which raises Cancelled; it may wait, so that other work goes first.
    """
    batches = compute_batches(trainer, stage.seed, seat, stage.height)
    return trainer.train(state, inner, batches, stage.height, should_stop)


def replay(
    trainer: LocalTrainer,
    seat: int,
    stages: Sequence[Stage],
    get_state: GetState,
    should_stop: Callable[[], bool],
    inner: InnerState | None = None,
) -> LocalResult:
    """The work of the last of `stages`, each begun with the inner state that the one before ended with.

    get_state: height to int32[Ppad]; it raises what it likes where it has none. inner: what the first stage begins
    with. Raises Cancelled.
    """
    result = None
    for stage in stages:
        result = replay_stage(trainer, seat, stage, get_state(stage.height), inner, should_stop)
        inner = result.inner_state
    if result is None:
        raise ValueError("a replay of nothing")
    return result
