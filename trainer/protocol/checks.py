"""Blind cross-checks: who was to recompute whose work in a round, and whether the sample in its sealed header agrees
with that work (docs/protocol.md, Cross-checks). Integers only.

Nobody but the checker can know of a check before it reveals its key of the round, so a cheat cannot work only when it
is watched; everybody can verify it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256

import numpy as np

from trainer.protocol.constants import FIRST_ROUND, SAMPLE_BYTES
from trainer.protocol.gradient import NO_SAMPLE, unpack_bits
from trainer.protocol.judgement import Judgement
from trainer.protocol.run_state import RunState

DRAW_TAG = b"comitia.check.v1"
POSITIONS_TAG = b"comitia.check-positions.v1"
_RANGES = {
    "rate": (1, 1 << 32),
    "epoch": (1, 1 << 32),
    "depth": (1, 1 << 16),
    "sample": (1, 8 * SAMPLE_BYTES),
    "agreement": (1, 100),
    "recheck": (1, 100),
}


@dataclass(frozen=True)
class CheckRules:
    """The section `checks` of a specification's `training`.

    rate: one draw in so many makes a checker. epoch: round ids with one draw seed. depth: heights that a replay begins
    earlier, and the streak that a checker needs. sample: positions that are compared. agreement: percent of them that
    must agree for a check to be paid. recheck: percent at which a recomputation agrees when a dispute is judged; below
    `agreement`, so that honest machines do not split on the edge.
    """

    rate: int
    epoch: int
    depth: int
    sample: int
    agreement: int
    recheck: int

    @classmethod
    def from_config(cls, training: Mapping[str, object]) -> CheckRules:
        """The rules in a specification's `training`; raises ValueError and says what is wrong."""
        section = training.get("checks")
        if not isinstance(section, dict):
            raise ValueError('the specification\'s training has no section "checks"')
        names = [field.name for field in fields(cls)]
        if set(section) != set(names):
            raise ValueError(
                f"checks: missing {sorted(set(names) - set(section))}, unknown {sorted(set(section) - set(names))}"
            )
        for name in names:
            low, high = _RANGES[name]
            if type(section[name]) is not int or not low <= section[name] <= high:
                raise ValueError(f"checks: {name} is {section[name]!r}; expected an integer of {low} to {high}")
        rules = cls(**section)
        if rules.recheck > rules.agreement:
            raise ValueError(f"checks: recheck ({rules.recheck}) is above agreement ({rules.agreement})")
        return rules

    def is_paid(self, agreeing: int, count: int) -> bool:
        """Whether a sample agrees well enough to be paid."""
        return 100 * agreeing >= self.agreement * count

    def is_confirmed(self, agreeing: int, count: int) -> bool:
        """Whether a recomputation agrees well enough, in a dispute."""
        return 100 * agreeing >= self.recheck * count

    def find_seed_round(self, round_id: int) -> int | None:
        """The round whose seed draws the checkers of `round_id`: the last epoch start at least `depth` rounds before
        the epoch. None while there is none: nobody is drawn.
        """
        start = round_id - round_id % self.epoch
        found = (start - self.depth) // self.epoch * self.epoch
        return found if found >= FIRST_ROUND else None


