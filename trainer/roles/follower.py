"""Follows a run: holds the public state of one height, judges the rounds after it, and moves on when a round is final.
The worker and the auditor are both followers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trainer.protocol.acceptance import compute_members
from trainer.protocol.judgement import Judgement, State, compute_next_state, judge
from trainer.protocol.run_state import RunState
from trainer.protocol.session import Outcome

NextState = Callable[[RunState, int, State, Mapping[int, bytes]], tuple[State, bytes]]


@dataclass(frozen=True)
class Judged:
    """A judged round: why, the state it leads to (int32[Ppad]), and the outcome to vote for."""

    judgement: Judgement
    state: State
    outcome: Outcome


class Follower:
    """State of `height`, and the judged rounds that may follow it."""

    def __init__(self, state: State, height: int, next_state: NextState = compute_next_state) -> None:
        self.state = state
        self.height = height
        self.judged: dict[int, Judged] = {}
        self._next_state = next_state

    @property
    def outcomes(self) -> dict[int, Outcome]:
        """Outcome of every judged round that is kept."""
        return {round_id: judged.outcome for round_id, judged in self.judged.items()}

    def reset(self, state: State, height: int) -> None:
        """Stands on another state; what was judged is judged anew."""
        self.state, self.height = state, height
        self.judged.clear()

    def judge(self, run: RunState, round_id: int, blobs: Mapping[int, bytes], *, recorded: bool = False) -> Judged:
        """Judges the round that starts from `height`. `blobs`: seat to sealed bytes.

        recorded: only the blobs of the recorded accepted set are there; take that set, and let the root speak.
        """
        record = run.rounds[round_id]
        if record.height != self.height:
            raise ValueError(f"round {round_id} starts from height {record.height}; this follower is at {self.height}")
        judgement = judge(
            run, round_id, blobs, only=compute_members(record.final.accepted) if recorded and record.final else None
        )
        if judgement.bits:
            state, root = self._next_state(run, round_id, self.state, judgement.bits)
        else:  # nobody accepted: nobody votes, the round goes void
            state, root = self.state, run.get_root(self.height)
        judged = Judged(judgement, state, Outcome(round_id, judgement.accepted, 0, root, judgement.votable))
        self.judged[round_id] = judged
        return judged

    def adopt(self, round_id: int, height: int) -> None:
        """The round is final with this follower's own outcome: its next state is the state of `height`. The round
        before is dropped.
        """
        self.state, self.height = self.judged[round_id].state, height
        self.judged = {other: judged for other, judged in self.judged.items() if other >= round_id}


def load_blobs(digests: Mapping[int, bytes], held: Mapping[bytes, bytes]) -> dict[int, bytes]:
    """Sealed bytes by seat, of the digests that are held; hashed again, since bytes may come from a disk."""
    blobs = {seat: held[digest] for seat, digest in digests.items() if digest in held}
    for seat, blob in blobs.items():
        if hashlib.sha256(blob).digest() != digests[seat]:
            raise ValueError(f"the blob of seat {seat} is not the one of its digest")
    return blobs
