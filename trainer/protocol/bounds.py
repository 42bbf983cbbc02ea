"""Bounds of a run's parameters: the twin of the contract's constructor, the same checks in the same order."""

from __future__ import annotations

from trainer.protocol.calls import Revert
from trainer.protocol.constants import STEP_LIMIT
from trainer.protocol.types import FOREVER, Parameters

MIN_RING = 8  # benching looks five rounds back
MAX_PARAMETERS = 1 << 32
MAX_RING = 1 << 16
MAX_WINDOW = 365 * 24 * 3600  # seconds; keeps every deadline inside 32 bits
MAX_AMOUNT = (1 << 96) - 1  # wei; times a weight, and doubled a hundred times, it stays far from any end


def check_parameters(p: Parameters) -> None:
    """Raises Revert BadParameter with the name of the first argument that is out of bounds."""
    _require(0 < p.parameter_count <= MAX_PARAMETERS, "parameterCount")
    _require_window(p.commit_min, "commitMin")
    _require_window(p.grace, "grace")
    _require_window(p.commit_cap, "commitCap")
    _require(p.commit_cap >= p.commit_min, "commitCap")
    _require_window(p.reveal_window, "revealWindow")
    _require_window(p.vote_window, "voteWindow")
    _require_window(p.challenge_window, "challengeWindow")
    _require_window(p.answer_window, "answerWindow")
    _require_window(p.settle_window, "settleWindow")
    # The records of an overturned round are needed until the answer that comes last.
    _require(p.settle_window >= p.answer_window, "settleWindow")
    # So many overturns one after the other could name one seat: their count has eight bits.
    _require(p.challenge_window <= 100 * p.answer_window, "challengeWindow")
    _require_window(p.activate_delay, "activateDelay")
    _require_window(p.leave_delay, "leaveDelay")
    _require(MIN_RING <= p.ring <= MAX_RING and p.ring * p.commit_min >= p.horizon + p.settle_window, "ring")
    _require(p.weight_unit > 0, "weightUnit")
    _require(p.min_weight > 0, "minWeight")
    _require(0 < p.peak_step < STEP_LIMIT, "peakStep")
    _require(0 < p.total_heights < FOREVER, "totalHeights")
    _require(p.warmup > 0, "warmup")
    _require(p.reward_per_round <= MAX_AMOUNT, "rewardPerRound")
    _require(p.check_reward <= MAX_AMOUNT, "checkReward")
    _require(0 < p.challenge_bond <= MAX_AMOUNT, "challengeBond")
    _require(p.decay > 0 and p.warmup + p.decay <= p.total_heights, "decay")


def _require_window(window: int, name: str) -> None:
    _require(0 < window <= MAX_WINDOW, name)


def _require(is_met: bool, name: str) -> None:
    if not is_met:
        raise Revert("BadParameter", name)
