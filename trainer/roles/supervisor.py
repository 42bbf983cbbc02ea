"""Several child processes as one thing: started in order, stopped together, watched until a signal comes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from trainer.config import PROCESSES, ProcessSettings
from trainer.errors import ComitiaError
from trainer.processes import Child

WATCH_EVERY = 0.2  # seconds


class Process(Protocol):
    """What can be supervised: a `Child`, a Kubo daemon, an anvil."""

    name: str

    @property
    def is_alive(self) -> bool: ...

    def request_stop(self) -> None: ...

    def stop(self) -> object: ...


class Supervisor:
    """A context manager that stops all it started, newest first, when it is left for whatever reason."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        settings: ProcessSettings = PROCESSES,
    ) -> Child:
        """Start a program and watch over it."""
        child = Child(name, command, log, env, settings=settings)
        self.add(child)
        return child

    def add(self, process: Process) -> None:
        """Watch over something that was started already."""
        self._processes.append(process)

    def find_dead(self) -> list[str]:
        """Names of those that ended by themselves."""
        return [process.name for process in self._processes if not process.is_alive]

    def stop(self) -> None:
        """Ask all to stop, so that they do it at the same time, then collect them: bounded, SIGKILL in the end."""
        processes, self._processes = self._processes[::-1], []
        for process in processes:
            process.request_stop()
        for process in processes:
            process.stop()

    def watch(self, stop: threading.Event) -> None:
        """Wait until `stop` is set. Raises ComitiaError as soon as one of the processes ends by itself."""
        while not stop.wait(WATCH_EVERY):
            if dead := self.find_dead():
                raise ComitiaError(f"{', '.join(dead)} ended by itself: see the log")


class StopSignals:
    """Turns SIGINT and SIGTERM into an event while it is entered (main thread only), and puts the old handlers back.

    >>> with StopSignals() as stop:
    ...     stop.is_set()
    False
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._old: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> threading.Event:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old[number] = signal.signal(number, lambda *_: self._stop.set())
        return self._stop

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
