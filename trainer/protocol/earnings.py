"""What a seat earned and has not been paid, asked ahead of `settle`. Money in wei, times in seconds of chain time."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.protocol.ledger import Ledger
from trainer.protocol.money_events import compute_due, is_condemned
from trainer.protocol.types import NO_END


@dataclass(frozen=True)
class Earnings:
    """Of one holder. `safe`: what `settle` would pay now, were the pool large enough; `safe_height`: up to where.
    `locked`: what may still be overturned, the first of it until `unlocks_at` (NO_END if nothing is). `forfeited`: what
    condemnations take of all that.
    """

    settled_to: int
    safe_height: int
    safe: int
    locked: int
    unlocks_at: int
    forfeited: int


def compute_safe_height(run: Ledger, time: int) -> int:
    """The last height that `settle` reaches at a chain time."""
    height = run.height
    while height and run.finals[height - 1].block.time + run.parameters.horizon > time:
        height -= 1
    return height


def compute_earnings(run: Ledger, holder: int, time: int) -> Earnings:
    """What a holder (+ 256: the former one of a seat id) earned up to now."""
    seat = run.find_holder(holder)
    reached = compute_safe_height(run, time)
    safe = locked = forfeited = 0
    unlocks_at = NO_END
    for height in range(seat.settled_to + 1, run.height + 1):
        due = compute_due(run, seat, height)
        if is_condemned(run, seat, height):
            forfeited += due
        elif height <= reached:
            safe += due
        elif due:
            locked += due
            unlocks_at = min(unlocks_at, run.finals[height - 1].block.time + run.parameters.horizon)
    return Earnings(seat.settled_to, reached, safe, locked, unlocks_at, forfeited)
