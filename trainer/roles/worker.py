"""One participant: feeds events and the chain's time into the pure session, and carries out what comes back.

Chain gives events -> `session.decide` says what this seat must do -> learn computes bits -> protocol packs, hashes,
seals -> blobs stores -> chain sends;
then back: blobs fetches -> protocol opens, accepts, adds up, hashes -> chain votes. Every step is in the journal, on
disk, before it is on the chain.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from trainer.errors import Diverged, KeyInUse, UnreachableError
from trainer.learn.local_training import LocalResult
from trainer.protocol import session
from trainer.protocol.disputes import is_over
from trainer.protocol.judgement import State
from trainer.protocol.phases import Clock, is_two_thirds
from trainer.protocol.run_state import RunState
from trainer.protocol.session import Local, TrainingKey
from trainer.protocol.tree import compute_gradient_root
from trainer.protocol.types import BlockRef
from trainer.roles.blob_desk import BlobDesk
from trainer.roles.call_builder import build_call
from trainer.roles.checking import CheckDesk
from trainer.roles.enrolment import KeyRing
from trainer.roles.follower import Follower, describe_divergence, load_blobs
from trainer.roles.replica import Replica
from trainer.roles.sealer import seal_gradient
from trainer.roles.submitter import Submitter
from trainer.roles.training import Absence, BackgroundTraining
from trainer.roles.vault import Vault

Report = Callable[..., None]


@dataclass
class Parts:
    """What a worker is made of; tests put other parts in."""

    replica: Replica
    follower: Follower
    genesis: State  # int32[Ppad]
    desk: BlobDesk
    submitter: Submitter
    training: BackgroundTraining
    checks: CheckDesk
    vault: Vault
    keyring: KeyRing
    numerics: str
    report: Report  # report(event, **values): one line for each decision


class Worker:
    """Runs one seat until the run is finished, `stop` is set, or this machine and the run disagree."""

    def __init__(self, seat: int, parts: Parts, *, poll_seconds: float, stop: threading.Event) -> None:
        self.seat = seat
        self.parts = parts
        self._poll_seconds = poll_seconds
        self._stop = stop
        self._works = parts.vault.load_works()
        self._trained: TrainingKey | None = None
        self._result: LocalResult | None = None
        self._seen: tuple[int, ...] = ()
        self._reorganisations = parts.replica.reorganisations
        self._is_recovered = False
        self._waiting = ""
        self._diverged = 0  # round in which the run went another way
        self._absence = Absence()

    # ------------------------------------------------------------------ loop

    def run(self) -> None:
        """Works until it is done. Raises Diverged, KeyInUse; waits while the chain or Kubo is away."""
        try:
            while not self._stop.is_set():
                try:
                    if not self._is_recovered:
                        self._recover()
                        self._is_recovered = True
                    if self._turn():
                        break
                    self._waiting = ""
                except UnreachableError as error:
                    if str(error) != self._waiting:
                        self._waiting = str(error)
                        self.parts.report("waiting", reason=str(error))
                    self._stop.wait(1.0)
                self._stop.wait(self._poll_seconds)
        finally:
            self.parts.training.stop()
            self.parts.checks.stop()
            self.parts.desk.close()

    def _turn(self) -> bool:
        parts = self.parts
        head = parts.replica.poll()
        run = parts.replica.run
        if parts.replica.reorganisations != self._reorganisations:
            self._reorganisations = parts.replica.reorganisations
            parts.report("reorganisation", head=head.number)
            self._rebase()
            parts.submitter.restore()
        elif not parts.follower.stands_on(run):
            parts.report("overturned", height=run.height, was=parts.follower.height)
            self._rebase()
        if self._diverged and (self._diverged not in run.rounds or run.rounds[self._diverged].overturned):
            parts.report("resumed", round=self._diverged, height=run.height)
            self._diverged = 0
        parts.submitter.settle(head)
        parts.desk.keep_peers(run, self.seat)
        parts.desk.collect()
        finished = parts.training.collect()
        if finished:
            key, result = self._trained, self._result = finished
            parts.report("trained", round=key.round, loss=round(result.mean_loss, 4), seconds=round(result.seconds, 2))
            parts.checks.note_pace(result.seconds)
        self._show(run.clock)
        is_done, is_moving = False, True
        while is_moving and not self._stop.is_set():
            # Each time: a state that was just adopted is what a replay waits for, and its commit must not leave before.
            parts.checks.turn(run, head.time, self._works, is_training=parts.training.is_busy)
            actions = self._decide(run, head)
            for action in actions:
                self._carry_out(action, head)
            is_done = session.Done() in actions
            # What was judged, adopted or sealed leads on at once: a late joiner does not wait a poll for each height.
            is_moving = any(isinstance(action, session.Judge | session.Adopt | session.Seal) for action in actions)
        return is_done

    def _decide(self, run: RunState, head: BlockRef) -> list[session.Action]:
        """What the session says; an operator whose time has not come only follows, one whose time is over stops."""
        actions = session.decide(run, self.seat, head.time, self._local())
        seat, me = run.seats.get(self.seat), self.parts.submitter.address
        if seat is None or seat.get_operator(run.clock.round) == me:
            return actions
        if seat.get_operator(run.next_round) != me:
            self.parts.report("replaced", operator=seat.get_operator(run.next_round))
            self._stop.set()
        return [a for a in actions if isinstance(a, session.Fetch | session.Judge | session.Adopt)]

    def _local(self) -> Local:
        parts = self.parts
        return Local(
            height=parts.follower.height,
            held=parts.desk.held,
            works=self._works,
            judged=parts.follower.outcomes,
            training=parts.training.key,
            trained=self._trained,
            pending=parts.submitter.pending,
            is_sampling=parts.checks.is_sampling,
            is_recomputing=bool(parts.checks.docket.open),
            charges=frozenset(parts.checks.docket.charges),
        )

    def _recover(self) -> None:
        """After a start: the newest state whose root is on chain, the own blobs back into Kubo, signed transactions
        sent again as the same bytes.
        """
        parts = self.parts
        head = parts.replica.poll()
        parts.submitter.settle(head)
        self._rebase()
        run = parts.replica.run
        record = run.current
        if record is None:
            return
        for round_id in (record.round - 1, record.round):
            work, blob = self._works.get(round_id), parts.vault.load_blob(round_id)
            if work and blob:
                parts.desk.put(blob, round_id)
        done = {"commit": set(record.commits), "reveal": set(record.reveals), "vote": set(record.votes)}
        newest = dict(parts.vault.load_transactions(record.round))
        for kind, raw in newest.items():
            if kind in done and self.seat not in done[kind]:
                parts.submitter.resend(kind, record.round, raw)
        for round_id in sorted({charge.round for charge in parts.checks.docket.charges}):
            accusations = [raw for kind, raw in parts.vault.load_transactions(round_id) if kind == "accuse"]
            if accusations and not is_over(run, round_id, head.time):
                parts.submitter.resend("accuse", round_id, accusations[-1])

    def _rebase(self) -> None:
        """Stands on the newest state that the chain, as it is now, confirms: one from the disk, else the genesis."""
        parts = self.parts
        height, state = parts.vault.load_state(parts.replica.run) or (0, parts.genesis)
        parts.follower.reset(state, height)
        if height:
            parts.report("restored", height=height)

    # ------------------------------------------------------------------ actions

    def _carry_out(self, action: session.Action, head: BlockRef) -> None:
        match action:
            case session.Fetch():
                self.parts.desk.want(action.round, action.digests)
            case session.Judge():
                self._judge(action)
            case session.Adopt():
                self._adopt(action, head)
            case session.Train():
                self._train(action.key)
            case session.StopTraining():
                self.parts.training.stop()
            case session.Seal():
                self._seal(action.key)
            case session.Send():
                self._send(action, head)
            case session.Halt():
                self._halt(action, head)
            case session.Done():
                self.parts.report("finished", height=self.parts.replica.run.height)

    def _judge(self, action: session.Judge) -> None:
        parts, run = self.parts, self.parts.replica.run
        record = run.rounds[action.round]
        blobs = load_blobs({seat: commit.sealed_digest for seat, commit in record.commits.items()}, parts.desk.blobs)
        judged = parts.follower.judge(run, action.round, blobs, recorded=action.recorded)
        parts.report("judged", round=action.round, **judged.describe())

    def _adopt(self, action: session.Adopt, head: BlockRef) -> None:
        parts, run = self.parts, self.parts.replica.run
        judged = parts.follower.judged[action.round]
        parts.follower.adopt(action.round, action.height)
        parts.vault.save_state(action.height, parts.follower.state, parts.checks.reach)
        parts.checks.note(run, judged.judgement, judged.checks, head.time)
        parts.desk.forget_before(action.round)
        parts.report("final", round=action.round, height=action.height)

    def _train(self, key: TrainingKey) -> None:
        parts = self.parts
        parts.training.stop()
        self._trained, self._result = None, None
        own = parts.follower.judged.get(key.round - 1)
        state = own.state if own and own.outcome.state_root == key.state_root else parts.follower.state
        inner = parts.vault.load_inner(key.inner_round) if key.inner_round else None
        run = parts.replica.run
        others = run.clock.active - run.seats[self.seat].get_weight(key.round)
        reason = self._absence.find_reason(
            key,
            has_inner=inner is not None,
            has_key=self._compute_key(key.round) is not None,
            is_dispensable=is_two_thirds(others, run.clock.base),
        )
        if reason:
            parts.report("sits out", round=key.round, reason=reason)
            parts.training.skip(key)
        else:
            parts.training.start(key, self.seat, state, inner)

    def _compute_key(self, round_id: int) -> bytes | None:
        return self.parts.keyring.compute_key(self.parts.replica.run.seats[self.seat], round_id)

    def _seal(self, key: TrainingKey) -> None:
        parts, run = self.parts, self.parts.replica.run
        chain_key, result = self._compute_key(key.round), self._result
        assert result is not None
        assert chain_key is not None
        sample = parts.checks.get_sample(key.round)
        blob = seal_gradient(run, self.seat, key, result.bits, result.mean_loss, chain_key, parts.numerics, sample)
        digest = parts.desk.put(blob, key.round)
        work = session.Work(key.round, key.seed, key.state_root, compute_gradient_root(result.bits), digest)
        parts.vault.save_work(work, blob, result.inner_state)
        self._works[key.round] = work
        parts.report("sealed", round=key.round, bytes=len(blob), digest=digest.hex()[:16])

    def _send(self, action: session.Send, head: BlockRef) -> None:
        parts = self.parts
        if action.kind == "vote":
            parts.vault.save_outcome(parts.follower.outcomes[action.round])
        work, own = self._works.get(action.round), parts.follower.outcomes.get(action.round)
        key = self._compute_key(action.round) if action.kind == "reveal" else None
        call = build_call(action, self.seat, parts.replica.run.domains, head, parts.submitter.address, work, own, key)
        parts.submitter.send(action.kind, action.round, call)

    def _halt(self, action: session.Halt, head: BlockRef) -> None:
        run = self.parts.replica.run
        if action.reason == "key in use":
            raise KeyInUse(
                f"round {action.round}: the chain holds a commitment of seat {self.seat} that is not in this journal. "
                f"Does another machine run this key?"
            )
        own, final = self.parts.follower.outcomes[action.round], run.rounds[action.round].final
        assert final is not None
        until = final.block.time + run.parameters.horizon
        if self._diverged != action.round:
            self._diverged = action.round
            self.parts.vault.save_diverged(final.height, self.parts.follower.judged[action.round].state)
            self.parts.report("diverged", round=action.round, root=final.state_root.hex()[:16], waits_until=until)
        if head.time < until:
            return  # an overturn may still take it back; nothing is sent before
        raise Diverged(describe_divergence(own, final, self.parts.vault.get_diverged(final.height)))

    def _show(self, clock: Clock) -> None:
        seen = (clock.round, clock.height, clock.committed, clock.revealed, clock.stretch)
        if seen != self._seen:
            self._seen = seen
            self.parts.report(
                "round",
                round=clock.round,
                height=clock.height,
                committed=clock.committed,
                revealed=clock.revealed,
                base=clock.base,
            )
