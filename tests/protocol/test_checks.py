"""Blind cross-checks: draws by hand, everybody finds the same, and every corner that a round can have."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.check_scene import CONFIG, ROUND, RULES, Scene, bits_of, key_of
from tests.protocol.machine import COUNT, DOMAINS
from tests.vectors.load import load, raw
from trainer.protocol.checks import (
    CheckRules,
    Draw,
    Finding,
    compute_checked,
    compute_draw,
    count_sample,
    find_checks,
    is_qualified,
    pick_sample,
)
from trainer.protocol.disputes import find_disputes
from trainer.protocol.gradient import NO_SAMPLE
from trainer.protocol.records import Seat

# ---------------------------------------------------------------------- by hand


def by_hand_draw(scene: Scene, seat: int, epoch_start: int) -> tuple[int, bytes] | None:
    """Target and digest, from the words of the document and fractions."""
    seed = sha256(b"seed %d" % epoch_start).digest()
    data = b"comitia.check.v1" + DOMAINS.run + seed + key_of(seat) + seat.to_bytes(2, "big") + ROUND.to_bytes(4, "big")
    digest = sha256(data).digest()
    first, second = (Fraction(int(digest[k : k + 8].hex(), 16), 2**64) for k in (0, 8))
    if first * scene.rules.rate >= 1:
        return None
    seated = scene.run.rounds[ROUND - scene.rules.depth].seated
    tickets = [other for other, weight in sorted(seated.items()) for _ in range(weight) if other != seat]
    return (tickets[floor(second * len(tickets))], digest) if tickets else None


@given(st.dictionaries(st.integers(0, 255), st.integers(1, 255), min_size=1, max_size=6), st.sampled_from([1, 2, 3]))
def test_a_draw_by_hand(weights: dict[int, int], rate: int) -> None:
    scene = Scene(weights, replace(RULES, rate=rate))
    for seat in weights:
        draw, expected = scene.draw(seat), by_hand_draw(scene, seat, 8)
        assert (None if draw is None else (draw.target, draw.digest)) == expected
        assert draw is None or draw.target != seat


def test_the_vectors_by_hand() -> None:
    document = load("checks")
    weights = sorted((seat, weight) for seat, weight in document["weights"])
    for case in document["draws"]:
        place = case["seat"].to_bytes(2, "big") + case["round"].to_bytes(4, "big")
        data = b"comitia.check.v1" + raw(document["runDomain"]) + raw(document["seed"]) + raw(case["key"]) + place
        digest = sha256(data).digest()
        assert digest == raw(case["digest"])
        first, second = (Fraction(int(digest[k : k + 8].hex(), 16), 2**64) for k in (0, 8))
        tickets = [seat for seat, weight in weights for _ in range(weight) if seat != case["seat"]]
        expected = tickets[floor(second * len(tickets))] if first * case["rate"] < 1 else None
        assert case["target"] == expected
    assert {case["target"] is None for case in document["draws"]} == {True, False}
    for case in document["samples"]:
        count = min(case["sample"], case["parameters"])
        assert len(case["positions"]) == len(case["values"]) == count
        for k, position in enumerate(case["positions"]):
            block = sha256(b"comitia.check-positions.v1" + raw(case["digest"]) + (k // 4).to_bytes(4, "big")).digest()
            value = Fraction(int(block[8 * (k % 4) : 8 * (k % 4) + 8].hex(), 16), 2**64)
            assert position == floor(value * case["parameters"])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"epoch": 64, "depth": 8}, [(2, None), (64, None), (127, None), (128, 64), (191, 64), (192, 128)]),
        ({"epoch": 4, "depth": 4}, [(7, None), (8, 4), (11, 4), (12, 8), (13, 8)]),
        ({"epoch": 4, "depth": 5}, [(8, None), (11, None), (12, 4), (16, 8)]),
        ({"epoch": 1, "depth": 3}, [(4, None), (5, 2), (6, 3)]),
    ],
)
def test_the_round_that_draws(rules: dict[str, int], expected: list[tuple[int, int | None]]) -> None:
    assert [(r, replace(RULES, **rules).find_seed_round(r)) for r, _ in expected] == expected


@given(st.integers(2, 2000), st.integers(1, 70), st.integers(1, 12))
def test_the_draw_seed_was_drawn_before_the_shadow_begins(round_id: int, epoch: int, depth: int) -> None:
    rules = replace(RULES, epoch=epoch, depth=depth)
    found = rules.find_seed_round(round_id)
    start = round_id - round_id % epoch
    candidates = [s for s in range(0, start + 1, epoch) if s >= 2 and s <= start - depth]
    assert found == (max(candidates) if candidates else None)


def test_draws_are_as_frequent_as_they_should_be_and_by_weight() -> None:
    weights = {0: 10, 1: 30, 2: 60}
    scene = Scene(weights, replace(RULES, rate=8))
    drawn = [
        compute_draw(scene.run, scene.rules, ROUND, 3, sha256(b"%d" % n).digest(), 0) for n in range(4000)
    ]  # a seat that was not there: all three are others
    targets = [draw.target for draw in drawn if draw]
    assert 420 < len(targets) < 580  # 500 expected, sigma 21
    for seat, weight in weights.items():
        assert abs(targets.count(seat) / len(targets) - weight / 100) < 0.09  # four sigma


# ---------------------------------------------------------------------- who is drawn


def test_no_draw_with_a_tip_that_could_have_been_chosen_for_it() -> None:
    """The seed of round 8 was open to choice until the reveals of round 7."""
    assert Scene({0: 1, 1: 1}, announced=6).draw(0) is not None
    assert Scene({0: 1, 1: 1}, announced=7).draw(0) is None


def test_no_draw_before_the_first_epoch_nor_without_others() -> None:
    scene = Scene({0: 1, 1: 1})
    assert compute_draw(scene.run, scene.rules, 7, 0, key_of(0), 0) is None
    assert Scene({0: 1}).draw(0) is None


def test_depth_larger_than_the_history() -> None:
    """Nobody's streak is long enough, and before round 2 nobody was seated."""
    scene = Scene({0: 1, 1: 1}, replace(RULES, depth=12, epoch=1))
    assert scene.draw(0) is None
    assert not scene.find()


