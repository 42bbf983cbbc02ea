"""Kill -9 at the points where a worker could do something twice, and what comes after it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.stage import PATIENCE, Run, Seat, read_log
from tests.integration.waiting import until
from trainer.chain.transactions import SignedTransaction
from trainer.protocol.types import Phase
from trainer.roles.journal import Journal

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]
CRASHING = Path(__file__).with_name("crashing.py")


def get_events(run: Run, name: str, seat: int) -> list[int]:
    """Rounds of a seat's events of one kind."""
    return [e.round for e in run.client.get_events() if type(e).__name__ == name and e.seat == seat]  # type: ignore[union-attr]


def crash(run: Run, seat: Seat, point: str) -> None:
    """Starts the seat's worker and waits until it has killed itself at the point."""
    process = run.spawn(seat, sys.executable, CRASHING, COMITIA_DIE=point)
    await_end(process, seat)
    assert process.returncode == -9, read_log(seat)[-8:]


def await_end(process: subprocess.Popen[bytes], seat: Seat) -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the worker does not end; its last reports: {read_log(seat)[-8:]}")


def test_a_worker_killed_at_each_point_goes_on_and_does_nothing_twice(deploy: Deploy) -> None:
    run = deploy("restart", 6)
    *others, victim = run.join(4)
    for seat in others:
        run.start(seat)

    # In the journal, not sent: the round waits for it (commitMin), and the same bytes go out after the restart.
    crash(run, victim, "signed:3")
    assert get_events(run, "Committed", 3) == [2]
    (signed,) = load_transactions(victim, "commit", 3)
    until(lambda: run.client.get_clock().committed == 30, "the others commit", PATIENCE)
    assert run.client.get_phase() == Phase.COMMIT

    # In a block, not revealed: the round waits for its reveal, and it is accepted all the same.
    crash(run, victim, "mined:4")
    assert get_events(run, "Committed", 3) == [2, 3, 4]
    assert load_transactions(victim, "commit", 3) == [signed]
    assert run.get_results()[1] == (3, [0, 1, 2, 3])
    assert get_events(run, "Revealed", 3) == [2, 3]

    # The vote was sent.
    crash(run, victim, "voted:5")
    run.reach(4)
    assert run.get_results()[2:] == [(4, [0, 1, 2, 3]), (5, [0, 1, 2, 3])]

    # Away too long: the others end round 6 without it.
    until(lambda: run.client.get_clock().committed == 30, "the others commit", PATIENCE)
    run.stage.anvil.advance(run.deployment.parameters.commit_min + 1)
    run.reach(5)
    assert run.get_results()[4] == (6, [0, 1, 2])

    # Back, it is accepted in the next round, though its streak and its speculative work are gone.
    process = run.spawn(victim)
    await_end(process, victim)
    assert process.returncode == 0, read_log(victim)[-8:]
    for hand in run.hands:
        hand.wait()
    assert run.get_results()[5] == (7, [0, 1, 2, 3]), run.hands[0].of("judged", round=7)

    for name in ("Committed", "Revealed", "Voted"):
        assert set(Counter(get_events(run, name, 3)).values()) == {1}, name
    assert get_events(run, "Voted", 3)[:4] == [2, 3, 4, 5]
    (vault,) = victim.home.glob("31337-*")
    works = Counter(record["round"] for record in Journal(vault / "journal.log").of_kind("work"))
    assert set(works.values()) == {1}, "a round was trained and sealed twice"
    run.check_nonces(victim)
    code, found, words = run.audit(node=run.stage.daemons[4])
    assert (code, found["verdict"], found["heights"]) == (0, "ok", 6), words
    roots = [e["root"] for e in read_log(victim) if e["event"] == "judged" and e["round"] == 7]
    assert roots == [found["root"][:16]]


def load_transactions(seat: Seat, kind: str, round_id: int) -> list[bytes]:
    """Calldata of what the seat's journal holds for a round."""
    (vault,) = seat.home.glob("31337-*")
    records = Journal(vault / "journal.log").of_kind("transaction")
    raws = {r["raw"] for r in records if (r["call"], r["round"]) == (kind, round_id)}
    return [SignedTransaction.from_raw(bytes.fromhex(raw)).data for raw in raws]
