"""Parameters, vectors and states: one fixed order of the leaves, and 32-bit integers that stand for t / 2^22."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, SCALE_BITS

Params = Mapping[str, jax.Array]
"""A model's parameters: name to float32 array. Flat on purpose: the order of the leaves is the order of the names, and
anybody can say which bit is which weight.
"""


@dataclass(frozen=True)
class Layout:
    """Names (ascending) and shapes of a model's leaves: where each parameter stands in the vector of P numbers."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def from_params(cls, params: Params) -> Layout:
        """The layout of `params` (arrays or anything with shape and dtype); raises ValueError for a leaf that is not
        float32.
        """
        names = tuple(sorted(params))
        wrong = [name for name in names if params[name].dtype != np.float32]
        if wrong:
            raise ValueError(f"leaves that are not float32: {wrong}")
        return cls(names, tuple(tuple(params[name].shape) for name in names))

    @property
    def parameter_count(self) -> int:
        """P, the true number of parameters."""
        return sum(math.prod(shape) for shape in self.shapes)

    @property
    def padded_count(self) -> int:
        """Ppad: P rounded up to whole chunks of 1,024."""
        return -(-self.parameter_count // CHUNK) * CHUNK

    def flatten(self, params: Params) -> jax.Array:
        """The leaves one behind the other, each in C order: float32[P]."""
        return jnp.concatenate([jnp.reshape(params[name], -1) for name in self.names])

    def unflatten(self, vector: jax.Array) -> dict[str, jax.Array]:
        """The leaves in float32[P]; the inverse of `flatten`."""
        if vector.shape != (self.parameter_count,):
            raise ValueError(f"expected {self.parameter_count} parameters, got shape {vector.shape}")
        leaves, start = {}, 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            stop = start + math.prod(shape)
            leaves[name] = jnp.reshape(vector[start:stop], shape)
            start = stop
        return leaves

    def params_of_state(self, state: jax.Array) -> dict[str, jax.Array]:
        """The float32 parameters that int32[Ppad] stands for: t / 2^22, rounded once to the nearest float32."""
        return self.unflatten(state[: self.parameter_count].astype(jnp.float32) * jnp.float32(2.0**-SCALE_BITS))

    def compute_state(self, params: Params) -> npt.NDArray[np.int32]:
        """int32[Ppad] nearest to `params`: round(x * 2^22), halves to even, padding zero. Raises ValueError for what
        does not fit.
        """
        scaled = np.rint(np.asarray(self.flatten(params)).astype(np.float64) * 2.0**SCALE_BITS)
        if not np.all(np.abs(scaled) < 2.0**31):
            raise ValueError(f"a parameter is not below {2 ** (31 - SCALE_BITS)} in size")
        state = np.zeros(self.padded_count, np.int32)
        state[: self.parameter_count] = scaled.astype(np.int32)
        return state
