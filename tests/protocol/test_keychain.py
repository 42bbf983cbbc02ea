"""Keys: one for each round, fixed by the tip, useless for any other round."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.load import load, raw
from trainer.protocol.keychain import KeyChain, compute_round_key, derive_secret, is_valid_key

CONTRACT = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
secrets = st.binary(min_size=32, max_size=32)
lengths = st.integers(1, 300)


@given(secret=secrets, length=lengths)
def test_every_key_hashes_to_the_one_before(secret: bytes, length: int) -> None:
    chain = KeyChain(secret, length)
    assert chain.key(0) == chain.tip
    assert chain.key(length) == secret
    for n in range(1, length + 1):
        assert sha256(chain.key(n)).digest() == chain.key(n - 1)


@given(secret=secrets, announced=st.integers(0, 1_000), ahead=st.integers(2, 60), shift=st.integers(-60, 60))
def test_a_key_is_valid_in_its_round_only(secret: bytes, announced: int, ahead: int, shift: int) -> None:
    chain = KeyChain(secret, 128)
    key = compute_round_key(chain, announced, announced + ahead)
    other = announced + ahead + shift
    assert is_valid_key(chain.tip, announced, other, key) == (shift == 0)


@given(secret=secrets, announced=st.integers(0, 1_000), shift=st.integers(-5, 5))
def test_a_key_depends_on_the_round_of_its_announcement(secret: bytes, announced: int, shift: int) -> None:
    chain, round_id = KeyChain(secret, 64), announced + 20
    key = compute_round_key(chain, announced, round_id)
    assert is_valid_key(chain.tip, announced + shift, round_id, key) == (shift == 0)


@given(secret=secrets, nearer=st.integers(2, 30), ahead=st.integers(0, 30))
def test_a_valid_key_is_a_nearer_tip(secret: bytes, nearer: int, ahead: int) -> None:
    chain, announced = KeyChain(secret, 64), 7
    known = compute_round_key(chain, announced, announced + nearer)
    key = compute_round_key(chain, announced, announced + nearer + ahead)
    assert is_valid_key(known, announced + nearer - 1, announced + nearer + ahead, key) == (ahead > 0)


def test_a_tip_serves_from_the_round_after_next() -> None:
    chain = KeyChain(bytes(32), 16)
    for early in (0, 1, 10, 11):  # announced in round 10
        assert not is_valid_key(chain.tip, 10, early, chain.tip)
    for early in (0, 1, 10):
        with pytest.raises(ValueError, match="does not serve"):
            compute_round_key(chain, 10, early)
    assert compute_round_key(chain, 10, 11) == chain.tip  # to commit and reveal with; valid for nobody
    assert compute_round_key(chain, 10, 12) == chain.key(1)
    assert is_valid_key(chain.tip, 10, 12, chain.key(1))
    assert is_valid_key(chain.tip, 0, 2, chain.key(1))  # announced before the first round: serves in it


def test_no_key_is_valid_by_its_length() -> None:
    chain = KeyChain(bytes(32), 16)
    assert not is_valid_key(chain.tip, 0, 2, chain.key(1) + b"\0")
    assert not is_valid_key(chain.tip, 0, 2, b"")
    assert not is_valid_key(sha256(b"short").digest(), 0, 2, b"short")  # a tip may be anybody's invention


def test_a_used_up_chain_says_so() -> None:
    chain = KeyChain(bytes(32), 4)
    for n in (-1, 5):
        with pytest.raises(ValueError, match="chain of 4"):
            chain.key(n)


@pytest.mark.parametrize(
    "other",
    [
        (b"q" * 32, 1, CONTRACT, 0),
        (b"p" * 32, 2, CONTRACT, 0),
        (b"p" * 32, 1, "0x" + "00" * 20, 0),
        (b"p" * 32, 1, CONTRACT, 1),
    ],
)
def test_a_secret_belongs_to_one_operator_run_and_index(other: tuple) -> None:
    assert derive_secret(b"p" * 32, 1, CONTRACT, 0) != derive_secret(*other)
    assert derive_secret(b"p" * 32, 1, CONTRACT, 0) == derive_secret(b"p" * 32, 1, bytes.fromhex(CONTRACT[2:]), 0)


def test_a_chain_does_not_show_its_secret() -> None:
    assert (b"s" * 32).hex() not in repr(KeyChain(b"s" * 32, 8))
    with pytest.raises(ValueError, match="private key"):
        derive_secret(b"short", 1, CONTRACT, 0)
    with pytest.raises(ValueError, match="secret"):
        KeyChain(b"short")


def test_vectors() -> None:
    document = load("keys")
    for case in document["chains"]:
        chain = KeyChain(raw(case["secret"]), case["length"])
        assert [chain.key(n) for n in range(case["length"] + 1)] == [raw(key) for key in case["keys"]]
    tip = raw(document["whole"]["tip"])
    for case in document["whole"]["rounds"]:
        assert is_valid_key(tip, case["announced"], case["round"], raw(case["key"]))
