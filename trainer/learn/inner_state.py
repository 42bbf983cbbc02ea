"""The optimizer's state between rounds: what a streak carries along. A file of plain arrays; loading it never runs
code.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.files import write_whole


@dataclass(frozen=True)
class InnerState:
    """Leaves of the optimizer's state, in a fixed order. Their meaning: the `LocalTrainer` that made them."""

    leaves: tuple[npt.NDArray[Any], ...]

    def is_equal(self, other: InnerState) -> bool:
        """Whether both are the same, bit for bit."""
        return [_describe(leaf) for leaf in self.leaves] == [_describe(leaf) for leaf in other.leaves]

    def save(self, path: Path) -> None:
        """Writes one .npz file, durably and at once."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{f"leaf{i:05}": leaf for i, leaf in enumerate(self.leaves)})
        write_whole(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> InnerState:
        """Reads a file of `save`, exactly; raises ValueError for a damaged one."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                return cls(tuple(file[name] for name in sorted(file.files)))
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error


def _describe(leaf: npt.NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    return leaf.dtype.str, leaf.shape, leaf.tobytes()
