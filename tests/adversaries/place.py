"""Where an adversary sits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """The adversary's seat, and the seats of its gang, in order, itself included. Seats below the gang's are honest."""

    seat: int
    gang: tuple[int, ...]
