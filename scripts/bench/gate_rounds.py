"""Rounds of real training for the studies of the correlation gate: one process plays all seats, without chain or IPFS.

Bits come from `trainer.learn` on the King James text, the accepted ones move the state by the protocol's integer step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trainer.learn import integer_step
from trainer.learn.local_training import LocalTrainer, use_compile_cache
from trainer.learn.models.char_gpt import make_config
from trainer.learn.presets import BATCH, make_local, make_schedule
from trainer.learn.task import Task
from trainer.protocol.acceptance import compute_accepted
from trainer.protocol.assignment import compute_batch
from trainer.protocol.gradient import pack_bits, unpack_bits

if TYPE_CHECKING:
    from trainer.learn.inner_state import InnerState

ROOT = Path(__file__).resolve().parents[2]
UNIT = 1000  # times each honest weight, so that attackers' shares come out exactly; the gate knows no unit

Weights = Mapping[int, int]
Bits = Mapping[int, bytes]


@dataclass(frozen=True)
class Crew:
    """Honest seats 0 .. seats - 1. weights: "equal", "heavy" (seat 0 has 60 times the others') or "doubling" (1, 2, 4
    up to 128, and again). data: "even" (each seat draws from the whole text) or "uneven" (from its own part of it).
    """

    seats: int
    weights: str
    data: str

    def get_weights(self) -> dict[int, int]:
        """Seat to weight, in thousandths."""
        kinds: dict[str, Callable[[int], int]] = {
            "equal": lambda seat: 1,
            "heavy": lambda seat: 60 if seat == 0 else 1,
            "doubling": lambda seat: 1 << seat % 8,
        }
        return {seat: UNIT * kinds[self.weights](seat) for seat in range(self.seats)}


@dataclass(frozen=True)
class Round:
    """What happened at one height. state: that which was trained from. bits: of the honest seats. shadows: of seats
    that train honestly and hand in nothing. accepted: of all seats with the attackers, if there were any.
    """

    height: int
    state: npt.NDArray[np.int32]
    bits: Bits
    shadows: Bits
    accepted: frozenset[int]


Attacker = Callable[[Round], tuple[Bits, Weights]]
"""What honest seats and shadows did in a round (`accepted` not known yet) -> bits and weights of all candidates."""


class Workshop:
    """Task, data and compiled programs for runs of one length."""

    def __init__(self, preset: str, rounds: int, batch: int | None = None) -> None:
        use_compile_cache(ROOT / ".cache" / "jax")
        self.task = Task.from_config(make_config(preset))
        self.dataset = self.task.load_data(self.task.build_shards())
        self.batch = BATCH[preset] if batch is None else batch
        settings = replace(make_local(preset), batch_size=self.batch)
        self.schedule = make_schedule(settings, rounds)
        self.trainer = LocalTrainer(self.task, self.dataset, settings, self.schedule)
        self.count = self.task.layout.parameter_count

    def train(
        self, crew: Crew, seed: int, seat: int, height: int, state: npt.NDArray[np.int32], inner: InnerState | None
    ) -> tuple[bytes, InnerState]:
        """Bits and inner state of `seat` (below 256) after its local work from the state of `height`."""
        parts = crew.seats if crew.data == "uneven" else 1
        length = self.dataset.bound // parts
        run_seed = sha256(b"gate-study %d" % seed).digest()
        batches = [
            compute_batch(run_seed, seat, height, step, self.batch, length) + seat % parts * length
            for step in range(self.trainer.settings.local_steps)
        ]
        result = self.trainer.train(state, inner, batches, height)
        return result.bits, result.inner_state

    def play(
        self, crew: Crew, seed: int, first: int = 0, shadows: int = 0, attacker: Attacker | None = None
    ) -> Iterator[Round]:
        """A run, round by round, from height `first`. Honest seats that the gate rejects start cold again; shadows
        never do. A round in which not more than half of the weight passes is void: the state stays, but the height goes
        on (so that runs are equally long).
        """
        honest = crew.get_weights()
        seats = range(crew.seats + shadows)
        inner: dict[int, InnerState | None] = dict.fromkeys(seats)
        state = self.get_state(seed, first)
        for height in range(first, self.schedule.total):
            bits = {}
            for seat in seats:
                bits[seat], inner[seat] = self.train(crew, seed, seat, height, state, inner[seat])
            hidden = {seat: bits.pop(seat) for seat in seats[crew.seats :]}
            played = Round(height, state, bits, hidden, frozenset())
            candidates, weights = attacker(played) if attacker is not None else (bits, honest)
            passed = compute_accepted(candidates, weights, self.count).passed
            yield replace(played, accepted=passed)
            for seat in bits.keys() - passed:
                inner[seat] = None
            if 2 * sum(weights[seat] for seat in passed) > sum(weights.values()):
                votes = [(candidates[seat], weights[seat]) for seat in sorted(passed)]
                state = integer_step.apply_step(state, _rescale(votes), self.schedule.compute_step(height))

    def get_state(self, seed: int, height: int) -> npt.NDArray[np.int32]:
        """The state of a height in the run of four equal seats; played once and kept in runs/."""
        if height == 0:
            return self.task.compute_genesis(seed)
        name = f"gate-{self.count}-{self.batch}-{self.schedule.total}-{seed}-{height}.npy"
        path = ROOT / "runs" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            state = next(
                played.state for played in self.play(Crew(4, "equal", "even"), seed) if played.height == height
            )
            np.save(path, state)
        return np.asarray(np.load(path), np.int32)

    def flip(self, bits: bytes) -> bytes:
        """The opposite of packed bits; padding stays zero."""
        return self.pack(~unpack_bits(bits, self.count))

    def pack(self, moved_down: npt.NDArray[np.bool_]) -> bytes:
        """Packed bits of bool[P]."""
        return pack_bits(moved_down, np.zeros(self.count, np.bool_), 0)

    def compute_majority(self, bits: Bits, weights: Weights) -> bytes:
        """What more than half of the weight says, parameter by parameter."""
        votes = sum(np.where(unpack_bits(bits[seat], self.count), weights[seat], -weights[seat]) for seat in bits)
        return self.pack(np.asarray(votes) > 0)


def _rescale(votes: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Weights as a run may have them, 1 to 255: the heaviest has 255."""
    heaviest = max(weight for _, weight in votes)
    return [(bits, max(1, weight * 255 // heaviest)) for bits, weight in votes]
