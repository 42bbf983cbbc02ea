"""Watches a run: replays it as it goes, challenges a wrong root, answers for a right one, and executes what is due.

It speaks to the chain and to IPFS only, and needs nobody's permission. What it does follows from the chain alone, so a
restart, a reorganisation or a second watcher changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from trainer.chain import calls
from trainer.errors import BlobError, UnreachableError
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Phase, Status
from trainer.roles.answering import make_answer
from trainer.roles.blob_desk import BlobDesk
from trainer.roles.errands import Errands
from trainer.roles.examination import Examination, Examiner
from trainer.roles.replica import ChainReplica
from trainer.roles.shelf import Shelf
from trainer.roles.suspicion import Suspicion
from trainer.roles.watch_plan import (
    Errand,
    Verdict,
    compute_answers_needed,
    compute_safe_height,
    compute_spent,
    has_made,
    is_base_standing,
    plan,
)

PATIENCE = 60  # seconds of chain time after finality in which blobs of seats that were not accepted are waited for
AHEAD = 8  # rounds whose blobs are fetched at the same time

Report = Callable[..., None]


@dataclass
class WatchParts:
    """What a watcher is made of. `errands` sends nothing where there is no key."""

    replica: ChainReplica
    genesis: State  # int32[Ppad]
    desk: BlobDesk
    examiner: Examiner
    shelf: Shelf
    errands: Errands
    suspicion: Suspicion
    report: Report


class Watcher:
    """Runs until the run is over and safe, or `stop` is set."""

    def __init__(self, parts: WatchParts, *, poll_seconds: float, stop: threading.Event) -> None:
        self.parts = parts
        self._poll_seconds = poll_seconds
        self._stop = stop
        self._height, self._state = 0, parts.genesis
        self._root = compute_state_root(parts.genesis)
        self._is_new = True
        self._verdicts: dict[tuple[int, bytes], Verdict] = {}  # by round and its root
        self._wrong: Examination | None = None  # of the next height, where that is wrong
        self._rebuilt: Examination | None = None  # the last one for an answer
        self._reorganisations = parts.replica.reorganisations
        self._said: set[tuple[object, ...]] = set()

    def run(self) -> None:
        """Watches until it is done; waits while the chain or Kubo is away."""
        waiting = ""
        try:
            while not self._stop.is_set():
                try:
                    if self._turn():
                        break
                    waiting = ""
                except UnreachableError as error:
                    if str(error) != waiting:
                        waiting = str(error)
                        self.parts.report("waiting", reason=waiting)
                    self._stop.wait(1.0)
                self._stop.wait(self._poll_seconds)
        finally:
            self.parts.desk.close()
            self.parts.shelf.close()

    def _turn(self) -> bool:
        parts = self.parts
        head = parts.replica.poll()
        run = parts.replica.run
        if parts.replica.reorganisations != self._reorganisations:
            self._reorganisations = parts.replica.reorganisations
            parts.report("reorganisation", head=head.number)
            parts.errands.restore()
        parts.errands.settle(head)
        parts.desk.keep_peers(run, None)
        parts.desk.collect()
        self._stand(run)
        self._fetch(run)
        while not self._stop.is_set() and self._advance(run, head.time):
            pass
        target = None if self._wrong is None else parts.suspicion.find(run, self._wrong, parts.replica.events)
        for errand in plan(run, head.time, parts.errands.account, self._get_verdict, target):
            self._do(run, errand)
        return self._is_over(run, head.time)

    # ------------------------------------------------------------------ replaying

    def _stand(self, run: RunState) -> None:
        """Stands on a height that the chain, as it is now, has: after a start, a reorganisation or an overturn on the
        newest one that is kept.
        """
        is_standing = self._height <= run.height and run.get_root(self._height) == self._root
        if is_standing and not self._is_new:
            wrong = self._wrong
            if wrong is not None and not has_made(run, wrong.round, wrong.height):
                self._wrong = None
            return
        before = self._height
        self._height, self._state = self.parts.shelf.find(run.height, run.get_root) or (0, self.parts.genesis)
        self._root, self._wrong = run.get_root(self._height), None
        self.parts.report("restored" if self._is_new else "fell back", height=self._height, was=before)
        self._is_new = False

    def _fetch(self, run: RunState) -> None:
        """Asks for the blobs of the next rounds, and of the open one as soon as its commits are seen."""
        held = self.parts.desk.held
        for final in run.finals[self._height : self._height + AHEAD]:
            wanted = self.parts.examiner.get_digests(run, final)
            self.parts.desk.want(final.round, {seat: d for seat, d in wanted.items() if d not in held})
        record = run.current
        if record is not None and record.final is None:
            commits = {seat: commit.sealed_digest for seat, commit in record.commits.items()}
            self.parts.desk.want(record.round, {seat: d for seat, d in commits.items() if d not in held})

    def _advance(self, run: RunState, time: int) -> bool:
        """Examines the next height; whether there may be more."""
        if self._height >= run.height or self._wrong is not None:
            return False
        final, parts = run.finals[self._height], self.parts
        is_late = time > final.block.time + PATIENCE
        found = parts.examiner.examine(run, final, self._state, parts.desk.blobs, needs_all=not is_late)
        if found is None:
            if is_late:
                self._say(
                    "cannot replay", round=final.round, height=final.height,
                    reason="a blob of an accepted seat cannot be fetched: neither challenged nor answered for",
                )  # fmt: skip
            return False
        self._verdicts[final.round, final.state_root] = found.verdict
        if found.verdict is not Verdict.RIGHT:
            self._wrong = found
            # Unknown: the bits of an accepted seat are not in its blob.
            event = "cannot replay" if found.verdict is Verdict.UNKNOWN else "wrong"
            parts.report(
                event, round=final.round, height=final.height, verdict=str(found.verdict),
                root=final.state_root.hex()[:16], own=found.root.hex()[:16],
            )  # fmt: skip
            self._warn_of_windows(run)
            return False
        if found.complaint:
            parts.report("not by the rules", round=final.round, height=final.height, reason=found.complaint)
        self._height, self._state, self._root = final.height, found.after, found.root
        parts.shelf.save(self._height, self._root, self._state)
        parts.shelf.prune(self._height, compute_safe_height(run, time))
        parts.desk.forget_before(final.round)
        parts.report("replayed", round=final.round, height=final.height, root=self._root.hex()[:16])
        return True

    def _get_verdict(self, round_id: int) -> Verdict:
        """What a replay says of a final round, overturned ones included; nothing of rounds that are built on a wrong
        one.
        """
        run = self.parts.replica.run
        final = run.rounds[round_id].final
        if final is None:
            return Verdict.UNKNOWN
        if has_made(run, round_id, final.height) and final.height <= self._height:
            return Verdict.RIGHT
        key = (round_id, final.state_root)
        if key not in self._verdicts:
            if has_made(run, round_id, final.height) or final.height - 1 > self._height:
                return Verdict.UNKNOWN  # not yet, or built on a wrong state
            # Overturned, and examined in an earlier life if at all.
            try:
                self._verdicts[key] = self._rebuild(run, round_id).verdict
            except BlobError as error:
                self.parts.report("cannot replay", round=round_id, height=final.height, reason=str(error))
                self._verdicts[key] = Verdict.UNKNOWN
        return self._verdicts[key]

    def _rebuild(self, run: RunState, round_id: int) -> Examination:
        """A final round with the state before it, for an answer. Raises BlobError."""
        final = run.rounds[round_id].final
        assert final is not None
        known = self._rebuilt  # several chunks of one round may be challenged
        if known is not None and (known.round, known.root) == (round_id, final.state_root):
            return known
        if not is_base_standing(run, round_id, final.height):
            raise BlobError(f"round {round_id} was trained from a state that does not stand any more")
        height, state = self.parts.shelf.find(final.height - 1, run.get_root) or (0, self.parts.genesis)
        self._rebuilt = self.parts.examiner.rebuild(run, final, height, state)
        return self._rebuilt

    # ------------------------------------------------------------------ transactions

    def _do(self, run: RunState, errand: Errand) -> None:
        errands, round_id, chunk = self.parts.errands, errand.round, errand.chunk
        name = f"{errand.kind} of chunk {chunk}" + (f", seat {errand.seat}" if errand.kind == "slash" else "")
        if not errands.is_due(name, round_id):
            return
        match errand.kind:
            case "challenge":
                spent = compute_spent(run, errands.account, self.parts.replica.events)
                if errands.account and spent + errand.bond > errands.budget:
                    reason = f"bond {errand.bond} wei; {spent} are held or lost of a budget of {errands.budget}"
                    errands.refuse(name, round_id, reason)
                    return
                final = run.rounds[round_id].final
                assert final is not None
                sent = [calls.challenge(round_id, final.height, chunk, final.state_root, errand.bond)]
            case "answer":
                try:
                    sent = make_answer(run, self._rebuild(run, round_id), chunk)
                except BlobError as error:
                    errands.refuse(name, round_id, str(error))
                    return
            case "overturn":
                sent = [calls.overturn(round_id, chunk)]
            case "slash":
                sent = [calls.slash(round_id, chunk, errand.seat)]
            case _:
                sent = [calls.lapse(round_id, chunk)]
        errands.send(name, round_id, sent)

    # ------------------------------------------------------------------ telling

    def _warn_of_windows(self, run: RunState) -> None:
        needed = compute_answers_needed(run) * run.parameters.answer_window
        if needed > run.parameters.challenge_window:
            self.parts.report(
                "short of time",
                reason=f"a bisection may take {needed} s if every answer comes late; challenges are possible for "
                f"{run.parameters.challenge_window} s",
            )

    def _say(self, event: str, **values: object) -> None:
        """Reports it once."""
        key = (event, *values.items())
        if key not in self._said:
            self._said.add(key)
            self.parts.report(event, **values)

    def _is_over(self, run: RunState, time: int) -> bool:
        if run.compute_phase(time)[0] is not Phase.FINISHED or compute_safe_height(run, time) < run.height:
            return False
        if any(found.status is Status.EXECUTED and found.voters for found in run.challenges.values()):
            return False
        self.parts.report("finished", height=run.height)
        return True
