"""A run with silent seats heals by itself, and a seat that was benched comes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.stage import PATIENCE, Run
from tests.integration.waiting import until
from trainer.roles.worker import Parts

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]
CAP = 30  # seconds of chain time; nobody waits for them


def events(run: Run, name: str) -> list[Any]:
    return [event for event in run.client.get_events() if type(event).__name__ == name]


def let_a_round_go_void(run: Run, round_id: int, committed: int) -> None:
    """The silent seat keeps the round from two thirds until its cap is over."""

    def is_there() -> bool:
        now = run.client.get_clock()
        return (now.round, now.committed) == (round_id, committed)

    until(is_there, f"{committed} have committed in round {round_id}", PATIENCE)
    run.stage.anvil.advance(CAP * 6)


def test_a_silent_third_is_benched_and_comes_back(deploy: Deploy) -> None:
    run = deploy("silent", 6, seats=3, commit_min=2, commit_cap=CAP, grace=1)
    three = run.join(3)
    (heavy,) = run.join(1, weight=20)  # 20 of 50: without it there are never two thirds
    hands = [run.start(seat) for seat in three]
    for round_id in (2, 3, 4):
        let_a_round_go_void(run, round_id, committed=30)
    until(lambda: events(run, "Benched"), "the silent seat is benched", PATIENCE)
    (benched,) = events(run, "Benched")
    assert (benched.seat, benched.weight) == (heavy.number, 20)
    run.reach(2)
    assert run.client.get_clock(at=benched.block).round == 4, "the next round does not count on it once more"
    assert all(accepted == [0, 1, 2] for _, accepted in run.get_results())
    # One transaction was enough.
    assert sum(len(hand.of("mined", call="bench")) for hand in hands) == 1

    # Its worker starts at last, and needs nobody to take part again.
    hands.append(run.start(heavy))
    for hand in hands:
        hand.wait()
    assert hands[-1].of("mined", call="activate")
    assert 3 in run.get_results()[-1][1]


@pytest.mark.parametrize("count", [1, 3])
def test_who_cannot_be_spared_starts_cold_when_its_inner_state_is_lost(deploy: Deploy, count: int) -> None:
    """Nobody could break its streak: sitting out until that happens stopped the run for ever."""
    run = deploy(f"cold{count}", 6, seats=count, commit_min=2, commit_cap=CAP, grace=1)
    seats = run.join(count)
    others = [run.start(seat) for seat in seats[1:]]

    def forget(parts: Parts) -> None:
        parts.vault.load_inner = lambda _: None  # type: ignore[assignment,method-assign]

    hands = [*others, run.start(seats[0], alter=forget)]
    for hand in hands:
        hand.wait()
    assert run.get_height() == 6
    assert all(0 in accepted for _, accepted in run.get_results()[:2])
    assert not hands[-1].of("sits out")