def test_the_target_is_of_those_active_at_the_opening_not_of_who_committed() -> None:
    """Else the last to commit could choose whom it checks."""
    scene = Scene({0: 1, 1: 1})
    scene.run.rounds[ROUND - RULES.depth].weights = {0: 1}
    assert scene.get_draw(0).target == 1
    scene.run.rounds[ROUND - RULES.depth].seated = {0: 1}
    assert scene.draw(0) is None


def test_drawn_without_streak_is_ignored() -> None:
    scene = Scene({0: 1, 1: 1})
    scene.samples[0] = scene.sample(0, scene.bits[1])
    assert set(scene.find()) == {0, 1}
    missed = scene.run.finals[ROUND - 2 - RULES.depth]
    scene.run.finals[ROUND - 2 - RULES.depth] = replace(missed, accepted=missed.accepted & ~1)
    assert set(scene.find()) == {1}
    assert not is_qualified(scene.run, RULES, ROUND, 0)


def test_an_overturn_cuts_the_streaks_of_all() -> None:
    scene = Scene({0: 1, 1: 1})
    scene.run.cuts.append(ROUND - RULES.depth)  # between the fourth last round and the third last
    assert scene.run.compute_streak_before(ROUND, 0) == RULES.depth - 1
    assert not scene.find()
    scene.run.cuts = [ROUND]  # a later overturn is nothing to a round before it
    assert len(scene.find()) == 2
    assert [scene.run.compute_streak_before(ROUND, 0, most) for most in (0, 3, 99)] == [0, 3, ROUND - 2]
    scene.run.cuts = [ROUND - RULES.depth - 2]  # one just before the streak began
    assert len(scene.find()) == 2


def test_who_took_over_an_id_inherits_no_streak_and_leaves_the_old_one_its_own() -> None:
    scene = Scene({0: 1, 1: 1})
    scene.run.rounds[ROUND].firsts[0] = ROUND - 3
    assert scene.run.compute_streak_before(ROUND, 0) == 3
    scene = Scene({0: 1, 1: 1})
    scene.run.former[0], scene.run.seats[0] = scene.run.seats[0], Seat(0, first=ROUND + 1)
    assert scene.run.compute_streak_before(ROUND, 0) == ROUND - 2


def test_a_round_whose_base_fell_is_told() -> None:
    scene = Scene({0: 1, 1: 1})
    del scene.run.finals[-1]
    with pytest.raises(ValueError, match="stand any more"):
        scene.run.compute_streak_before(ROUND, 0)
    scene = Scene({0: 1, 1: 1})
    scene.run.finals[-1] = replace(scene.run.finals[-1], round=ROUND + 1)  # made again
    with pytest.raises(ValueError, match="stand any more"):
        scene.run.compute_streak_before(ROUND, 0)


# ---------------------------------------------------------------------- what is checked


