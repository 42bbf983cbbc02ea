"""The chunk trees over a gradient and over a state (docs/protocol.md, Formats: Trees).

sha2-256, because it is a precompile on the chain and six to sixteen times faster than keccak off it. The three
prefixes keep gradient leaves, state leaves and inner nodes apart; a leaf binds its index, so that a chunk cannot be
shown in another's place; the depth is fixed by the parameter count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, STATE_LEAF_BYTES

GRADIENT_PREFIX = b"\x00"
STATE_PREFIX = b"\x01"
NODE_PREFIX = b"\x02"
MISSING_LEAF = bytes(32)

_Leaf = Callable[[int, memoryview], bytes]


def compute_chunks(parameter_count: int) -> int:
    """Chunks of a vector of `parameter_count` parameters: ceil(P / 1024)."""
    if parameter_count < 1:
        raise ValueError(f"a run has at least one parameter, not {parameter_count}")
    return -(-parameter_count // CHUNK)


def compute_depth(chunks: int) -> int:
    """Height of the root over `chunks` leaves: ceil(log2(chunks)), 0 for one chunk."""
    if chunks < 1:
        raise ValueError(f"a tree has at least one chunk, not {chunks}")
    return (chunks - 1).bit_length()


def gradient_leaf(index: int, data: bytes | memoryview) -> bytes:
    """Hash of chunk `index` of a gradient: 128 bytes of packed bits."""
    return _leaf(GRADIENT_PREFIX, index, data, GRADIENT_LEAF_BYTES)


def state_leaf(index: int, data: bytes | memoryview) -> bytes:
    """Hash of chunk `index` of a state: 4,096 bytes, 1,024 int32 little-endian."""
    return _leaf(STATE_PREFIX, index, data, STATE_LEAF_BYTES)


def compute_gradient_root(packed_bits: bytes) -> bytes:
    """Root over the packed bits of a gradient (Ppad / 8 bytes)."""
    leaves = compute_gradient_leaves(packed_bits)
    return compute_root(leaves, compute_depth(len(leaves)))


def compute_state_root(state: npt.NDArray[np.int32]) -> bytes:
    """Root over a state: int32[Ppad], padding included (it drifts, the same for everybody)."""
    leaves = compute_state_leaves(state)
    return compute_root(leaves, compute_depth(len(leaves)))


def compute_state_leaves(state: npt.NDArray[np.int32]) -> list[bytes]:
    """Leaf hashes of a state, for paths and to name the first chunk in which two states differ."""
    if state.dtype != np.int32 or state.ndim != 1:
        raise ValueError(f"a state is a vector of int32, not {state.dtype} of shape {state.shape}")
    view = np.ascontiguousarray(state, dtype="<i4").data.cast("B")
    return _compute_leaves(state_leaf, view, STATE_LEAF_BYTES)


def compute_gradient_leaves(packed_bits: bytes) -> list[bytes]:
    """Leaf hashes of a gradient."""
    return _compute_leaves(gradient_leaf, memoryview(packed_bits), GRADIENT_LEAF_BYTES)


def compute_root(leaf_hashes: Sequence[bytes], depth: int) -> bytes:
    """Node at height `depth` over the leaves 0 .. 2^depth - 1, those that are missing being 32 zero bytes."""
    return _compute_levels(leaf_hashes, depth)[depth][0]


def compute_path(leaves: Sequence[bytes], depth: int, index: int) -> list[bytes]:
    """Siblings of leaf `index` from the leaf's level up; `depth` of them. A missing leaf (index >= len(leaves)) has a
    path too.
    """
    if not 0 <= index < 1 << depth:
        raise ValueError(f"leaf {index} is not in a tree of depth {depth}")
    levels = _compute_levels(leaves, depth)
    return [_node(levels[k], k, (index >> k) ^ 1) for k in range(depth)]


def compute_root_from_path(leaf: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Root that `path` leads to from the hash `leaf`. The caller compares len(path) with the run's depth.

    An index at or beyond 2^len(path) raises ValueError: its high bits would be ignored, and one chunk could be shown
    under many indices.
    """
    if not 0 <= index < 1 << len(path):
        raise ValueError(f"leaf {index} is not in a tree of depth {len(path)}")
    node = leaf
    for k, sibling in enumerate(path):
        pair = sibling + node if index >> k & 1 else node + sibling
        node = sha256(NODE_PREFIX + pair).digest()
    return node


def is_padded(index: int, path: Sequence[bytes], chunks: int) -> bool:
    """Whether the siblings in the path of leaf `index` that cover missing leaves only are what they must be."""
    return all(
        sibling == _EMPTY[level] for level, sibling in enumerate(path) if ((index >> level) ^ 1) << level >= chunks
    )


def _leaf(prefix: bytes, index: int, data: bytes | memoryview, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"a chunk has {size} bytes, not {len(data)}")
    digest = sha256(prefix + index.to_bytes(4, "big"))
    digest.update(data)
    return digest.digest()


def _compute_leaves(leaf: _Leaf, view: memoryview, size: int) -> list[bytes]:
    if len(view) == 0 or len(view) % size:
        raise ValueError(f"expected whole chunks of {size} bytes, got {len(view)} bytes")
    return [leaf(index, view[start : start + size]) for index, start in enumerate(range(0, len(view), size))]


# Nodes at height k over missing leaves only; 32 heights cover any u32 leaf index.
_EMPTY = [MISSING_LEAF]
for _ in range(32):
    _EMPTY.append(sha256(NODE_PREFIX + _EMPTY[-1] + _EMPTY[-1]).digest())


def _node(level: list[bytes], k: int, index: int) -> bytes:
    return level[index] if index < len(level) else _EMPTY[k]


def _compute_levels(leaves: Sequence[bytes], depth: int) -> list[list[bytes]]:
    """All levels from the leaves up; nodes over missing leaves only are left out."""
    if not 0 < len(leaves) <= 1 << depth:
        raise ValueError(f"{len(leaves)} leaves do not fit a tree of depth {depth}")
    levels = [list(leaves)]
    for k in range(depth):
        below = levels[-1]
        if len(below) % 2:
            below = [*below, _EMPTY[k]]
        levels.append([sha256(NODE_PREFIX + below[i] + below[i + 1]).digest() for i in range(0, len(below), 2)])
    return levels
