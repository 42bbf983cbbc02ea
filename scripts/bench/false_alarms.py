#!/usr/bin/env python3
"""False alarms of the cross-checks, and what they catch: honest work and cheats, checked with other numerics.

scripts/bench/false_alarms.py                                          10,000 honest checks of each depth: an hour
scripts/bench/false_alarms.py --heights 20 --seats 3 --replays 10      two minutes of processor, to try it

A check is a replay of a seat's round, begun cold `depth` heights before in one of five numerics, a sample of it at the
positions of a draw, and, where that disagrees, the judgement of a dispute by replays from twice that depth. One judge
who accuses counts, though one condemns nobody. Rounds in which the rules draw nobody (the first epochs) are left out.
Checks that share a replay differ by their draw only: both numbers are told. If anybody honest is accused, it ends with
1. Figures go to runs/bench-false-alarms.json, too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# On one of four devices training gives the bits that it gives in a process with one device.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=4")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from checked_run import CheckedRun, Place, make_wide_plan  # noqa: E402

from trainer.cli.progress import Progress  # noqa: E402
from trainer.learn.local_training import describe_numerics, use_compile_cache  # noqa: E402
from trainer.protocol.checks import CheckRules, Draw, count_sample, pick_sample  # noqa: E402
from trainer.protocol.constants import FIRST_ROUND  # noqa: E402
from trainer.protocol.disputes import Dispute, judge_dispute  # noqa: E402
from trainer.protocol.gradient import count_agreeing  # noqa: E402
from trainer.roles.agreement import HONEST  # noqa: E402
from trainer.roles.checking import DISPUTE_DEPTHS  # noqa: E402
from trainer.roles.economics import PACE  # noqa: E402
from trainer.roles.plan import choose_checks  # noqa: E402

RATES = (16, 32, 64)
IDLE = PACE - 1  # trainings for which a usual round leaves time: disputes are judged in it


@dataclass(frozen=True)
class Found:
    """One replay against what a seat handed in. kind: HONEST or a cheat's. percent: of all bits; lowest_sample: of the
    worst of the samples. below: samples that disagree; caught: those for which the seat is accused; framed: those for
    which the checker is, who is honest.
    """

    kind: str
    seat: int
    seat_numerics: str
    checker_numerics: str
    height: int
    percent: float
    lowest_sample: float
    below: int
    caught: int
    framed: int

    @property
    def false(self) -> int:
        """Accusations of who is honest."""
        return self.framed + (self.caught if self.kind == HONEST else 0)


class Study:
    """What checks of one depth find. `second`: of judges' replays, by numerics, seat and height, percent of honest work
    that they give again, and seconds. `seconds`: of checkers' replays, by numerics.
    """

    def __init__(self, played: CheckedRun, rules: CheckRules, draws: int) -> None:
        self.rules, self.draws, self._played = rules, draws, played
        self.found: list[Found] = []
        self.distinct: set[bytes] = set()  # bits of the replays
        self.second: dict[tuple[str, int, int], tuple[float, float]] = {}
        self.seconds: dict[str, list[float]] = {name: [] for name in played.numerics}

    def examine(self, place: Place) -> None:
        """One replay, checked by so many draws: against the seat's honest work, and what cheats hand in instead."""
        seat, height, name = place
        played, total = self._played, self._played.count
        again = played.replay(name, seat, height, self.rules.depth)
        self.seconds[name].append(again.seconds)
        self.distinct.add(again.bits)
        draws = [played.make_draw(name, seat, height, number) for number in range(self.draws)]
        positions = [draw.compute_positions(total, self.rules.sample) for draw in draws]
        samples = [pick_sample(again.bits, at, total) for at in positions]
        for kind in (HONEST, *played.kinds):
            if not played.is_checked(kind, seat, height, self.rules):
                continue
            bits = played.work[kind, seat, height]
            agreeing = [count_sample(sample, bits, at, total) for sample, at in zip(samples, positions, strict=True)]
            below = [k for k, at in enumerate(positions) if not self.rules.is_paid(agreeing[k], len(at))]
            accused = [self._judge(kind, draws[k], bits, samples[k], name) for k in below]
            self.found.append(
                Found(
                    kind,
                    seat,
                    played.names[seat],
                    name,
                    height,
                    100 * count_agreeing(again.bits, bits, total) / total,
                    100 * min(agreeing) / len(positions[0]),
                    len(below),
                    sum(seat in each for each in accused),
                    sum(draws[k].checker in each for k, each in zip(below, accused, strict=True)),
                )
            )

    def _judge(self, kind: str, draw: Draw, bits: bytes, sample: bytes, name: str) -> set[int]:
        """Who is accused in the dispute. Over honest work the judges are all other numerics; over a cheat, one of all:
        each costs `2 * depth + 1` trainings.
        """
        played, seat, height = self._played, draw.target, draw.round - FIRST_ROUND
        names, accused = list(played.numerics), set[int]()
        judges = [n for n in names if n != name] if kind == HONEST else [names[(seat + height) % len(names)]]
        for judge in judges:
            again = played.replay(judge, seat, height, DISPUTE_DEPTHS * self.rules.depth)
            same = count_agreeing(again.bits, played.work[HONEST, seat, height], played.count)
            self.second[judge, seat, height] = (100 * same / played.count, again.seconds)
            dispute = Dispute(draw.round, seat, bits, ((draw, sample),))
            accused |= {charge.accused for charge in judge_dispute(played.run, self.rules, dispute, again.bits)}
        return accused


