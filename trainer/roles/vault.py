"""What a worker keeps on its disk: journal, sealed work, inner optimizer states, the newest public states. Everything
is written whole, or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from trainer.learn.checkpoint import encode_state, parse_state
from trainer.learn.inner_state import InnerState
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.session import Outcome, Work
from trainer.protocol.tree import compute_state_root
from trainer.roles.journal import Journal, Lock, telling_of_the_disk, write_file

# Newest public states: one to stand on, one in case a reorganisation takes the last round back; and beside those from
# which a replay begins, as many as a dispute may wait for its turn.
KEPT_STATES = 2
DISPUTE_HEIGHTS = 8
# Beside those the newest multiple of each: an overturn can go far back, and a replay from the first state takes long.
KEPT_SPACINGS = (8, 64, 512)
KEPT_ROUNDS = 16  # of sealed work and inner states


class Vault:
    """The directory of one seat of one run; the lock is held as long as this object's process lives. Raises
    LockedError.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = Lock(directory)
        self.journal = Journal(directory / "journal.log")

    def close(self) -> None:
        """Closes the journal and lets go of the lock."""
        self.journal.close()
        self._lock.release()

    # ------------------------------------------------------------------ work

    def save_work(self, work: Work, blob: bytes, inner: InnerState) -> None:
        """Blob, inner state and the journal's record, in this order: the record says that the files are there."""
        write_file(self._path("work", work.round, "sealed"), blob)
        with telling_of_the_disk(self._path("inner", work.round, "npz")) as path:
            inner.save(path)
        self.journal.append(
            "work",
            round=work.round,
            seed=work.seed.hex(),
            state_root=work.state_root.hex(),
            gradient_root=work.gradient_root.hex(),
            sealed_digest=work.sealed_digest.hex(),
        )

    def load_works(self) -> dict[int, Work]:
        """Every sealed work of the journal, by round; of several for one round the last."""
        return {
            record["round"]: Work(
                record["round"],
                *(bytes.fromhex(record[name]) for name in ("seed", "state_root", "gradient_root", "sealed_digest")),
            )
            for record in self.journal.of_kind("work")
        }

    def load_blob(self, round_id: int) -> bytes | None:
        """The sealed bytes of a round, if still kept."""
        return _read(self._path("work", round_id, "sealed"))

    def load_inner(self, round_id: int) -> InnerState | None:
        """The inner state with which the work of a round ended, if still kept and whole."""
        path = self._path("inner", round_id, "npz")
        try:
            return InnerState.load(path) if path.exists() else None
        except ValueError:
            return None

    # ------------------------------------------------------------------ transactions and outcomes

    def save_transaction(self, kind: str, round_id: int, raw: bytes) -> None:
        """A signed transaction, before it leaves."""
        self.journal.append("transaction", call=kind, round=round_id, raw=raw.hex())

    def load_transactions(self, round_id: int) -> list[tuple[str, bytes]]:
        """(kind, raw bytes) of the transactions signed for a round, oldest first."""
        return [
            (r["call"], bytes.fromhex(r["raw"])) for r in self.journal.of_kind("transaction") if r["round"] == round_id
        ]

    def save_outcome(self, outcome: Outcome) -> None:
        """An outcome, before it is voted for: never a second, different vote for a round."""
        self.journal.append(
            "outcome",
            round=outcome.round,
            accepted=hex(outcome.accepted),
            checked=hex(outcome.checked),
            state_root=outcome.state_root.hex(),
        )

    # ------------------------------------------------------------------ states

    def save_state(self, height: int, state: State, reach: int) -> None:
        """Public state of a height: int32 little-endian. reach: heights back from which a replay may begin."""
        write_file(self._path("state", height, "bin"), encode_state(state))
        paths = {int(path.stem): path for path in self._paths("state", "bin")}
        below = [kept for kept in paths if kept <= height]  # what is above was overturned
        spaced = {max((kept for kept in below if kept % spacing == 0), default=0) for spacing in KEPT_SPACINGS}
        for gone in set(paths) - set(below[: KEPT_STATES + reach + DISPUTE_HEIGHTS]) - spaced:
            with contextlib.suppress(FileNotFoundError):
                paths[gone].unlink()
        self._prune("work", "sealed", KEPT_ROUNDS)
        self._prune("inner", "npz", KEPT_ROUNDS)

    def save_diverged(self, height: int, state: State) -> None:
        """This machine's own state of a height for which the run has another root: evidence for an audit."""
        write_file(self.get_diverged(height), encode_state(state))

    def get_diverged(self, height: int) -> Path:
        """Where `save_diverged` puts it."""
        return self._path("diverged", height, "bin")

    def load_state(self, run: RunState) -> tuple[int, State] | None:
        """Newest kept state whose root is the one on chain: (height, int32[Ppad])."""
        for path in self._paths("state", "bin"):
            height = int(path.stem)
            data = path.read_bytes()
            if height <= run.height and (state := _parse(data, run.get_root(height))) is not None:
                return height, state
        return None

    def load_state_of(self, run: RunState, height: int) -> State | None:
        """State int32[Ppad] of a height that stands, if it is still kept."""
        data = _read(self._path("state", height, "bin"))
        return None if data is None else _parse(data, run.get_root(height))

    # ------------------------------------------------------------------ files

    def _path(self, folder: str, number: int, suffix: str) -> Path:
        return self.directory / folder / f"{number:010d}.{suffix}"

    def _paths(self, folder: str, suffix: str) -> Iterable[Path]:
        return sorted((self.directory / folder).glob(f"*.{suffix}"), reverse=True)

    def _prune(self, folder: str, suffix: str, kept: int) -> None:
        for path in list(self._paths(folder, suffix))[kept:]:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def _parse(data: bytes, root: bytes) -> State | None:
    """The state in a file, if it is the one with this root: another may be of a branch that is gone."""
    if not data or len(data) % 4096:
        return None
    state = parse_state(data)
    return state if compute_state_root(state) == root else None


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
