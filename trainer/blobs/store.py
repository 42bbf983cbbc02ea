"""What the rest of the program knows about IPFS: blobs of at most 1 MiB by their sha2-256, each one raw block.

"Not held" (BlobError) is a statement about now and this machine, never a verdict about the seat that should hold it:
short, late and missing answers all look like this, whoever is at fault.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from trainer.config import BLOBS, BlobSettings
from trainer.errors import BlobError, UnreachableError
from trainer.protocol.constants import MAX_BLOB_BYTES


class WrongSize(BlobError):
    """The bytes with this digest have another length than was asked for, so nobody will ever hold what was asked for.

    Told early so that asking stops. Treat it as any BlobError: others may not have looked yet.
    """


class Cancel(Protocol):
    """Tells a fetch to stop; `threading.Event` is one."""

    def is_set(self) -> bool: ...


class BlobStore(Protocol):
    """Blobs by digest (32 bytes). All methods may be called from several threads. All raise UnreachableError when the
    daemon does not answer; `get` only at its deadline, since daemons are restarted.
    """

    def put(self, data: bytes, name: str = "") -> bytes:
        """Store and pin, on disk (fsync) when it returns. The same bytes again do no harm. Returns the digest."""

    def get(
        self,
        digest: bytes,
        size: int | None,
        deadline: float,
        cancel: Cancel | None = None,
        author: str | None = None,
    ) -> bytes:
        """The bytes, verified: length and sha2-256. Asks again until the deadline; not pinned.

        size: exact length in bytes; None for a document of at most 1 MiB whose length is not known.
        deadline: `time.monotonic()` seconds. author: multiaddr of who should have it, dialled anew after failures.
        Raises BlobError at the deadline or when cancelled, WrongSize at once; ValueError for a size above 1 MiB.
        """

    def has(self, digest: bytes, size: int | None = None) -> bool:
        """Whether this machine holds it (with that length); asks nobody else."""

    def pin(self, digest: bytes, name: str = "") -> None:
        """Keep it. Raises BlobError if it is not held here. Zero-pad numbers in names: prefixes are matched."""

    def unpin(self, digest: bytes) -> None:
        """Keep it no longer; nothing happens if it was not pinned."""

    def drop(self, digest: bytes) -> None:
        """Unpin and delete it here."""

    def pins(self, prefix: str = "") -> Mapping[bytes, str]:
        """Digest to name of every pinned blob whose name starts with the prefix."""

    def connect(self, peers: Iterable[str]) -> Mapping[str, str | None]:
        """Dial these multiaddrs at the same time. Returns each with None, or with why it failed."""

    def try_get(self, digest: bytes, size: int | None, wait: float, cancel: Cancel | None = None) -> bytes | None:
        """One request of at most `wait` seconds: the verified bytes, or None for "not held yet"."""

    def reconnect(self, peer: str) -> None:
        """Drop the connection to this multiaddr's peer and dial it anew; not again for the next seconds. Failures are
        not reported.
        """


@dataclass
class Want:
    """A blob somebody wants, and how often asking for it failed. Fields as of `BlobStore.get`."""

    digest: bytes
    size: int | None
    deadline: float
    author: str | None = None
    failures: int = 0
    problem: str = "nobody who is connected has it"

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise ValueError(f"a digest has 32 bytes, not {len(self.digest)}")
        if self.size is not None and not 0 < self.size <= MAX_BLOB_BYTES:
            raise ValueError(f"a blob has 1 to {MAX_BLOB_BYTES} bytes, not {self.size}")

    def compute_wait(self, now: float, settings: BlobSettings = BLOBS) -> float:
        """Seconds that the next request may take: doubled with each failure, never past the deadline."""
        size = MAX_BLOB_BYTES if self.size is None else self.size
        first = max(settings.first_wait, size * settings.seconds_per_byte)
        return min(first * 2.0 ** min(self.failures, 16), settings.longest_wait, self.deadline - now)

    def attempt(self, store: BlobStore, cancel: Cancel | None = None, settings: BlobSettings = BLOBS) -> bytes | None:
        """Ask once; counts the failure. Raises WrongSize. The caller pauses when this returned at once."""
        try:
            if self.author is not None and self.failures >= settings.reconnect_after:
                store.reconnect(self.author)
            wait = self.compute_wait(time.monotonic(), settings)
            if wait <= 0:
                return None
            data = store.try_get(self.digest, self.size, wait, cancel)
            self.problem = "nobody who is connected has it"
        except UnreachableError as error:
            data, self.problem = None, str(error)
        self.failures += data is None
        return data

    def describe(self) -> str:
        """Why it is not there, for a person."""
        return f"blob {self.digest.hex()[:16]}… is not held yet after {self.failures} requests: {self.problem}"
