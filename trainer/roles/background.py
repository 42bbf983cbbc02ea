"""Replays in the background, one round of somebody's work at a time, and never while one's own work is waiting."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

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
        self._asked = 0  # how often the job has asked whether to stop: before each step, and after the last
        self._paused = 0.0  # seconds
        self.job: Job | None = None

    @property
    def share(self) -> float:
        """How much of the job is done, 0 to 1."""
        return max(0, self._asked - 1) / self._trainer.settings.local_steps

    def start(self, job: Job, state: State, inner: InnerState | None) -> None:
        """Starts a job. state: int32[Ppad] of its stage's height; inner: None = cold."""
        self.stop()
        self.job, self._is_cancelled = job, False
        self._asked, self._paused = 0, 0.0

        def should_stop() -> bool:
            self._asked += 1
            began = time.perf_counter()
            self._may_go.wait()
            self._paused += time.perf_counter() - began
            return self._is_cancelled

        def work() -> None:
            try:
                result = replay_stage(self._trainer, job.seat, job.stage, state, inner, should_stop)
                self._done = replace(result, seconds=result.seconds - self._paused)
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
        """A finished job, once; its seconds are those of work, without the pauses. Raises what the training raised."""
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