# ---------------------------------------------------------------------- what it comes to


def compute_rounds(chance: float, rate: int) -> tuple[float, float]:
    """Rounds until a seat of average weight is accused: mean, and within how many 19 of 20 are. In each it is checked
    with 1 in `rate`; chance: that its work is accepted and a check of it ends so.
    """
    share = chance / rate
    return (1 / share, math.log(0.05) / math.log1p(-share)) if share else (math.inf, math.inf)


def explain_honest(study: Study) -> list[str]:
    """The table of honest work, by numerics."""
    honest = [each for each in study.found if each.kind == HONEST]
    groups: dict[str, list[Found]] = {}
    for each in sorted(honest, key=lambda each: (each.seat_numerics, each.checker_numerics)):
        groups.setdefault(f"{each.seat_numerics}, {each.checker_numerics}", []).append(each)
    groups["all"] = honest
    groups["differing numerics"] = [each for each in honest if each.seat_numerics != each.checker_numerics]
    groups["differing dtypes"] = [e for e in honest if e.seat_numerics.split()[0] != e.checker_numerics.split()[0]]
    lines = [f"{'honest: seat, checker':<32} replays  checks below accused   lowest: all bits   a sample"]
    for name, found in groups.items():
        below, false = (sum(getattr(each, what) for each in found) for what in ("below", "false"))
        lowest = [min((getattr(e, what) for e in found), default=math.nan) for what in ("percent", "lowest_sample")]
        checks = len(found) * study.draws
        lines.append(f"{name:<32} {len(found):7,} {checks:7,} {below:5} {false:7} {lowest[0]:18.2f} {lowest[1]:10.2f}")
    works = len({(each.seat, each.height) for each in honest})
    return [*lines, f"replays of {works:,} works of a seat in a round; {len(study.distinct):,} differ in their bits"]


def explain_cheats(study: Study, played: CheckedRun) -> list[str]:
    """The table of cheats. Shares of checks; rounds to an accusation as mean / 95 %."""
    heights = played.list_drawn(study.rules)
    rates = "".join(f"{f'at 1/{rate}':>16}" for rate in RATES)
    lines = [f"{'cheat':<32} accepted  checks disagree accused      all bits{rates} (rounds: mean / 95 %)"]
    for kind in played.kinds:
        found = [each for each in study.found if each.kind == kind]
        accepted = fmean((kind, seat, height) in played.streaks for seat in played.seats for height in heights)
        line, checks = f"{kind:<32} {100 * accepted:6.1f} % {len(found) * study.draws:7,}", len(found) * study.draws
        if found:
            below, caught = (sum(getattr(each, what) for each in found) / checks for what in ("below", "caught"))
            percents = [each.percent for each in found]
            line += f" {100 * below:6.1f} % {100 * caught:5.1f} % {min(percents):6.2f} - {max(percents):5.2f}"
            rounds = [compute_rounds(accepted * caught, rate) for rate in RATES]
            line += "".join(f"{f'{mean:,.0f} / {most:,.0f}':>16}" for mean, most in rounds)
        lines.append(line)
    return lines


