"""One HTTP request with one wall-clock limit that can be called off at any moment.

Why not the time-outs of the HTTP libraries: theirs are per read, so a body that trickles never ends; and nothing can
wake a thread that waits for the first byte of a blob that nobody has. So the socket itself waits in slices.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from trainer.blobs.store import Cancel

SLICE = 0.05  # seconds between looks at the clock and at the cancel flag


class Limit:
    """When a request has to end: `deadline` in `time.monotonic()` seconds, or as soon as `cancel` is set."""

    def __init__(self, seconds: float, cancel: Cancel | None = None) -> None:
        self.deadline = time.monotonic() + seconds
        self._cancel = cancel

    def check(self) -> None:
        """Raises TimeoutError when the request has to end."""
        if self._cancel is not None and self._cancel.is_set():
            raise TimeoutError("cancelled")
        if time.monotonic() >= self.deadline:
            raise TimeoutError("the time is over")

    def is_over(self) -> bool:
        """Whether the request has to end, or had to."""
        try:
            self.check()
        except TimeoutError:
            return True
        return False


class _PatientSocket(socket.socket):
    limit: Limit

    def recv_into(self, *arguments: Any) -> int:
        while True:
            self.limit.check()
            self.settimeout(SLICE)
            with contextlib.suppress(TimeoutError):
                return super().recv_into(*arguments)


def make_session(limit: Limit) -> requests.Session:
    """A session for one request under this limit. It ignores proxies of the environment: the daemon is local."""

    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            plain = self.sock
            patient = _PatientSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
            patient.limit = limit
            self.sock = patient

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool}

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter(max_retries=urllib3.Retry(0, read=False)))
    return session


def read_at_most(chunks: Iterator[bytes], count: int) -> bytes:
    """Bytes from a stream until it ends or `count` is reached or passed."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) >= count:
            break
    return bytes(data)
