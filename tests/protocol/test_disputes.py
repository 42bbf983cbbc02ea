"""Who is accused when a sample disagrees, and when a seat says so on the chain."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.check_scene import ROUND, RULES, Scene, bits_of
from tests.protocol.machine import COUNT
from tests.protocol.stage import RULES as STAGE_RULES
from tests.protocol.stage import STRANGER, Stage, operator_of
from trainer.protocol.actions import Charge, Send
from trainer.protocol.calls import Revert
from trainer.protocol.checks import Draw
from trainer.protocol.disputes import (
    Dispute,
    compute_unvested,
    decide_accusations,
    find_disputes,
    is_sample_awaited,
    judge_dispute,
)
from trainer.protocol.gradient import count_agreeing, pack_bits
from trainer.protocol.records import Round, Seat
from trainer.protocol.tree import compute_gradient_root
from trainer.protocol.types import BlockRef

NOTHING: frozenset[tuple[str, int]] = frozenset()
HONEST, CHEAT = bits_of("same"), bits_of("same", 45)  # 95.5 % of 1,000


def dispute_of(scene: Scene) -> Dispute:
    found = find_disputes(scene.judge(), tuple(scene.find().values()))
    assert len(found) == 1
    return found[0]


def stage_dispute(target_bits: bytes, samples: dict[int, bytes]) -> Scene:
    """Seats 1 .. check seat 0: only it was there before. samples: what each of them got."""
    scene = Scene(dict.fromkeys(range(4), 1), replace(RULES, sample=1000))
    scene.run.rounds[ROUND - RULES.depth].seated = {0: 1}
    scene.bits[0] = target_bits
    scene.samples = {seat: scene.sample(seat, bits) for seat, bits in samples.items()}
    return scene


@pytest.mark.parametrize(
    ("target", "samples", "replayed", "accused"),
    [
        (HONEST, {2: bits_of("lazy")}, HONEST, [(2, 2)]),
        (HONEST, {2: bits_of("lazy"), 3: bits_of("lazier")}, HONEST, [(2, 2), (3, 3)]),
        (CHEAT, {2: HONEST}, HONEST, [(0, 2)]),
        (CHEAT, {2: HONEST, 1: HONEST}, HONEST, [(0, 1)]),  # the witness of the lowest id
        (CHEAT, {1: bits_of("lazy"), 3: HONEST}, HONEST, [(0, 3)]),
        (CHEAT, {1: bits_of("lazy")}, HONEST, []),  # agrees with neither
        (HONEST, {1: bits_of("same", 38)}, bits_of("same", 20), []),  # agrees with both
        (HONEST, {1: bits_of("same", 500)}, bits_of("same", 30), [(1, 1)]),
    ],
)
def test_who_is_accused(
    target: bytes, samples: dict[int, bytes], replayed: bytes, accused: list[tuple[int, int]]
) -> None:
    scene = stage_dispute(target, samples)
    charges = judge_dispute(scene.run, scene.rules, dispute_of(scene), replayed)
    assert [(charge.accused, charge.witness) for charge in charges] == accused
    for charge in charges:
        assert (charge.round, charge.height) == (ROUND, ROUND - 1)
        assert charge.gradient_root == sha256(b"root %d" % charge.accused).digest()


@given(st.integers(0, COUNT), st.integers(0, 40), st.integers(0, 40))
def test_a_framing_checker_condemns_no_honest_seat(lie: int, own: int, theirs: int) -> None:
    """Whatever it writes: honest machines agree in 96 % with the target, and then only the checker can fall."""
    honest = stage_dispute(bits_of("same", own), {1: bits_of("same", lie)})
    checks = tuple(honest.find().values())
    for dispute in find_disputes(honest.judge(), checks):
        replayed = np.unpackbits(np.frombuffer(bits_of("same", 0), np.uint8), count=COUNT, bitorder="little")
        replayed[COUNT - theirs :] ^= 1  # noise elsewhere
        if own + theirs <= 40:
            bits = pack_bits(replayed.astype(np.bool_), np.zeros(COUNT, np.bool_), 0)
            accused = [charge.accused for charge in judge_dispute(honest.run, honest.rules, dispute, bits)]
            assert accused in ([], [1])


@given(st.binary(min_size=COUNT // 8, max_size=COUNT // 8), st.binary(min_size=COUNT // 8, max_size=COUNT // 8))
def test_agreement_is_counted_over_all_parameters(one: bytes, other: bytes) -> None:
    padding = bytes(128 - COUNT // 8)
    expected = sum((a >> bit & 1) == (b >> bit & 1) for a, b in zip(one, other, strict=True) for bit in range(8))
    assert count_agreeing(one + padding, other + padding, COUNT) == expected


# ---------------------------------------------------------------------- when it is said


class Court:
    """A run of four seats of weight 2 with two final rounds, and the contract as the judge of what may be said."""

    def __init__(self) -> None:
        self.stage = Stage([2] * 4, replace(STAGE_RULES, challenge_window=400, ring=64))
        self.rounds = [self.stage.play([0, 1, 2, 3]) for _ in range(2)]
        self.stage.play([0, 1, 2])  # seat 3 is away

    def charge(self, accused: int = 1, place: int = 1, witness: int = 2) -> Charge:
        round_id = self.rounds[place]
        return Charge(round_id, place + 1, accused, witness, compute_gradient_root(self.stage.bits[round_id, accused]))

    def is_said(self, me: int, charge: Charge) -> bool:
        """Whether the seat would accuse in the next second; the contract must be of the same opinion."""
        run = self.stage.run
        actions = decide_accusations(run, me, self.stage.time + 1, [charge], frozenset())
        assert actions in ([], [Send("accuse", charge.round, charge=charge)])
        copy = deepcopy(self.stage)
        sender = run.find_acting(me, run.clock.round).get_operator(run.clock.round)
        args = charge.round, charge.height, me, charge.accused, charge.gradient_root, charge.witness
        try:
            copy.do("accuse", sender, *args)
        except Revert as revert:
            refused = revert.name
        else:
            refused = ""
        assert bool(actions) is not bool(refused), refused
        return bool(actions)

    def accuse(self, me: int, charge: Charge) -> None:
        args = charge.round, charge.height, me, charge.accused, charge.gradient_root, charge.witness
        self.stage.do("accuse", operator_of(me), *args)


def test_a_charge_is_said_once_by_each() -> None:
    court = Court()
    assert [court.is_said(me, court.charge()) for me in range(4)] == [True, False, True, True]
    court.accuse(0, court.charge())
    assert not court.is_said(0, court.charge())
    assert court.is_said(0, court.charge(witness=3))  # another witness is another charge
    assert court.is_said(2, court.charge())


def test_a_charge_that_was_condemned_is_not_said_again() -> None:
    court = Court()
    court.accuse(0, court.charge())
    court.accuse(2, court.charge())  # 4 of 8 without its own 2
    assert court.stage.run.seats[1].condemned_in
    assert not court.is_said(3, court.charge())
    assert not court.is_said(3, court.charge(place=0))
    assert court.is_said(3, court.charge(accused=2))


def test_a_charge_ends_when_the_round_is_safe() -> None:
    court, p = Court(), Court().stage.run.parameters
    final = court.stage.run.rounds[court.rounds[1]].final
    assert final
    court.stage.pass_time(final.block.time + p.horizon - 2 - court.stage.time)
    assert court.is_said(0, court.charge())
    court.stage.pass_time(1)
    assert not court.is_said(0, court.charge())


def test_nothing_is_said_of_a_round_that_fell() -> None:
    court = Court()
    court.stage.challenge(court.rounds[1])
    court.stage.pass_time(court.stage.run.parameters.answer_window)
    court.stage.do("overturn", STRANGER, court.rounds[1], 0)
    assert not court.is_said(0, court.charge())
    assert not court.is_said(0, court.charge(place=0))  # it stands, and who is named by an overturn accuses nobody
    assert compute_unvested(court.stage.run, dispute_in(court, 1), court.stage.time) == 2 * (1_000 * 2 // 8)


def dispute_in(court: Court, target: int) -> Dispute:
    return Dispute(court.rounds[0], target, b"", ((Draw(court.rounds[0], 2, target, bytes(32)), bytes(512)),))


def test_what_is_at_stake() -> None:
    """The pay of both since the last safe round: each earned 250 in three rounds."""
    court = Court()
    assert compute_unvested(court.stage.run, dispute_in(court, 1), court.stage.time) == 2 * 3 * 250
    assert compute_unvested(court.stage.run, dispute_in(court, 3), court.stage.time) == (3 + 2) * 250
    court.stage.pass_time(1_000)
    assert compute_unvested(court.stage.run, dispute_in(court, 1), court.stage.time) == 0


def test_a_new_operator_waits_until_it_has_acted() -> None:
    court = Court()
    court.stage.do("set_operator", operator_of(0x1000), 0, STRANGER)
    assert court.is_said(0, court.charge())
    court.stage.play([1, 2, 3])
    assert not court.is_said(0, court.charge())


def test_a_charge_against_who_did_not_reveal_or_another_round_is_not_said() -> None:
    court = Court()
    absent = replace(court.charge(), round=court.rounds[1] + 1, height=3, accused=3)
    assert not court.is_said(0, absent)
    assert not court.is_said(0, replace(court.charge(), height=1))
    assert not decide_accusations(court.stage.run, 0, court.stage.time, [replace(court.charge(), round=99)], NOTHING)


def test_nothing_is_said_of_a_holder_that_is_not_known_any_more() -> None:
    """The id changed hands twice since."""
    court = Court()
    assert court.is_said(0, court.charge())
    run = court.stage.run
    run.former[1], run.seats[1] = Seat(1, first=98), Seat(1, first=99)
    assert not court.is_said(0, court.charge())


def test_one_accusation_of_a_round_at_a_time() -> None:
    court = Court()
    charges = [court.charge(), court.charge(accused=2, witness=2), court.charge(place=0)]
    sent = decide_accusations(court.stage.run, 0, court.stage.time, charges, NOTHING)
    assert [(action.round, action.charge) for action in sent if isinstance(action, Send)] == [
        (court.rounds[0], charges[2]),
        (court.rounds[1], charges[0]),
    ]
    pending = frozenset({("accuse", court.rounds[1])})
    assert len(decide_accusations(court.stage.run, 0, court.stage.time, charges, pending)) == 1


@pytest.mark.parametrize(
    ("waited", "left", "stretch", "is_awaited"),
    [
        (0, 1000, 0, True),
        (74, 1000, 0, True),
        (75, 1000, 0, False),
        (75, 1000, 1, True),
        (0, 26, 0, True),
        (0, 25, 0, False),
    ],
)
def test_a_commit_waits_for_its_sample_within_bounds(waited: int, left: int, stretch: int, is_awaited: bool) -> None:
    """Three quarters of commitMin = 100 s from the opening, and a quarter before a known end."""
    run = Stage([1]).run
    assert run.parameters.commit_min == 100
    record = Round(2, 0, 1, 1, stretch, BlockRef(1, bytes(32), 5_000), bytes(32))
    assert is_sample_awaited(run, record, 5_000 + waited, 5_000 + waited + left) is is_awaited
