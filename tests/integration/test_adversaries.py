"""Three of the adversaries as processes on a devnet, with anvil and Kubo; `make adversaries` plays all."""

from __future__ import annotations

import pytest

from tests.adversaries.arena import play
from tests.adversaries.zoo import BY_NAME
from tests.integration.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.anvil, pytest.mark.kubo]


def test_who_trains_on_other_data_is_condemned(stage: Stage) -> None:
    found = play(stage, BY_NAME["wrong-data"])
    assert found.condemned
    assert found.pay < found.honest_pay / 2


def test_a_blob_that_its_key_does_not_open_is_not_accepted(stage: Stage) -> None:
    found = play(stage, BY_NAME["mis-sealed"])
    assert found.accepted == 0
    assert found.pay == 0


def test_who_copies_the_first_vote_is_not_paid_where_that_is_a_bait(stage: Stage) -> None:
    found = play(stage, BY_NAME["bait-copy"])
    assert found.pay < found.honest_pay / 2
    assert not found.condemned
