"""What every run with an adversary has in common, in memory and on a devnet: `mlp` on digits, five honest seats, and
everybody checks somebody in each round, so that a short run shows what checks do.
"""

from __future__ import annotations

from trainer.protocol.checks import CheckRules

PRESET, BATCH, HEIGHTS = "digits", 32, 10
# Replays are exact up to height 4, where they begin with the run. Honest ones agree in 98 % and more after that, the
# mildest cheat (6 of 8 steps) in 81 %.
RULES = CheckRules(rate=1, epoch=1, depth=4, sample=1024, agreement=95, recheck=94)
# Parameters by name. Nothing becomes safe during a run; a check earns little, so that the pay tells who worked.
MONEY = {"reward_per_round": 10**12, "check_reward": 10**10}  # wei
FUND = 2 * HEIGHTS * sum(MONEY.values())
TIMES = {"challenge_window": 2_000, "answer_window": 50, "settle_window": 50, "leave_delay": 120, "ring": 128}
