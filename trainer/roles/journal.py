"""The worker's journal: append-only, a CRC for each record, on disk before anything leaves the machine. A cache, not a
secret.

A torn tail (a crash while writing) is cut off; damage before the tail is refused, since what follows it cannot be
trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.errors import JournalError, LockedError
from trainer.files import sync_directory, write_whole

_FRAME = struct.Struct(">II")  # length, CRC-32 of the payload


class Journal:
    """Records (plain JSON objects with a `kind`) in one file; `append` returns when they are on disk. Raises
    JournalError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with telling_of_the_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            data = path.read_bytes() if path.exists() else b""
            self.records, self._size = self._parse(data)
            self._file = path.open("ab", buffering=0)  # what a buffer kept back after a failure would come later
            if self._size < len(data):
                self._file.truncate(self._size)
            if self._size < len(data) or not data:
                os.fsync(self._file.fileno())
                sync_directory(path.parent)

    def append(self, kind: str, **values: Any) -> None:
        """Writes one record and waits for the disk. Raises JournalError (a full disk); then nothing may be sent."""
        record = {"kind": kind, **values}
        payload = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        frame = _FRAME.pack(len(payload), zlib.crc32(payload)) + payload
        with telling_of_the_disk(self._path):
            try:
                _write(self._file, frame)
                os.fsync(self._file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._size)  # else a later record would stand behind half of this one
                raise
        self._size += len(frame)
        self.records.append(record)

    def of_kind(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Records of one kind, oldest first."""
        return (record for record in self.records if record["kind"] == kind)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _parse(self, data: bytes) -> tuple[list[Mapping[str, Any]], int]:
        """Records, and the bytes that they take; what follows those is a torn tail."""
        records, start = [], 0
        while (payload := _read_frame(data, start)) is not None:
            try:
                records.append(json.loads(payload))
            except ValueError as error:
                raise self._damaged(start) from error
            start += _FRAME.size + len(payload)
        # A crash tears the end only. Where a whole record follows, something else happened to the file.
        if any(_read_frame(data, later) is not None for later in range(start + 1, len(data))):
            raise self._damaged(start)
        return records, start

    def _damaged(self, start: int) -> JournalError:
        return JournalError(
            f"{self._path} is damaged at byte {start}; restore it, or move it away and sit the round out"
        )


def _read_frame(data: bytes, start: int) -> bytes | None:
    """Payload of the whole and sound record at `start`, else None. No record is empty, but zeros look like one."""
    if len(data) - start < _FRAME.size:
        return None
    size, crc = _FRAME.unpack_from(data, start)
    begun = start + _FRAME.size
    if size == 0 or begun + size > len(data) or zlib.crc32(data[begun : begun + size]) != crc:
        return None
    return data[begun : begun + size]


def _write(file: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


class Lock:
    """An exclusive lock on a seat's directory, held until the process ends."""

    def __init__(self, directory: Path, holder: str = "worker") -> None:
        with telling_of_the_disk(directory):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = (directory / "lock").open("a+")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self._file.close()
                raise LockedError(f"another {holder} runs with {directory}; stop it first") from error

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
