"""A run at a certain moment, and a machine in it: what the single questions to `session.decide` are about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.machine import STARTED, Weather
from tests.protocol.simulation import Network
from trainer.protocol import session
from trainer.protocol.actions import Local, Outcome, TrainingKey, Work
from trainer.protocol.run_state import RunState
from trainer.protocol.types import Phase

ME = 0
SLOW = Weather(training=8, fetch=3, mempool=2)


def reach(phase: Phase, round_id: int, weathers: list[Weather] | None = None) -> tuple[RunState, int]:
    """A run of three that has just come to a phase of a round; the time of its head."""
    network = Network(weathers or [SLOW] * 3, 0)
    for tick in network.run(300):
        time = STARTED + tick
        if network.state.clock.round == round_id and network.state.compute_phase(time)[0] is phase:
            return network.state, time
    pytest.fail("never there")


def digests(run: RunState, round_id: int) -> frozenset[bytes]:
    return frozenset(commit.sealed_digest for commit in run.rounds[round_id].commits.values())


def local_of(run: RunState, **changes: object) -> Local:
    """A machine that is up to date, and holds what is committed in the current round."""
    held = digests(run, run.clock.round)
    return replace(Local(run.height, held, {}, {}), **changes)  # type: ignore[arg-type]


def sends(actions: list[session.Action]) -> list[str]:
    return [action.kind for action in actions if isinstance(action, session.Send)]


def key_of(run: RunState) -> TrainingKey:
    record = run.current
    assert record
    return session.compute_training_key(run, ME, record)


def work_of(key: TrainingKey, digest: bytes = b"d" * 32) -> Work:
    return Work(key.round, key.seed, key.state_root, b"g" * 32, digest)


def final_outcome(run: RunState, height: int) -> Outcome:
    final = run.finals[height - 1]
    return Outcome(final.round, final.accepted, final.checked, final.state_root, True)
