"""What cheating pays: the formula against counting, against a simulation of draws and pay, and what a deploy says."""

from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.bench.economics import make_odds, play, simulate
from trainer.cli.deploy import warn_of_cheating
from trainer.protocol.checks import CheckRules
from trainer.protocol.constants import FIRST_ROUND
from trainer.protocol.types import Parameters
from trainer.roles.economics import Odds, compute_break_even, count_unchecked, estimate_odds
from trainer.roles.plan import CHECKS, SHORT_CHECKS
from trainer.roles.windows import Windows, compute_windows

Say = Callable[..., str]
ODDS = Odds(checked=1000, chance=1 / 32, vesting=200, judging=60, fresh=8)
odds = st.builds(
    Odds,
    checked=st.integers(1, 3000),
    chance=st.floats(0.001, 0.9),
    vesting=st.integers(0, 4000),
    judging=st.integers(0, 300),
    fresh=st.integers(0, 20),
)


def make_parameters(windows: Windows, heights: int) -> Parameters:
    return Parameters(
        genesis_root=bytes(32),
        spec_digest=bytes(32),
        parameter_count=1024,
        weight_unit=10**18,
        min_weight=1,
        peak_step=1,
        warmup=1,
        decay=1,
        total_heights=heights,
        reward_per_round=1,
        check_reward=8,
        challenge_bond=1,
        invitation_only=False,
        **asdict(windows),
    )


# ---------------------------------------------------------------------- the formula


@given(st.integers(1, 80), st.integers(1, 40))
def test_the_unchecked_heights_are_those_without_a_draw_seed(epoch: int, depth: int) -> None:
    rules = replace(CHECKS, epoch=epoch, depth=depth)
    drawn = next(round_id for round_id in count(FIRST_ROUND) if rules.find_seed_round(round_id) is not None)
    assert count_unchecked(rules) == drawn - FIRST_ROUND


def test_of_a_run_that_ends_before_anything_is_safe_a_cheat_keeps_what_no_check_follows() -> None:
    kept = sum((1 - ODDS.chance) ** left for left in range(1, 101)) / 100
    assert compute_break_even(replace(ODDS, checked=100)) == pytest.approx(1 - kept)


def test_in_a_long_run_it_is_what_the_last_rounds_of_a_cycle_earn() -> None:
    # A cycle of 8 rounds that nobody checks and of 2 on average; of its last 5 the pay is not safe when it is judged.
    assert compute_break_even(Odds(10**6, 0.5, 65, 60, 8)) == pytest.approx(5 / 10, rel=1e-4)
    # ... of its last 9: once in two it is found in the first that is checked.
    assert compute_break_even(Odds(10**6, 0.5, 69, 60, 8)) == pytest.approx((8 + 1) / 10, rel=1e-4)


def test_nothing_is_lost_by_whom_nobody_judges_in_time() -> None:
    assert compute_break_even(replace(ODDS, vesting=ODDS.judging)) == 0
    assert compute_break_even(replace(ODDS, checked=0)) == 0


@given(odds)
def test_more_checks_longer_vesting_and_quicker_judging_never_make_cheating_pay_more(found: Odds) -> None:
    before = compute_break_even(found)
    assert 0 <= before <= 1
    for better in (
        replace(found, chance=1.1 * found.chance),
        replace(found, vesting=found.vesting + 1),
        replace(found, judging=max(0, found.judging - 1)),
    ):
        assert compute_break_even(better) >= before - 1e-9


# ---------------------------------------------------------------------- the simulation


def test_a_simulated_run_by_hand() -> None:
    # One of two seats is checked whenever it can be, from height 15 on. Found there it is condemned after 17, back and
    # found in 21, back in 27, no target before 29 since it was benched eight rounds before, found, and again in 35.
    rules = replace(SHORT_CHECKS, rate=1)
    assert play(rules, 40, 2, vesting=3, judging=2, dice=np.random.default_rng(1)) == (6, 2)
    assert play(rules, 40, 2, vesting=4, judging=2, dice=np.random.default_rng(1)) == (6, 1)
    assert play(rules, 40, 2, vesting=2, judging=2, dice=np.random.default_rng(1)) == (26, 26)


