"""The integer step: how the vote moves the state (docs/protocol.md, Formats: Arithmetic).

This is the reference. It computes in int64, so that a mistake here cannot wrap unseen; every intermediate fits int32 by
design, and the fast paths (JAX, Solidity) that use the narrow types must give the same vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, MAX_SEATS, MAX_WEIGHT, STEP_LIMIT

ONE = 1 << 14  # a unanimous vote
INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1
_BLOCK = 64 * CHUNK  # parameters at a time: the working set stays in the processor's cache, the extra memory small


@dataclass(frozen=True)
class Schedule:
    """A trapezoid in integers: the step grows over `warmup` heights, stays at `peak`, falls over the last `decay` of
    `total` heights.
    """

    peak: int
    warmup: int
    decay: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.peak < STEP_LIMIT:
            raise ValueError(f"the peak step must be below {STEP_LIMIT}, not {self.peak}")
        if self.warmup < 1 or self.decay < 1 or self.warmup + self.decay > self.total:
            raise ValueError(
                f"warmup {self.warmup} and decay {self.decay} must be positive and fit into {self.total} heights"
            )

    def compute_step(self, height: int) -> int:
        """Step of the round that goes from `height` to height + 1; raises ValueError outside 0 .. total - 1. Divisions
        round down.
        """
        if not 0 <= height < self.total:
            raise ValueError(f"no round starts at height {height} of {self.total}")
        rising = self.peak * (height + 1) // self.warmup
        falling = self.peak * (self.total - height) // self.decay
        return min(self.peak, rising, falling)


def compute_total_weight(weights: Sequence[int]) -> int:
    """WA, the sum of the accepted weights: 1 .. 65,280. Raises ValueError for no seat, too many, or a weight outside 1
    .. 255.
    """
    if not 0 < len(weights) <= MAX_SEATS or not all(1 <= weight <= MAX_WEIGHT for weight in weights):
        raise ValueError(f"not the weights of 1 to {MAX_SEATS} seats: {list(weights)}")
    return sum(weights)


def apply_step(
    state: npt.NDArray[np.int32], gradients: Sequence[tuple[bytes, int]], step: int
) -> npt.NDArray[np.int32]:
    """The next state, a new int32[Ppad]; `state` is left as it is.

    state: int32[Ppad]. gradients: (packed bits of Ppad / 8 bytes, weight) of every accepted seat, in any order. step:
    below 2^17.
    """
    if state.dtype != np.int32 or state.ndim != 1 or len(state) == 0 or len(state) % CHUNK:
        raise ValueError(f"a state is int32 in whole chunks, not {state.dtype} of shape {state.shape}")
    if any(len(bits) * CHUNK != len(state) * GRADIENT_LEAF_BYTES for bits, _ in gradients):
        raise ValueError(f"a gradient for {len(state)} parameters has {len(state) // 8} bytes")
    if not 0 <= step < STEP_LIMIT:
        raise ValueError(f"the step must be below {STEP_LIMIT}, not {step}")
    total = compute_total_weight([weight for _, weight in gradients])
    packed = [(np.frombuffer(bits, np.uint8), weight) for bits, weight in gradients]
    result = np.empty_like(state)
    for start in range(0, len(state), _BLOCK):
        stop = min(start + _BLOCK, len(state))
        count = np.zeros(stop - start, np.int64)
        for row, weight in packed:
            count += np.unpackbits(row[start // 8 : stop // 8], bitorder="little") * np.int64(weight)
        result[start:stop] = move(state[start:stop].astype(np.int64), count, total, step)
    return result


def move(t: npt.NDArray[np.int64], count: npt.NDArray[np.int64], total: int, step: int) -> npt.NDArray[np.int64]:
    """The step for single parameters: where t goes when `count` of `total` weight voted down. All int64[n]; the result
    fits int32.

    The limits are applied before the subtraction: a plain t - d would leave int32, where JAX wraps and Solidity
    reverts.
    """
    vote = (count << 15) // total - ONE
    pull = np.clip(3 * vote, -ONE, ONE)  # linear while contested, saturated once two thirds agree
    d = (pull * step + (1 << 13)) >> 14  # an arithmetic shift: rounds half up, never a division
    lowest = INT32_MIN + np.maximum(d, 0)
    highest = INT32_MAX + np.minimum(d, 0)
    return np.minimum(np.maximum(t, lowest), highest) - d
