"""From measured agreements to the settings of a run's checks: how deep a replay, how large a sample, which threshold.

Statistics of a bench, in percent and floats; nobody's consensus. Values spread over rounds and seats, and a sample of n
bits adds sqrt(p (1 - p) / n). A margin is a distance in such standard deviations, in the worst group: the moment of the
run and the pair of numerics in which honest work agrees least, or the cheat most.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainer.roles.agreement import DEPTHS, HONEST, MOMENTUM_ONLY, OWN_COPY, WINDOW, Agreement, Cheat

SAMPLES = (512, 1024, 2048, 4096)  # the sealed header holds 4,096
# Margins with which a depth is called enough: of honest checks one in three million fails; a cheat is checked again and
# again, so it may pass one in a hundred and sixty.
SAFE_HONEST, SAFE_CHEAT = 5.0, 2.5
THRESHOLDS = range(51, 100)


@dataclass(frozen=True)
class Spread:
    """Agreements in percent. worst: mean of the worst group; deviation: within groups; error: that of `worst`;
    extreme: the single worst.
    """

    count: int
    worst: float
    deviation: float
    error: float
    extreme: float

    def compute_deviation(self, sample: int) -> float:
        """Of what a sample of so many bits finds; 0 = all bits."""
        share = self.worst / 100
        return math.hypot(self.deviation, 100 * math.sqrt(share * (1 - share) / sample) if sample else 0.0)

    def compute_margin(self, threshold: float, sample: int) -> float:
        """How many standard deviations it lies above the threshold; negative below."""
        deviation = self.compute_deviation(sample)
        return (self.worst - threshold) / deviation if deviation else math.copysign(math.inf, self.worst - threshold)

    def compute_pass(self, threshold: float, sample: int) -> float:
        """Share of the samples that reach the threshold, if the spread is normal."""
        return 0.5 * math.erfc(-self.compute_margin(threshold, sample) / math.sqrt(2))


@dataclass(frozen=True)
class Choice:
    """The best threshold (percent) of a depth and a sample size, and its margins to honest work and to the mildest
    cheat that saves work.
    """

    depth: int
    sample: int
    threshold: int
    honest_margin: float
    cheat_margin: float

    @property
    def safety(self) -> float:
        """The smaller of both, in the margins that are enough: 1 and more is safe."""
        return min(self.honest_margin / SAFE_HONEST, self.cheat_margin / SAFE_CHEAT)


@dataclass(frozen=True)
class Advice:
    """What to set. `recheck`: the threshold over all bits in a dispute. is_safe: whether both margins are enough."""

    choice: Choice
    recheck: int
    is_safe: bool


class Findings:
    """Agreements of a bench, by what they are about."""

    def __init__(self, agreements: Sequence[Agreement], cheats: Sequence[Cheat], parameter_count: int) -> None:
        self._values: dict[tuple[str, int], list[Agreement]] = defaultdict(list)
        for each in agreements:
            self._values[each.kind, each.depth].append(each)
        self._saving = [*(cheat.name for cheat in cheats if cheat.work < 1), MOMENTUM_ONLY, OWN_COPY]
        self.cheats = [*(cheat.name for cheat in cheats), MOMENTUM_ONLY, OWN_COPY]
        self.largest_sample = min(max(SAMPLES), parameter_count)

    def get_honest(self, depth: int) -> Spread:
        """Of honest work with replays of so many heights."""
        found = self._values[HONEST, depth]
        return compute_spread(found, [found], is_cheat=False)

    def get_cheat(self, kind: str, depth: int) -> Spread:
        """Of a cheat. Where it was not compared at a depth, at the next larger one: there it agrees rather more. It
        spreads alike at all.
        """
        measured = {d: found for (k, d), found in self._values.items() if k == kind}
        found = measured[min(d for d in measured if d >= depth)]
        return compute_spread(found, list(measured.values()), is_cheat=True)

    def get_mildest(self, depth: int) -> tuple[str, Spread]:
        """The cheat that saves work and agrees most."""
        found = {kind: self.get_cheat(kind, depth) for kind in self._saving}
        name = max(found, key=lambda kind: found[kind].worst)
        return name, found[name]

    def choose(self, depth: int, sample: int) -> Choice:
        """The best threshold of a depth."""
        honest, (_, cheat) = self.get_honest(depth), self.get_mildest(depth)
        return max(
            (
                Choice(depth, sample, t, honest.compute_margin(t, sample), -cheat.compute_margin(t, sample))
                for t in THRESHOLDS
            ),
            key=lambda choice: choice.safety,
        )

    def advise(self) -> Advice:
        """The least depth that is safe, else the safest there is. The sample is the largest: it is sent anyway."""
        choices = [self.choose(depth, self.largest_sample) for depth in DEPTHS]
        safe = [choice for choice in choices if choice.safety >= 1]
        best = safe[0] if safe else max(choices, key=lambda choice: choice.safety)
        return Advice(best, self.choose_recheck(best), bool(safe))

    def choose_recheck(self, choice: Choice) -> int:
        """The best threshold of a dispute, at most the sample's. Who judges it starts twice as deep, and compares with
        all bits of the target and with the checker's sample.
        """
        depth = min(2 * choice.depth, WINDOW)
        honest, (_, cheat), checker = self.get_honest(depth), self.get_mildest(depth), self.get_honest(choice.depth)
        return max(
            range(min(THRESHOLDS), choice.threshold + 1),
            key=lambda t: min(
                honest.compute_margin(t, 0) / SAFE_HONEST,
                checker.compute_margin(t, choice.sample) / SAFE_HONEST,
                -cheat.compute_margin(t, 0) / SAFE_CHEAT,
            ),
        )

    def compute_caught(self, depth: int, threshold: int, sample: int) -> Mapping[str, float]:
        """Share of the checks of each cheat that disagree."""
        return {kind: 1 - self.get_cheat(kind, depth).compute_pass(threshold, sample) for kind in self.cheats}

    def get_groups(self, kind: str, depth: int) -> Mapping[tuple[int, str, str], Sequence[float]]:
        """Percent, by first height of the window and the numerics of seat and replay."""
        return _group(self._values[kind, depth])


def compute_spread(agreements: Sequence[Agreement], cells: Sequence[Sequence[Agreement]], *, is_cheat: bool) -> Spread:
    """Of agreements that are worst where they are least, for a cheat most. cells: those whose groups the deviation is
    pooled from; where each group is a single value, all are one.
    """
    choose = max if is_cheat else min
    worst = choose(_group(agreements).values(), key=_mean)
    groups = [group for cell in cells for group in _group(cell).values()]
    if all(len(group) == 1 for group in groups):
        groups = [[value for group in groups for value in group]]
    free = sum(len(group) - 1 for group in groups)
    squares = sum((value - _mean(group)) ** 2 for group in groups for value in group)
    deviation = math.sqrt(squares / max(free, 1))
    extreme = choose(100 * each.share for each in agreements)
    return Spread(len(agreements), _mean(worst), deviation, deviation / math.sqrt(len(worst)), extreme)


def _group(agreements: Iterable[Agreement]) -> dict[tuple[int, str, str], list[float]]:
    groups: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    for each in agreements:
        groups[each.start, each.seat_numerics, each.replay_numerics].append(100 * each.share)
    return groups


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
