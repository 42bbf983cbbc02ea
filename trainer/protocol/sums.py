"""Sums over the accepted set of one chunk, as the contract keeps them while it recomputes a step: 64 words of sixteen
16-bit lanes (the twin of contracts/libraries/SignVote.sol).

Bits are little-endian in a byte, bytes big-endian in a word: parameter p of the chunk is bit 248 - 8 * (p >> 3 & 31) +
(p & 7) of word p >> 8 of the seat's bits, and bit b of group g is summed in word 16 * g + (b & 15), lane b >> 4 from
the right. Weights sum to 65,280 at most, so no lane carries into its neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, STATE_LEAF_BYTES
from trainer.protocol.messages import keccak
from trainer.protocol.step import move

LANE_WORDS = CHUNK // 16
GROUPS = 4  # of 256 parameters
_LANE_ONES = sum(1 << 16 * lane for lane in range(16))


@dataclass(frozen=True)
class Sum:
    """Sums over the accepted seats below `next`: their weight, and the lanes, empty at the start (`IRunTypes.Sum`)."""

    next: int = 0
    weight: int = 0
    lanes: tuple[int, ...] = ()

    def add(self, seat: int, weight: int, bits: bytes) -> Sum:
        """With one more seat, the next accepted one; bits: its 128 bytes of the chunk."""
        lanes = add_bits(self.lanes or (0,) * LANE_WORDS, bits, weight)
        return Sum(seat + 1, self.weight + weight, lanes)


def add_bits(lanes: tuple[int, ...], bits: bytes, weight: int) -> tuple[int, ...]:
    """The lanes after one seat's bits of a chunk, times its weight."""
    if len(lanes) != LANE_WORDS or len(bits) != GRADIENT_LEAF_BYTES:
        raise ValueError(f"expected {LANE_WORDS} lanes and {GRADIENT_LEAF_BYTES} bytes of bits")
    words = [int.from_bytes(bits[32 * group : 32 * group + 32], "big") for group in range(GROUPS)]
    return tuple(lane + (words[place >> 4] >> (place & 15) & _LANE_ONES) * weight for place, lane in enumerate(lanes))


def compute_counts(lanes: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Weight that voted down, for each parameter of the chunk: int64[1024]."""
    counts = np.empty(CHUNK, np.int64)
    for p in range(CHUNK):
        bit = 248 - 8 * (p >> 3 & 31) + (p & 7)
        counts[p] = lanes[16 * (p >> 8) + (bit & 15)] >> 16 * (bit >> 4) & 0xFFFF
    return counts


def step_chunk(chunk: bytes, lanes: tuple[int, ...], total: int, step: int) -> bytes:
    """The chunk of the next state, 4,096 bytes: that of the state before moved by the sums of a weight `total`."""
    if len(chunk) != STATE_LEAF_BYTES:
        raise ValueError(f"a chunk has {STATE_LEAF_BYTES} bytes, not {len(chunk)}")
    before = np.frombuffer(chunk, "<i4").astype(np.int64)
    return move(before, compute_counts(lanes), total, step).astype("<i4").tobytes()


def compute_progress(sums: Sum) -> bytes:
    """What the contract keeps of the sums between two parts: keccak256(abi.encode(next, weight, lanes))."""
    words = (sums.next, sums.weight, *sums.lanes)
    return keccak(b"".join(word.to_bytes(32, "big") for word in words))
