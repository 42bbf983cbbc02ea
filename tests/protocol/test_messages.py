"""Messages of the chain: every field is bound, nothing fits two meanings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.protocol.messages import (
    Domains,
    compute_commitment,
    compute_domain,
    compute_outcome,
    keccak,
    parse_address,
)

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20)
rounds = st.integers(0, 2**32 - 1)
seats = st.integers(0, 255)
bitmaps = st.integers(0, 2**256 - 1)
chains = st.integers(0, 2**256 - 1)


@given(a=st.tuples(chains, addresses), b=st.tuples(chains, addresses))
def test_a_domain_names_one_chain_one_contract_and_one_purpose(a: tuple[int, bytes], b: tuple[int, bytes]) -> None:
    first, second = Domains.of(*a), Domains.of(*b)
    assert len({first.run, first.commitment, first.outcome}) == 3
    assert (first == second) == (a == b)
    assert (first.run == second.run) == (a == b)
    assert (first.commitment == second.commitment) == (a == b)
    assert (first.outcome == second.outcome) == (a == b)


@given(
    a=st.tuples(rounds, seats, addresses, words), b=st.tuples(rounds, seats, addresses, words), pick=st.integers(0, 3)
)
def test_a_commitment_binds_round_seat_sender_and_root(a: tuple, b: tuple, pick: int) -> None:
    domains = Domains.of(31337, CONTRACT)
    changed = (*a[:pick], b[pick], *a[pick + 1 :])
    assert (compute_commitment(domains, *a) == compute_commitment(domains, *changed)) == (a == changed)
    assert compute_commitment(domains, *a) != compute_commitment(Domains.of(31338, CONTRACT), *a)


@given(
    a=st.tuples(rounds, bitmaps, bitmaps, words), b=st.tuples(rounds, bitmaps, bitmaps, words), pick=st.integers(0, 3)
)
def test_an_outcome_binds_round_sets_and_root(a: tuple, b: tuple, pick: int) -> None:
    domains = Domains.of(31337, CONTRACT)
    changed = (*a[:pick], b[pick], *a[pick + 1 :])
    assert (compute_outcome(domains, *a) == compute_outcome(domains, *changed)) == (a == changed)
    assert compute_outcome(domains, *a) != compute_outcome(Domains.of(31338, CONTRACT), *a)


def test_a_commitment_is_never_an_outcome() -> None:
    """Both are a domain and four words: only the domain keeps them apart."""
    domains, root = Domains.of(31337, CONTRACT), bytes(32)
    assert compute_commitment(domains, 2, 1, bytes(20), root) != compute_outcome(domains, 2, 1, 0, root)


def test_an_address_is_the_same_in_every_spelling() -> None:
    spellings = [CONTRACT, CONTRACT.lower(), CONTRACT.removeprefix("0x"), bytes.fromhex(CONTRACT[2:])]
    assert len({compute_domain("comitia.run.v1", 1, spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize("bad", ["0x", CONTRACT[:-2], CONTRACT + "00", b"", bytes(32), "0xzz" + CONTRACT[4:]])
def test_what_is_no_address_is_refused(bad: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_address(bad)


@pytest.mark.parametrize(
    ("round_id", "seat", "root"),
    [(2**32, 0, bytes(32)), (-1, 0, bytes(32)), (2, 256, bytes(32)), (2, 0, bytes(31)), (2, 0, bytes(33))],
)
def test_what_solidity_could_not_hold_is_refused(round_id: int, seat: int, root: bytes) -> None:
    with pytest.raises(ValueError, match=r"does not fit|expected 32 bytes"):
        compute_commitment(Domains.of(1, CONTRACT), round_id, seat, CONTRACT, root)


def test_keccak_is_that_of_ethereum() -> None:
    """sha3-256 of nothing would be a7ffc6f8...; the selector of transfer(address,uint256) is known to everybody."""
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"
