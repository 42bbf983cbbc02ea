"""What a simulated machine does for the blind cross-checks: roles/checking.py in a few lines, with work that costs
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.protocol.actions import TrainingKey
from trainer.protocol.checks import CheckRules, Draw, compute_draw, is_qualified, pick_sample
from trainer.protocol.disputes import is_over, judge_dispute
from trainer.protocol.gradient import pack_bits, unpack_bits
from trainer.protocol.keychain import KeyChain, compute_round_key
from trainer.protocol.run_state import RunState

if TYPE_CHECKING:
    from tests.protocol.machine import Disk, Weather
    from tests.protocol.simulation import Network

COUNT = 1000  # parameters of the model
# So that a run of four heights has checks.
RULES = CheckRules(rate=2, epoch=1, depth=1, sample=1000, agreement=97, recheck=96)


class Checker:
    """The part of a `Machine` that checks others."""

    network: Network
    weather: Weather
    disk: Disk
    chain: KeyChain
    view: RunState
    seat: int
    training: tuple[TrainingKey, int] | None
    free_at: int

    def make_sample(self, draw: Draw) -> bytes:
        """What goes into the header; tests put lies in."""
        return pick_sample(
            self.replay(draw.round, draw.target), draw.compute_positions(COUNT, self.network.rules.sample), COUNT
        )

    def replay(self, round_id: int, target: int) -> bytes:
        """Somebody else's work, with a few of the bits otherwise: another machine rounds in another way. Fewer than in
        real training: there a sample is larger, and thousands of runs must not meet a chance of one in a thousand.
        """
        record = self.view.rounds[round_id]
        inner = self.view.finals[record.height - 1].round if self.view.compute_run_up(round_id, target) else 0
        root = self.view.get_root(record.height)
        bits = unpack_bits(train(TrainingKey(round_id, record.height, record.seed, root, inner), target), COUNT)
        other = np.random.default_rng([self.seat, target, round_id]).random(COUNT) < 0.003
        return pack_bits(bits ^ other, np.zeros(COUNT, np.bool_), record.height)

    def find_draw(self) -> Draw | None:
        """What this machine has to check in the current round."""
        record, rules = self.view.current, self.network.rules
        if record is None or record.overturned or not self.view.seats[self.seat].has_key(record.round):
            return None
        announced = self.view.seats[self.seat].find_tip(record.round).announced
        key = compute_round_key(self.chain, announced, record.round)
        draw = compute_draw(self.view, rules, record.round, self.seat, key, announced)
        return draw if draw and is_qualified(self.view, rules, record.round, self.seat) else None

    def judge_dispute(self, tick: int) -> None:
        """One at a time, when nothing else is to do."""
        time = self.network.blocks[-1].time
        lapsed = [name for name in self.disk.disputes if is_over(self.view, name[0], time)]
        for name in lapsed:
            del self.disk.disputes[name]
        if self.disk.disputes and not self.training and tick >= self.free_at:
            name, dispute = min(self.disk.disputes.items())
            del self.disk.disputes[name]
            replayed = self.replay(dispute.round, dispute.target)
            self.disk.charges |= set(judge_dispute(self.view, self.network.rules, dispute, replayed))
            self.free_at = tick + self.weather.checking


def train(key: TrainingKey, seat: int) -> bytes:
    """The bits of some local work: everybody's share a direction, each has some of its own."""
    common = np.random.default_rng(list(key.state_root)).random(COUNT) < 0.5
    own = np.random.default_rng([seat, key.height, key.inner_round, *key.seed]).random(COUNT) < 0.2
    return pack_bits(common ^ own, np.zeros(COUNT, np.bool_), key.height)
