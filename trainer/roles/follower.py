"""Follows a run: holds the public state of one height, judges the rounds after it, and moves on when a round is final.
The worker and the auditor are both followers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.protocol.acceptance import compute_members
from trainer.protocol.checks import Check, CheckRules, compute_checked, find_checks
from trainer.protocol.events import RoundFinal
from trainer.protocol.judgement import Judgement, State, compute_next_state, judge
from trainer.protocol.run_state import RunState
from trainer.protocol.session import Outcome
from trainer.protocol.tree import compute_state_root

NextState = Callable[[RunState, int, State, Mapping[int, bytes]], tuple[State, bytes]]


@dataclass(frozen=True)
class Judged:
    """A judged round: why, its cross-checks, the state it leads to (int32[Ppad]), and the outcome to vote for."""

    judgement: Judgement
    checks: tuple[Check, ...]
    state: State
    outcome: Outcome

    def describe(self) -> dict[str, object]:
        """What a worker reports of it."""
        judgement = self.judgement
        losses = [judgement.headers[seat].loss for seat in judgement.bits]
        return {
            "accepted": sorted(judgement.bits),
            "excluded": {
                seat: str(verdict) for seat, verdict in judgement.verdicts.items() if seat not in judgement.bits
            },
            "checked": [check.draw.checker for check in self.checks if self.outcome.checked >> check.draw.checker & 1],
            "root": self.outcome.state_root.hex()[:16],
            "loss": round(sum(losses) / (65_536 * len(losses)), 4) if losses else None,
        }


class Follower:
    """State of `height`, and the judged rounds that may follow it."""

    def __init__(
        self, state: State, height: int, rules: CheckRules, next_state: NextState = compute_next_state
    ) -> None:
        self.rules = rules
        self.state = state
        self.height = height
        self.root = compute_state_root(state)
        self.judged: dict[int, Judged] = {}
        self._next_state = next_state

    @property
    def outcomes(self) -> dict[int, Outcome]:
        """Outcome of every judged round that is kept."""
        return {round_id: judged.outcome for round_id, judged in self.judged.items()}

    def reset(self, state: State, height: int) -> None:
        """Stands on another state; what was judged is judged anew."""
        self.state, self.height, self.root = state, height, compute_state_root(state)
        self.judged.clear()

    def stands_on(self, run: RunState) -> bool:
        """Whether the chain, as it is now, has this state at this height: an overturn may have taken it back."""
        return self.height <= run.height and self.root == run.get_root(self.height)

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
        checks = find_checks(run, self.rules, judgement)
        if judgement.bits:
            state, root = self._next_state(run, round_id, self.state, judgement.bits)
        else:  # nobody accepted: nobody votes, the round goes void
            state, root = self.state, run.get_root(self.height)
        outcome = Outcome(round_id, judgement.accepted, compute_checked(checks), root, judgement.votable)
        judged = Judged(judgement, checks, state, outcome)
        self.judged[round_id] = judged
        return judged

    def adopt(self, round_id: int, height: int) -> None:
        """The round is final with this follower's own outcome: its next state is the state of `height`. The round
        before is dropped.
        """
        own = self.judged[round_id]
        self.state, self.height, self.root = own.state, height, own.outcome.state_root
        self.judged = {other: judged for other, judged in self.judged.items() if other >= round_id}


def load_blobs(digests: Mapping[int, bytes], held: Mapping[bytes, bytes]) -> dict[int, bytes]:
    """Sealed bytes by seat, of the digests that are held; hashed again, since bytes may come from a disk."""
    blobs = {seat: held[digest] for seat, digest in digests.items() if digest in held}
    for seat, blob in blobs.items():
        if hashlib.sha256(blob).digest() != digests[seat]:
            raise ValueError(f"the blob of seat {seat} is not the one of its digest")
    return blobs


def describe_divergence(own: Outcome, final: RoundFinal, path: Path) -> str:
    """What a worker says whose own outcome is not the final one. path: where its own state is."""
    sets = "; ".join(
        f"{name} {sorted(compute_members(here))} here, {sorted(compute_members(there))} there"
        for name, here, there in (("accepted", own.accepted, final.accepted), ("checked", own.checked, final.checked))
    )
    return (
        f"round {final.round} is final with another outcome: root {own.state_root.hex()} here, "
        f"{final.state_root.hex()} there; {sets}. This worker does not follow; its own state is {path}: "
        f"`comitia audit --state` says who is right, and the first chunk that differs"
    )
