"""Recomputes what a final round should have come to, from its blobs and the state before it: what a challenge is about.

The accepted set is taken as recorded, as the contract takes it: a challenge refutes a sum, never a choice of seats.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from trainer.blobs.store import BlobStore
from trainer.errors import BlobError
from trainer.protocol.acceptance import compute_members
from trainer.protocol.checks import CheckRules, compute_checked, find_checks
from trainer.protocol.events import RoundFinal
from trainer.protocol.gradient import GradientError, decode_plaintext
from trainer.protocol.judgement import State, compute_required, judge
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import SealError, open_sealed, sealed_length
from trainer.protocol.tree import compute_gradient_root
from trainer.roles.follower import NextState, load_blobs
from trainer.roles.watch_plan import Verdict

FETCH_SECONDS = 20.0  # for a blob that was held before


@dataclass(frozen=True)
class Examination:
    """A final round, recomputed. `before`, `after`: int32[Ppad]; where the verdict is not about a root, `after` is
    `before`. `bits`: packed, of every accepted seat. `complaint`: what is against the rules and cannot be challenged.
    """

    round: int
    height: int
    verdict: Verdict
    before: State
    after: State
    root: bytes
    bits: Mapping[int, bytes]
    complaint: str = ""


class Examiner:
    """Examines rounds; `next_state` computes the step."""

    def __init__(self, store: BlobStore, rules: CheckRules, next_state: NextState) -> None:
        self._store = store
        self._rules = rules
        self._next_state = next_state

    def get_digests(self, run: RunState, final: RoundFinal) -> dict[int, bytes]:
        """Sealed digests, by seat, that a full judgement of the round needs."""
        commits = run.rounds[final.round].commits
        accepted = {s: commits[s].sealed_digest for s in sorted(compute_members(final.accepted)) if s in commits}
        return accepted | compute_required(run, final.round)

    def examine(
        self, run: RunState, final: RoundFinal, before: State, held: Mapping[bytes, bytes], *, needs_all: bool
    ) -> Examination | None:
        """Examines a round on the state that it was trained from; None while blobs are missing. held: sealed bytes by
        digest. needs_all: wait for the blobs outside the accepted set, too.
        """
        record = run.rounds[final.round]
        accepted = compute_members(final.accepted)
        if accepted - set(record.reveals):
            return self._judge_without_sum(final, before, Verdict.HOPELESS)
        wanted = self.get_digests(run, final)
        missing = {seat for seat, digest in wanted.items() if digest not in held}
        if missing & accepted or (missing and needs_all):
            return None
        blobs = load_blobs({seat: commit.sealed_digest for seat, commit in record.commits.items()}, held)
        complaint = "" if missing else self._complain(run, final, blobs)
        bits = {seat: found for seat in sorted(accepted) if (found := open_bits(run, final.round, seat, blobs[seat]))}
        if set(bits) != accepted:
            # The bits of an accepted seat are not in its blob: somebody may know them all the same, and answer.
            return self._judge_without_sum(final, before, Verdict.UNKNOWN, complaint)
        after, root = self._next_state(run, final.round, before, bits)
        verdict = Verdict.RIGHT if root == final.state_root else Verdict.WRONG
        return Examination(final.round, final.height, verdict, before, after, root, bits, complaint)

    def rebuild(self, run: RunState, final: RoundFinal, height: int, state: State) -> Examination:
        """Examines an earlier round again, from the state of an earlier height, with blobs that are looked for. Raises
        BlobError.
        """
        for between in run.finals[height : final.height - 1]:
            found = self.examine(run, between, state, self._load(run, between), needs_all=False)
            if found is None or found.verdict is not Verdict.RIGHT:
                raise BlobError(f"round {between.round} (height {between.height}) cannot be replayed any more")
            state = found.after
        found = self.examine(run, final, state, self._load(run, final), needs_all=False)
        if found is None:
            raise BlobError(f"round {final.round}: the blob of an accepted seat is nowhere to be found")
        return found

    def _load(self, run: RunState, final: RoundFinal) -> dict[bytes, bytes]:
        size = sealed_length(run.parameters.parameter_count)
        commits = run.rounds[final.round].commits
        digests = [commits[s].sealed_digest for s in sorted(compute_members(final.accepted)) if s in commits]
        return {d: self._store.get(d, size, time.monotonic() + FETCH_SECONDS) for d in digests}

    def _complain(self, run: RunState, final: RoundFinal, blobs: Mapping[int, bytes]) -> str:
        judgement = judge(run, final.round, blobs)
        found = {
            "accepted set": (final.accepted, judgement.accepted),
            "set of paid cross-checks": (final.checked, compute_checked(find_checks(run, self._rules, judgement))),
        }
        return "; ".join(
            f"the {name} is {sorted(compute_members(there))} on chain, {sorted(compute_members(own))} by the rules; no "
            f"challenge can refute that"
            for name, (there, own) in found.items()
            if there != own
        )

    @staticmethod
    def _judge_without_sum(final: RoundFinal, before: State, verdict: Verdict, complaint: str = "") -> Examination:
        return Examination(final.round, final.height, verdict, before, before, b"", {}, complaint)


def open_bits(run: RunState, round_id: int, seat: int, blob: bytes) -> bytes | None:
    """The bits that a seat revealed, if its blob holds them. Whether the rules would have let it in does not matter
    here: the contract adds up whoever the voters accepted.
    """
    record = run.rounds[round_id]
    reveal = record.reveals[seat]
    try:
        plaintext = open_sealed(blob, reveal.key, run_domain=run.domains.run, round=round_id, seat=seat, salt=b"")
        _, bits = decode_plaintext(
            plaintext, seat=seat, round=round_id, height=record.height, parameter_count=run.parameters.parameter_count
        )
    except (SealError, GradientError):
        return None
    return bits if compute_gradient_root(bits) == reveal.gradient_root else None
