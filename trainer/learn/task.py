"""A task: a model, its loss and its data, and nothing else. What a user plugs in.

How it is trained (optimizer, steps, batch) is in `local_training.LocalSettings`, how the public state moves in the
run's schedule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Protocol

import jax
import numpy as np
import numpy.typing as npt

from trainer.learn.layout import Layout, Params

PLUGINS = "comitia.tasks"
"""Entry points by which an installed package offers tasks: name = "package.module:build", build(config) -> Task. A run
specification can name only what its reader chose to install.
"""

Batch = tuple[npt.NDArray[Any], ...]
"""Arrays with the examples along the first axis."""


class Dataset(Protocol):
    """The data of a task."""

    @property
    def bound(self) -> int:
        """Number of places in the training data that an index may name."""

    def get_batch(self, indices: npt.NDArray[np.int64]) -> Batch:
        """Training examples at `indices` (int64[B], each in 0 .. bound - 1), in their order."""

    def get_validation(self, batch_size: int) -> Iterator[Batch]:
        """The validation examples, once each, in batches of exactly `batch_size`; what does not fill a batch is left
        out.
        """


@dataclass(frozen=True)
class Task:
    """One learning problem.

    name: the value of config["task"]. config: JSON-able, every value explicit; equal configs make equal tasks.
    init(seed) -> parameters, name to float32 array, a pure function of the seed.
    loss(parameters, batch) -> scalar, mean nats per predicted element; in the dtype of the parameters, which are
    bfloat16 where a worker wants that.
    logits(parameters, tokens uint8[B, T]) -> float32[B, T, V], or None where sampling makes no sense.
    build_shards() -> the data as bytes, in pieces of at most 1 MiB: for whoever starts a run. load_data(shards) ->
    Dataset: for everybody else. accuracy(parameters, batch) -> share of the examples that are told right, or None where
    that makes no sense.
    """

    name: str
    config: dict[str, Any]
    init: Callable[[int], Params]
    loss: Callable[[Params, Batch], jax.Array]
    logits: Callable[[Params, jax.Array], jax.Array] | None
    build_shards: Callable[[], list[bytes]]
    load_data: Callable[[Sequence[bytes]], Dataset]
    accuracy: Callable[[Params, Batch], jax.Array] | None = None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Task:
        """The task that `config` describes. Raises ValueError for an unknown task, a missing or a superfluous value."""
        from trainer.learn.models import char_gpt, mlp

        config = json.loads(json.dumps(config))  # a copy of our own, and proof that it is JSON
        if "task" not in config:
            raise ValueError('a task\'s config needs "task", its name')
        built_in = {char_gpt.NAME: char_gpt.build, mlp.NAME: mlp.build}
        if config["task"] in built_in:
            return built_in[config["task"]](config)
        found = tuple(entry_points(group=PLUGINS, name=config["task"]))
        if len(found) != 1:
            raise ValueError(
                f"task {config['task']!r}: {len(found)} installed packages offer it ({PLUGINS}), and it is not built in"
            )
        return found[0].load()(config)

    @cached_property
    def layout(self) -> Layout:
        """Names and shapes of the leaves, without computing them."""
        return Layout.from_params(jax.eval_shape(lambda: self.init(0)))

    def compute_genesis(self, seed: int) -> npt.NDArray[np.int32]:
        """The state of height 0, int32[Ppad]. A run publishes its bytes: initialisation is float and need not be the
        same elsewhere.
        """
        return self.layout.compute_state(self.init(seed))


def expect_keys(where: str, section: dict[str, Any], names: Sequence[str]) -> None:
    """Raises ValueError unless `section` has exactly these keys: no hidden defaults, no knob that does nothing."""
    if set(section) != set(names):
        raise ValueError(
            f"{where}: missing {sorted(set(names) - set(section))}, unknown {sorted(set(section) - set(names))}"
        )
