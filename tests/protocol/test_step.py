"""The integer step: what the vote does to a parameter, and that nothing depends on order, blocks or width."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.protocol.constants import CHUNK, STEP_LIMIT
from trainer.protocol.step import Schedule, apply_step, compute_total_weight, move

MIN, MAX = -(2**31), 2**31 - 1
edges = st.sampled_from([MIN, MIN + 1, MIN + STEP_LIMIT, -1, 0, 1, MAX - STEP_LIMIT, MAX - 1, MAX])
parameters = st.integers(MIN, MAX) | edges
steps = st.integers(0, STEP_LIMIT - 1) | st.sampled_from([0, 1, STEP_LIMIT - 1])
totals = st.integers(1, 65_280) | st.sampled_from([1, 2, 3, 65_280])


@st.composite
def votes(draw: st.DrawFn) -> tuple[int, int]:
    """(weight of the set bits, WA)."""
    total = draw(totals)
    return draw(st.integers(0, total) | st.sampled_from([0, total // 3, total // 2, 2 * total // 3, total])), total


def one(t: int, vote: tuple[int, int], step: int) -> int:
    return int(move(np.array([t], np.int64), np.array([vote[0]], np.int64), vote[1], step)[0])


@given(t=parameters, vote=votes(), step=steps)
def test_the_step_is_a_clamped_share_rounded_half_up(t: int, vote: tuple[int, int], step: int) -> None:
    share = Fraction(floor(Fraction(vote[0] << 15, vote[1])), 2**14) - 1
    d = floor(max(Fraction(-1), min(Fraction(1), 3 * share)) * step + Fraction(1, 2))
    assert one(t, vote, step) == max(MIN, min(MAX, t - d))


@given(t=parameters, vote=votes(), step=steps)
def test_every_intermediate_fits_int32(t: int, vote: tuple[int, int], step: int) -> None:
    """The same lines in numpy's int32, as JAX runs them without its 64-bit mode: no wrap, the same result."""
    c, total = np.int32(vote[0]), np.int32(vote[1])
    with np.errstate(over="raise"):
        v = (c << np.int32(15)) // total - np.int32(1 << 14)
        g = np.clip(np.int32(3) * v, np.int32(-(1 << 14)), np.int32(1 << 14))
        d = (g * np.int32(step) + np.int32(1 << 13)) >> np.int32(14)
        low, high = np.int32(MIN) + max(d, np.int32(0)), np.int32(MAX) + min(d, np.int32(0))
        result = min(max(np.int32(t), low), high) - d
    assert result.dtype == np.int32
    assert int(result) == one(t, vote, step)


@given(t=parameters, total=totals, step=steps)
def test_a_unanimous_vote_moves_by_the_whole_step(t: int, total: int, step: int) -> None:
    assert one(t, (total, total), step) == max(MIN, t - step)
    assert one(t, (0, total), step) == min(MAX, t + step)


@given(t=parameters, step=steps, half=st.integers(1, 32_640))
def test_a_tie_moves_nothing(t: int, step: int, half: int) -> None:
    assert one(t, (half, 2 * half), step) == t


@given(t=parameters, total=totals, step=steps, a=st.integers(0, 65_280), b=st.integers(0, 65_280))
def test_more_votes_for_down_never_move_up(t: int, total: int, step: int, a: int, b: int) -> None:
    fewer, more = sorted((min(a, total), min(b, total)))
    assert one(t, (more, total), step) <= one(t, (fewer, total), step)


@given(third=st.integers(1, 21_760), step=steps)
def test_two_thirds_are_as_good_as_all(third: int, step: int) -> None:
    """3 V reaches 2^14 within the rounding of V: three units of 2^14 at most."""
    missing = step - (0 - one(0, (2 * third, 3 * third), step))
    assert 0 <= missing <= (3 * step >> 14) + 1


@st.composite
def rounds(draw: st.DrawFn) -> tuple[np.ndarray, list[tuple[bytes, int]], int]:
    chunks, n = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    state = dice.integers(MIN, MAX, chunks * CHUNK, dtype=np.int32, endpoint=True)
    gradients = [(dice.bytes(chunks * 128), draw(st.integers(1, 255))) for _ in range(n)]
    return state, gradients, draw(steps)


