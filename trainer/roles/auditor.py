"""Replays a run from the chain and IPFS alone, and compares every root. Nobody's permission, nobody's word: anybody may
do it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from trainer.blobs.store import BlobStore
from trainer.errors import AuditMismatch, BlobError
from trainer.protocol.acceptance import compute_members
from trainer.protocol.answers import find_first_difference
from trainer.protocol.checks import CheckRules
from trainer.protocol.judgement import State, compute_next_state, compute_required
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import sealed_length
from trainer.protocol.types import Status
from trainer.roles.examination import Examiner
from trainer.roles.follower import Follower, load_blobs
from trainer.roles.watch_plan import Verdict, is_base_standing

AHEAD = 8  # rounds whose blobs are fetched while one is replayed
ACCEPTED_SECONDS = 60  # to find a blob that is part of a state
OTHER_SECONDS = 10  # to find one that was not accepted: nobody owes it for long

Clock = Callable[[], float]
Report = Callable[..., None]
OnState = Callable[[int, State], None]


def _ignore(height: int, state: State) -> None:
    pass


@dataclass(frozen=True)
class Audit:
    """What was replayed. `unjudged`: rounds whose accepted set could not be derived anew, since a blob outside it is
    gone; their sums were checked. `overturned`: rounds that were final and do not count any more, and why.
    """

    height: int
    root: bytes
    unjudged: tuple[int, ...]
    state: State
    overturned: Mapping[int, str]


class Auditor:
    """One audit. `claimed`: height to a state (int32[Ppad]) that somebody says is right: then a mismatch names the
    first chunk that differs.
    """

    def __init__(
        self,
        run: RunState,
        store: BlobStore,
        clock: Clock,
        report: Report,
        claimed: Mapping[int, State],
        *,
        rules: CheckRules,
    ) -> None:
        self._run = run
        self._store = store
        self._clock = clock
        self._report = report
        self._claimed = claimed
        self._rules = rules
        self._examiner = Examiner(store, rules, compute_next_state)

    def replay(self, genesis: State, until: int | None = None, on_state: OnState = _ignore) -> Audit:
        """Replays every round that made a height, in order. Raises AuditMismatch at the first that differs, BlobError
        if a blob of an accepted seat cannot be had. Rounds that an overturn took are told, and replayed where their
        blobs are still to be had.

        until: the last height to replay, and then nothing about overturned rounds. on_state: is given every height and
        its state, from 0 on.
        """
        finals = self._run.finals[:until]
        follower = Follower(genesis, 0, self._rules)
        unjudged: list[int] = []
        overturned: dict[int, str] = {}
        gone = [r for r, record in sorted(self._run.rounds.items()) if record.final and record.overturned]
        if until is not None:
            gone = []
        on_state(0, genesis)
        with ThreadPoolExecutor(AHEAD) as pool:
            try:
                wanted = {final.round: pool.submit(self._fetch, final.round) for final in finals[:AHEAD]}
                for position, final in enumerate(finals):
                    while gone and gone[0] < final.round:
                        self._look_at_overturned(follower, gone.pop(0), overturned)
                    for later in finals[position + 1 : position + 1 + AHEAD]:
                        if later.round not in wanted:
                            wanted[later.round] = pool.submit(self._fetch, later.round)
                    if not self._replay_round(follower, final.round, wanted.pop(final.round)):
                        unjudged.append(final.round)
                    self._report(
                        "replayed",
                        round=final.round,
                        height=final.height,
                        heights=len(finals),
                        root=final.state_root.hex()[:16],
                    )
                    on_state(follower.height, follower.state)
                for round_id in gone:
                    self._look_at_overturned(follower, round_id, overturned)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        root = self._run.get_root(follower.height)
        return Audit(follower.height, root, tuple(unjudged), follower.state, overturned)

    # ------------------------------------------------------------------ rounds that do not count

    def _look_at_overturned(self, follower: Follower, round_id: int, overturned: dict[int, str]) -> None:
        overturned[round_id] = reason = self._explain_overturned(follower, round_id)
        self._report("overturned", round=round_id, reason=reason)

    def _explain_overturned(self, follower: Follower, round_id: int) -> str:
        run, final = self._run, self._run.rounds[round_id].final
        assert final is not None
        done = (Status.EXECUTED, Status.CANCELLED)
        executed = [of for (of, _), found in run.challenges.items() if found.status in done]
        if round_id not in executed:
            return f"with round {max((of for of in executed if of < round_id), default=0)}"
        if final.height - 1 != follower.height or not is_base_standing(run, round_id, final.height):
            return "nobody answered; not replayed, since the state before it does not stand any more"
        try:
            found = self._examiner.rebuild(run, final, follower.height, follower.state)
        except BlobError as error:
            return f"nobody answered; not replayed: {error}"
        if found.verdict is Verdict.RIGHT:
            return "nobody answered in time, though its root is right"
        return f"{found.verdict}, nobody answered"

    def _replay_round(self, follower: Follower, round_id: int, fetched: Future[dict[bytes, bytes]]) -> bool:
        """Replays one round; False if its accepted set was taken as recorded."""
        record = self._run.rounds[round_id]
        final = record.final
        assert final is not None
        held = fetched.result()
        is_whole = all(digest in held for digest in compute_required(self._run, round_id).values())
        blobs = load_blobs({seat: commit.sealed_digest for seat, commit in record.commits.items()}, held)
        judged = follower.judge(self._run, round_id, blobs, recorded=not is_whole)
        own = judged.outcome
        if own.accepted != final.accepted:
            names = {seat: str(verdict) for seat, verdict in judged.judgement.verdicts.items()}
            raise AuditMismatch(
                f"round {round_id} (height {final.height}): the accepted set is "
                f"{sorted(compute_members(final.accepted))} on chain, "
                f"{sorted(compute_members(own.accepted))} replayed ({names})"
            )
        if own.state_root != final.state_root:
            raise AuditMismatch(
                f"round {round_id} (height {final.height}): the root is {final.state_root.hex()} on chain, "
                f"{own.state_root.hex()} replayed; " + self._locate(final.height, judged.state)
            )
        if own.checked != final.checked:
            found = [f"{c.draw.checker} of {c.draw.target}: {c.finding}" for c in judged.checks]
            raise AuditMismatch(
                f"round {round_id} (height {final.height}): the paid cross-checks are "
                f"{sorted(compute_members(final.checked))} on chain, {sorted(compute_members(own.checked))} replayed "
                f"({found})"
            )
        follower.adopt(round_id, final.height)
        if (
            final.height in self._claimed
            and find_first_difference(self._claimed[final.height], follower.state) is not None
        ):
            raise AuditMismatch(
                f"height {final.height}: the recorded root is right, the given state is not: "
                + self._locate(final.height, follower.state)
            )
        return is_whole

    def _locate(self, height: int, state: State) -> str:
        claimed = self._claimed.get(height)
        if claimed is None:
            return "which chunk only a state with that root can tell: give one with --state FILE"
        chunk = find_first_difference(claimed, state)
        return "the given state is the replayed one" if chunk is None else f"first differing chunk {chunk}"

    def _fetch(self, round_id: int) -> dict[bytes, bytes]:
        """Blobs of a round by digest. Those outside the accepted set may be missing."""
        record = self._run.rounds[round_id]
        assert record.final is not None
        accepted = compute_members(record.final.accepted)
        size = sealed_length(self._run.parameters.parameter_count)
        found = {}
        for seat, commit in sorted(record.commits.items()):
            is_needed = seat in accepted
            if not is_needed and seat not in compute_required(self._run, round_id):
                continue
            try:
                blob = self._store.get(
                    commit.sealed_digest, size, self._clock() + (ACCEPTED_SECONDS if is_needed else OTHER_SECONDS)
                )
            except BlobError:
                if is_needed:
                    raise BlobError(
                        f"round {round_id}: the blob of seat {seat} ({commit.sealed_digest.hex()}) is nowhere to be "
                        f"found; start an archive or another seat's node"
                    ) from None
                continue
            if hashlib.sha256(blob).digest() == commit.sealed_digest:
                found[commit.sealed_digest] = blob
        missing = [seat for seat in accepted if seat not in record.commits]
        if missing:
            raise AuditMismatch(f"round {round_id}: seats {missing} were accepted and never committed")
        return found