@dataclass(frozen=True)
class Draw:
    """Seat `checker` recomputes the work of seat `target` in `round`. digest: 32 bytes, from which the positions
    follow.
    """

    round: int
    checker: int
    target: int
    digest: bytes

    def compute_positions(self, parameter_count: int, sample: int) -> list[int]:
        """The parameters that are compared: min(sample, P) indices below P, with repetitions. Multiply and shift, as
        for batches.
        """
        count = min(sample, parameter_count)
        prefix = POSITIONS_TAG + self.digest
        stream = b"".join(sha256(prefix + block.to_bytes(4, "big")).digest() for block in range(-(-count // 4)))
        return [int.from_bytes(stream[8 * k : 8 * k + 8], "big") * parameter_count >> 64 for k in range(count)]


def compute_draw(
    run: RunState, rules: CheckRules, round_id: int, checker: int, key: bytes, announced: int
) -> Draw | None:
    """The check that a seat's key of a round draws, if any; whether its streak is long enough says `is_qualified`.

    key: 32 bytes; announced: the round in which its chain's tip was announced. Known to who has the key as soon as
    round `round_id - depth` has opened.
    """
    seed_round, before = rules.find_seed_round(round_id), run.rounds.get(round_id - rules.depth)
    # Announced later, the tip could have been chosen for the draws that it gives.
    if seed_round is None or before is None or announced > seed_round - 2:
        return None
    digest = compute_digest(run.domains.run, run.rounds[seed_round].seed, key, checker, round_id)
    target = choose_target(digest, checker, before.seated) if is_drawn(digest, rules.rate) else None
    return None if target is None else Draw(round_id, checker, target, digest)


def compute_digest(run_domain: bytes, seed: bytes, key: bytes, checker: int, round_id: int) -> bytes:
    """What draw seed and key (32 bytes each) draw for a seat in a round, 32 bytes."""
    place = checker.to_bytes(2, "big") + round_id.to_bytes(4, "big")
    return sha256(DRAW_TAG + run_domain + seed + key + place).digest()


def is_drawn(digest: bytes, rate: int) -> bool:
    """Whether a digest makes a checker: one in `rate` does."""
    return int.from_bytes(digest[:8], "big") * rate >> 64 == 0


def choose_target(digest: bytes, checker: int, weights: Mapping[int, int]) -> int | None:
    """Whom a digest chooses, by weight, among the seats other than the checker; None where there is no other."""
    others = [(seat, weight) for seat, weight in sorted(weights.items()) if seat != checker]
    left = int.from_bytes(digest[8:16], "big") * sum(weight for _, weight in others) >> 64
    for seat, weight in others:
        if left < weight:
            return seat
        left -= weight
    return None


def is_qualified(run: RunState, rules: CheckRules, round_id: int, seat: int) -> bool:
    """Whether the streak of a seat is long enough to check in a round."""
    return run.compute_streak_before(round_id, seat, rules.depth) >= rules.depth


# ---------------------------------------------------------------------- samples


def pick_sample(bits: bytes, positions: list[int], parameter_count: int) -> bytes:
    """The bits at the positions, as the 512 bytes of the header: bit k little-endian, the rest zero."""
    picked = unpack_bits(bits, parameter_count)[positions]
    return np.packbits(picked, bitorder="little").tobytes().ljust(SAMPLE_BYTES, b"\0")


def count_sample(sample: bytes, bits: bytes, positions: list[int], parameter_count: int) -> int:
    """At how many positions a sample agrees with packed bits; what lies beyond them is nobody's business."""
    ours = np.unpackbits(np.frombuffer(sample, np.uint8), count=len(positions), bitorder="little").astype(np.bool_)
    return int(np.count_nonzero(ours == unpack_bits(bits, parameter_count)[positions]))


class Finding(StrEnum):
    """What became of a check. The values are what people read."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    ABSTAINS = "no sample"
    VOID = "the target was not accepted"


@dataclass(frozen=True)
class Check:
    """A check of a judged round. agreeing: of `count` positions; 0 where nothing was compared. sample: 512 bytes."""

    draw: Draw
    finding: Finding
    agreeing: int
    count: int
    sample: bytes


def find_checks(run: RunState, rules: CheckRules, judgement: Judgement) -> tuple[Check, ...]:
    """The checks of a judged round, by checker: those of accepted seats that were drawn."""
    record, total = run.rounds[judgement.round], run.parameters.parameter_count
    found = []
    for seat in sorted(judgement.bits):
        reveal, announced = record.reveals[seat], record.valid_keys[seat]
        draw = compute_draw(run, rules, record.round, seat, reveal.key, announced)
        if draw is None or not is_qualified(run, rules, record.round, seat):
            continue
        sample, agreeing = judgement.headers[seat].sample, 0
        positions = draw.compute_positions(total, rules.sample)
        if draw.target not in judgement.bits:
            finding = Finding.VOID
        elif sample == NO_SAMPLE:
            # Who came back, or was short of time: not paid, and no lie. Else every such seat could be condemned.
            finding = Finding.ABSTAINS
        else:
            agreeing = count_sample(sample, judgement.bits[draw.target], positions, total)
            finding = Finding.AGREES if rules.is_paid(agreeing, len(positions)) else Finding.DISAGREES
        found.append(Check(draw, finding, agreeing, len(positions), sample))
    return tuple(found)


def compute_checked(checks: tuple[Check, ...]) -> int:
    """The bitmap `checked` of a vote: the checkers whose samples agree."""
    return sum(1 << check.draw.checker for check in checks if check.finding is Finding.AGREES)
