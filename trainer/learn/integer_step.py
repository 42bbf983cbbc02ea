"""The integer step in JAX: int32 only, no 64-bit mode. The rules are `protocol/step.py`; this gives the same bits,
faster for large models.

Every intermediate fits int32 (docs/protocol.md, Arithmetic): count << 15 < 2^31 because weights sum to at most 65,280;
pull * step < 2^31 - 2^14.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, STEP_LIMIT
from trainer.protocol.step import INT32_MAX, INT32_MIN, ONE, compute_total_weight


def apply_step(
    state: npt.NDArray[np.int32], gradients: Sequence[tuple[bytes, int]], step: int
) -> npt.NDArray[np.int32]:
    """The next state, int32[Ppad]: `trainer.protocol.step.apply_step`, same arguments, same result, same ValueErrors.

    One compiled program for a size of state serves any number of seats.
    """
    if state.dtype != np.int32 or state.ndim != 1 or len(state) == 0 or len(state) % CHUNK:
        raise ValueError(f"a state is int32 in whole chunks, not {state.dtype} of shape {state.shape}")
    if any(len(bits) * CHUNK != len(state) * GRADIENT_LEAF_BYTES for bits, _ in gradients):
        raise ValueError(f"a gradient for {len(state)} parameters has {len(state) // 8} bytes")
    if not 0 <= step < STEP_LIMIT:
        raise ValueError(f"the step must be below {STEP_LIMIT}, not {step}")
    total = compute_total_weight([weight for _, weight in gradients])
    count = jnp.zeros(len(state), jnp.int32)
    for bits, weight in gradients:
        count = _add(count, np.frombuffer(bits, np.uint8), np.int32(weight))
    return np.asarray(_move(state, count, np.int32(total), np.int32(step)))


@jax.jit
def _add(count: jax.Array, packed: jax.Array, weight: jax.Array) -> jax.Array:
    """count + weight where the bit is set: int32[Ppad] from uint8[Ppad / 8], lowest bit first."""
    bits = (packed[:, None] >> jnp.arange(8, dtype=jnp.uint8)) & jnp.uint8(1)
    return count + bits.reshape(-1).astype(jnp.int32) * weight


@jax.jit
def _move(t: jax.Array, count: jax.Array, total: jax.Array, step: jax.Array) -> jax.Array:
    """t moved by the vote; all int32. `lax.div` rounds toward zero, which is down here: nothing in it is negative."""
    vote = jax.lax.div(count << 15, jnp.broadcast_to(total, count.shape)) - ONE
    pull = jnp.clip(3 * vote, -ONE, ONE)
    d = (pull * step + (1 << 13)) >> 14
    lowest = INT32_MIN + jnp.maximum(d, 0)
    highest = INT32_MAX + jnp.minimum(d, 0)
    return jnp.minimum(jnp.maximum(t, lowest), highest) - d
