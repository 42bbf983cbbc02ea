"""What cheating pays: what a run's parameters make of a seat that saves work and hopes not to be checked
(docs/security.md, What cheating pays). Estimates for people; nothing of it is consensus, so floats will do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.protocol.checks import CheckRules
from trainer.protocol.constants import FIRST_ROUND
from trainer.protocol.types import Parameters
from trainer.roles.checking import DISPUTE_DEPTHS
from trainer.roles.windows import PACE

BLOCKS = 2  # of a round are not training, however short that is


@dataclass(frozen=True)
class Odds:
    """What awaits a seat that cheats in every round. Times in rounds, none of them void.

    checked: heights of the run from the first on for which anybody is drawn. chance: that a round's work is checked and
    found wrong. vesting: from finality until pay is safe. judging: from a check that found a cheat to its condemnation.
    fresh: after its return, in which a seat is no target yet.
    """

    checked: int
    chance: float
    vesting: int
    judging: int
    fresh: int


def estimate_odds(parameters: Parameters, rules: CheckRules, training_seconds: float, block_seconds: float) -> Odds:
    """The odds in a run of many seats of equal weight, against a cheat that every sample shows, and if all machines are
    alike: each trains in `training_seconds`, and judges disputes in what is left of a round.
    """
    pace = max(PACE * training_seconds, training_seconds + BLOCKS * block_seconds)
    replay = (DISPUTE_DEPTHS * rules.depth + 1) * training_seconds
    return Odds(
        checked=max(0, parameters.total_heights - count_unchecked(rules)),
        # Each of n others draws with 1 / rate, and then this seat with 1 / n; where n is small, the chance is larger.
        chance=-math.expm1(-1 / rules.rate),
        vesting=int(parameters.horizon / pace),
        judging=math.ceil(replay / (pace - training_seconds)),
        fresh=rules.depth,
    )


def count_unchecked(rules: CheckRules) -> int:
    """How many heights a run has, if no round is void, before anybody is drawn."""
    seed = rules.epoch * math.ceil(FIRST_ROUND / rules.epoch)
    return rules.epoch * math.ceil((seed + rules.depth) / rules.epoch) - FIRST_ROUND


def compute_break_even(odds: Odds) -> float:
    """Which share of its pay a seat must save in work for cheating in every round to earn more than honesty, where
    honest work costs all its pay: the share that it forfeits. 0 = cheating always pays.

    From one return to the next check that finds it a cheat works `fresh` rounds and 1 / chance more, on average. Then
    it knows, and stops: so that it is out costs only the profit of honest work, and when it is condemned, the pay that
    is not safe yet is that of its last `vesting - judging` rounds. The last rounds of a run have fewer after them in
    which a check can find it.
    """
    if not odds.checked:
        return 0.0
    honest, at_risk = 1 - odds.chance, max(0, odds.vesting - odds.judging)
    lost = min(at_risk, odds.fresh) + (1 - honest ** max(0, at_risk - odds.fresh)) / odds.chance  # rounds of a cycle
    share = lost / (odds.fresh + 1 / odds.chance)
    return sum(min(share, 1 - honest**left) for left in range(1, odds.checked + 1)) / odds.checked
