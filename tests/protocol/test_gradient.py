"""Gradients: bits at their places, and a plaintext that is valid for exactly one seat, round and height."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.load import load, raw
from trainer.protocol import gradient
from trainer.protocol.gradient import GradientError, Header

moves = st.lists(st.sampled_from("udn"), min_size=1, max_size=2_100)  # up, down, did not move
headers = st.builds(
    Header,
    seat=st.integers(0, 2**16 - 1),
    round=st.integers(0, 2**32 - 1),
    height=st.integers(0, 2**32 - 1),
    parameter_count=st.integers(1, 2**64 - 1),
    profile=st.binary(min_size=8, max_size=8),
    loss=st.integers(0, gradient.MAX_LOSS),
    sample=st.binary(min_size=512, max_size=512),
)
GOOD = {"seat": 5, "round": 9, "height": 4, "parameter_count": 1_030}


def make(**changes: int) -> bytes:
    header = Header(**(GOOD | changes), profile=b"profile!", loss=7, sample=gradient.NO_SAMPLE)
    count = header.parameter_count
    return gradient.encode_plaintext(header, gradient.pack_bits(np.ones(count, bool), np.zeros(count, bool), 4))


@given(kinds=moves, height=st.integers(0, 2**32 - 1))
def test_a_bit_is_the_direction_or_the_parity(kinds: list[str], height: int) -> None:
    kind = np.array(kinds)
    packed = gradient.pack_bits(kind == "d", kind == "n", height)
    assert len(packed) % 128 == 0
    assert len(packed) * 8 - len(kinds) < 1_024
    for i in range(len(packed) * 8):
        bit = packed[i >> 3] >> (i & 7) & 1
        if i >= len(kinds):
            assert bit == 0
        else:
            assert bit == {"u": 0, "d": 1, "n": (i + height) & 1}[kinds[i]]
    assert gradient.is_padding_zero(packed, len(kinds))
    assert gradient.unpack_bits(packed, len(kinds)).tolist() == [
        bool(packed[i >> 3] >> (i & 7) & 1) for i in range(len(kinds))
    ]


@given(count=st.integers(1, 2_100), height=st.integers(0, 1_000))
def test_a_dead_parameter_does_not_drift(count: int, height: int) -> None:
    """Of two heights in a row it votes once for each direction."""
    still, dead = np.zeros(count, bool), np.ones(count, bool)
    one = gradient.unpack_bits(gradient.pack_bits(still, dead, height), count)
    two = gradient.unpack_bits(gradient.pack_bits(still, dead, height + 1), count)
    assert np.array_equal(one, ~two)


def test_packing_leaves_its_arguments_alone() -> None:
    down, still = np.zeros(9, bool), np.ones(9, bool)
    gradient.pack_bits(down, still, 1)
    assert not down.any()
    assert still.all()


@given(header=headers)
def test_a_header_survives(header: Header) -> None:
    data = header.encode()
    assert len(data) == 576
    assert Header.decode(data) == header


@given(bits=st.binary(min_size=129, max_size=129))
def test_a_plaintext_survives(bits: bytes) -> None:
    padded = bits[:128] + bytes([bits[128] & 0x3F]) + bytes(127)
    header = Header(**GOOD, profile=bytes(8), loss=0, sample=gradient.NO_SAMPLE)
    assert gradient.decode_plaintext(gradient.encode_plaintext(header, padded), **GOOD) == (header, padded)


@given(where=st.integers(0, 576 + 256 - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_refused_unless_it_is_a_free_field(where: int, change: int) -> None:
    data = bytearray(make())
    data[where] ^= change
    self_reported = 24 <= where < 36 or 64 <= where < 576
    is_bit = where < 576 + 128 or (where == 576 + 128 and change < 64)
    if self_reported or (where >= 576 and is_bit):
        gradient.decode_plaintext(bytes(data), **GOOD)
    else:
        with pytest.raises(GradientError):
            gradient.decode_plaintext(bytes(data), **GOOD)


@pytest.mark.parametrize(
    ("field", "what"),
    [("seat", "seat"), ("round", "round"), ("height", "height"), ("parameter_count", "parameter count|length")],
)
def test_a_plaintext_serves_one_seat_round_and_height(field: str, what: str) -> None:
    data = make()
    for change in (-1, 1):
        with pytest.raises(GradientError, match=what):
            gradient.decode_plaintext(data, **(GOOD | {field: GOOD[field] + change}))
    with pytest.raises(GradientError, match=what):
        gradient.decode_plaintext(make(**{field: GOOD[field] + 2}), **GOOD)


def test_vectors() -> None:
    document = load("gradient")["plaintexts"]
    claim = {key: document[key] for key in ("seat", "round", "height")} | {"parameter_count": document["parameters"]}
    _, bits = gradient.decode_plaintext(raw(document["good"]), **claim)
    assert bits[0] == 0b101
    assert len(document["bad"]) >= 15
    for case in document["bad"]:
        with pytest.raises(GradientError, match=case["why"].split(",")[0].split(" ")[0]):
            gradient.decode_plaintext(raw(case["plaintext"]), **claim)


def test_what_cannot_be_encoded_is_refused() -> None:
    good = Header(**GOOD, profile=bytes(8), loss=0, sample=gradient.NO_SAMPLE)
    zeros = np.zeros(8, bool)
    for broken in (
        lambda: Header(**GOOD, profile=bytes(7), loss=0, sample=gradient.NO_SAMPLE).encode(),
        lambda: Header(**GOOD, profile=bytes(8), loss=0, sample=bytes(511)).encode(),
        lambda: Header(**GOOD, profile=bytes(8), loss=gradient.MAX_LOSS + 1, sample=gradient.NO_SAMPLE).encode(),
        lambda: Header(**(GOOD | {"seat": -1}), profile=bytes(8), loss=0, sample=gradient.NO_SAMPLE).encode(),
        lambda: gradient.encode_plaintext(good, bytes(255)),
        lambda: gradient.encode_plaintext(good, bytes(255) + b"\x80"),
        lambda: gradient.pack_bits(zeros, np.zeros(9, bool), 0),
        lambda: gradient.pack_bits(zeros.astype(np.int8), zeros, 0),
        lambda: gradient.pack_bits(~zeros, ~zeros, 0),
        lambda: gradient.unpack_bits(bytes(128), 1_025),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            broken()
