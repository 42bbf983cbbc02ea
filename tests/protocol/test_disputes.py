"""Who is accused when a sample disagrees, and when a seat says so on the chain."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.check_scene import ROUND, RULES, Scene, bits_of
from tests.protocol.machine import COUNT
from trainer.protocol.disputes import Dispute, find_disputes, judge_dispute
from trainer.protocol.gradient import count_agreeing, pack_bits

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
