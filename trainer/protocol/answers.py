"""What a challenge needs: the chunk to name, and the answer that shows a chunk to be right. Pure: from the states and
gradients of whoever has them.

The chain holds roots only. Who was not given a wrong state learns where it differs from the answers to its own
challenges: the path of a right chunk in the wrong tree has a sibling that its own tree has not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, STATE_LEAF_BYTES
from trainer.protocol.sums import Sum
from trainer.protocol.tree import compute_depth, compute_gradient_leaves, compute_path, compute_state_leaves

State = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SeatBits:
    """One accepted seat's share of an answer: its weight in the round, 128 bytes of bits, the path in its tree."""

    seat: int
    weight: int
    bits: bytes
    path: bytes

    @property
    def data(self) -> bytes:
        """As it stands in the calldata."""
        return self.bits + self.path


@dataclass(frozen=True)
class Part:
    """One transaction's share: `sums` as they are before it (empty lanes in the first part), then the seats' bytes."""

    sums: Sum
    gradients: bytes


@dataclass(frozen=True)
class Answer:
    """All that `answer` takes. Seats ascending."""

    chunk: int
    seats: tuple[SeatBits, ...]
    old_chunk: bytes
    old_path: bytes
    new_path: bytes

    def split(self, most: int) -> list[Part]:
        """Parts whose seats take at most `most` bytes each (one seat at least): all but the last are for `answerPart`,
        the last goes with `answer`.
        """
        parts: list[Part] = []
        sums, before, data = Sum(), Sum(), b""
        for seat in self.seats:
            if data and len(data) + len(seat.data) > most:
                parts.append(Part(before, data))
                before, data = sums, b""
            data += seat.data
            sums = sums.add(seat.seat, seat.weight, seat.bits)
        return [*parts, Part(before, data)]


def build_answer(
    bits: Mapping[int, bytes], weights: Mapping[int, int], old_state: State, new_state: State, chunk: int
) -> Answer:
    """The answer for one chunk of the state that a round made.

    bits: packed bits (Ppad / 8 bytes) of every accepted seat. weights: at least theirs, in the round. old_state,
    new_state: int32[Ppad] before and after.
    """
    seats = []
    for seat in sorted(bits):
        leaves = compute_gradient_leaves(bits[seat])
        own = bits[seat][GRADIENT_LEAF_BYTES * chunk : GRADIENT_LEAF_BYTES * (chunk + 1)]
        seats.append(SeatBits(seat, weights[seat], own, _join_path(leaves, chunk)))
    old_chunk = old_state.astype("<i4").tobytes()[STATE_LEAF_BYTES * chunk : STATE_LEAF_BYTES * (chunk + 1)]
    old_path = _join_path(compute_state_leaves(old_state), chunk)
    return Answer(chunk, tuple(seats), old_chunk, old_path, _join_path(compute_state_leaves(new_state), chunk))


def find_first_difference(claimed: State, state: State) -> int | None:
    """Index of the first chunk of 1,024 parameters in which two states int32[Ppad] differ."""
    if claimed.shape != state.shape:
        return 0
    differing = np.flatnonzero(claimed != state)
    return int(differing[0]) // CHUNK if len(differing) else None


def find_differing_range(leaves: Sequence[bytes], chunk: int, path: bytes) -> range:
    """Chunks among which a wrong tree differs from one's own right one, by the path in the wrong tree of a chunk that
    is right in both: the smallest subtree that differs. Challenge any of them next; in `depth` steps one is left.

    leaves: of the right state. path: `newPath` of somebody's answer. Where only missing leaves differ it is the last
    chunk, on whose path they all are. Raises ValueError for a path of the right tree.
    """
    depth = compute_depth(len(leaves))
    if len(path) != 32 * depth:
        raise ValueError(f"a path in a tree of depth {depth} has {32 * depth} bytes, not {len(path)}")
    own = compute_path(leaves, depth, chunk)
    for level in range(depth):
        if own[level] != path[32 * level : 32 * level + 32]:
            first = (chunk >> level ^ 1) << level
            last = min(first + (1 << level), len(leaves))
            return range(first, last) if first < last else range(len(leaves) - 1, len(leaves))
    raise ValueError("this path is that of the right state: nothing differs")


def _join_path(leaves: Sequence[bytes], chunk: int) -> bytes:
    return b"".join(compute_path(leaves, compute_depth(len(leaves)), chunk))