def explain(study: Study, played: CheckedRun) -> list[str]:
    """All of one depth."""
    rules, deeper = study.rules, DISPUTE_DEPTHS * study.rules.depth
    # Of numerics in which seats trained, too: some are several times slower than others.
    timed = [name for name, taken in played.seconds.items() if taken and study.seconds[name]]
    trainings = fmean(fmean(study.seconds[name]) / fmean(played.seconds[name]) for name in timed)
    train, check = (fmean(s for name in timed for s in each[name]) for each in (played.seconds, study.seconds))
    lowest = min((percent for percent, _ in study.second.values()), default=math.nan)
    judging = fmean([seconds for _, seconds in study.second.values()] or [math.nan])
    shares = ", ".join(f"{100 * trainings / rate:.0f} % at 1/{rate}" for rate in RATES)
    return [
        f"\nDepth {rules.depth}: {rules.sample:,} bits, agreement {rules.agreement} %, recheck {rules.recheck} %\n",
        *explain_honest(study),
        f"judges, from {deeper} heights: honest work agrees in {lowest:.2f} % of all bits or more\n",
        *explain_cheats(study, played),
        f"\na check: {check:.2f} s, {trainings:.1f} trainings of {train:.2f} s ({rules.depth + 1} by the rules)",
        f"of a worker's compute: {shares}",
        f"a dispute: {judging:.2f} s of every judge, {deeper + 1} trainings by the rules",
        f"add {(deeper + 1) / IDLE:.0f} rounds to those above, where a round leaves {IDLE} of a training for disputes",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heights", type=int, default=72, help="of the run that is played")
    parser.add_argument("--seats", type=int, default=5, help="that train by vote; each has one of five numerics")
    parser.add_argument("--replays", type=int, default=1250, help="of each depth, at most all that there are")
    parser.add_argument("--draws", type=int, default=8, help="checks of each replay")
    parser.add_argument("--depths", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--hidden", type=int, nargs="+", default=[384, 224], help="widths of the hidden layers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=ROOT / "runs" / "bench-false-alarms.json")
    arguments = parser.parse_args()
    started = time.process_time()
    use_compile_cache(ROOT / ".cache" / "jax")
    played = CheckedRun(make_wide_plan(arguments.heights, arguments.hidden), arguments.seats, arguments.seed)
    print(f"{played.count:,} parameters, {arguments.seats} seats, {arguments.heights} heights; {describe_numerics()}")
    played.warm_up(Progress(0, is_quiet=False).advance)
    progress = Progress(played.compute_cost(), is_quiet=False)
    played.play(progress.advance)
    progress.close()
    studies = []
    for depth in arguments.depths:
        rules = replace(choose_checks(arguments.heights), depth=depth)
        places = played.choose_places(rules, arguments.replays)
        studies.append(Study(played, rules, arguments.draws))
        progress = Progress(len(places), is_quiet=False)
        for place in places:
            studies[-1].examine(place)
            progress.advance(1.0, f"depth {depth}: seat {place[0]} at height {place[1]}, checked in {place[2]}")
        progress.close()
        print("\n".join(explain(studies[-1], played)), flush=True)
    false = sum(each.false for study in studies for each in study.found)
    print(f"\n{false} accusations of who is honest; {(time.process_time() - started) / 60:.0f} minutes of processor")
    report = {
        "numerics": describe_numerics(),
        "parameters": played.count,
        "seconds_a_round": {name: fmean(taken) for name, taken in played.seconds.items() if taken},
        "depths": [{"rules": asdict(study.rules), "found": [asdict(e) for e in study.found]} for study in studies],
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report) + "\n")
    raise SystemExit(1 if false else 0)


if __name__ == "__main__":
    main()
