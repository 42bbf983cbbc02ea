"""The keys of an operator's chains for its seat."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainer.keys import OperatorKey
from trainer.protocol.constants import KEYCHAIN_LENGTH
from trainer.protocol.keychain import is_valid_key
from trainer.protocol.records import Seat, Tip
from trainer.roles.enrolment import KeyRing


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    deployment: Any = SimpleNamespace(chain_id=31337, address="0x" + "11" * 20)
    return KeyRing(OperatorKey.generate(), deployment)


def seat_with(ring: KeyRing, announced: int) -> Seat:
    """A seat whose tip is that of the operator's first chain."""
    assert ring.find(bytes(32)) is None  # so all chains are made
    tip = next(iter(ring._chains))
    return Seat(0, tips=[Tip(announced, tip)])


def test_the_keys_of_a_chain_and_none_after_its_end(ring: KeyRing) -> None:
    """The last one is the secret; a worker sits the rounds after it out, and its check desk draws nothing for them."""
    seat = seat_with(ring, 3)
    last = 3 + 1 + KEYCHAIN_LENGTH
    for round_id in (5, last):
        key = ring.compute_key(seat, round_id)
        assert key is not None
        assert is_valid_key(seat.tip, 3, round_id, key)
    assert ring.compute_key(seat, last + 1) is None


def test_no_key_of_another_operators_chain(ring: KeyRing) -> None:
    assert ring.compute_key(Seat(0, tips=[Tip(0, bytes(32))]), 5) is None
