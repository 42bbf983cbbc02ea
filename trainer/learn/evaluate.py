"""What a state is worth: its loss on the validation text, and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from trainer.learn.data import TextDataset, decode, encode
from trainer.learn.task import Batch, Dataset, Task

Measure = Callable[[jax.Array, Batch], jax.Array]


class Evaluator:
    """Evaluates states of one task. Holds compiled programs only."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._loss = jax.jit(lambda state, batch: task.loss(task.layout.params_of_state(state), batch))
        if task.accuracy is not None:
            accuracy = task.accuracy
            self._accuracy = jax.jit(lambda state, batch: accuracy(task.layout.params_of_state(state), batch))
        if task.logits is not None:
            logits = task.logits
            self._pick = jax.jit(
                lambda state, *rest: _pick(logits(task.layout.params_of_state(state), rest[0]), *rest[1:])
            )

    def compute_validation_loss(
        self, state: npt.NDArray[np.int32], dataset: Dataset, batch_size: int, max_batches: int | None
    ) -> float:
        """Mean nats over the validation examples, in batches of `batch_size`; at most the first `max_batches` (None =
        all). state: int32[Ppad].
        """
        return _compute_mean(self._loss, state, dataset, batch_size, max_batches)

    def compute_validation_accuracy(
        self, state: npt.NDArray[np.int32], dataset: Dataset, batch_size: int, max_batches: int | None
    ) -> float:
        """Share of the validation examples that are told right; the rest as `compute_validation_loss`."""
        if self.task.accuracy is None:
            raise ValueError(f"task {self.task.name} tells nothing that is right or wrong")
        return _compute_mean(self._accuracy, state, dataset, batch_size, max_batches)

    def sample(
        self, state: npt.NDArray[np.int32], dataset: TextDataset, prompt: str, length: int, key: int, temperature: float
    ) -> str:
        """`length` characters that the model writes after `prompt` (at least one character, all of the vocabulary;
        without the prompt).

        key: seed of the draw; the same key gives the same text on one machine. temperature: above 0; small = the
        likeliest character.
        """
        if self.task.logits is None:
            raise ValueError(f"task {self.task.name} does not write text")
        context = dataset.context
        tokens = list(encode(prompt.encode("ascii"), dataset.vocabulary))
        if not tokens:
            raise ValueError("the prompt is empty")
        placed = jax.device_put(state)
        for i in range(length):
            window = np.zeros((1, context), np.uint8)
            recent = tokens[-context:]
            window[0, : len(recent)] = recent  # what stands behind the last character is never looked at
            draw = jax.random.fold_in(jax.random.key(key), i)
            tokens.append(np.uint8(self._pick(placed, window, len(recent) - 1, draw, np.float32(temperature))))
        return decode(np.array(tokens[len(tokens) - length :], np.uint8), dataset.vocabulary)


def _compute_mean(
    measure: Measure, state: npt.NDArray[np.int32], dataset: Dataset, batch_size: int, max_batches: int | None
) -> float:
    placed = jax.device_put(state)
    values = [float(measure(placed, batch)) for batch in islice(dataset.get_validation(batch_size), max_batches)]
    if not values:
        raise ValueError(f"the validation data does not fill one batch of {batch_size}")
    return float(np.mean(values))


def _pick(logits_BTV: jax.Array, place: jax.Array, key: jax.Array, temperature: jax.Array) -> jax.Array:
    return jax.random.categorical(key, jnp.take(logits_BTV[0], place, axis=0) / temperature)