def spoil(scene: Scene, seat: int, wrong: int) -> bytes:
    """The right sample of a checker with so many bits turned round."""
    sample = int.from_bytes(scene.sample(seat, scene.bits[scene.get_draw(seat).target]), "little")
    return (sample ^ (1 << wrong) - 1).to_bytes(512, "little")


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [(0, Finding.AGREES), (6, Finding.AGREES), (7, Finding.DISAGREES), (200, Finding.DISAGREES)],
)
def test_the_edge_of_agreement(wrong: int, finding: Finding) -> None:
    scene = Scene({0: 1, 1: 1})
    scene.samples[0] = spoil(scene, 0, wrong)
    check = scene.find()[0]
    assert (check.finding, check.agreeing, check.count) == (finding, 200 - wrong, 200)
    assert compute_checked((check,)) == (1 if finding is Finding.AGREES else 0)


def test_what_lies_beyond_the_sample_is_nobodys_business() -> None:
    scene = Scene({0: 1, 1: 1})
    sample = int.from_bytes(scene.sample(0, scene.bits[1]), "little")
    scene.samples[0] = (sample | ((1 << 4096) - (1 << 200))).to_bytes(512, "little")
    assert scene.find()[0].finding is Finding.AGREES


def test_no_sample_is_not_paid_and_no_lie() -> None:
    scene = Scene({0: 1, 1: 1})
    found = tuple(scene.find().values())
    assert [check.finding for check in found] == [Finding.ABSTAINS] * 2
    assert compute_checked(found) == 0
    assert not find_disputes(scene.judge(), found)


def test_a_target_that_is_not_accepted_voids_the_check_even_if_it_left() -> None:
    scene = Scene({0: 1, 1: 1, 2: 1})
    draw = scene.get_draw(0)
    scene.samples[0] = spoil(scene, 0, 100)
    del scene.bits[draw.target]
    scene.run.seats[draw.target].left_at = 5
    check = scene.find()[0]
    assert check.finding is Finding.VOID
    assert compute_checked((check,)) == 0
    assert not find_disputes(scene.judge(), (check,))


def test_a_checker_that_is_not_accepted_checked_nothing() -> None:
    scene = Scene({0: 1, 1: 1, 2: 1})
    scene.samples = {0: scene.sample(0, scene.bits[0])}
    del scene.bits[0]
    assert 0 not in scene.find()


@given(st.data())
def test_everybody_finds_the_same_in_any_order(data: st.DataObject) -> None:
    weights = data.draw(st.dictionaries(st.integers(0, 40), st.integers(1, 9), min_size=2, max_size=6))
    scene = Scene(weights)
    for seat in weights:
        scene.samples[seat] = data.draw(st.sampled_from([NO_SAMPLE, spoil(scene, seat, 3), spoil(scene, seat, 90)]))
    first = find_checks(scene.run, scene.rules, scene.judge())
    scene.bits = dict(data.draw(st.permutations(list(scene.bits.items()))))
    record = scene.run.rounds[ROUND - RULES.depth]
    record.seated = dict(data.draw(st.permutations(list(record.seated.items()))))
    assert find_checks(scene.run, scene.rules, scene.judge()) == first
    assert [check.draw.checker for check in first] == sorted(weights)
    checked = sum(1 << seat for seat in weights if scene.samples[seat] == spoil(scene, seat, 3))
    assert compute_checked(first) == checked


@given(st.integers(1, COUNT), st.binary(min_size=32, max_size=32))
def test_a_sample_agrees_with_what_it_was_taken_from(sample: int, digest: bytes) -> None:
    positions = Draw(2, 0, 1, digest).compute_positions(COUNT, sample)
    assert len(positions) == sample
    assert all(0 <= position < COUNT for position in positions)
    bits = bits_of("some")
    taken = pick_sample(bits, positions, COUNT)
    assert count_sample(taken, bits, positions, COUNT) == sample
    flipped = bits_of("some", COUNT)
    assert count_sample(taken, flipped, positions, COUNT) == 0


# ---------------------------------------------------------------------- the specification


def test_rules_from_a_specification() -> None:
    assert CheckRules.from_config({"checks": CONFIG}) == RULES


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (None, 'no section "checks"'),
        ([1], 'no section "checks"'),
        ({}, "missing ['agreement', 'depth'"),
        (CONFIG | {"rates": 1}, "unknown ['rates']"),
        (CONFIG | {"rate": 0}, "rate is 0; expected an integer of 1 to 4294967296"),
        (CONFIG | {"rate": 32.0}, "rate is 32.0; expected an integer"),
        (CONFIG | {"epoch": True}, "epoch is True; expected an integer"),
        (CONFIG | {"depth": 0}, "depth is 0"),
        (CONFIG | {"sample": 4097}, "sample is 4097; expected an integer of 1 to 4096"),
        (CONFIG | {"agreement": 101}, "agreement is 101"),
        (CONFIG | {"recheck": 98}, "recheck (98) is above agreement (97)"),
    ],
)
def test_rules_that_cannot_be_followed(checks: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        CheckRules.from_config({} if checks is None else {"checks": checks})
