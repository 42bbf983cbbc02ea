"""Seals: the same bytes for the same arguments, and nothing opens under any other."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.plain import chacha20_poly1305, hkdf
from tests.vectors.load import load, raw
from trainer.protocol import sealing
from trainer.protocol.sealing import SealError, open_sealed, seal

keys = st.binary(min_size=32, max_size=32)
WHERE = {"run_domain": b"r" * 32, "round": 9, "seat": 5, "salt": b"group"}


@given(plaintext=st.binary(max_size=2_000), key=keys)
def test_a_blob_opens_to_what_was_sealed(plaintext: bytes, key: bytes) -> None:
    blob = seal(plaintext, key, **WHERE)
    assert len(blob) == len(plaintext) + 48
    assert blob == seal(plaintext, key, **WHERE)
    assert open_sealed(blob, key, **WHERE) == plaintext


@given(plaintext=st.binary(max_size=200), where=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_changed_byte_does_not_open(plaintext: bytes, where: int, change: int) -> None:
    blob = bytearray(seal(plaintext, b"k" * 32, **WHERE))
    blob[where % len(blob)] ^= change
    with pytest.raises(SealError):
        open_sealed(bytes(blob), b"k" * 32, **WHERE)


@pytest.mark.parametrize(
    "other", [{"run_domain": b"s" * 32}, {"round": 10}, {"seat": 4}, {"salt": b""}, {"round": 5, "seat": 9}]
)
def test_a_blob_serves_one_run_round_seat_and_group(other: dict) -> None:
    blob = seal(b"bits", b"k" * 32, **WHERE)
    with pytest.raises(SealError):
        open_sealed(blob, b"k" * 32, **(WHERE | other))
    with pytest.raises(SealError):
        open_sealed(blob, b"l" * 32, **WHERE)


@given(cut=st.integers(0, 60))
def test_a_cut_blob_does_not_open(cut: int) -> None:
    blob = seal(b"twelve bytes", b"k" * 32, **WHERE)
    with pytest.raises(SealError):
        open_sealed(blob[: -1 - cut], b"k" * 32, **WHERE)
    with pytest.raises(SealError):
        open_sealed(blob + bytes(1 + cut), b"k" * 32, **WHERE)


def test_the_first_bytes_must_be_the_mac_of_the_plaintext() -> None:
    """A sealer who picks them freely could seal two plaintexts under one key stream; well-formed otherwise."""
    key, siv, plaintext = b"k" * 32, b"v" * 32, b"bits"
    info = b"comitia.seal.v1" + WHERE["run_domain"] + (9).to_bytes(4, "big") + (5).to_bytes(2, "big") + siv
    forged = siv + chacha20_poly1305(hkdf(key, WHERE["salt"], info), bytes(12), plaintext)
    with pytest.raises(SealError, match="synthetic"):
        open_sealed(forged, key, **WHERE)


@given(a=st.binary(min_size=64, max_size=64), b=st.binary(min_size=64, max_size=64))
def test_two_plaintexts_never_share_a_key_stream(a: bytes, b: bytes) -> None:
    one, two = (seal(plaintext, b"k" * 32, **WHERE)[32:-16] for plaintext in (a, b))
    difference = bytes(x ^ y for x, y in zip(one, two, strict=True))
    assert (difference == bytes(x ^ y for x, y in zip(a, b, strict=True))) == (a == b)


@given(ikm=st.binary(min_size=1, max_size=80), salt=st.binary(max_size=40), info=st.binary(max_size=80))
def test_hkdf(ikm: bytes, salt: bytes, info: bytes) -> None:
    extracted = hmac.digest(salt if salt else bytes(32), ikm, "sha256")
    assert sealing.derive_key(ikm, salt, info) == hmac.digest(extracted, info + b"\x01", "sha256")


def test_hkdf_of_the_rfc() -> None:
    """RFC 5869, A.1 and A.3, first 32 bytes."""
    ikm = b"\x0b" * 22
    one = sealing.derive_key(ikm, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert one.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert sealing.derive_key(ikm, b"", b"").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_vectors() -> None:
    for case in load("sealing")["seals"]:
        where = {"run_domain": raw(case["runDomain"]), "round": case["round"], "seat": case["seat"]}
        plaintext = open_sealed(raw(case["blob"]), raw(case["key"]), **where, salt=raw(case["salt"]))
        assert plaintext == raw(case["plaintext"])


def test_a_blob_has_a_known_length_and_at_most_one_block() -> None:
    assert sealing.sealed_length(113_000) == 32 + 576 + 111 * 128 + 16
    assert len(sealing.compute_sealed_digest(bytes(1 << 20))) == 32
    with pytest.raises(ValueError, match="at most"):
        sealing.compute_sealed_digest(bytes((1 << 20) + 1))


def test_a_wrong_size_is_a_bug_not_a_verdict() -> None:
    with pytest.raises(ValueError, match="chain key"):
        seal(b"", b"short", **WHERE)
    with pytest.raises(ValueError, match="chain key"):
        open_sealed(bytes(48), b"short", **WHERE)
    with pytest.raises(ValueError, match="run domain"):
        seal(b"", bytes(32), **(WHERE | {"run_domain": b"short"}))
