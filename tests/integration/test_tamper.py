"""Bits flipped on purpose: in a blob, in a root. Each is detected by the workers and by the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.integration.stage import PATIENCE, Hand, Run, read_log
from tests.integration.waiting import until
from trainer.errors import Diverged
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.session import TrainingKey
from trainer.protocol.tree import compute_state_root
from trainer.roles.assembly import compute_next_state
from trainer.roles.follower import Follower
from trainer.roles.worker import Parts, Worker

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]


def flip(data: bytes, bit: int = 4_321) -> bytes:
    """The bytes with one bit the other way round."""
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


class Saboteur(Worker):
    """Commits to blobs that are no good, a different way in each round, and is honest otherwise."""

    WAYS: Mapping[int, Callable[[bytes], bytes | None]] = {
        3: flip,
        4: lambda blob: blob + b"\0",
        5: lambda blob: blob[:-1],
        6: lambda _: None,
    }

    def _seal(self, key: TrainingKey) -> None:
        desk, way = self.parts.desk, self.WAYS.get(key.round, lambda blob: blob)
        put = desk.put

        def spoil(blob: bytes, round_id: int) -> bytes:
            spoiled = way(blob)
            return hashlib.sha256(b"nobody has this").digest() if spoiled is None else put(spoiled, round_id)

        desk.put = spoil  # type: ignore[method-assign]
        try:
            super()._seal(key)
        finally:
            desk.put = put  # type: ignore[method-assign]


def test_a_blob_that_is_no_good_costs_its_seat_the_round_and_nobody_else(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = deploy("garbage", 6, reveal_window=6)
    *honest, saboteur = run.join(4)
    hands = [run.start(seat) for seat in honest] + [run.start(saboteur, Saboteur)]
    for hand in hands:
        hand.wait()
    excluded = {3: "blob does not open", 4: "blob held by too little weight", 5: "blob held by too little weight"}
    excluded[6] = excluded[4]
    for hand in hands:
        judged = {report["round"]: report["excluded"] for report in hand.of("judged")}
        assert judged == {r: ({3: excluded[r]} if r in excluded else {}) for r in range(2, 8)}, hand.seat.name
        assert not [r for r in hand.of("refused") if r["call"] != "open"], "no transaction is sent twice"
    accepted = dict(run.get_results())
    assert accepted == {r: [0, 1, 2] if r in excluded else [0, 1, 2, 3] for r in range(2, 8)}
    code, found, words = run.audit(node=run.stage.daemons[4])
    assert (code, found["heights"], found["unjudged_rounds"]) == (0, 6, []), words

    # A blob of an accepted seat that is nowhere any more: the audit cannot say that all is well, and does not.
    digest = hands[0].parts.vault.load_works()[4].sealed_digest  # type: ignore[union-attr]
    for daemon in run.stage.daemons:
        daemon.store.drop(digest)
    monkeypatch.setattr("trainer.roles.auditor.ACCEPTED_SECONDS", 1)
    code, found, words = run.audit(node=run.stage.daemons[4])
    assert code == 11
    assert f"round 4: the blob of seat 0 ({digest.hex()}) is nowhere to be found" in words


CHUNK = 7
LIE = 3  # the height whose root is wrong


def test_a_wrong_root_with_a_quorum_is_not_followed_and_found_by_the_audit(deploy: Deploy, tmp_path: Path) -> None:
    run = deploy("liars", 6)
    *liars, honest = run.join(4)
    lies: list[State] = []

    def lie(state: RunState, round_id: int, before: State, bits: Mapping[int, bytes]) -> tuple[State, bytes]:
        after, root = compute_next_state(state, round_id, before, bits)
        if state.rounds[round_id].height + 1 != LIE:
            return after, root
        after = after.copy()
        after[CHUNK * 1024 + 5] ^= 1
        lies.append(after)
        return after, compute_state_root(after)

    def corrupt(parts: Parts) -> None:
        parts.follower = Follower(parts.genesis, 0, parts.follower.rules, lie)

    for seat in liars:
        run.start(seat, alter=corrupt)
    process = run.spawn(honest)
    until(lambda: process.poll() is not None, "the honest worker stops", PATIENCE)
    said = [report["text"] for report in read_log(honest) if report["event"] == "line"]
    assert process.returncode == 9, said
    assert f"round {LIE + 1} is final with another outcome" in said[-1]
    assert all(compute_state_root(lie).hex() in said[-1] for lie in lies)
    assert len(said) == 1, "one clear line"
    # The others go on with each other; nobody is made to follow. A restart changes nothing.
    run.reach(LIE + 1)
    again: Hand = run.start(honest)
    with pytest.raises(Diverged, match=f"round {LIE + 1} is final with another outcome"):
        again.wait()

    where = f"round {LIE + 1} (height {LIE}): the root is {compute_state_root(lies[0]).hex()} on chain"
    (kept,) = honest.home.glob(f"*/diverged/{LIE:010}.bin")
    false = tmp_path / "state.bin"
    false.write_bytes(lies[0].astype("<i4").tobytes())
    for arguments, verdict in (
        ((), "which chunk only a state with that root can tell"),
        (("--state", kept), "the given state is the replayed one"),
        (("--state", false, "--state-height", str(LIE)), f"first differing chunk {CHUNK}\n"),
    ):
        code, _, words = run.audit(*arguments, node=run.stage.daemons[4])
        assert code == 8, words
        assert where in words
        assert verdict in words
