"""What always holds, whatever anybody does: walks over the model (walk.py)."""

from __future__ import annotations

import pytest

from tests.protocol.walk import walk

WALKS = 48


@pytest.mark.parametrize("seed", range(WALKS))
def test_what_always_holds(seed: int) -> None:
    walk(seed)


def test_walks_reach_everything_that_costs_somebody() -> None:
    """Else what always holds would be shown of runs in which nothing happens."""
    seen = {type(event).__name__ for seed in range(8) for event in walk(seed).stage.events}
    assert seen >= {"Settled", "Overturned", "Slashed", "Condemned", "FormerWithdrawn", "ChallengeLapsed", "Benched"}
