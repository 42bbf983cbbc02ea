"""What a watcher keeps on its disk: public states by height and root. All else it derives from the chain."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from trainer.learn.checkpoint import encode_state, parse_state
from trainer.protocol.judgement import State
from trainer.protocol.tree import compute_state_root
from trainer.roles.journal import Lock, write_file

NEWEST = 4  # heights that are kept in any case
SPACING = 16  # of the older ones that are not safe yet every so many: what lies between is computed again


class Shelf:
    """States below one directory. The root is part of the name, so states of branches that an overturn dropped do no
    harm. Raises LockedError where another watcher has the directory, JournalError for a full disk.
    """

    def __init__(self, directory: Path) -> None:
        self._lock = Lock(directory, "watcher")
        self._directory = directory / "state"

    def close(self) -> None:
        """Lets another watcher have the directory."""
        self._lock.release()

    def save(self, height: int, root: bytes, state: State) -> None:
        """Keeps the state int32[Ppad] of a height."""
        write_file(self._directory / f"{height:010d}-{root.hex()}.bin", encode_state(state))

    def find(self, highest: int, get_root: Callable[[int], bytes]) -> tuple[int, State] | None:
        """(height, int32[Ppad]) of the newest kept state at or below `highest` whose root is the one wanted there."""
        for height, root, path in self._list():
            if height > highest or get_root(height) != root:
                continue
            data = path.read_bytes()
            if len(data) and len(data) % 4096 == 0:
                state = parse_state(data)
                if compute_state_root(state) == root:
                    return height, state
        return None

    def prune(self, highest: int, safe: int) -> None:
        """Drops what no answer and no overturn can ask for: all below the newest kept safe height, and of the rest all
        but some. `highest`: newest height; `safe`: the newest that can be neither challenged nor answered for.
        """
        kept = [(height, path) for height, _, path in self._list()]
        base = max((height for height, _ in kept if height <= safe), default=0)
        for height, path in kept:
            is_wanted = height == base or (height > base and (height > highest - NEWEST or height % SPACING == 0))
            if not is_wanted:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()

    def _list(self) -> Iterator[tuple[int, bytes, Path]]:
        """(height, root, file), the newest first."""
        for path in sorted(self._directory.glob("*-*.bin"), reverse=True):
            height, _, root = path.stem.partition("-")
            if height.isdigit() and len(root) == 64:
                yield int(height), bytes.fromhex(root), path
