#!/usr/bin/env python3
"""The correlation gate on real gradients: honest seats that it rejects, attackers that it lets pass.

scripts/bench/gate_study.py                      3, 4, 8 and 16 honest seats, all weights and data: an hour of processor
scripts/bench/gate_study.py --heights 100 114    late in a run, from a state of four equal seats; two rounds warm up
scripts/bench/gate_study.py --seats 4 --live     runs in which attackers act, and the state bears it

Every attack is tried at every height on the honest gradients of one run without attackers (nothing is trained twice),
by one seat and by two that share the weight. "live" shows what that leaves out: a seat that was rejected is cold in the
next round. Shares are of all weight, attackers' included. Results go to runs/gate-study.json as they come.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
from gate_rounds import Bits, Crew, Round, Weights, Workshop  # noqa: E402

from trainer.learn.local_training import describe_numerics  # noqa: E402
from trainer.protocol.acceptance import compute_accepted  # noqa: E402

SHARES = (20, 33, 40, 45)  # percent of all weight
ATTACKS = ("common", "random", "majority", "sign")
COLD = 2  # rounds after which seats that began cold count as warm
FIRST_ATTACKER = 200  # seats of attackers count from here
FACTORS = (2, 3, 4)  # what if: passes with factor * score > median; the rule is 2
NOISES = (2, 3, 4)  # what if: passes by the rule, and with score > noise * sqrt(P), the deviation of c for random bits


Key = tuple[str, int, int]  # attack, share, number of attackers


def compute_wrong(
    workshop: Workshop, played: Round, weights: Weights, dice: np.random.Generator
) -> dict[str, list[bytes]]:
    """For each attack the bits of up to two attackers.

    common: one direction, drawn anew every round, in every attacker. random: each its own. majority: the opposite of
    what the honest seats say (more than one could know: blobs are sealed). sign: the opposite of honest training.
    """
    draws = [workshop.pack(dice.random(workshop.count) < 0.5) for _ in range(3)]
    return {
        "common": [draws[0]] * 2,
        "random": draws[1:],
        "majority": [workshop.flip(workshop.compute_majority(played.bits, weights))] * 2,
        "sign": [workshop.flip(shadow) for shadow in played.shadows.values()],
    }


def add_attackers(
    played: Round, weights: Weights, wrong: dict[str, list[bytes]], key: Key
) -> tuple[Bits, Weights, list[int]]:
    """Bits and weights of all candidates, and the attackers' seats."""
    name, share, count = key
    seats = list(range(FIRST_ATTACKER, FIRST_ATTACKER + count))
    each = sum(weights.values()) * share // (100 - share) // max(count, 1)
    bits = dict(zip(seats, wrong.get(name, []), strict=False))
    return {**played.bits, **bits}, {**weights, **dict.fromkeys(seats, each)}, seats