@given(case=rounds(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_gradients_does_not_matter(case: tuple, order: object) -> None:
    state, gradients, step = case
    before = state.copy()
    result = apply_step(state, gradients, step)
    shuffled = list(gradients)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert np.array_equal(apply_step(state, shuffled, step), result)
    assert np.array_equal(state, before)
    assert result.dtype == np.int32
    assert result.shape == state.shape


@given(case=rounds())
def test_every_parameter_moves_by_its_own_votes(case: tuple) -> None:
    state, gradients, step = case
    result = apply_step(state, gradients, step)
    total = sum(weight for _, weight in gradients)
    numbers = [(int.from_bytes(bits, "little"), weight) for bits, weight in gradients]
    for i in range(0, len(state), 37):
        c = sum(weight for number, weight in numbers if number >> i & 1)
        assert result[i] == one(int(state[i]), (c, total), step)


@given(bits=st.binary(min_size=128, max_size=128), weight=st.integers(2, 40), step=steps)
def test_a_weight_is_so_many_seats_of_weight_one(bits: bytes, weight: int, step: int) -> None:
    state = np.zeros(CHUNK, np.int32)
    others = [(bytes([0xA5]) * 128, 7)]
    heavy = apply_step(state, [(bits, weight), *others], step)
    assert np.array_equal(heavy, apply_step(state, [(bits, 1)] * weight + others, step))


def test_256_seats_of_full_weight() -> None:
    """WA = 65,280: c << 15 comes closest to 2^31."""
    state = np.array([MIN, MAX] * (CHUNK // 2), np.int32)
    down = apply_step(state, [(b"\xff" * 128, 255)] * 256, STEP_LIMIT - 1)
    assert down.tolist() == [MIN, MAX - STEP_LIMIT + 1] * (CHUNK // 2)
    up = apply_step(state, [(bytes(128), 255)] * 256, STEP_LIMIT - 1)
    assert up.tolist() == [MIN + STEP_LIMIT - 1, MAX] * (CHUNK // 2)


def test_blocks_do_not_show() -> None:
    """More chunks than one block, and not a multiple of it."""
    chunks = 130
    dice = np.random.default_rng(3)
    state = dice.integers(MIN, MAX, chunks * CHUNK, dtype=np.int32)
    gradients = [(dice.bytes(chunks * 128), weight) for weight in (3, 200, 41)]
    whole = apply_step(state, gradients, 70_000)
    for chunk in range(chunks):
        part = [(bits[128 * chunk : 128 * (chunk + 1)], weight) for bits, weight in gradients]
        piece = slice(CHUNK * chunk, CHUNK * (chunk + 1))
        assert np.array_equal(apply_step(state[piece], part, 70_000), whole[piece])


def test_what_is_no_round_is_refused() -> None:
    state, bits = np.zeros(CHUNK, np.int32), bytes(128)
    for broken in (
        lambda: apply_step(state, [], 1),
        lambda: apply_step(state, [(bits, 0)], 1),
        lambda: apply_step(state, [(bits, 256)], 1),
        lambda: apply_step(state, [(bits, 1)] * 257, 1),
        lambda: apply_step(state, [(bytes(127), 1)], 1),
        lambda: apply_step(state, [(bits, 1)], STEP_LIMIT),
        lambda: apply_step(state, [(bits, 1)], -1),
        lambda: apply_step(state.astype(np.int64), [(bits, 1)], 1),
        lambda: apply_step(state[:-1], [(bits, 1)], 1),
        lambda: apply_step(state[:0], [(b"", 1)], 1),
        lambda: compute_total_weight([1, -1, 5]),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            broken()


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    warmup, decay = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return Schedule(draw(st.integers(0, STEP_LIMIT - 1)), warmup, decay, warmup + decay + draw(st.integers(0, 60)))


@given(plan=schedules())
def test_a_schedule_rises_stays_and_falls(plan: Schedule) -> None:
    sizes = [plan.compute_step(height) for height in range(plan.total)]
    assert max(sizes) == plan.peak
    assert sizes[: plan.warmup] == sorted(sizes[: plan.warmup])
    assert set(sizes[plan.warmup - 1 : plan.total - plan.decay + 1]) == {plan.peak}
    assert sizes[-plan.decay :] == sorted(sizes[-plan.decay :], reverse=True)
    assert sizes[0] == plan.peak // plan.warmup
    assert sizes[-1] == plan.peak // plan.decay


@given(plan=schedules(), height=st.integers(-5, 200))
def test_a_finished_run_has_no_step(plan: Schedule, height: int) -> None:
    if not 0 <= height < plan.total:
        with pytest.raises(ValueError, match="no round"):
            plan.compute_step(height)


@pytest.mark.parametrize("bad", [(STEP_LIMIT, 1, 1, 2), (-1, 1, 1, 2), (1, 0, 1, 2), (1, 1, 0, 2), (1, 2, 2, 3)])
def test_what_is_no_schedule_is_refused(bad: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"peak step|warmup"):
        Schedule(*bad)
