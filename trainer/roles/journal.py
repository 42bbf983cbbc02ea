"""The worker's journal: append-only, a CRC for each record, on disk before anything leaves the machine. A cache, not a
secret.

A torn tail (a crash while writing) is cut off; damage before the tail is refused, since what follows it cannot be
trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.errors import JournalError, LockedError
from trainer.files import write_whole

_FRAME = struct.Struct(">II")  # length, CRC-32 of the payload


class Journal:
    """Records (plain JSON objects with a `kind`) in one file; `append` returns when they are on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.records = list(self._load())
        self._file = path.open("ab")

    def append(self, kind: str, **values: Any) -> None:
        """Writes one record and waits for the disk. Raises JournalError (a full disk); then nothing may be sent."""
        record = {"kind": kind, **values}
        payload = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        try:
            self._file.write(_FRAME.pack(len(payload), zlib.crc32(payload)) + payload)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(
                f"cannot write the journal {self._path}: {error.strerror}; free some disk and start again"
            ) from error
        self.records.append(record)

    def of_kind(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Records of one kind, oldest first."""
        return (record for record in self.records if record["kind"] == kind)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _load(self) -> Iterator[Mapping[str, Any]]:
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        start = 0
        while start < len(data):
            if len(data) - start < _FRAME.size:
                break
            size, crc = _FRAME.unpack_from(data, start)
            payload = data[start + _FRAME.size : start + _FRAME.size + size]
            is_last = start + _FRAME.size + size >= len(data)
            if len(payload) < size or zlib.crc32(payload) != crc:
                if not is_last:
                    raise JournalError(
                        f"{self._path} is damaged at byte {start}; restore it, or move it away and sit the round out"
                    )
                break
            yield json.loads(payload)
            start += _FRAME.size + size
        if start < len(data):
            with self._path.open("r+b") as file:
                file.truncate(start)
                os.fsync(file.fileno())


class Lock:
    """An exclusive lock on a seat's directory, held until the process ends."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = (directory / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockedError(f"another worker runs with {directory}; stop it first") from error

    def release(self) -> None:
        """Lets another process have the directory."""
        self._file.close()


@contextlib.contextmanager
def telling_of_the_disk(path: Path) -> Iterator[Path]:
    """What a full disk means for the file, said in one line. Raises JournalError."""
    try:
        yield path
    except OSError as error:
        raise JournalError(f"cannot write {path}: {error.strerror}; free some disk and start again") from error


def write_file(path: Path, data: bytes) -> None:
    """`files.write_whole`. Raises JournalError."""
    with telling_of_the_disk(path):
        write_whole(path, data)
