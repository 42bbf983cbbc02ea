"""A TCP proxy on loopback that can stop passing bytes on, in the middle of whatever flows, without closing anything."""

from __future__ import annotations

import contextlib
import re
import socket
import threading


class Proxy:
    """Listens on a free port and passes everything on to a peer's address. `address`: what to dial in its place."""

    def __init__(self, peer: str) -> None:
        match = re.fullmatch(r"/ip4/127\.0\.0\.1/tcp/(\d+)(/p2p/.+)?", peer)
        assert match, peer
        self._target = int(match.group(1))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"/ip4/127.0.0.1/tcp/{self._listener.getsockname()[1]}{match.group(2) or ''}"
        self._sockets: list[socket.socket] = [self._listener]
        self._left: int | None = None  # bytes from the target that still pass; None: all
        self._go_on = threading.Event()
        self.stalled = threading.Event()
        self._start(self._accept)

    def stall_after(self, count: int) -> None:
        """From now on only so many bytes more come from the target; then the proxy stops reading and closes nothing."""
        self._left = count

    def close(self) -> None:
        """Cut everything."""
        self._go_on.set()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, run: object, *arguments: object) -> None:
        threading.Thread(target=run, args=arguments, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                target = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, target]
                self._start(self._pump, client, target, False)
                self._start(self._pump, target, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_limited: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if is_limited and self._left is not None:
                    data, self._left = data[: self._left], max(0, self._left - len(data))
                    if not self._left:
                        sink.sendall(data)
                        self.stalled.set()
                        self._go_on.wait()
                        return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
