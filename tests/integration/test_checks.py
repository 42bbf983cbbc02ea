"""Blind cross-checks with real training, on a real chain: everybody checks somebody in every round, and one seat does
not train on its own data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.integration.stage import WEIGHT, Run
from tests.integration.waiting import until
from trainer.learn.inner_state import InnerState
from trainer.protocol.acceptance import compute_members
from trainer.protocol.checks import CheckRules
from trainer.protocol.events import Accused, Condemned, RoundFinal
from trainer.protocol.judgement import State
from trainer.protocol.session import TrainingKey
from trainer.roles.training import BackgroundTraining
from trainer.roles.worker import Parts

HEIGHTS = 9
CHEAT = 3
# Replays are exact up to height 4, where they begin with the run; after that they agree less than in a longer run.
RULES = CheckRules(rate=1, epoch=1, depth=4, sample=1024, agreement=85, recheck=80)


class OtherData(BackgroundTraining):
    """Trains on the batches of somebody who is not there."""

    def start(self, key: TrainingKey, seat: int, state: State, inner: InnerState | None) -> None:
        super().start(key, 200 + seat, state, inner)


def be_dishonest(parts: Parts) -> None:
    parts.training = OtherData(parts.training._trainer)


def events_of(run: Run, kind: type[Any]) -> list[Any]:
    return [event for event in run.client.get_events() if isinstance(event, kind)]


def test_honest_checks_are_paid_and_a_cheat_is_condemned(deploy: Callable[..., Run]) -> None:
    run = deploy("checked", HEIGHTS, seats=3, rules=RULES, challenge_window=400, answer_window=100, settle_window=100)
    # The cheat has the most weight: so most draws fall on it.
    seats = [*run.join(3), *run.join(1, weight=2 * WEIGHT)]
    hands = [run.start(seat, alter=be_dishonest if seat.number == CHEAT else None) for seat in seats]
    run.reach(HEIGHTS)
    until(lambda: events_of(run, Condemned), "a condemnation", 180)
    for hand in hands:
        hand.wait()
        assert hand.of("sampled")
    finals = events_of(run, RoundFinal)
    assert [final.checked for final in finals[: RULES.depth]] == [0] * RULES.depth
    assert all(compute_members(final.checked) <= compute_members(final.accepted) for final in finals)
    for condemned in events_of(run, Condemned):
        assert condemned.accused == CHEAT
        assert condemned.witness in range(CHEAT)
    assert {event.accused for event in events_of(run, Accused)} == {CHEAT}
    assert [report["accused"] for report in hands[0].of("recomputed")][:1] == [[CHEAT]]
    # Whoever checked another honest seat is paid for it, as the voters and the auditor find alike.
    checks = [report for hand in hands for report in hand.of("check", finding="agrees")]
    assert checks
    assert all(report["agreeing"] == RULES.sample for report in checks if report["round"] == finals[RULES.depth].round)
    code, found, words = run.audit()
    assert (code, found["verdict"]) == (0, "ok"), words
