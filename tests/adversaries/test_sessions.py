"""Every adversary as a real worker in a run without processes: what becomes of it, and that the honest lose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adversaries.ground import RememberingTrainer
from tests.adversaries.memory import make_trainer, play
from tests.adversaries.zoo import ZOO, Adversary, Fate

EXCLUDED = 0.25  # share of its rounds in which who is kept out may still be accepted


@pytest.fixture(scope="module")
def trainer() -> RememberingTrainer:
    return make_trainer()


def test_without_an_adversary_everybody_is_paid_for_everything(trainer: RememberingTrainer, tmp_path: Path) -> None:
    found = play(trainer, tmp_path, None)
    assert found.honest_pay >= 1
    assert found.voids == 0


@pytest.mark.parametrize("adversary", ZOO, ids=lambda adversary: adversary.name)
def test_what_becomes_of_it(trainer: RememberingTrainer, tmp_path: Path, adversary: Adversary) -> None:
    found = play(trainer, tmp_path, adversary)
    match adversary.fate:
        case Fate.EXCLUDED:
            assert found.accepted < EXCLUDED
        case Fate.CONDEMNED:
            assert found.condemned
            assert found.pay < found.honest_pay / 2
        case Fate.POORER:
            assert found.pay < found.honest_pay * 3 / 4
        case Fate.UNPAID:
            assert found.pay < EXCLUDED
        case Fate.BENCHED:
            assert found.benched
            assert not found.condemned
        case Fate.SPARED:
            assert not found.condemned
            assert not found.benched
    assert found.voids == 0
    assert found.honest_pay >= 1, "honest seats lose pay"
