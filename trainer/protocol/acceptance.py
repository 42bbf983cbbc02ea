"""The accepted set: a pure function of the events and the blobs (docs/protocol.md, The accepted set). Integers only.

The correlation gate keeps out what does not point the way the others point: sign-flippers, and colluders who share any
direction of their own, up to just under half of the weight. What its odd corners close is told in docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import MAX_SEATS
from trainer.protocol.gradient import is_padding_zero, packed_length

_BLOCK_WORDS = 4096
"""32 KiB of each candidate at a time: all of them stay in the processor's cache, and the at most 2^18 differing bits of
two fit the uint32 of a block's sum (faster than int64, in which blocks are added up).
"""


def is_available(seat: int, haves: Mapping[int, int], weights: Mapping[int, int]) -> bool:
    """Whether the blob of `seat` is held by more than half of the weight that revealed.

    haves: seat that revealed to its bitmap (bit i: it holds the blob of seat i). weights: seat to weight, at least of
    those that revealed. Half, not two thirds: two thirds would be a veto for a third.
    """
    revealed = sum(weights[holder] for holder in haves)
    claimed = sum(weights[holder] for holder, bitmap in haves.items() if bitmap >> seat & 1)
    return 2 * claimed > revealed


def compute_available(haves: Mapping[int, int], weights: Mapping[int, int]) -> frozenset[int]:
    """The seats whose blobs are available; arguments as of `is_available`."""
    return frozenset(seat for seat in range(MAX_SEATS) if is_available(seat, haves, weights))


@dataclass(frozen=True)
class Gate:
    """What the correlation gate found.

    scores: candidate to the weighted lower median of its correlations with all candidates. median: the weighted lower
    median of the scores. passed: the accepted seats.
    """

    scores: Mapping[int, int]
    median: int
    passed: frozenset[int]

    @property
    def accepted(self) -> int:
        """The accepted set as the bitmap of a vote: bit i = seat i."""
        return compute_bitmap(self.passed)


def compute_accepted(candidates: Mapping[int, bytes], weights: Mapping[int, int], parameter_count: int) -> Gate:
    """Passes the candidates through the correlation gate.

    candidates: seat to packed bits (Ppad / 8 bytes, padding zero, as `gradient.decode_plaintext` returns them).
    weights: seat to weight, at least of the candidates. A seat passes if its score is above zero and twice its score is
    above the weighted lower median of all scores.
    """
    seats = sorted(candidates)
    if not seats:
        return Gate({}, 0, frozenset())
    for seat in seats:
        bits = candidates[seat]
        if len(bits) != packed_length(parameter_count) or not is_padding_zero(bits, parameter_count):
            raise ValueError(f"seat {seat}: not the packed bits of {parameter_count} parameters")
    weight = [weights[seat] for seat in seats]
    table = compute_correlations([candidates[seat] for seat in seats], parameter_count).tolist()
    scores = [compute_lower_median(row, weight) for row in table]
    median = compute_lower_median(scores, weight)
    passed = frozenset(seat for seat, score in zip(seats, scores, strict=True) if score > 0 and 2 * score > median)
    return Gate(dict(zip(seats, scores, strict=True)), median, passed)


def compute_correlations(bits: Sequence[bytes], parameter_count: int) -> npt.NDArray[np.int64]:
    """c(i, j) = P - 2 * popcount(bits_i xor bits_j): int64[n, n].

    c(i, i) is i's best correlation with another: as P, a seat with more than half of the weight would reject everybody
    else; left out, one attacker with 40 % would break runs of three or four seats (both measured). A lone candidate
    agrees with itself: P.
    """
    count = len(bits)
    words_NW = np.stack([np.frombuffer(packed, np.uint64) for packed in bits])
    differing_NN = np.zeros((count, count), np.int64)
    for start in range(0, words_NW.shape[1], _BLOCK_WORDS):
        block_NW = words_NW[:, start : start + _BLOCK_WORDS]
        for i in range(count - 1):
            differing_NN[i, i + 1 :] += np.bitwise_count(block_NW[i] ^ block_NW[i + 1 :]).sum(axis=1, dtype=np.uint32)
    table_NN = parameter_count - 2 * (differing_NN + differing_NN.T)
    if count > 1:
        others_NN = table_NN.copy()
        np.fill_diagonal(others_NN, -parameter_count)  # the least a correlation can be
        np.fill_diagonal(table_NN, others_NN.max(axis=1))
    return table_NN


def compute_lower_median(values: Sequence[int], weights: Sequence[int]) -> int:
    """Weighted lower median: the smallest x among `values` with 2 * weight{value <= x} >= total weight. Weights are
    positive.
    """
    total = sum(weights)
    below = 0
    for value, weight in sorted(zip(values, weights, strict=True)):
        below += weight
        if 2 * below >= total:
            return value
    raise ValueError("the median of nothing")


def is_votable(accepted_weight: int, base: int) -> bool:
    """Whether an accepted set of this weight may be voted for: 2 * WA > base. Else the round goes void.

    Otherwise one small seat whose rivals were late would move the whole model.
    """
    return 2 * accepted_weight > base


def compute_bitmap(seats: frozenset[int]) -> int:
    """Seats as a bitmap: bit i = seat i."""
    return reduce(lambda bitmap, seat: bitmap | 1 << seat, seats, 0)


def compute_members(bitmap: int) -> frozenset[int]:
    """The seats of a bitmap."""
    return frozenset(seat for seat in range(bitmap.bit_length()) if bitmap >> seat & 1)
