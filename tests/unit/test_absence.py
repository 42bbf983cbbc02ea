"""When a worker sits out."""

from __future__ import annotations

from dataclasses import replace

from trainer.protocol.session import TrainingKey
from trainer.roles.training import Absence

KEY = TrainingKey(round=7, height=3, seed=bytes(32), state_root=bytes(32), inner_round=6)


def ask(absence: Absence, key: TrainingKey, **facts: bool) -> str:
    return absence.find_reason(key, **({"has_inner": False, "has_key": True, "is_dispensable": True} | facts))


def test_a_lost_inner_state_costs_one_round() -> None:
    absence = Absence()
    assert "inner optimizer state is lost" in ask(absence, KEY)
    assert ask(absence, KEY), "asked again in the same round"
    # The round went void all the same, so nobody broke its streak: it starts cold.
    assert not ask(absence, replace(KEY, round=8))
    # Another state lost, another round.
    assert ask(absence, replace(KEY, round=12, inner_round=11))
    assert not ask(absence, replace(KEY, round=13, inner_round=11))


def test_who_cannot_be_spared_does_not_sit_out() -> None:
    """Alone, or one of three: no round would become good without it, and a round that nobody commits to never ends."""
    assert not ask(Absence(), KEY, is_dispensable=False)


def test_what_is_not_lost_costs_nothing() -> None:
    assert not ask(Absence(), KEY, has_inner=True)
    assert not ask(Absence(), replace(KEY, inner_round=0))


def test_without_the_key_nothing_is_worked_for() -> None:
    assert "another operator" in ask(Absence(), KEY, has_inner=True, has_key=False)
