"""Blobs fetched in the background by a bounded pool of threads, asked about by polling: no callback ever runs in a
thread of ours, so what the worker does with a blob happens in the worker's own loop.

Fair against blobs that nobody holds: each request is one short turn, then the want goes to the back of the queue, and
wants that failed before may use half of the threads only. So they never keep a new blob waiting.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from trainer.blobs.store import BlobStore, Want
from trainer.config import BLOBS, BlobSettings
from trainer.errors import BlobError, ComitiaError


@dataclass(frozen=True)
class Fetched:
    """The end of a want. `data`: the verified bytes, or None with `problem` saying why not (not held, never "faulty").
    `seconds`: since it was wanted. `requests`: how often it was asked for.
    """

    digest: bytes
    data: bytes | None
    problem: str
    seconds: float
    requests: int


@dataclass
class _Job:
    want: Want
    pin_name: str | None
    started: float
    cancel: threading.Event = field(default_factory=threading.Event)
    is_running: bool = False


class Fetcher:
    """Fetches wanted blobs until their deadlines. Every method may be called from any thread.

    >>> # fetcher.want(digest, size, time.monotonic() + 20, author=peer, pin_name="run8/00000010/")
    >>> # for found in fetcher.poll(): ...
    """

    def __init__(self, store: BlobStore, settings: BlobSettings = BLOBS) -> None:
        self._store = store
        self._settings = settings
        self._condition = threading.Condition()
        self._jobs: dict[bytes, _Job] = {}
        self._queue: list[tuple[float, int, _Job]] = []  # not before (monotonic seconds; new wants 0), order
        self._order = 0
        self._idle = 0
        self._repeating = 0  # threads busy with wants that failed before
        self._threads: list[threading.Thread] = []
        self._done: list[Fetched] = []
        self._is_closed = False

    def want(
        self, digest: bytes, size: int | None, deadline: float, author: str | None = None, pin_name: str | None = None
    ) -> None:
        """Fetch this blob. Wanted already: only a later deadline changes something.

        size, deadline, author: as of `BlobStore.get`; author must have been checked (`parse_peer`).
        pin_name: pin it under this name before it counts as fetched.
        """
        want = Want(digest, size, deadline, author)
        with self._condition:
            if self._is_closed:
                raise RuntimeError("the fetcher is closed")
            if digest in self._jobs:
                known = self._jobs[digest].want
                known.deadline = max(known.deadline, deadline)
                return
            self._jobs[digest] = job = _Job(want, pin_name, time.monotonic())
            self._push(job, 0.0)

    def poll(self) -> list[Fetched]:
        """Everything that ended since the last call, each once. Never waits."""
        with self._condition:
            self._expire()
            done, self._done = self._done, []
        return done

    def get_pending(self) -> set[bytes]:
        """Digests that are still wanted."""
        with self._condition:
            return set(self._jobs)

    def cancel(self, digests: Iterable[bytes]) -> None:
        """Want these no longer; they will not be reported."""
        with self._condition:
            for digest in digests:
                if job := self._jobs.pop(digest, None):
                    job.cancel.set()

    def close(self) -> None:
        """Give up everything and end the threads; waits for their requests to be called off (well below a second)."""
        with self._condition:
            self._is_closed = True
            for job in self._jobs.values():
                job.cancel.set()
            self._jobs.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ under the lock

    def _push(self, job: _Job, not_before: float) -> None:
        self._order += 1
        heapq.heappush(self._queue, (not_before, self._order, job))
        if len(self._queue) > self._idle and len(self._threads) < self._settings.fetches_at_once:
            thread = threading.Thread(target=self._run, name=f"fetch {len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._condition.notify()

    def _expire(self) -> None:
        """Report wants whose deadline passed while they waited for their turn."""
        now = time.monotonic()
        for job in [job for job in self._jobs.values() if not job.is_running and job.want.deadline <= now]:
            self._finish(job, None, job.want.describe())

    def _finish(self, job: _Job, data: bytes | None, problem: str) -> None:
        if self._jobs.get(job.want.digest) is job:
            del self._jobs[job.want.digest]
            requests = job.want.failures + (data is not None)
            seconds = time.monotonic() - job.started
            self._done.append(Fetched(job.want.digest, data, problem, seconds, requests))

    def _take(self) -> tuple[_Job | None, float | None]:
        """The next job whose turn it is, else None and the seconds until one may be due."""
        now = time.monotonic()
        held_back = []
        found: _Job | None = None
        while self._queue and self._queue[0][0] <= now and found is None:
            entry = heapq.heappop(self._queue)
            job = entry[-1]
            if self._jobs.get(job.want.digest) is not job:
                continue  # cancelled or over
            if job.want.failures and self._repeating >= self._settings.repeats_at_once:
                held_back.append(entry)
            else:
                found = job
        pause = self._queue[0][0] - now if self._queue else None
        for entry in held_back:  # until a repeat ends, which wakes a thread
            heapq.heappush(self._queue, entry)
        return found, pause

    # ------------------------------------------------------------------ in the threads

    def _run(self) -> None:
        while True:
            with self._condition:
                job, pause = self._take()
                while job is None and not self._is_closed:
                    self._idle += 1
                    self._condition.wait(pause)
                    self._idle -= 1
                    job, pause = self._take()
                if job is None or self._is_closed:
                    return
                job.is_running = True
                is_repeat = job.want.failures > 0
                self._repeating += is_repeat
            data, problem = self._ask(job)
            with self._condition:
                job.is_running = False
                self._repeating -= is_repeat
                now = time.monotonic()
                if data is not None or problem:
                    self._finish(job, data, problem)
                elif now >= job.want.deadline:
                    self._finish(job, None, job.want.describe())
                else:
                    self._push(job, now + self._settings.pause)
                self._condition.notify()

    def _ask(self, job: _Job) -> tuple[bytes | None, str]:
        """One turn: the bytes; or why asking again is of no use; or neither."""
        try:
            data = job.want.attempt(self._store, job.cancel, self._settings)
            if data is not None and job.pin_name is not None:
                self._store.pin(job.want.digest, job.pin_name)
        except BlobError as error:
            return None, str(error)
        except ComitiaError as error:  # the daemon went away between fetch and pin
            job.want.failures += 1
            job.want.problem = str(error)
            return None, ""
        return data, ""
