#!/usr/bin/env python3
"""From which saving on cheating pays: the formula of `comitia deploy`'s warning, beside a simulation of draws and pay.

scripts/bench/economics.py                              4,096 heights
scripts/bench/economics.py --heights 400 --runs 1000    a short run

One seat of several of equal weight cheats in every round, and each sample shows it. It is drawn, condemned and benched
as the protocol has it; once found it knows, stops to work until it is back, and goes on. A break-even is the share of
its pay that it must save in work to earn more so than by honest work that costs all its pay; ± one standard error.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from trainer.protocol.checks import CheckRules
from trainer.roles.economics import Odds, compute_break_even, count_unchecked
from trainer.roles.plan import CHECKS

RATES = (16, 32, 64)
JUDGING = (17, 68)  # rounds: a dispute's 17 trainings, where a round leaves time for one or for a quarter of one
VESTING = (64, 96, 128, 192, 256, 512)  # rounds
MISSES = 3  # rounds after which a seat that does nothing is benched
BENCH = 2  # rounds


def play(
    rules: CheckRules, heights: int, seats: int, vesting: int, judging: int, dice: np.random.Generator
) -> tuple[int, int]:
    """One run. Returns in how many rounds the cheat worked, and the pay of how many of them it keeps: of those from the
    first that anybody is drawn for.
    """
    shape = (heights + 1, seats - 1)  # by height, from 1, and other seat
    is_drawn, chosen = dice.random(shape) * rules.rate < 1, dice.integers(0, seats - 1, shape)
    start = count_unchecked(rules) + 1
    is_active, is_working, is_kept = np.ones((3, heights + 1), bool)
    for height in np.flatnonzero((is_drawn & (chosen == 0)).any(axis=1)):
        # A target was active `depth` rounds before; whoever is condemned after the pay is safe loses nothing.
        if height < start or judging >= vesting or not (is_working[height] and is_active[height - rules.depth]):
            continue
        judged = height + judging  # the last round that is final at the condemnation; one more is open
        is_kept[max(0, judged - vesting + 1) : judged + 1] = False
        back = judged + 2 + BENCH
        is_working[height + 1 : back] = False
        is_active[min(height + 1 + MISSES, judged + 2) : back] = False
    return int(is_working[start:].sum()), int((is_working & is_kept)[start:].sum())


def simulate(
    rules: CheckRules, heights: int, seats: int, vesting: int, judging: int, runs: int, seed: int
) -> tuple[float, float]:
    """The break-even, and its standard error."""
    dice = np.random.default_rng(seed)
    played = np.array([play(rules, heights, seats, vesting, judging, dice) for _ in range(runs)], float)
    worked, kept = played[:, 0], played[:, 1]
    share = kept.sum() / worked.sum()
    error = (kept - share * worked).std() / worked.mean() / math.sqrt(runs)
    return 1 - share, float(error)


def make_odds(rules: CheckRules, heights: int, seats: int, vesting: int, judging: int) -> Odds:
    """What the formula is given for the same."""
    chance = 1 - (1 - 1 / (rules.rate * (seats - 1))) ** (seats - 1)
    return Odds(heights - count_unchecked(rules), chance, vesting, judging, rules.depth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heights", type=int, default=4096)
    parser.add_argument("--seats", type=int, default=16)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{given.seats} seats, {given.heights:,} heights, {given.runs} runs each, seed {given.seed}")
    print("break-even in percent of pay: formula, simulated")
    print("judged after   safe after  " + "".join(f"{f'1 in {rate}':>19}" for rate in RATES))
    for judging in JUDGING:
        for vesting in VESTING:
            cells = []
            for rate in RATES:
                rules = replace(CHECKS, rate=rate)
                formula = compute_break_even(make_odds(rules, given.heights, given.seats, vesting, judging))
                found, error = simulate(rules, given.heights, given.seats, vesting, judging, given.runs, given.seed)
                cells.append(f"{100 * formula:8.1f} {100 * found:5.1f} ±{100 * error:.1f}")
            print(f"{judging:12} {vesting:12}  " + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
