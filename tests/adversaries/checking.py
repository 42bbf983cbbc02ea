"""Participants that cheat in the cross-checks: as checkers, and as two who spare each other. Each changes one method of
the desk that checks.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from tests.adversaries.place import Place
from tests.adversaries.training import WrongData, put_in
from trainer.learn.local_training import LocalResult
from trainer.protocol.actions import Charge
from trainer.protocol.checks import Check, pick_sample
from trainer.protocol.constants import SAMPLE_BYTES
from trainer.protocol.gradient import NO_SAMPLE
from trainer.protocol.judgement import Judgement
from trainer.protocol.run_state import RunState
from trainer.roles.checking import CheckDesk
from trainer.roles.worker import Parts


def _recompute_nothing(desk: CheckDesk) -> None:
    def turn(run: RunState, time: int, sealed: Collection[int], *, is_training: bool) -> None:
        desk._find_draws(run)

    desk.turn = turn  # type: ignore[method-assign]


def guess(parts: Parts, place: Place) -> None:
    """A lazy checker: recomputes nothing, and writes what comes to mind."""
    desk = parts.checks
    _recompute_nothing(desk)

    def get_sample(round_id: int) -> bytes:
        return np.random.default_rng([round_id]).bytes(SAMPLE_BYTES) if round_id in desk._draws else NO_SAMPLE

    desk.get_sample = get_sample  # type: ignore[method-assign]


def copy(parts: Parts, place: Place) -> None:
    """A lazy checker that copies: nobody else's bits are open when it seals, so it takes its own for the target's."""
    desk, training = parts.checks, parts.training
    _recompute_nothing(desk)
    collect, own = training.collect, list[LocalResult]()

    def remember() -> Any:
        found = collect()
        own.extend([found[1]] if found else [])
        return found

    def get_sample(round_id: int) -> bytes:
        draw, total = desk._draws.get(round_id), parts.replica.run.parameters.parameter_count
        if draw is None:
            return NO_SAMPLE
        return pick_sample(own[-1].bits, draw.compute_positions(total, desk.rules.sample), total)

    training.collect = remember  # type: ignore[method-assign]
    desk.get_sample = get_sample  # type: ignore[method-assign]


def frame(parts: Parts, place: Place) -> None:
    """Says of one honest seat, the first that it draws, that it did the opposite, and accuses it in every round."""
    desk, victims = parts.checks, list[int]()
    honest, note = desk.get_sample, desk.note

    def get_sample(round_id: int) -> bytes:
        draw, sample = desk._draws.get(round_id), honest(round_id)
        if draw is None or sample == NO_SAMPLE:
            return sample
        victims.append(draw.target)
        return bytes(byte ^ 255 for byte in sample) if draw.target == victims[0] else sample

    def accuse(run: RunState, judgement: Judgement, checks: Any, time: int) -> None:
        note(run, judgement, checks, time)
        record = run.rounds[judgement.round]
        for victim in set(victims[:1]) & set(record.reveals):
            root = record.reveals[victim].gradient_root
            desk.docket.charges.add(Charge(record.round, record.height + 1, victim, place.seat, root))

    desk.get_sample = get_sample  # type: ignore[method-assign]
    desk.note = accuse  # type: ignore[method-assign]


def spare_friends(parts: Parts, place: Place) -> None:
    """Two seats of one owner: both train on other data, and who is drawn to check the other says nothing."""
    put_in(WrongData)(parts, place)
    desk = parts.checks
    honest, note = desk.get_sample, desk.note

    def get_sample(round_id: int) -> bytes:
        draw = desk._draws.get(round_id)
        return NO_SAMPLE if draw is not None and draw.target in place.gang else honest(round_id)

    def look_away(run: RunState, judgement: Judgement, checks: tuple[Check, ...], time: int) -> None:
        note(run, judgement, [check for check in checks if check.draw.target not in place.gang], time)

    desk.get_sample = get_sample  # type: ignore[method-assign]
    desk.note = look_away  # type: ignore[method-assign]
