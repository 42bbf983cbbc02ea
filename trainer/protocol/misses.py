"""Which rounds a seat missed, and whether anybody may bench it for them."""

from __future__ import annotations

from trainer.protocol.ledger import Ledger
from trainer.protocol.seats import MISSES, MISSES_AGE, has_missed


def compute_misses(run: Ledger, seat: int, time: int) -> list[int]:
    """The rounds that a seat missed, of the last that still count against it, at a chain time."""
    s = run.seats[seat]
    first = max(run.clock.round - MISSES_AGE, s.from_round, s.misses_from, run.misses_from)
    if not s.is_activated:
        return []
    is_open = run.is_open(time)
    return [r for r in range(first, run.clock.round + 1) if has_missed(run, seat, r, is_open)]


def find_missed(run: Ledger, seat: int, time: int) -> int | None:
    """The first of three rounds in a row that a seat missed, for which it can be benched; the newest such."""
    missed = set(compute_misses(run, seat, time))
    return max((r for r in missed if all(r + n in missed for n in range(MISSES))), default=None)
