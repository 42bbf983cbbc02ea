#!/usr/bin/env python3
"""How long the gate keeps out a seat that starts cold among warm ones, and what shortens that.

scripts/bench/gate_newcomer.py                       preset bench; --preset demo, --batch 64, --joins 2 4, --data uneven

Three warm seats run; a fourth of the same weight begins at each of the heights in --joins (its bits do not move the
state, so that one run serves all). Rules for the inner state with which it begins a round:
accepted: that of its accepted submission of the last height, else cold (the protocol's until 2026-11-25)
revealed: that of its work at the last height, whether or not it was accepted (the protocol's)
run-up:   as `accepted`, but in place of cold that of a replay of the two heights before
Shown: score / median in each round until it has passed twice in a row (+ passed, - kept out).
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from gate_rounds import UNIT, Crew, Round, Workshop  # noqa: E402

from trainer.protocol.acceptance import compute_accepted  # noqa: E402

if TYPE_CHECKING:
    from trainer.learn.inner_state import InnerState

NEWCOMER = 100
WARM = 3
RUN_UP = 2
RULES = ("accepted", "revealed", "run-up")
PATIENCE = 12  # rounds after which nobody waits any longer


@dataclass
class Newcomer:
    """One seat under one rule. ratios: score / median of its rounds; passed: what the gate said."""

    join: int
    rule: str
    inner: InnerState | None = None
    ratios: list[float] = field(default_factory=list)
    passed: list[bool] = field(default_factory=list)

    def is_settled(self) -> bool:
        """Whether it has passed twice in a row, or is given up."""
        return self.passed[-2:] == [True, True] or len(self.passed) == PATIENCE

    def act(self, workshop: Workshop, crew: Crew, seed: int, history: list[Round]) -> None:
        """Its round at the height of the last of `history`."""
        now = history[-1]
        seat = NEWCOMER + self.join
        if self.inner is None and self.rule == "run-up":
            for past in history[max(0, len(history) - 1 - RUN_UP) : -1]:
                _, self.inner = workshop.train(crew, seed, seat, past.height, past.state, self.inner)
        bits, after = workshop.train(crew, seed, seat, now.height, now.state, self.inner)
        weights = {**crew.get_weights(), seat: UNIT}
        gate = compute_accepted({**now.bits, seat: bits}, weights, workshop.count)
        self.ratios.append(gate.scores[seat] / gate.median)
        self.passed.append(seat in gate.passed)
        self.inner = after if self.passed[-1] or self.rule == "revealed" else None

    def describe(self) -> str:
        """For people."""
        rounds = "  ".join(f"{r:.2f}{'+' if p else '-'}" for r, p in zip(self.ratios, self.passed, strict=True))
        return f"joins at {self.join:3}, {self.rule:9} kept out {self.passed.count(False):2} rounds: {rounds}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="bench", help="model and batch (presets.py)")
    parser.add_argument("--batch", type=int, help="another batch")
    parser.add_argument("--data", choices=["even", "uneven"], default="even")
    parser.add_argument("--joins", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8, 16])
    parser.add_argument("--rounds", type=int, default=120, help="length of the run's schedule")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    workshop = Workshop(arguments.preset, arguments.rounds, arguments.batch)
    crew = Crew(WARM, "equal", arguments.data)
    newcomers = [Newcomer(join, rule) for join in arguments.joins for rule in RULES]
    characters = workshop.batch * workshop.task.config["model"]["context"]
    print(f"{arguments.preset}: {workshop.count:,} parameters, batches of {characters:,} characters, {arguments.data}")
    history: list[Round] = []
    for played in workshop.play(crew, arguments.seed):
        history.append(played)
        waiting = [newcomer for newcomer in newcomers if not newcomer.is_settled()]
        if not waiting:
            break
        for newcomer in waiting:
            if played.height >= newcomer.join:
                newcomer.act(workshop, crew, arguments.seed, history)
                if newcomer.is_settled():
                    print(newcomer.describe(), flush=True)


if __name__ == "__main__":
    main()
