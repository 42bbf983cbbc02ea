"""`python -m tests.unit.train_on_devices DIRECTORY`: trains on all devices of this process what `write_work` put into
the directory, and writes report.json.

A program of its own, since a process keeps the devices with which JAX started.
"""

import json
import sys
import threading
from pathlib import Path

import jax
import numpy as np

from trainer.learn.local_training import LocalTrainer, use_compile_cache
from trainer.learn.models import mlp
from trainer.learn.presets import STEP_FACTOR, make_local, make_schedule
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Task
from trainer.protocol.assignment import compute_batch
from trainer.protocol.step import apply_step

BATCH_SIZES = (32, 18)  # on four devices: 8 examples on each of four, 6 on each of three
HEIGHTS = 12


def make_task():
    """The digits with a network that compiles in a second or two."""
    config = mlp.make_config("digits")
    return Task.from_config(config | {"model": {**config["model"], "hidden": [16]}})


def make_trainer(task, dataset, batch_size, **choices):
    changed = {"batch_size": batch_size, "newton_schulz_steps": 2, "peak_learning_rate": 0.015}
    settings = LocalSettings(**{**make_local("digits").to_config(), **changed})
    return LocalTrainer(task, dataset, settings, make_schedule(settings, 40, STEP_FACTOR["mlp"]), **choices)


def train(trainer, states):
    """One seat on public states, one for each height: [(bits, mean loss)]."""
    settings, bound = trainer.settings, trainer.dataset.bound
    inner, results = None, []
    for height, state in enumerate(states):
        batches = [compute_batch(bytes(32), 0, height, k, settings.batch_size, bound) for k in range(8)]
        result = trainer.train(state, inner, batches, height)
        inner = result.inner_state
        results.append((result.bits, result.mean_loss))
    return results


def train_alone(trainer):
    """One seat that is the whole run, from the genesis on: the states of HEIGHTS heights."""
    settings, bound = trainer.settings, trainer.dataset.bound
    inner, states = None, [trainer.task.compute_genesis(1)]
    for height in range(HEIGHTS - 1):
        batches = [compute_batch(bytes(32), 0, height, k, settings.batch_size, bound) for k in range(8)]
        result = trainer.train(states[-1], inner, batches, height)
        inner = result.inner_state
        states.append(apply_step(states[-1], [(result.bits, 1)], trainer.schedule.compute_step(height)))
    return states


def write_work(directory, task, shards, states):
    (directory / "config.json").write_text(json.dumps(task.config))
    (directory / "shard").write_bytes(b"".join(shards))
    np.save(directory / "states.npy", np.array(states))


def train_twice_at_once(trainer, states):
    """In two threads, as a worker does that shadows another while it trains."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(train(trainer, states)), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main():
    directory = Path(sys.argv[1])
    use_compile_cache(directory / "jax")
    task = Task.from_config(json.loads((directory / "config.json").read_text()))
    dataset = task.load_data([(directory / "shard").read_bytes()])
    states = np.load(directory / "states.npy")
    report = {"offered": len(jax.local_devices()), "batch_sizes": {}}
    for batch_size in BATCH_SIZES:
        trainer = make_trainer(task, dataset, batch_size)
        results = train(trainer, states)
        report["batch_sizes"][batch_size] = {
            "used": len(trainer.devices),
            "numerics": trainer.numerics,
            "bits": [bits.hex() for bits, _ in results],
            "losses": [loss for _, loss in results],
            "same_again": train_twice_at_once(trainer, states) == [results, results],
            "programs": trainer._step._cache_size(),
        }
    (directory / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
