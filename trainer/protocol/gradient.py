"""A gradient: one bit per parameter behind a fixed header (docs/protocol.md, Formats: Gradient plaintext).

Everybody must agree whether a plaintext is valid, so every rule is an exact comparison of bytes; what is self-reported
(numeric profile, loss, sample) is carried, never judged here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, HEADER_BYTES, PROTOCOL_VERSION, SAMPLE_BYTES
from trainer.protocol.tree import compute_chunks

MAGIC = b"CMT1"
PROFILE_BYTES = 8
RESERVED_BYTES = 28
NO_SAMPLE = bytes(SAMPLE_BYTES)  # of a seat that was not drawn as checker
MAX_LOSS = (1 << 32) - 1  # where the header's loss field saturates
_LAYOUT = struct.Struct(f">4sHHIIQ{PROFILE_BYTES}sI{RESERVED_BYTES}s{SAMPLE_BYTES}s")


class GradientError(Exception):
    """The plaintext breaks a rule: its seat is no candidate. The message says which rule."""


@dataclass(frozen=True)
class Header:
    """The fields before the bits.

    `height`: height of the state that was trained from. `profile`: 8 bytes of sha256 of the worker's numeric profile.
    `loss`: mean local loss in 1/65,536 nat, at most MAX_LOSS. `sample`: 512 bytes of the cross-check, NO_SAMPLE when
    not drawn.
    """

    seat: int
    round: int
    height: int
    parameter_count: int
    profile: bytes
    loss: int
    sample: bytes

    def encode(self) -> bytes:
        """The 576 bytes of the header; raises ValueError where a field does not fit."""
        if len(self.profile) != PROFILE_BYTES or len(self.sample) != SAMPLE_BYTES:
            raise ValueError(f"profile has {len(self.profile)} bytes, sample {len(self.sample)}")
        fields = (self.seat, self.round, self.height, self.parameter_count, self.profile, self.loss)
        try:
            return _LAYOUT.pack(MAGIC, PROTOCOL_VERSION, *fields, bytes(RESERVED_BYTES), self.sample)
        except struct.error as error:
            raise ValueError(f"a header field does not fit: {error}") from error

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """The header in exactly 576 bytes; raises GradientError for a wrong length, magic or version, or reserved bytes
        that are not zero.
        """
        if len(data) != HEADER_BYTES:
            raise GradientError(f"a header has {HEADER_BYTES} bytes, not {len(data)}")
        magic, version, seat, round, height, count, profile, loss, reserved, sample = _LAYOUT.unpack(data)
        _expect("magic", magic, MAGIC)
        _expect("version", version, PROTOCOL_VERSION)
        _expect("reserved bytes", reserved, bytes(RESERVED_BYTES))
        return cls(seat, round, height, count, profile, loss, sample)


def packed_length(parameter_count: int) -> int:
    """Bytes of the packed bits of a gradient: Ppad / 8."""
    return compute_chunks(parameter_count) * CHUNK // 8


def plaintext_length(parameter_count: int) -> int:
    """Bytes of a gradient's plaintext."""
    return HEADER_BYTES + packed_length(parameter_count)


def pack_bits(moved_down: npt.NDArray[np.bool_], unmoved: npt.NDArray[np.bool_], height: int) -> bytes:
    """Packs the directions of P parameters into Ppad / 8 bytes, parameter i at bit i & 7 of byte i >> 3.

    moved_down: bool[P], start - end > 0. unmoved: bool[P], start == end; those take the parity of (i + height), so that
    a dead parameter goes to and fro and does not drift. height: that of the state that was trained from.
    """
    if (
        moved_down.dtype != np.bool_
        or unmoved.dtype != np.bool_
        or moved_down.ndim != 1
        or moved_down.shape != unmoved.shape
    ):
        raise ValueError("moved_down and unmoved must be bool vectors of one length")
    if np.any(moved_down & unmoved):
        raise ValueError("a parameter is said to have moved and not to have moved")
    bits = moved_down.copy()
    for parity in (0, 1):
        bits[parity::2] |= unmoved[parity::2] & bool((parity + height) & 1)
    return np.packbits(bits, bitorder="little").tobytes().ljust(packed_length(len(bits)), b"\0")


def unpack_bits(bits: bytes, parameter_count: int) -> npt.NDArray[np.bool_]:
    """The first P bits as bool[P]: True = the local copy moved down."""
    if len(bits) != packed_length(parameter_count):
        raise ValueError(f"{parameter_count} parameters take {packed_length(parameter_count)} bytes, not {len(bits)}")
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=parameter_count, bitorder="little").astype(np.bool_)


def is_padding_zero(bits: bytes, parameter_count: int) -> bool:
    """Whether the bits P .. Ppad - 1 are zero. `bits` has the right length."""
    tail = int.from_bytes(bits[parameter_count // 8 :], "little")
    return tail >> (parameter_count % 8) == 0


def count_agreeing(bits: bytes, others: bytes, parameter_count: int) -> int:
    """In how many of P parameters two packed gradients (Ppad / 8 bytes, padding zero) agree."""
    if not len(bits) == len(others) == packed_length(parameter_count):
        raise ValueError(f"not the packed bits of {parameter_count} parameters")
    differing = np.frombuffer(bits, np.uint8) ^ np.frombuffer(others, np.uint8)
    return parameter_count - int(np.bitwise_count(differing).sum(dtype=np.int64))


def encode_plaintext(header: Header, bits: bytes) -> bytes:
    """Header and packed bits as one plaintext; raises ValueError if the bits do not belong to the header's parameter
    count.
    """
    if len(bits) != packed_length(header.parameter_count) or not is_padding_zero(bits, header.parameter_count):
        raise ValueError(f"not the packed bits of {header.parameter_count} parameters")
    return header.encode() + bits


def decode_plaintext(
    plaintext: bytes, *, seat: int, round: int, height: int, parameter_count: int
) -> tuple[Header, bytes]:
    """Header and packed bits of a plaintext that claims to be from `seat` in `round`, trained from the state of
    `height`.

    Raises GradientError if any rule of the format fails. The gradient root is compared by the caller, who has it from
    the chain.
    """
    _expect("length", len(plaintext), plaintext_length(parameter_count))
    header = Header.decode(plaintext[:HEADER_BYTES])
    _expect("seat", header.seat, seat)
    _expect("round", header.round, round)
    _expect("height", header.height, height)
    _expect("parameter count", header.parameter_count, parameter_count)
    bits = plaintext[HEADER_BYTES:]
    if not is_padding_zero(bits, parameter_count):
        raise GradientError("padding bits are not zero")
    return header, bits


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise GradientError(f"{what}: found {found!r}, expected {expected!r}")
