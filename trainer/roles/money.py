"""What a new run pays, asks for and holds where its deployer does not choose, in terms of the weight unit."""

from __future__ import annotations

from dataclasses import dataclass

REWARD_SHARE = 100  # a round pays all seats together the hundredth part of a weight unit
CHECK_ROUNDS = 8  # a cross-check earns as much as so many rounds: it is as much work
BOND_UNITS = 10  # weight units: a challenge costs as much as a seat of that weight


@dataclass(frozen=True)
class Money:
    """Wei; names as in `Parameters`."""

    reward_per_round: int
    check_reward: int
    challenge_bond: int


def compute_money(weight_unit: int, reward: int | None, check_reward: int | None, bond: int | None) -> Money:
    """What was chosen, and the defaults for the rest. All in wei."""
    reward = max(weight_unit // REWARD_SHARE, 1) if reward is None else reward
    return Money(
        reward_per_round=reward,
        check_reward=CHECK_ROUNDS * reward if check_reward is None else check_reward,
        challenge_bond=BOND_UNITS * weight_unit if bond is None else bond,
    )


def compute_fund(money: Money, heights: int) -> int:
    """Wei that pay all rounds of a run, and as many cross-checks as one seat in eight can do."""
    return heights * (money.reward_per_round + money.check_reward // CHECK_ROUNDS)
