"""Local training in the background: one piece of work at a time, cancelled between two steps."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import Cancelled, LocalResult, LocalTrainer
from trainer.protocol.assignment import compute_batch
from trainer.protocol.judgement import State
from trainer.protocol.session import TrainingKey


def compute_batches(trainer: LocalTrainer, seed: bytes, seat: int, height: int) -> list[npt.NDArray[np.int64]]:
    """The batches of a seat in a round with this seed, which trains from `height`: H times int64[batch_size]."""
    settings, bound = trainer.settings, trainer.dataset.bound
    return [compute_batch(seed, seat, height, step, settings.batch_size, bound) for step in range(settings.local_steps)]


class BackgroundTraining:
    """Runs `LocalTrainer.train` in a thread. `key`: what it works on, None when idle."""

    def __init__(self, trainer: LocalTrainer) -> None:
        self._trainer = trainer
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()
        self._done: tuple[TrainingKey, LocalResult] | None = None
        self._failure: Exception | None = None
        self.key: TrainingKey | None = None

    def start(self, key: TrainingKey, seat: int, state: State, inner: InnerState | None) -> None:
        """Starts on the batches that the protocol assigns to this seat. `state`: int32[Ppad]; `inner`: None = cold."""
        self.stop()
        batches = compute_batches(self._trainer, key.seed, seat, key.height)
        self.key, self._cancel = key, threading.Event()
        cancel = self._cancel

        def work() -> None:
            try:
                result = self._trainer.train(state, inner, batches, key.height, cancel.is_set)
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - shown by `collect`, in the thread that can act on it
                self._failure = error
                return
            self._done = (key, result)

        self._thread = threading.Thread(target=work, name="training", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether it is at work; not once the work is done, nor in a round that is sat out."""
        return self._thread is not None and self._thread.is_alive()

    def skip(self, key: TrainingKey) -> None:
        """Counts as working on `key` without doing so: this round is sat out."""
        self.stop()
        self.key = key

    def collect(self) -> tuple[TrainingKey, LocalResult] | None:
        """The finished work, once. Raises what the training raised."""
        if self._failure:
            raise self._failure
        done, self._done = self._done, None
        if done:
            self.key = None
        return done

    def stop(self) -> None:
        """Cancels and waits for the step in progress (a fraction of a round)."""
        self._cancel.set()
        if self._thread:
            self._thread.join()
        self._thread, self.key, self._done = None, None, None


class Absence:
    """Says which rounds a worker sits out: one for each inner state that it lost, where the others can make it good
    without it, which breaks its streak. Where they cannot nothing would ever break it: it starts cold all the same, and
    momentum forgets.
    """

    def __init__(self) -> None:
        self._lost, self._round = 0, 0  # the round whose inner state is lost, and the one that was sat out for it

    def find_reason(self, key: TrainingKey, *, has_inner: bool, has_key: bool, is_dispensable: bool) -> str:
        """Why the round of `key` is not worked for; empty if it is. has_key: whether the operator has the seat's key of
        the round, which it may not after a change of operators. is_dispensable: whether the others are two thirds.
        """
        if not has_key:
            return "the key chain that serves it is another operator's, or used up (`comitia seat new-tip`)"
        if has_inner or not key.inner_round or not is_dispensable:
            return ""
        if self._lost != key.inner_round:
            self._lost, self._round = key.inner_round, key.round
        if self._round == key.round:
            return "the inner optimizer state is lost; it starts cold in the next round"
        return ""
