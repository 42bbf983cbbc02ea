"""The local work of a round: H optimizer steps from the public state, then one bit per parameter.

Each step is a call of one compiled program, so that a worker can stop between steps (a signal, another outcome) and
nothing of the work remains.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from trainer.config import DTYPES
from trainer.learn.inner_state import InnerState
from trainer.learn.layout import Params
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Batch, Dataset, Task
from trainer.protocol.gradient import pack_bits
from trainer.protocol.step import Schedule


class Cancelled(Exception):
    """The caller asked to stop. State and inner state that went in are as they were."""


@dataclass(frozen=True)
class LocalResult:
    """bits: packed, Ppad / 8 bytes. inner_state: after the last step. mean_loss: nats, mean over the H steps. seconds:
    wall time.
    """

    bits: bytes
    inner_state: InnerState
    mean_loss: float
    seconds: float


def _never() -> bool:
    return False


_GANG = threading.Lock()
"""Held during a step on several devices: they wait for each other in it, and two such steps at once, each on some of
the devices, would wait for ever. With one device a step waits for nobody.
"""


class LocalTrainer:
    """Trains for one task and one run. Holds compiled programs and the data, and nothing that changes from round to
    round.

    dtype: one of `config.DTYPES`, in which model and gradient are computed; parameters, optimizer and the comparison
    stay float32. devices: those to use, None = all local ones. Each step's batch is split evenly over as many of them
    as divide it. Both change the last digits only, and are each worker's own choice.
    """

    def __init__(
        self,
        task: Task,
        dataset: Dataset,
        settings: LocalSettings,
        schedule: Schedule,
        dtype: str = DTYPES[0],
        devices: Sequence[jax.Device] | None = None,
    ) -> None:
        self.task, self.dataset, self.settings, self.schedule = task, dataset, settings, schedule
        layout = task.layout
        optimizer = settings.make_optimizer(layout)
        cold = jax.eval_shape(lambda: optimizer.init(task.init(0)))
        self._inner_shapes, self._inner_tree = jax.tree.flatten(cold)
        offered = jax.local_devices() if devices is None else devices
        self.devices = tuple(offered[: count_usable(settings.batch_size, len(offered))])
        self.numerics = describe_numerics(dtype, self.devices)
        self._turn: AbstractContextManager[Any] = _GANG if len(self.devices) > 1 else nullcontext()
        mesh = Mesh(np.array(self.devices), ("batch",))
        self._split, self._whole = NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())

        compute_gradient = jax.value_and_grad(lower_precision(task.loss, dtype))

        def step(params: Any, inner: Any, batch: Any, rate: jax.Array) -> tuple[Any, Any, jax.Array]:
            loss, gradient = compute_gradient(params, batch)
            updates, inner = optimizer.update(gradient, inner, params)
            return jax.tree.map(lambda p, u: p + rate * u, params, updates), inner, loss

        def compare(state: jax.Array, params: Any) -> tuple[jax.Array, jax.Array]:
            difference = layout.flatten(layout.params_of_state(state)) - layout.flatten(params)
            return difference > 0, difference == 0

        # Placements are said, not found: else the first step of a round would be another program than the others.
        whole, split = self._whole, self._split
        self._step = jax.jit(step, in_shardings=(whole, whole, split, whole), out_shardings=whole)
        self._compare = jax.jit(compare, out_shardings=whole)
        self._start = jax.jit(layout.params_of_state, out_shardings=whole)
        self._init_inner = jax.jit(lambda state: optimizer.init(layout.params_of_state(state)), out_shardings=whole)

    def compute_learning_rate(self, height: int) -> float:
        """Inner learning rate of all H steps from the state of `height`: follows the public step."""
        return self.settings.peak_learning_rate * self.schedule.compute_step(height) / self.schedule.peak

    def train(
        self,
        state: npt.NDArray[np.int32],
        inner_state: InnerState | None,
        batches: Sequence[npt.NDArray[np.int64]],
        height: int,
        should_stop: Callable[[], bool] = _never,
    ) -> LocalResult:
        """Trains from `state` (int32[Ppad]) of `height` on H batches of indices (each int64[batch_size], below
        dataset.bound).

        inner_state: the one that the seat's work at the last height ended with, None where it revealed none. Arguments
        are left as they are. should_stop: asked before every step and at the end; raises Cancelled when it says so. The
        same arguments give the same bits on one machine.
        """
        settings = self.settings
        if state.dtype != np.int32 or state.shape != (self.task.layout.padded_count,):
            raise ValueError(f"expected int32[{self.task.layout.padded_count}], got {state.dtype}{list(state.shape)}")
        if len(batches) != settings.local_steps or any(batch.shape != (settings.batch_size,) for batch in batches):
            raise ValueError(f"expected {settings.local_steps} batches of {settings.batch_size}")
        started = time.perf_counter()
        rate = np.float32(self.compute_learning_rate(height))
        placed = jax.device_put(state, self._whole)
        params = self._start(placed)
        inner = self._init_inner(placed) if inner_state is None else self._place_inner(inner_state)
        losses = []
        for indices in batches:
            _raise_if(should_stop)
            batch = jax.device_put(self.dataset.get_batch(indices), self._split)
            with self._turn:
                params, inner, loss = self._step(params, inner, batch, rate)
                losses.append(float(loss))  # waits for the step: a stop is never more than one step away
        _raise_if(should_stop)
        moved_down, unmoved = self._compare(placed, params)
        bits = pack_bits(np.asarray(moved_down), np.asarray(unmoved), height)
        after = InnerState(tuple(np.asarray(leaf) for leaf in jax.tree.leaves(inner)))
        return LocalResult(bits, after, float(np.mean(losses)), time.perf_counter() - started)

    def warm_up(self) -> float:
        """Compiles, and returns the seconds of a round once compiled. Touches no file but the compile cache."""
        state = np.zeros(self.task.layout.padded_count, np.int32)
        indices = np.zeros(self.settings.batch_size, np.int64)
        first = self.train(state, None, [indices] * self.settings.local_steps, 0)
        return self.train(state, first.inner_state, [indices] * self.settings.local_steps, 0).seconds

    def load_inner_state(self, path: Path) -> InnerState:
        """The inner state in a file of `InnerState.save`; raises ValueError if it is damaged or of another model or
        optimizer.
        """
        inner = InnerState.load(path)
        self._check_inner(inner)
        return inner

    def _check_inner(self, inner: InnerState) -> None:
        found = [(leaf.shape, leaf.dtype) for leaf in inner.leaves]
        if found != [(leaf.shape, leaf.dtype) for leaf in self._inner_shapes]:
            raise ValueError("the inner state is of another model or optimizer")

    def _place_inner(self, inner: InnerState) -> Any:
        self._check_inner(inner)
        return jax.device_put(jax.tree.unflatten(self._inner_tree, inner.leaves), self._whole)


def _raise_if(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Cancelled


def use_compile_cache(directory: Path) -> None:
    """Keeps compiled programs in `directory`, for this and later processes. To be called before anything compiles."""
    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def count_usable(batch_size: int, offered: int) -> int:
    """As many devices as divide the batch evenly: the others would wait for the one with the largest part."""
    return max(count for count in range(1, offered + 1) if batch_size % count == 0)


def lower_precision(loss: Callable[[Params, Batch], jax.Array], dtype: str) -> Callable[[Params, Batch], jax.Array]:
    """`loss` computed in `dtype`: it is given the parameters so, and computes as they are. Its value and gradient are
    float32.
    """
    if dtype not in DTYPES:
        raise ValueError(f"the dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
    if dtype == "float32":
        return loss

    def lowered(params: Params, batch: Batch) -> jax.Array:
        return loss({name: leaf.astype(dtype) for name, leaf in params.items()}, batch).astype(jnp.float32)

    return lowered


def describe_numerics(dtype: str = DTYPES[0], devices: Sequence[jax.Device] | None = None) -> str:
    """The numeric profile: what decides how floats come out here. Its digest goes into the header of a gradient.
    devices: None = all local ones.
    """
    devices = jax.local_devices() if devices is None else devices
    kinds = "+".join(sorted({f"{device.platform}/{device.device_kind}" for device in devices}))
    # Of float32 products: on a GPU it decides about TF32.
    precision = jax.config.jax_default_matmul_precision or "default"  # type: ignore[attr-defined]
    return f"jax {jax.__version__}; optax {optax.__version__}; {len(devices)} x {kinds}; {dtype}; matmul {precision}"
