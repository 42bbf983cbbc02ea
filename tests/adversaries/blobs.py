"""Participants that cheat with blobs and with who has them. Each changes one method of the desk of blobs, or of what
sends transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np

from tests.adversaries.place import Place
from trainer.chain.calls import Call
from trainer.errors import UnreachableError
from trainer.protocol.phases import stretched
from trainer.protocol.types import BlockRef, Phase
from trainer.roles.worker import Parts

OVERSIZE = 900_000  # bytes: below what one raw block may have
HAVES = 4  # place of `haves` among the arguments of a reveal
EARLY = 3  # seconds before the honest stop waiting, when the selective publisher publishes


def alter_blobs(change: Callable[[bytes, int], bytes]) -> Callable[[Parts, Place], None]:
    """Hands in other blobs, to which the commitment is true: change(sealed blob, round)."""

    def alter(parts: Parts, place: Place) -> None:
        put = parts.desk.put
        parts.desk.put = lambda blob, round_id: put(change(blob, round_id), round_id)  # type: ignore[method-assign]

    return alter


def make_garbage(blob: bytes, round_id: int) -> bytes:
    """Noise of the right size."""
    return np.random.default_rng([round_id]).bytes(len(blob))


def make_oversized(blob: bytes, round_id: int) -> bytes:
    """A blob a hundred times too large."""
    return blob.ljust(OVERSIZE, b"\0")


def missend(blob: bytes, round_id: int) -> bytes:
    """A blob sealed with something else than the key that is revealed: one bit is enough."""
    return bytes([blob[0] ^ 1]) + blob[1:]


def copy_another(parts: Parts, place: Place) -> None:
    """Hands in the sealed blob of whoever committed first, in place of work of its own."""
    desk, replica = parts.desk, parts.replica

    def put(blob: bytes, round_id: int) -> bytes:
        record = replica.run.rounds[round_id]
        others = [commit.sealed_digest for seat, commit in record.commits.items() if seat not in place.gang]
        if not others:
            raise UnreachableError("nobody to copy from yet")
        return others[0]

    desk.put = put  # type: ignore[method-assign]


def claim_haves(choose: Callable[[int, tuple[int, ...]], int]) -> Callable[[Parts, Place], None]:
    """Says of blobs that it has them, or has not: choose(bitmap of who committed, the gang)."""

    def alter(parts: Parts, place: Place) -> None:
        send = parts.submitter.send

        def lie(kind: str, round_id: int, call: Call) -> None:
            if kind == "reveal":
                commits = sum(1 << seat for seat in parts.replica.run.rounds[round_id].commits)
                args = list(call.args)
                args[HAVES] = choose(commits, place.gang)
                call = replace(call, args=tuple(args))
            send(kind, round_id, call)

        parts.submitter.send = lie  # type: ignore[method-assign]

    return alter


def claim_all(commits: int, gang: tuple[int, ...]) -> int:
    """Everybody's, held or not."""
    return commits


def claim_none(commits: int, gang: tuple[int, ...]) -> int:
    """Nobody's."""
    return 0


def claim_friends(commits: int, gang: tuple[int, ...]) -> int:
    """The gang's only."""
    return sum(1 << seat for seat in gang) & commits


def publish_late(parts: Parts, place: Place) -> None:
    """Serves its blob a few seconds before the honest stop waiting for it, so that some have it in time and others
    have not.
    """
    desk, replica = parts.desk, parts.replica
    poll, collect, store = replica.poll, desk.collect, desk._store
    heads, waiting = list[BlockRef](), dict[int, bytes]()

    def look() -> BlockRef:
        heads[:] = [poll()]
        return heads[0]

    def hold_back(blob: bytes, round_id: int) -> bytes:
        digest = sha256(blob).digest()
        desk.blobs[digest], waiting[round_id] = blob, blob
        return digest

    def publish() -> None:
        run = replica.run
        phase, end = run.compute_phase(heads[0].time)
        window = stretched(run.parameters.reveal_window, run.clock.stretch)
        if phase is Phase.REVEAL and heads[0].time >= end - window // 2 - EARLY and run.clock.round in waiting:
            store.put(waiting.pop(run.clock.round), "late")
        collect()

    replica.poll, desk.put, desk.collect = look, hold_back, publish  # type: ignore[method-assign]


def withhold_reveal(parts: Parts, place: Place) -> None:
    """Commits and never reveals."""
    send = parts.submitter.send

    def keep_back(kind: str, round_id: int, call: Call) -> None:
        if kind != "reveal":
            send(kind, round_id, call)

    parts.submitter.send = keep_back  # type: ignore[method-assign]
