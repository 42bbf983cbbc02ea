"""A run of good rounds with a judged one at its end, for tests of cross-checks: all accepted, all bits known."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256

import numpy as np

from tests.protocol.machine import COUNT, DOMAINS, PARAMETERS
from trainer.protocol.acceptance import Gate
from trainer.protocol.checks import Check, CheckRules, Draw, compute_draw, find_checks, pick_sample
from trainer.protocol.events import Revealed, RoundFinal
from trainer.protocol.gradient import NO_SAMPLE, Header, pack_bits
from trainer.protocol.judgement import Judgement
from trainer.protocol.records import Round, Seat, Tip
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef

BLOCK = BlockRef(1, bytes(32), 1_000_000)
RULES = CheckRules(rate=1, epoch=4, depth=4, sample=200, agreement=97, recheck=96)
CONFIG = asdict(RULES)
ROUND = 13  # its epoch begins at 12, whose checkers the seed of round 8 draws


def bits_of(label: str, flipped: int = 0) -> bytes:
    """Packed bits of COUNT parameters, the first `flipped` of them turned round."""
    rows = np.random.default_rng(list(label.encode())).random(COUNT) < 0.5
    rows[:flipped] ^= True
    return pack_bits(rows, np.zeros(COUNT, np.bool_), 0)


def key_of(seat: int) -> bytes:
    return sha256(b"key %d" % seat).digest()


class Scene:
    """A run of good rounds 2 .. ROUND - 1 and the judged ROUND; whoever sits there is always accepted."""

    def __init__(self, weights: dict[int, int], rules: CheckRules = RULES, announced: int = 0) -> None:
        self.run, self.rules = RunState(PARAMETERS, DOMAINS), rules
        for seat in weights:
            self.run.seats[seat] = Seat(seat, first=2, from_round=2, tips=[Tip(announced, bytes(32))])
        for round_id in range(2, ROUND + 1):
            self.run.rounds[round_id] = record = Round(
                round_id, round_id - 2, 1, 1, 0, BLOCK, sha256(b"seed %d" % round_id).digest(), dict(weights)
            )
            record.weights, record.firsts = dict(weights), dict.fromkeys(weights, 2)
            record.valid_keys = dict.fromkeys(weights, announced)
            for seat in weights:
                root = sha256(b"root %d" % seat).digest()
                record.reveals[seat] = Revealed(BLOCK, round_id, seat, root, key_of(seat), 0)
            if round_id < ROUND:
                self.run.finals.append(RoundFinal(BLOCK, round_id, round_id - 1, (1 << 256) - 1, 0, bytes(32), 0))
        self.run.clock.round, self.run.clock.height = ROUND, ROUND - 2
        self.bits = {seat: bits_of("same") for seat in weights}
        self.samples: dict[int, bytes] = {}

    def draw(self, seat: int) -> Draw | None:
        record = self.run.rounds[ROUND]
        return compute_draw(self.run, self.rules, ROUND, seat, key_of(seat), record.valid_keys[seat])

    def get_draw(self, seat: int) -> Draw:
        draw = self.draw(seat)
        assert draw is not None
        return draw

    def sample(self, seat: int, bits: bytes) -> bytes:
        """What a checker writes that got these bits for its target."""
        return pick_sample(bits, self.get_draw(seat).compute_positions(COUNT, self.rules.sample), COUNT)

    def judge(self) -> Judgement:
        headers = {
            seat: Header(seat, ROUND, ROUND - 2, COUNT, bytes(8), 0, self.samples.get(seat, NO_SAMPLE))
            for seat in self.bits
        }
        return Judgement(ROUND, {}, headers, Gate({}, 0, frozenset(self.bits)), self.bits, 1, True)

    def find(self) -> dict[int, Check]:
        return {check.draw.checker: check for check in find_checks(self.run, self.rules, self.judge())}
