"""Phases, windows and fractions of a round: the twin of contracts/libraries/Phases.sol. Integers only; time is an
argument.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainer.protocol.types import NO_END, Parameters, Phase


@dataclass
class Clock:
    """The current round as the contract stores it (`ITrainingRun.Clock`). Times in seconds of chain time."""

    round: int = 0
    height: int = 0
    opened_at: int = 0
    commit_end: int = 0
    reveal_end: int = 0
    stretch: int = 0
    active: int = 0
    base: int = 0
    committed: int = 0
    revealed: int = 0
    opened_block: int = 0
    closed: bool = False


def stretched(window: int, stretch: int) -> int:
    """Seconds of a window after `stretch` void rounds in a row: window * 1.5**stretch, rounded down."""
    return (window * 3**stretch) >> stretch


def is_two_thirds(weight: int, base: int) -> bool:
    """Strictly more than two thirds of the base; never floored."""
    return 3 * weight > 2 * base


def is_third(weight: int, base: int) -> bool:
    """Strictly more than a third of the base."""
    return 3 * weight > base


def compute_base(active: int, seated: int, min_weight: int) -> int:
    """The one base of all fractions: the active weight, but at least half of the seated weight (rounded up) and the
    minimum.
    """
    return max(active, (seated + 1) // 2, min_weight)


def compute_phase(clock: Clock, parameters: Parameters, time: int) -> tuple[Phase, int]:
    """Phase at `time` (seconds of chain time) and its end, NO_END where none is known. No transaction is needed for a
    deadline to pass.
    """
    if clock.round == 0:
        return Phase.IDLE, NO_END
    if clock.closed:
        return (Phase.FINISHED if clock.height == parameters.total_heights else Phase.FINAL), NO_END
    end = clock.commit_end
    if time < end:
        return Phase.COMMIT, end
    end = clock.reveal_end or end + stretched(parameters.reveal_window, clock.stretch)
    if time < end:
        return Phase.REVEAL, end
    if not is_two_thirds(clock.revealed, clock.base):
        return Phase.VOID, NO_END
    end += stretched(parameters.vote_window, clock.stretch)
    return (Phase.VOTE, end) if time < end else (Phase.VOID, NO_END)


def compute_commit_end(clock: Clock, parameters: Parameters, time: int) -> int:
    """End of the commit phase after a commit at `time` that is already part of `clock.committed`."""
    if clock.committed == clock.active:
        return time
    if not is_third(clock.committed, clock.base):
        return clock.commit_end
    end = clock.commit_end
    if end == NO_END:
        end = time + stretched(parameters.commit_cap, clock.stretch)
    if is_two_thirds(clock.committed, clock.base):
        promised = clock.opened_at + stretched(parameters.commit_min, clock.stretch)
        end = min(end, max(promised, time + stretched(parameters.grace, clock.stretch)))
    return end
