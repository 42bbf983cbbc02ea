"""What models share."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def normalise(x: jax.Array, epsilon: float) -> jax.Array:
    """RMSNorm over the last axis, without a gain: computed in float32, returned in the dtype of `x`."""
    wide = x.astype(jnp.float32)
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + np.float32(epsilon))
    return (wide * scale).astype(x.dtype)


def compute_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean nats: float32 logits[..., V] against integer targets[...]."""
    chosen = jnp.take_along_axis(logits, targets.astype(jnp.int32)[..., None], axis=-1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - chosen)