@pytest.mark.parametrize(
    ("rate", "heights", "vesting", "judging"),
    [
        (16, 1000, 25, 17),
        (16, 1000, 64, 17),
        (32, 1000, 96, 17),
        (32, 1000, 128, 68),
        (32, 400, 5000, 17),
        (64, 1000, 96, 68),
    ],
)
def test_it_is_what_a_simulated_cheat_forfeits(rate: int, heights: int, vesting: int, judging: int) -> None:
    rules, seats = replace(SHORT_CHECKS, rate=rate), 16
    found, error = simulate(rules, heights, seats, vesting, judging, runs=400, seed=1)
    assert error < 0.01
    expected = compute_break_even(make_odds(rules, heights, seats, vesting, judging))
    # The end of a run comes into the formula as if no cheat were just out: a percent at the most, in runs so long.
    assert found == pytest.approx(expected, abs=3 * error + 0.01)


# ---------------------------------------------------------------------- what a deploy says


def test_rounds_are_counted_at_the_pace_of_equal_machines() -> None:
    parameters = make_parameters(compute_windows(8, 0.5, 400, 300, 100), 1000)
    # 1,000 s of rounds of 10 s, each of which leaves 2 s for the 17 trainings of a dispute.
    assert estimate_odds(parameters, CHECKS, 8, 0.5) == Odds(874, pytest.approx(1 / 32, rel=0.02), 100, 68, 8)
    # Where training is short, a round is mostly waiting for two blocks: here 0.5 s and 2 s.
    assert estimate_odds(parameters, CHECKS, 0.5, 1) == Odds(874, pytest.approx(1 / 32, rel=0.02), 400, 5, 8)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def say(
        training: float, window: int, heights: int, rules: CheckRules = CHECKS, *, is_devnet: bool = False, pay: int = 1
    ) -> str:
        parameters = make_parameters(compute_windows(training, 0.5, window, window, window), heights)
        warn_of_cheating(replace(parameters, reward_per_round=pay), rules, training, 0.5, is_devnet)
        return capsys.readouterr().err

    return say


def test_nothing_is_said_where_cheating_does_not_pay(say: Say) -> None:
    assert say(30, 43_200, 10_000) == ""


def test_a_devnets_pay_is_safe_before_a_dispute_is_judged(say: Say) -> None:
    found = (
        "pay is safe after 9 rounds, and a dispute is judged after about 68: who cheats keeps all pay; "
        "a longer --challenge-window helps\n"
    )
    assert say(8, 30, 40, SHORT_CHECKS, is_devnet=True) == f"on this devnet {found}"
    assert say(8, 30, 40, SHORT_CHECKS) == f"warning: {found}"
    assert say(8, 30, 40, SHORT_CHECKS, pay=0) == ""


def test_a_run_without_checks(say: Say) -> None:
    found = "warning: the run ends before anybody is drawn to check: who cheats keeps all pay\n"
    assert say(30, 43_200, 14, SHORT_CHECKS) == found
    assert say(30, 43_200, 15, SHORT_CHECKS) != found


@pytest.mark.parametrize(
    ("window", "heights", "rules", "words"),
    [
        (1300, 10_000, CHECKS, "104 rounds, who saves more than 66 % of"),
        (43_200, 100, SHORT_CHECKS, "3456 rounds, who saves more than 66 % of"),
    ],
)
def test_it_says_from_which_saving_on_cheating_pays(
    say: Say, window: int, heights: int, rules: CheckRules, words: str
) -> None:
    said = say(30, window, heights, rules)
    assert said.startswith(f"warning: with checks of one in 32 and pay that is safe after {words} the pay in work may")
    # Pay that is not safe before the run is over cannot be made safer.
    assert ("--challenge-window" in said) == (heights == 10_000)
