"""The accepted set: who is available, who passes the gate, and whether that may be voted for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trainer.protocol import acceptance
from trainer.protocol.acceptance import Gate, compute_accepted, compute_available, is_available, is_votable
from trainer.protocol.gradient import pack_bits

weights_of = st.integers(1, 255)


def pack(rows: np.ndarray) -> list[bytes]:
    return [pack_bits(row, np.zeros(len(row), bool), 0) for row in rows]


def naive_gate(rows: np.ndarray, weights: list[int]) -> tuple[list[int], int, set[int]]:
    """The rule restated over +1 and -1."""
    signs = np.where(rows, -1, 1).tolist()
    n, count = len(signs), rows.shape[1]
    c = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in signs] for a in signs]
    for i in range(n):
        c[i][i] = max((c[i][j] for j in range(n) if j != i), default=count)

    def median(values: list[int]) -> int:
        light = [
            x for x in values if 2 * sum(w for v, w in zip(values, weights, strict=True) if v <= x) >= sum(weights)
        ]
        return min(light)

    scores = [median(row) for row in c]
    middle = median(scores)
    return scores, middle, {i for i, score in enumerate(scores) if score > 0 and Fraction(score) > Fraction(middle, 2)}


@st.composite
def crowds(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """Gradients of up to seven seats around one or two directions, with their weights."""
    count, n = draw(st.integers(1, 90)), draw(st.integers(1, 7))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    directions = dice.random((2, count)) < 0.5
    sides = dice.integers(0, 2, n)
    noise = dice.random((n, count)) < dice.choice([0.1, 0.3, 0.5])
    return directions[sides] ^ noise, draw(st.lists(weights_of, min_size=n, max_size=n))


@given(crowd=crowds())
def test_the_gate_is_its_definition(crowd: tuple[np.ndarray, list[int]]) -> None:
    rows, weights = crowd
    gate = compute_accepted(dict(enumerate(pack(rows))), dict(enumerate(weights)), rows.shape[1])
    scores, median, passed = naive_gate(rows, weights)
    assert gate == Gate(dict(enumerate(scores)), median, frozenset(passed))


@given(crowd=crowds(), order=st.randoms(use_true_random=False), factor=st.integers(2, 9))
def test_names_order_and_unit_of_weight_decide_nothing(crowd: tuple, order: object, factor: int) -> None:
    rows, weights = crowd
    names = order.sample(range(256), len(weights))  # type: ignore[attr-defined]
    bits = pack(rows)
    plain = compute_accepted(dict(enumerate(bits)), dict(enumerate(weights)), rows.shape[1])
    named = compute_accepted(
        dict(zip(names, bits, strict=True)),
        {name: factor * w for name, w in zip(names, weights, strict=True)},
        rows.shape[1],
    )
    assert named.passed == {names[seat] for seat in plain.passed}
    assert named.median == plain.median


def honest_rows(n: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gradients that agree in 70 % of the bits with a hidden direction (16 % of P among them), and that direction."""
    dice = np.random.default_rng(seed)
    direction = dice.random(count) < 0.5
    return direction ^ (dice.random((n, count)) < 0.3), direction


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("attack", ["flip", "common direction", "noise"])
@pytest.mark.parametrize(("honest", "attackers"), [(3, [20]), (4, [13, 13]), (8, [17, 17, 17])])
def test_attackers_with_forty_percent_stay_out(seed: int, attack: str, honest: int, attackers: list[int]) -> None:
    """Honest seats have weight 10 each; the attackers have 39 to 40 % of all weight."""
    count = 20_000
    rows, direction = honest_rows(honest, count, seed)
    dice = np.random.default_rng(100 + seed)
    wrong = {
        "flip": ~direction ^ (dice.random((len(attackers), count)) < 0.3),
        "common direction": np.tile(dice.random(count) < 0.5, (len(attackers), 1)),
        "noise": dice.random((len(attackers), count)) < 0.5,
    }[attack]
    bits = pack(np.concatenate([rows, wrong]))
    gate = compute_accepted(dict(enumerate(bits)), dict(enumerate([10] * honest + attackers)), count)
    assert gate.passed == set(range(honest))


@pytest.mark.parametrize("heavy", [4, 60, 255])
def test_a_seat_with_more_weight_than_all_others_does_not_reject_them(heavy: int) -> None:
    """As c(i, i) = P it would: everybody else's score lies far below half of its own."""
    rows, _ = honest_rows(4, 20_000, 1)
    gate = compute_accepted(dict(enumerate(pack(rows))), {0: heavy, 1: 1, 2: 1, 3: 1}, 20_000)
    assert gate.passed == {0, 1, 2, 3}


def test_a_score_of_half_the_median_does_not_pass() -> None:
    """Strictly above half."""
    count = 64
    base = np.zeros((3, count), bool)
    base[2, :24] = True  # c(0,1) = 64, c(0,2) = c(1,2) = 64 - 48 = 16
    gate = compute_accepted(dict(enumerate(pack(base))), {0: 1, 1: 1, 2: 1}, count)
    assert (gate.scores, gate.median, gate.passed) == ({0: 64, 1: 64, 2: 16}, 64, {0, 1})
    base[2, 16:24] = False  # c(0,2) = 64 - 32 = 32: exactly half
    assert compute_accepted(dict(enumerate(pack(base))), {0: 1, 1: 1, 2: 1}, count).passed == {0, 1}
    base[2, 15] = False  # c(0,2) = 34
    assert compute_accepted(dict(enumerate(pack(base))), {0: 1, 1: 1, 2: 1}, count).passed == {0, 1, 2}


