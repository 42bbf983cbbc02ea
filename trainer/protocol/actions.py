"""What one seat knows beside the chain, and what it can be told to do: the arguments and the results of
`session.decide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingKey:
    """Names a piece of local work: the same key gives the same bits on this machine. `inner_round`: whose inner state
    it starts from (0 = cold).
    """

    round: int
    height: int
    seed: bytes
    state_root: bytes
    inner_round: int


@dataclass(frozen=True)
class Work:
    """Sealed work in the journal: what was or will be committed in a round."""

    round: int
    seed: bytes
    state_root: bytes
    gradient_root: bytes
    sealed_digest: bytes


@dataclass(frozen=True)
class Outcome:
    """This machine's own judgement of a round, with the root of the next state."""

    round: int
    accepted: int
    checked: int
    state_root: bytes
    votable: bool


@dataclass(frozen=True, order=True)
class Charge:
    """That a seat did not work honestly in the round that made `height`. gradient_root: what it revealed, 32 bytes.
    witness: the drawn checker that found it; `accused` itself = none.
    """

    round: int
    height: int
    accused: int
    witness: int
    gradient_root: bytes


@dataclass(frozen=True)
class Local:
    """What this machine holds. `pending`: (kind, round) of transactions that are sent and not decided. `is_sampling`:
    the commit is worth keeping back for a replay, for a sample of its round or of a later one. `is_recomputing`:
    disputes wait for their judgement. `charges`: what came of those that were judged.
    """

    height: int
    held: frozenset[bytes]
    works: Mapping[int, Work]
    judged: Mapping[int, Outcome]
    training: TrainingKey | None = None
    trained: TrainingKey | None = None
    pending: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    is_sampling: bool = False
    is_recomputing: bool = False
    charges: frozenset[Charge] = field(default_factory=frozenset)


# ---------------------------------------------------------------------- actions


@dataclass(frozen=True)
class Fetch:
    """Fetch these sealed blobs (seat to digest) of a round."""

    round: int
    digests: Mapping[int, bytes]


@dataclass(frozen=True)
class Judge:
    """All blobs are held: judge the round and compute the next state.

    `recorded`: the round is long final and only its accepted blobs can be had: take the recorded set, and check the
    root that it gives.
    """

    round: int
    recorded: bool = False


@dataclass(frozen=True)
class Adopt:
    """The final outcome is this machine's own: its next state is the state of `height`."""

    round: int
    height: int


@dataclass(frozen=True)
class Train:
    """Train this; another training in progress is cancelled."""

    key: TrainingKey


@dataclass(frozen=True)
class StopTraining:
    """Nothing to train for."""


@dataclass(frozen=True)
class Seal:
    """The training of the open round is done: seal it, store it, write it to the journal."""

    key: TrainingKey


@dataclass(frozen=True)
class Send:
    """Send a transaction: activate, open, bench, commit, reveal, vote or accuse. `haves` is for reveal, `seat` for
    bench, `charge` for accuse.
    """

    kind: str
    round: int
    haves: int = 0
    seat: int = 0
    charge: Charge | None = None


@dataclass(frozen=True)
class Halt:
    """Stop: this machine and the run disagree. `reason`: "diverged" or "key in use"."""

    reason: str
    round: int


@dataclass(frozen=True)
class Done:
    """The run is finished and this machine holds its last state."""


Action = Fetch | Judge | Adopt | Train | StopTraining | Seal | Send | Halt | Done
