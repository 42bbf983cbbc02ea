"""Participants that cheat with their votes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from tests.adversaries.place import Place
from trainer.chain import calls
from trainer.protocol.events import Proposed
from trainer.protocol.records import Round
from trainer.protocol.types import BlockRef, Phase
from trainer.roles.worker import Parts

ROOT = 6  # place of the new root among the arguments of a vote


def vote_wrong_root(parts: Parts, place: Place) -> None:
    """Votes for a root of its own, the same as its friends, whenever others vote for the right one."""
    send = parts.submitter.send

    def lie(kind: str, round_id: int, call: calls.Call) -> None:
        if kind == "vote":
            call = replace(call, args=(*call.args[:ROOT], _make_root(round_id), *call.args[ROOT + 1 :]))
        send(kind, round_id, call)

    parts.submitter.send = lie  # type: ignore[method-assign]


def _make_root(round_id: int) -> bytes:
    return sha256(b"wrong root of round %d" % round_id).digest()


def vote_first(choose: Callable[[Round, Place], Proposed | None]) -> Callable[[Parts, Place], None]:
    """Votes as soon as `choose` says for what, and for nothing else: what it judges itself does not count."""

    def alter(parts: Parts, place: Place) -> None:
        replica, desk, submitter = parts.replica, parts.desk, parts.submitter
        poll, collect, send = replica.poll, desk.collect, submitter.send
        heads = list[BlockRef]()

        def keep_back(kind: str, round_id: int, call: calls.Call) -> None:
            if kind != "vote":
                send(kind, round_id, call)

        def look() -> BlockRef:
            heads[:] = [poll()]
            return heads[0]

        def vote() -> None:
            collect()
            run = replica.run
            record = run.current
            if record is None or run.compute_phase(heads[0].time)[0] is not Phase.VOTE or place.seat in record.votes:
                return
            said = choose(record, place)
            if (
                said
                and run.seats[place.seat].is_active(record.round)
                and ("vote", record.round) not in submitter.pending
            ):
                call = calls.vote(record.round, place.seat, heads[0], said.accepted, said.checked, said.new_state_root)
                send("vote", record.round, call)

        replica.poll, desk.collect = look, vote  # type: ignore[method-assign]
        submitter.send = keep_back  # type: ignore[method-assign]

    return alter


def bait(record: Round, place: Place) -> Proposed | None:
    """A wrong outcome, for those who copy the first vote."""
    everybody = sum(1 << seat for seat in record.commits)
    return Proposed(record.opened, record.round, bytes(32), everybody, 0, _make_root(record.round))


def copy_first(record: Round, place: Place) -> Proposed | None:
    """What somebody else voted for first."""
    others = [outcome for seat, outcome in record.votes.items() if seat != place.seat]
    return record.proposals[others[0]] if others else None


def bait_and_copy(parts: Parts, place: Place) -> None:
    """The first of the gang baits; the others copy."""
    vote_first(bait if place.seat == place.gang[0] else copy_first)(parts, place)
