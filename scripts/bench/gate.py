#!/usr/bin/env python3
"""What the correlation gate costs: processor time of `compute_accepted`, beside two plain ways to the same table.

scripts/bench/gate.py                                    16 and 64 seats, 1 and 10 million parameters
scripts/bench/gate.py --seats 256 --parameters 8383488   the most that version 1 allows

pairs: the formula as it stands, `np.bitwise_count(a ^ b).sum()` for each two seats. signs: +1 and -1 multiplied as
float32 matrices, in blocks whose sums are exact. All ways take turns, so that whatever else the machine does meets all;
a ratio is the median of the turns' ratios. How the gate does on real gradients: gate_study.py, gate_newcomer.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

from trainer.protocol.acceptance import compute_accepted, compute_correlations  # noqa: E402
from trainer.protocol.gradient import packed_length  # noqa: E402

BLOCK = 1 << 16  # positions of `signs` at a time: sums stay far below 2^24


def compute_by_pairs(bits: Sequence[bytes], parameter_count: int) -> npt.NDArray[np.int64]:
    """Correlations of all pairs, the diagonal left at 0."""
    words = [np.frombuffer(packed, np.uint64) for packed in bits]
    table_NN = np.zeros((len(bits), len(bits)), np.int64)
    for i in range(len(bits)):
        for j in range(i + 1, len(bits)):
            differing = int(np.bitwise_count(words[i] ^ words[j]).sum(dtype=np.int64))
            table_NN[i, j] = table_NN[j, i] = parameter_count - 2 * differing
    return table_NN


def compute_by_signs(bits: Sequence[bytes], parameter_count: int) -> npt.NDArray[np.int64]:
    """The same by matrix multiplication."""
    packed_NB = np.stack([np.frombuffer(packed, np.uint8) for packed in bits])
    table_NN = np.zeros((len(bits), len(bits)), np.int64)
    for start in range(0, parameter_count, BLOCK):
        count = min(BLOCK, parameter_count - start)
        bits_NP = np.unpackbits(packed_NB[:, start // 8 : (start + BLOCK) // 8], axis=1, count=count, bitorder="little")
        signs_NP = 1 - 2 * bits_NP.astype(np.float32)
        table_NN += (signs_NP @ signs_NP.T).astype(np.int64)
    np.fill_diagonal(table_NN, 0)
    return table_NN


def make_bits(seats: int, parameter_count: int) -> list[bytes]:
    """Random bits; padding zero."""
    dice, length = np.random.default_rng(1), packed_length(parameter_count)
    made = []
    for _ in range(seats):
        number = np.frombuffer(dice.bytes(length), np.uint8).copy()
        number[-(-parameter_count // 8) :] = 0
        if parameter_count % 8:
            number[parameter_count // 8] &= (1 << parameter_count % 8) - 1
        made.append(number.tobytes())
    return made


def measure(seats: int, parameter_count: int, repeats: int) -> dict[str, Any]:
    """Seconds of processor time, medians, and the ratios to ours."""
    bits = make_bits(seats, parameter_count)
    candidates, weights = dict(enumerate(bits)), dict.fromkeys(range(seats), 1)
    ours = compute_correlations(bits, parameter_count)
    np.fill_diagonal(ours, 0)
    ways: dict[str, Callable[[], object]] = {
        "gate": lambda: compute_accepted(candidates, weights, parameter_count),
        "pairs": lambda: compute_by_pairs(bits, parameter_count),
        "signs": lambda: compute_by_signs(bits, parameter_count),
    }
    for name in ("pairs", "signs"):
        if not np.array_equal(ways[name](), ours):
            raise SystemExit(f"{name} gives another table")
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.process_time()
            way()
            taken[name].append(time.process_time() - started)
    ratios = {
        f"{name} / gate": statistics.median(a / b for a, b in zip(taken[name], taken["gate"], strict=True))
        for name in ("pairs", "signs")
    }
    seconds = {name: statistics.median(values) for name, values in taken.items()}
    return {"seats": seats, "parameters": parameter_count, "seconds": seconds, "most": max(taken["gate"]), **ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--parameters", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, default=ROOT / "runs" / "bench-gate.json")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; numpy {np.__version__}; processor seconds, medians")
    print(f"{'seats':>5} {'parameters':>12} {'gate':>8} {'most':>8} {'pairs / gate':>13} {'signs / gate':>13}")
    lines = []
    for parameter_count in arguments.parameters:
        for seats in arguments.seats:
            line = measure(seats, parameter_count, arguments.repeats)
            lines.append(line)
            print(
                f"{seats:5} {parameter_count:12,} {line['seconds']['gate']:8.3f} {line['most']:8.3f}"
                f" {line['pairs / gate']:13.2f} {line['signs / gate']:13.2f}",
                flush=True,
            )
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({"load": os.getloadavg(), "lines": lines}, indent=1) + "\n")


if __name__ == "__main__":
    main()