def test_a_score_of_zero_does_not_pass_even_above_the_median() -> None:
    rows = np.zeros((4, 48), bool)
    for seat in range(3):
        rows[seat, 16 * seat : 16 * (seat + 1)] = True  # seats 0, 1, 2 agree in a third of the bits: c = -16
    rows[3, ::2] = True  # c = 0 with everybody
    gate = compute_accepted(dict(enumerate(pack(rows))), dict.fromkeys(range(4), 1), 48)
    assert gate == Gate({0: -16, 1: -16, 2: -16, 3: 0}, -16, frozenset())


def test_a_lone_candidate_passes_and_none_gives_nobody() -> None:
    assert compute_accepted({7: pack(np.zeros((1, 5), bool))[0]}, {7: 1}, 5) == Gate({7: 5}, 5, frozenset({7}))
    assert compute_accepted({7: pack(np.zeros((1, 5), bool))[0]}, {7: 1}, 5).accepted == 1 << 7
    assert compute_accepted({}, {}, 5) == Gate({}, 0, frozenset())


def test_correlations_of_large_gradients() -> None:
    """More words than one block: 300,001 parameters, counted by Python's own integers."""
    count = 300_001
    bits = pack(np.random.default_rng(5).random((3, count)) < 0.5)
    numbers = [int.from_bytes(b, "little") for b in bits]
    table = acceptance.compute_correlations(bits, count)
    for i in range(3):
        for j in range(3):
            if i != j:
                assert table[i, j] == count - 2 * (numbers[i] ^ numbers[j]).bit_count()
        assert table[i, i] == max(table[i, j] for j in range(3) if j != i)


def test_opposites_of_several_blocks_differ_in_all_bits() -> None:
    """The most that a block can add up to, twice, and a rest."""
    count = 2 * 4096 * 64 + 77
    table = acceptance.compute_correlations(pack(np.array([[False], [True], [False]]).repeat(count, axis=1)), count)
    assert table.dtype == np.int64
    assert table.tolist() == [[count, -count, count], [-count, -count, -count], [count, -count, count]]


@given(pairs=st.lists(st.tuples(st.integers(-50, 50), weights_of), min_size=1, max_size=12))
def test_the_lower_median(pairs: list[tuple[int, int]]) -> None:
    """At least half lies at or below it, less than half lies below it."""
    values, weights = [v for v, _ in pairs], [w for _, w in pairs]
    x = acceptance.compute_lower_median(values, weights)
    assert x in values
    assert 2 * sum(w for v, w in pairs if v <= x) >= sum(weights)
    assert 2 * sum(w for v, w in pairs if v < x) < sum(weights)


def test_the_median_is_the_lower_one() -> None:
    assert acceptance.compute_lower_median([4, 1, 3, 2], [1, 1, 1, 1]) == 2
    assert acceptance.compute_lower_median([1, 2], [1, 1]) == 1
    assert acceptance.compute_lower_median([1, 2], [1, 2]) == 2
    with pytest.raises(ValueError, match="nothing"):
        acceptance.compute_lower_median([], [])


@given(
    haves=st.dictionaries(st.integers(0, 255), st.integers(0, 2**256 - 1), min_size=1, max_size=9),
    data=st.data(),
)
def test_available_is_more_than_half_of_the_revealed_weight(haves: dict[int, int], data: st.DataObject) -> None:
    weights = {seat: data.draw(weights_of) for seat in haves} | {300: 10_000}  # who did not reveal does not count
    total = sum(weights[seat] for seat in haves)
    available = compute_available(haves, weights)
    for seat in range(256):
        claimed = sum(weights[holder] for holder, bitmap in haves.items() if bitmap & 1 << seat)
        assert (seat in available) == (Fraction(claimed, total) > Fraction(1, 2))
        assert is_available(seat, haves, weights) == (seat in available)


def test_half_is_not_available() -> None:
    haves = {0: 0b11, 1: 0b01}
    assert compute_available(haves, {0: 5, 1: 5}) == {0}
    assert compute_available(haves, {0: 6, 1: 5}) == {0, 1}
    assert compute_available({}, {}) == frozenset()


def test_more_than_half_of_the_base_may_be_voted_for() -> None:
    assert [is_votable(weight, 10) for weight in (4, 5, 6)] == [False, False, True]
    assert [is_votable(weight, 11) for weight in (5, 6)] == [False, True]


@given(bitmap=st.integers(0, 2**256 - 1))
def test_bitmaps(bitmap: int) -> None:
    assert acceptance.compute_bitmap(acceptance.compute_members(bitmap)) == bitmap


def test_dirty_padding_and_wrong_lengths_are_refused() -> None:
    """Padding is part of no vote; the caller has had it checked (`decode_plaintext`)."""
    good = pack(np.zeros((1, 60), bool))[0]
    for bad in (bytes(7) + b"\x10" + bytes(120), good + bytes(128), good[:-8]):
        with pytest.raises(ValueError, match="packed bits"):
            compute_accepted({0: good, 1: bad}, {0: 1, 1: 1}, 60)


@given(crowd=crowds())
def test_a_copy_never_scores_below_its_original(crowd: tuple[np.ndarray, list[int]]) -> None:
    rows, weights = crowd
    assume(len(weights) > 1)
    both = np.concatenate([rows, rows[:1]])
    gate = compute_accepted(dict(enumerate(pack(both))), dict(enumerate([*weights, weights[0]])), rows.shape[1])
    assert gate.scores[0] == gate.scores[len(weights)]
