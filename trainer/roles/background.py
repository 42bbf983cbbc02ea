"""Replays in the background, one round of somebody's work at a time, and never while one's own work is waiting."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import Cancelled, LocalResult, LocalTrainer
from trainer.protocol.judgement import State
from trainer.roles.replay import Stage, replay_stage


@dataclass(frozen=True)
class Job:
    """What a replay is for, whose work it is, and which round of it. name: a word, a round and a seat."""

    name: tuple[str, int, int]
    seat: int
    stage: Stage


class BackgroundReplay:
    """Runs one job in a thread. `job`: what it works on, None when idle."""

    def __init__(self, trainer: LocalTrainer) -> None:
        self._trainer = trainer
        self._thread: threading.Thread | None = None
        self._is_cancelled = False
        self._may_go = threading.Event()
        self._done: LocalResult | None = None
        self._failure: Exception | None = None
        self.job: Job | None = None

    def start(self, job: Job, state: State, inner: InnerState | None) -> None:
        """Starts a job. state: int32[Ppad] of its stage's height; inner: None = cold."""
        self.stop()
        self.job, self._is_cancelled = job, False

        def should_stop() -> bool:
            self._may_go.wait()
            return self._is_cancelled

        def work() -> None:
            try:
                self._done = replay_stage(self._trainer, job.seat, job.stage, state, inner, should_stop)
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - shown by `collect`, in the thread that can act on it
                self._failure = error

        self._thread = threading.Thread(target=work, name="replay", daemon=True)
        self._thread.start()

    def pause(self, is_paused: bool) -> None:
        """Stands still between two steps, or goes on. It begins paused."""
        if is_paused:
            self._may_go.clear()
        else:
            self._may_go.set()

    def collect(self) -> tuple[Job, LocalResult] | None:
        """A finished job, once. Raises what the training raised."""
        if self._failure:
            raise self._failure
        done, job = self._done, self.job
        if done is None or job is None:
            return None
        self.stop()
        return job, done

    def stop(self) -> None:
        """Cancels and waits for the step in progress."""
        was_going = self._may_go.is_set()
        self._is_cancelled = True
        self._may_go.set()
        if self._thread:
            self._thread.join()
        self.pause(not was_going)
        self._thread, self.job, self._done = None, None, None
