"""What the protocol costs in loss, and saves in bytes: 8 seats under the real arithmetic against centralised training.

All rows see the same tokens in the same order and start from the same genesis; one process plays all seats, without
chain or IPFS. `make bench-loss` prints a table and writes runs/bench-loss.json. `--seeds 2` shows the noise,
`--steps 96` tries the script, `--rows ours-8,muon` picks rows, `--preset digits` takes the other task.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # a second thread gains nothing at this size

import jax
import numpy as np
import numpy.typing as npt
import optax

from trainer.learn import integer_step
from trainer.learn.data import TextDataset, compute_entropies
from trainer.learn.evaluate import Evaluator
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalTrainer, describe_numerics, use_compile_cache
from trainer.learn.presets import BATCH, STEP_FACTOR, get_task, make_config, make_local, make_schedule
from trainer.learn.task import Dataset, Task
from trainer.protocol.acceptance import compute_accepted
from trainer.protocol.assignment import compute_batch
from trainer.protocol.constants import SEAL_OVERHEAD
from trainer.protocol.gradient import plaintext_length

SEATS = 8
VALIDATION_BATCH = {"bench": 64, "digits": 32}  # 352 images are 11 times 32: none is left out
USUAL_RATES = (8e-3, 4e-3)  # those of the measurements before the design
HIGHER_RATES = {"adamw": (1.6e-2,), "muon": (1.6e-2, 2.4e-2, 3.6e-2)}  # fairer: our own rate was tuned, too
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """A finished row. loss: nats per example on all validation data; accuracy: share told right there, None where the
    task tells nothing. uploaded: bytes that one worker sent.
    """

    row: str
    seed: int
    learning_rate: float
    loss: float
    accuracy: float | None
    uploaded: int
    seconds: float


@dataclass(frozen=True)
class Bench:
    """What all rows share."""

    preset: str
    task: Task
    dataset: Dataset
    evaluator: Evaluator
    steps: int  # local steps of each worker; a centralised step takes the batches of all workers

    @property
    def batch_size(self) -> int:
        """Examples of each seat in a local step."""
        return BATCH[self.preset]

    def get_indices(self, seed: int, seat: int, step: int) -> npt.NDArray[np.int64]:
        """Batch of (seat, local step) of the whole run, the same for every row: int64[batch_size]."""
        return compute_batch(
            sha256(b"bench-loss %d" % seed).digest(), seat, step, 0, self.batch_size, self.dataset.bound
        )

    def evaluate(self, state: npt.NDArray[np.int32]) -> tuple[float, float | None]:
        """(loss, accuracy) of int32[Ppad] on all validation data."""
        data = (state, self.dataset, VALIDATION_BATCH[self.preset], None)
        accuracy = self.evaluator.compute_validation_accuracy(*data) if self.task.accuracy else None
        return self.evaluator.compute_validation_loss(*data), accuracy

    def fp32_bytes(self) -> int:
        """Bytes that a worker uploads for an fp32 all-reduce at every step, at the least: each parameter once."""
        return 4 * self.task.layout.parameter_count * self.steps


def run_ours(bench: Bench, local_steps: int, seed: int) -> Result:
    """8 seats of equal weight: bits, correlation gate, integer vote and step as the protocol has them."""
    started = time.perf_counter()
    settings = replace(make_local(bench.preset), local_steps=local_steps)
    schedule = make_schedule(settings, bench.steps // local_steps, STEP_FACTOR[get_task(bench.preset)])
    trainer = LocalTrainer(bench.task, bench.dataset, settings, schedule)
    count = bench.task.layout.parameter_count
    weights = dict.fromkeys(range(SEATS), 1)
    inner: dict[int, InnerState | None] = dict.fromkeys(range(SEATS))
    state = bench.task.compute_genesis(seed)
    for height in range(schedule.total):
        bits = {}
        for seat in range(SEATS):
            steps = range(height * local_steps, (height + 1) * local_steps)
            batches = [bench.get_indices(seed, seat, step) for step in steps]
            result = trainer.train(state, inner[seat], batches, height)
            bits[seat], inner[seat] = result.bits, result.inner_state
        accepted = compute_accepted(bits, weights, count).passed
        for seat in set(bits) - accepted:  # unaccepted work leaves no trace: the streak is broken
            inner[seat] = None
        votes = [(bits[seat], weights[seat]) for seat in sorted(accepted)]
        state = integer_step.apply_step(state, votes, schedule.compute_step(height))
    uploaded = schedule.total * (plaintext_length(count) + SEAL_OVERHEAD)
    seconds = time.perf_counter() - started
    return Result(f"ours-{local_steps}", seed, settings.peak_learning_rate, *bench.evaluate(state), uploaded, seconds)


def run_central(
    bench: Bench, row: str, make: Callable[[], optax.GradientTransformation], rate: float, seed: int
) -> Result:
    """One optimizer on the tokens of all seats at every step; linear warm-up over 20 steps, then linear decay to 0."""
    started = time.perf_counter()
    layout, optimizer = bench.task.layout, make()

    @jax.jit
    def step(params: Any, inner: Any, batch: Any, rate: jax.Array) -> tuple[Any, Any]:
        gradient = jax.grad(bench.task.loss)(params, batch)
        updates, inner = optimizer.update(gradient, inner, params)
        return jax.tree.map(lambda p, u: p + rate * u, params, updates), inner

    params = layout.params_of_state(jax.device_put(bench.task.compute_genesis(seed)))
    inner = optimizer.init(params)
    for i in range(bench.steps):
        indices = np.concatenate([bench.get_indices(seed, seat, i) for seat in range(SEATS)])
        share = min((i + 1) / 20, (bench.steps - i) / max(1, bench.steps - 20))
        params, inner = step(params, inner, bench.dataset.get_batch(indices), np.float32(rate * share))
    worth = bench.evaluate(layout.compute_state(params))
    return Result(row, seed, rate, *worth, bench.fp32_bytes(), time.perf_counter() - started)


def compute_rows(bench: Bench, seeds: Sequence[int], wanted: Sequence[str]) -> list[Result]:
    """All rows, one after the other, each printed when done."""
    settings = make_local(bench.preset)

    def make_muon() -> optax.GradientTransformation:
        return replace(settings, muon_momentum=0.95).make_optimizer(bench.task.layout)

    def make_adamw() -> optax.GradientTransformation:
        return optax.adamw(1.0, b1=0.9, b2=0.999, weight_decay=0.0)

    results = []
    for seed in seeds:
        runs = [("ours-8", lambda s=seed: run_ours(bench, 8, s)), ("ours-4", lambda s=seed: run_ours(bench, 4, s))]
        for row, make in (("adamw", make_adamw), ("muon", make_muon)):
            for name, rates in ((row, USUAL_RATES), (f"{row}-tuned", HIGHER_RATES[row])):
                runs += [(name, lambda a=(name, make, rate, seed): run_central(bench, *a)) for rate in rates]
        for row, start in runs:
            if row in wanted:
                results.append(start())
                print(json.dumps(asdict(results[-1])), flush=True)
    return results


def print_table(bench: Bench, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Prints the best learning rate of each row and returns the lines: losses are means over seeds."""
    lines = []
    for row in dict.fromkeys(result.row for result in results):
        rates = {result.learning_rate for result in results if result.row == row}
        mean = {rate: np.mean([r.loss for r in results if (r.row, r.learning_rate) == (row, rate)]) for rate in rates}
        rate = min(mean, key=lambda rate: mean[rate])
        losses = [r.loss for r in results if (r.row, r.learning_rate) == (row, rate)]
        uploaded = next(r.uploaded for r in results if r.row == row)
        saved = bench.fp32_bytes() / uploaded
        line = {"row": row, "learning_rate": rate, "loss": float(np.mean(losses)), "losses": losses}
        told = [r.accuracy for r in results if (r.row, r.learning_rate) == (row, rate) and r.accuracy is not None]
        line["accuracy"] = float(np.mean(told)) if told else None
        lines.append({**line, "uploaded_bytes": uploaded, "times_fewer_bytes": saved})
    usual = next((line["loss"] for line in lines if line["row"] == "muon"), float("nan"))
    tuned = min((line["loss"] for line in lines if line["row"].startswith("muon")), default=float("nan"))
    names = f"{'/ muon':>8} {'/ tuned':>8} {'accuracy':>8} {'uploaded':>12} {'times fewer':>12}"
    print(f"\n{'':12} {'rate':>7} {'val. loss':>10} {names}")
    for line in lines:
        line |= {"relative_to_muon": line["loss"] / usual, "relative_to_tuned_muon": line["loss"] / tuned}
        accuracy = "" if line["accuracy"] is None else f"{line['accuracy']:.4f}"
        print(
            f"{line['row']:12} {line['learning_rate']:7.4f} {line['loss']:10.4f} {line['loss'] / usual:8.4f}"
            f" {line['loss'] / tuned:8.4f} {accuracy:>8} {line['uploaded_bytes']:12,} {line['times_fewer_bytes']:12.1f}"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=("bench", "digits"), default="bench", help="what to train")
    parser.add_argument("--steps", type=int, default=960, help="local steps of each worker")
    parser.add_argument("--seeds", type=int, default=1, help="repeat all rows with this many seeds")
    parser.add_argument(
        "--rows", default="ours-8,ours-4,adamw,adamw-tuned,muon,muon-tuned", help="which rows, separated by commas"
    )
    parser.add_argument("--json", type=Path, help="where to write the report (default: runs/bench-loss.json)")
    arguments = parser.parse_args()
    name = "bench-loss" if arguments.preset == "bench" else f"bench-loss-{arguments.preset}"
    report_file = arguments.json or ROOT / "runs" / f"{name}.json"
    use_compile_cache(ROOT / ".cache" / "jax")
    task = Task.from_config(make_config(arguments.preset))
    dataset = task.load_data(task.build_shards())
    bench = Bench(arguments.preset, task, dataset, Evaluator(task), arguments.steps)
    print(f"{task.layout.parameter_count:,} parameters; {describe_numerics()}")
    counting: dict[str, float] = {}
    if isinstance(dataset, TextDataset):
        counting["unigram"], counting["bigram"] = compute_entropies(dataset)
        print("counting alone: unigram {unigram:.4f}, bigram {bigram:.4f} nats per character".format(**counting))
    results = compute_rows(bench, range(1, arguments.seeds + 1), arguments.rows.split(","))
    lines = print_table(bench, results)
    report = {
        "numerics": describe_numerics(),
        "parameters": task.layout.parameter_count,
        "local_steps": arguments.steps,
        "seats": SEATS,
        "preset": arguments.preset,
        **counting,
        "rows": lines,
        "results": [asdict(result) for result in results],
    }
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nwritten to {report_file}")


if __name__ == "__main__":
    main()
