"""Child processes that never outlive us: started, waited for until they are ready, stopped within a bounded time.

On Linux the kernel kills them when we die, whatever kills us (`PR_SET_PDEATHSIG`). Elsewhere a clean end of this
process stops them, a `kill -9` does not.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from trainer.config import PROCESSES, ProcessSettings
from trainer.errors import ComitiaError, UnreachableError

T = TypeVar("T")

# Run in the child before the program. Not `preexec_fn`: it forks through Python, which is unsafe beside JAX's threads.
# If we died before the call, the signal would never come: hence the look at the parent afterwards.
_BIND_TO_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None, use_errno=True).prctl(1, int(sys.argv[2]), 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[3], sys.argv[3:])
"""
LOG_LINES_SHOWN = 15


class Child:
    """A running child process in a process group of its own: Ctrl-C at the terminal reaches us only, and we stop it in
    order. Its output is appended to the file `log`.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        parent_death_signal: signal.Signals = signal.SIGKILL,
        settings: ProcessSettings = PROCESSES,
    ) -> None:
        """Start it. `env`: added to ours. Raises ComitiaError if the program cannot be started."""
        self.name = name
        self.log = log
        self._settings = settings
        self._stop_by: float | None = None  # monotonic seconds
        arguments = [os.fspath(part) for part in command]
        if sys.platform == "linux":
            bind = [sys.executable, "-I", "-S", "-c", _BIND_TO_PARENT, str(os.getpid()), str(int(parent_death_signal))]
            arguments = bind + arguments
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_start = output.tell()
            try:
                self._process = _start(arguments, output.fileno(), os.environ | dict(env or {}))
            except OSError as error:
                raise ComitiaError(f"{name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        """Process id, also that of its group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def read_log(self) -> str:
        """What this process printed so far."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode("utf-8", "replace")

    def wait_ready(self, condition: Callable[[], T | None], timeout: float) -> T:
        """Poll a condition until it gives something, and return that. timeout: seconds.

        Raises ComitiaError if the process ends before, UnreachableError if the time is over, with its last lines.
        """
        end = time.monotonic() + timeout
        while True:
            found = condition()
            if found is not None:
                return found
            if not self.is_alive:
                raise ComitiaError(f"{self.name} ended with {self.returncode} at its start:\n{self._get_tail()}")
            if time.monotonic() >= end:
                raise UnreachableError(f"{self.name} was not ready after {timeout:g} s:\n{self._get_tail()}")
            time.sleep(self._settings.poll_every)

    def _get_tail(self) -> str:
        lines = self.read_log().splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join([*("  " + line for line in lines), f"  (log: {self.log})"])

    def request_stop(self) -> None:
        """Send SIGTERM and do not wait; the time that `stop` then gives it counts from here."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + self._settings.stop_timeout
            self._signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL if it has not ended after `stop_timeout`. Returns the exit code."""
        self.request_stop()
        assert self._stop_by is not None
        try:
            return self._process.wait(max(0.0, self._stop_by - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL, as a power cut would. Returns the exit code."""
        self._signal(signal.SIGKILL)
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass  # it ended between the look and the signal
            except PermissionError:
                self._process.send_signal(number)  # macOS, for a group of zombies

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _start(arguments: list[str], output: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start from a thread that lives as long as this process: for the kernel the parent that dies is the *thread* that
    started the child, so a child of a short-lived thread would be killed at that thread's end.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True
        )

    result: Future[subprocess.Popen[bytes]] = Future()
    _get_jobs().put((start, result))
    return result.result()


_Jobs = queue.SimpleQueue[tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]]
_starters: dict[int, _Jobs] = {}  # by process id: a forked process needs a thread of its own
_starters_lock = threading.Lock()


def _get_jobs() -> _Jobs:
    with _starters_lock:
        if os.getpid() not in _starters:
            jobs = _starters[os.getpid()] = _Jobs()
            threading.Thread(target=_serve, args=(jobs,), name="starts children", daemon=True).start()
        return _starters[os.getpid()]


def _serve(jobs: _Jobs) -> None:
    while True:
        start, result = jobs.get()
        try:
            result.set_result(start())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            result.set_exception(error)
