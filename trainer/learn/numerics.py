"""The ways in which this machine can compute floats: what a bench of agreement compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from trainer.config import DTYPES
from trainer.learn.local_training import LocalResult, LocalTrainer
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Dataset, Task
from trainer.protocol.step import Schedule

Make = Callable[[Task, Dataset, LocalSettings, Schedule], LocalTrainer]


@dataclass(frozen=True)
class Numerics:
    """One way to compute floats: what a person reads, and a trainer that computes so."""

    name: str
    make: Make


class PreciseTrainer(LocalTrainer):
    """A trainer whose float32 products are as precise as JAX's `precision` says: "highest" is float32 on a GPU, too,
    where the default may round to TF32.
    """

    def __init__(
        self, precision: str, task: Task, dataset: Dataset, settings: LocalSettings, schedule: Schedule
    ) -> None:
        super().__init__(task, dataset, settings, schedule)
        self._precision = precision

    def train(self, *args: Any, **named: Any) -> LocalResult:
        """As `LocalTrainer.train`."""
        with jax.default_matmul_precision(self._precision):
            return super().train(*args, **named)


def find_numerics() -> list[Numerics]:
    """Those of this machine; the first is the one of a worker that is told nothing."""
    if jax.default_backend() == "cpu":
        return [Numerics(dtype, _make(dtype)) for dtype in DTYPES]
    found = [
        Numerics("float32 (TF32 on)", lambda *of: PreciseTrainer("tensorfloat32", *of)),
        Numerics("float32 (TF32 off)", lambda *of: PreciseTrainer("highest", *of)),
        Numerics("bfloat16", _make("bfloat16")),
    ]
    processors = _find_processors()
    return [*found, Numerics("float32 (CPU)", _make("float32", processors))] if processors else found


def explain_missing() -> str:
    """What is not compared here, and why; empty if nothing."""
    if jax.default_backend() == "cpu":
        return "no GPU here: a GPU with the CPU, and TF32, are not compared"
    return "" if _find_processors() else "JAX_PLATFORMS leaves the CPU out: the GPU is not compared with it"


def _find_processors() -> list[jax.Device]:
    try:
        return jax.local_devices(backend="cpu")
    except RuntimeError:
        return []


def _make(dtype: str, devices: Sequence[jax.Device] | None = None) -> Make:
    return lambda task, dataset, settings, schedule: LocalTrainer(task, dataset, settings, schedule, dtype, devices)
