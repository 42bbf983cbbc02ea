"""Checkpoints: the raw state, int32 little-endian, Ppad numbers and nothing else. What is hashed into the state root,
byte by byte.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.files import write_whole
from trainer.protocol.constants import STATE_LEAF_BYTES


def encode_state(state: npt.NDArray[np.int32]) -> bytes:
    """int32[Ppad] as 4 * Ppad bytes, little-endian. Raises ValueError for another type or a part of a chunk."""
    if state.dtype != np.int32 or state.ndim != 1 or state.nbytes == 0 or state.nbytes % STATE_LEAF_BYTES:
        raise ValueError(f"a state is int32 in whole chunks, not {state.dtype} of shape {state.shape}")
    return state.astype("<i4").tobytes()


def decode_state(data: bytes, padded_count: int) -> npt.NDArray[np.int32]:
    """The state int32[padded_count] in `data`; raises ValueError for another length."""
    if len(data) != 4 * padded_count:
        raise ValueError(f"a state of {padded_count} parameters has {4 * padded_count} bytes, not {len(data)}")
    return parse_state(data)


def parse_state(data: bytes) -> npt.NDArray[np.int32]:
    """The int32 numbers in `data`, for a caller who has to judge their number and root itself; raises ValueError where
    a number is cut.
    """
    return np.frombuffer(data, "<i4").astype(np.int32)


def write_checkpoint(path: Path, state: npt.NDArray[np.int32]) -> None:
    """Writes a state durably and at once (temporary file, fsync, rename)."""
    write_whole(path, encode_state(state))


def read_checkpoint(path: Path, padded_count: int) -> npt.NDArray[np.int32]:
    """Reads a state; raises ValueError for another length. Whether it is the right one is told by its root, which the
    caller compares.
    """
    return decode_state(path.read_bytes(), padded_count)