def study(workshop: Workshop, crew: Crew, seed: int, heights: range, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One run, which the crew's weights steer; a line for each kind of weights and each attack. The first rounds of a
    run that does not begin at height 0 do not count: all seats are cold.
    """
    # two who flip the signs of honest training would need two shadows: only one does
    keys = [("none", 0, 0), *(key for key in product(ATTACKS, SHARES, (1, 2)) if key[0] != "sign" or key[2] == 1)]
    crews = [replace(crew, weights=kind) for kind in kinds]
    counts = {(each, key): Counter[str]() for each in crews for key in keys}
    dice = np.random.default_rng(seed)
    for played in islice(workshop.play(crew, seed, heights.start, shadows=1), len(heights)):
        if heights.start and played.height < heights.start + COLD:
            continue
        for each in crews:
            wrong = compute_wrong(workshop, played, each.get_weights(), dice)
            for key in keys:
                bits, weights, attackers = add_attackers(played, each.get_weights(), wrong, key)
                tally(counts[each, key], workshop, bits, weights, attackers)
    for (each, key), count in counts.items():
        yield describe(each, key, count) | {"steered": crew.weights, "from": heights.start}


def study_live(workshop: Workshop, crew: Crew, seed: int, heights: range, key: Key) -> dict[str, Any]:
    """One run in which the attackers act: what they do to the state and to who is rejected stays."""
    count, dice = Counter[str](), np.random.default_rng(seed)

    def attack(played: Round) -> tuple[Bits, Weights]:
        weights = crew.get_weights()
        found = add_attackers(played, weights, compute_wrong(workshop, played, weights, dice), key)
        if not heights.start or played.height >= heights.start + COLD:
            tally(count, workshop, *found)
        return found[:2]

    for _ in islice(workshop.play(crew, seed, heights.start, shadows=1, attacker=attack), len(heights)):
        pass
    return describe(crew, key, count) | {"live": True, "from": heights.start}


def tally(count: Counter[str], workshop: Workshop, bits: Bits, weights: Weights, wrong: Sequence[int]) -> None:
    """Adds what the gate says of one round."""
    gate = compute_accepted(bits, weights, workshop.count)
    honest = bits.keys() - wrong
    count["rounds"] += 1
    count["honest"] += len(honest)
    count["honest rejected"] += len(honest - gate.passed)
    count["rounds with an honest seat rejected"] += bool(honest - gate.passed)
    count["rounds with an attacker passed"] += bool(gate.passed - honest)
    count["void"] += 2 * sum(weights[seat] for seat in gate.passed) <= sum(weights.values())
    count["median, parts per million"] += 10**6 * gate.median // workshop.count
    for factor in FACTORS:
        passed = {seat for seat, score in gate.scores.items() if score > 0 and factor * score > gate.median}
        count[f"factor {factor}: honest rejected"] += len(honest - passed)
        count[f"factor {factor}: rounds with an attacker passed"] += bool(passed - honest)
    for noise in NOISES:
        passed = {seat for seat in gate.passed if gate.scores[seat] ** 2 > noise**2 * workshop.count}
        count[f"noise {noise}: honest rejected"] += len(honest - passed)
        count[f"noise {noise}: rounds with an attacker passed"] += bool(passed - honest)
        count[f"noise {noise}: void"] += 2 * sum(weights[seat] for seat in passed) <= sum(weights.values())


def describe(crew: Crew, key: Key, count: Counter[str]) -> dict[str, Any]:
    """A line of the report."""
    line = {"seats": crew.seats, "weights": crew.weights, "data": crew.data}
    return line | {"attack": key[0], "share": key[1], "attackers": key[2], **count}


def print_line(line: dict[str, Any]) -> None:
    """The line for people: percents of seat-rounds and of rounds."""
    rejected = 100 * line.get("honest rejected", 0) / line["honest"]
    passed, void = (100 * line.get(key, 0) / line["rounds"] for key in ("rounds with an attacker passed", "void"))
    name = f"{line['attack']} {line['share']} % by {line['attackers']}{' live' if line.get('live') else ''}"
    print(
        f"{line['seats']:3} {line['weights']:9} {line['data']:7} {name:24} honest rejected {rejected:5.1f} %,"
        f" attackers pass {passed:5.1f} %, void {void:5.1f} %",
        flush=True,
    )


def summarise(lines: Sequence[dict[str, Any]]) -> None:
    """Over all crews, for each attack and share: the mean and the worst crew."""
    print(f"\n{'':16} {'honest rejected':>20} {'attackers pass':>20}   (percent: mean, worst)")
    for attack, share in dict.fromkeys((line["attack"], line["share"]) for line in lines if not line.get("live")):
        rows = [line for line in lines if (line["attack"], line["share"]) == (attack, share) and not line.get("live")]
        rejected = [100 * line.get("honest rejected", 0) / line["honest"] for line in rows]
        passed = [100 * line.get("rounds with an attacker passed", 0) / line["rounds"] for line in rows]
        print(
            f"{attack:10} {share:3} % {np.mean(rejected):12.2f} {max(rejected):7.1f}"
            f" {np.mean(passed):12.2f} {max(passed):7.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="bench", help="model and batch (presets.py)")
    parser.add_argument("--seats", type=int, nargs="+", default=[3, 4, 8, 16])
    parser.add_argument("--weights", nargs="+", default=["equal", "heavy", "doubling"])
    parser.add_argument("--data", nargs="+", default=["even", "uneven"])
    parser.add_argument(
        "--steered", help="weights that steer one run, which serves all --weights; else each has its own"
    )
    parser.add_argument("--rounds", type=int, default=120, help="length of the run's schedule")
    parser.add_argument("--heights", type=int, nargs=2, default=[0, 120], help="first that is played, and end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--live", action="store_true", help="attackers with 40 and 45 %% act, instead of variants")
    parser.add_argument("--json", type=Path, default=ROOT / "runs" / "gate-study.json")
    arguments = parser.parse_args()
    workshop = Workshop(arguments.preset, arguments.rounds)
    heights, seed = range(*arguments.heights), arguments.seed
    steering = [arguments.steered] if arguments.steered else arguments.weights
    print(f"{workshop.count:,} parameters, heights {heights} of {arguments.rounds}; {describe_numerics()}", flush=True)
    lines: list[dict[str, Any]] = []
    for values in product(arguments.seats, steering, arguments.data):
        crew = Crew(*values)
        if arguments.live:
            keys = [(attack, share, 1 if attack == "sign" else 2) for attack, share in product(ATTACKS, (40, 45))]
            found = [study_live(workshop, crew, seed, heights, key) for key in keys]
        else:
            kinds = arguments.weights if arguments.steered else [crew.weights]
            found = list(study(workshop, crew, seed, heights, kinds))
        for line in found:
            print_line(line)
        lines += found
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"numerics": describe_numerics(), "parameters": workshop.count, "date": time.strftime("%Y-%m-%d")}
        arguments.json.write_text(json.dumps({**report, "lines": lines}, indent=1) + "\n")
    summarise(lines)


if __name__ == "__main__":
    main()
