"""Voters who collude: a wrong root with a quorum is refuted by who has never spoken to anybody, and a right one is
defended. Real anvil, real Kubo, real JAX; time is the devnet's.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.adversaries.cartel import Cartel
from tests.integration.stage import COMITIA, PASSWORD, PATIENCE, UNIT, Hand, Run, build_documents, read_log, run_command
from tests.integration.waiting import until
from trainer.blobs.kubo import KuboStore
from trainer.chain.client import RunClient
from trainer.chain.feed import EventFeed
from trainer.chain.sender import DEFAULT_FEES, Sender
from trainer.errors import BlobError, UnreachableError
from trainer.keys import OperatorKey, create_keystore
from trainer.protocol.events import AnswerAdvanced, Answered, Challenged, Overturned, RoundFinal, Slashed
from trainer.protocol.judgement import compute_next_state
from trainer.protocol.run_state import RunState
from trainer.protocol.types import Event, Status
from trainer.roles.answering import make_answer
from trainer.roles.examination import Examination, Examiner
from trainer.roles.plan import CHECKS
from trainer.roles.replica import ChainReplica
from trainer.roles.watch_plan import Verdict
from trainer.roles.watcher import Watcher
from trainer.roles.watching import assemble_watcher

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]
HEIGHTS = 6  # as in the other tests of runs: another number would be another compiled program
ANSWER = 20  # seconds to answer; what waits for it moves the clock
WINDOWS = {"challenge_window": 400, "answer_window": ANSWER, "settle_window": ANSWER, "challenge_bond": UNIT}
LIE = 3  # the height whose root is wrong
BUDGET = 64 * UNIT


class Stranger:
    """An account that has no seat, with a watcher in a thread. `events`: what it reported."""

    def __init__(self, run: Run, name: str) -> None:
        self.run, self.name = run, name
        self.key = OperatorKey.generate()
        self.home = run.home / "homes" / name
        create_keystore(self.home / "keystores", name, self.key, PASSWORD, fast=True)
        run.stage.anvil.set_balance(self.key.address, 10**19)
        self.events: list[dict[str, Any]] = []
        self.failure: BaseException | None = None
        self.replica: ChainReplica | None = None  # of the watcher in the thread
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def report(self, event: str, **values: Any) -> None:
        self.events.append({"event": event, **values})

    def of(self, event: str, **values: Any) -> list[dict[str, Any]]:
        log = self.home / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        written = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [e for e in [*self.events, *written] if e["event"] == event and values.items() <= e.items()]

    def spawn(self) -> subprocess.Popen[bytes]:
        """The watcher's command, as a process; its reports go to `log`."""
        node = self.run.stage.daemons[4].api
        command: list[Any] = [COMITIA, "audit", "--run", self.run.deployment.name, "--watch", "--account", self.name]
        command += ["--budget", f"{BUDGET / 10**18}", "--poll-seconds", "0.2", "--ipfs-api", node, "--json"]
        env = self.run.environment() | {"COMITIA_HOME": str(self.home)}
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self.run.stage.processes.append(process)
        return process

    def watch(self, budget: int = BUDGET, *, reads_only: bool = False) -> Stranger:
        """Starts a watcher with the fifth node, whose peers are what the chain names."""
        self._stop = threading.Event()

        def work() -> None:
            try:
                while not self._stop.is_set():
                    try:
                        client = RunClient([self.run.stage.anvil.url], self.run.deployment)
                        key = None if reads_only else self.key
                        api = self.run.stage.daemons[4].api
                        parts = assemble_watcher(
                            client, self.run.deployment, key, budget, self.home, api, {}, self.report
                        )
                    except (UnreachableError, BlobError):
                        self._stop.wait(0.2)
                    else:
                        self.replica = parts.replica
                        Watcher(parts, poll_seconds=0.1, stop=self._stop).run()
                        return
            except BaseException as error:  # noqa: BLE001 - shown by the test that waits for it
                self.failure = error

        self._thread = threading.Thread(target=work, daemon=True, name=self.name)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def command(self, *arguments: object) -> tuple[int, Any, str]:
        env = self.run.environment() | {"COMITIA_HOME": str(self.home), "ETH_KEYSTORE_ACCOUNT": self.name}
        code, out, err = run_command(*map(str, arguments), env=env)
        return code, json.loads(out) if out.startswith("{") else out, err


@pytest.fixture
def stranger(request: pytest.FixtureRequest) -> Callable[[Run, str], Stranger]:
    def make(run: Run, name: str) -> Stranger:
        found = Stranger(run, name)
        request.addfinalizer(found.stop)
        return found

    return make


def events_of(run: Run, kind: type[Event]) -> list[Any]:
    return [event for event in run.client.get_events() if isinstance(event, kind)]


def wait_for(run: Run, kind: type[Event], watcher: Stranger, count: int = 1, seconds: float = PATIENCE) -> list[Any]:
    def is_there() -> bool:
        if watcher.failure is not None:
            raise watcher.failure
        return len(events_of(run, kind)) >= count

    try:
        until(is_there, f"{count} events {kind.__name__}", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; the watcher said {watcher.events[-12:]}") from None
    return events_of(run, kind)


def start_cartel(run: Run, cartel: Cartel) -> tuple[list[Hand], list[Hand]]:
    """Three seats with more than two thirds of the weight lie; two are honest."""
    liars, honest = run.join(3, weight=10), run.join(2, weight=7)
    return [run.start(seat, alter=cartel.alter) for seat in liars], [run.start(seat) for seat in honest]


def test_a_cartel_is_overturned_slashed_and_done_without(deploy: Deploy, stranger: Callable[..., Stranger]) -> None:
    run = deploy("cartel", HEIGHTS, seats=1, **WINDOWS)
    *false, first, second = [*run.join(3, weight=10), *run.join(2, weight=7)]
    cartel = Cartel(LIE, None)
    liars = [run.start(seat, alter=cartel.alter) for seat in false]
    honest, process = run.start(first), run.spawn(second)
    watcher, other = stranger(run, "watcher").watch(), stranger(run, "other")
    run.reach(LIE)
    (posted,) = wait_for(run, Challenged, watcher)
    lied = next(final for final in events_of(run, RoundFinal) if final.height == LIE)
    assert (posted.round, posted.height, posted.challenger) == (lied.round, LIE, watcher.key.address)

    def have_both(event: str) -> bool:
        """Both honest workers, the thread and the process, have reported it."""
        return bool(honest.of(event)) and any(report["event"] == event for report in read_log(second))

    until(lambda: have_both("diverged"), "the honest workers halt", PATIENCE)
    for hand in liars:  # they have nothing to answer with; what they do with the time does not matter
        hand.stop()
    # Nothing but the chain tells it what it did before; and a second one sees that it was done.
    watcher.stop()
    command = watcher.spawn()
    other.watch()
    known = len(watcher.of("wrong"))
    until(lambda: other.of("wrong") and len(watcher.of("wrong")) > known, "both know", PATIENCE)
    assert watcher.of("restored")[-1]["height"] == LIE - 1

    run.stage.anvil.advance(ANSWER)
    (overturned,) = wait_for(run, Overturned, watcher)
    assert (overturned.round, overturned.height) == (lied.round, LIE - 1)
    assert overturned.voters & 0b111 == 0b111
    until(lambda: have_both("resumed"), "the honest workers are back", PATIENCE)
    run.stage.anvil.advance(ANSWER)
    slashed = wait_for(run, Slashed, watcher, 3)
    assert len(events_of(run, Challenged)) == 1
    assert {(event.seat, event.lost) for event in slashed} == {(0, 5), (1, 5), (2, 5)}
    assert [run.client.get_seat(seat).next_weight for seat in range(5)] == [5, 5, 5, 7, 7]
    assert run.client.get_credit(watcher.key.address) == 2 * UNIT, "the bond, and as much as prize"

    honest.wait()
    assert process.wait(PATIENCE) == 0, read_log(second)[-5:]
    command.terminate()
    assert command.wait(PATIENCE) == 0, (watcher.home / "log").read_text()[-2000:]
    assert watcher.of("stopped")
    assert run.get_height() == HEIGHTS
    standing = [final for final in events_of(run, RoundFinal) if final.round > overturned.last_round]
    assert [final.height for final in standing] == [3, 4, 5, 6]
    assert all(final.accepted == 0b11000 for final in standing)
    losses = {report["round"]: report["loss"] for report in honest.of("judged")}
    assert losses[standing[-1].round] < losses[lied.round - 1]

    code, found, words = run.audit(node=run.stage.daemons[4])
    assert (code, found["verdict"], found["heights"]) == (0, "ok", HEIGHTS), words
    assert found["overturned_rounds"].pop(str(lied.round)) == "root differs, nobody answered"
    assert set(found["overturned_rounds"].values()) <= {f"with round {lied.round}"}


def test_a_challenge_of_a_right_round_is_answered_and_costs_its_author(
    deploy: Deploy, stranger: Callable[..., Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = deploy("frivolous", HEIGHTS, seats=3, **WINDOWS)
    hands = [run.start(seat) for seat in run.join(3)]
    run.reach(2)
    for hand in hands:
        hand.stop()
    target = events_of(run, RoundFinal)[0]
    troll, watcher = stranger(run, "troll"), stranger(run, "watcher")
    api = run.stage.daemons[3].api
    code, _, words = troll.command("challenge", target.round, "--ipfs-api", api, "--yes", "--json")
    assert code == 2
    assert "is right (replayed)" in words
    code, _, words = troll.command("challenge", target.round, "--chunk", 5, "--unseen")
    assert code == 2
    assert "--yes" in words, "nobody can be asked"
    code, done, words = troll.command("challenge", target.round, "--chunk", 5, "--unseen", "--yes", "--json")
    assert code == 0, words
    assert done["bond_wei"] == UNIT

    watcher.watch()
    run.stage.anvil.advance(ANSWER // 2)  # past every turn
    (answered,) = wait_for(run, Answered, watcher)
    assert (answered.round, answered.chunk, answered.is_late) == (target.round, 5, False)
    assert answered.answerer == watcher.key.address
    assert run.client.get_credit(watcher.key.address) == UNIT // 2
    assert run.client.get_credit(troll.key.address) == 0
    assert run.client.get_challenge(target.round, 5).status is Status.ANSWERED

    # A reorganisation takes the answer back, once the watcher has seen it: it is sent again.
    until(lambda: watcher.replica and answered in watcher.replica.events, "the watcher sees its answer")
    run.stage.anvil.reorganise(run.client.get_head().number - answered.block.number + 2)
    until(lambda: watcher.of("reorganisation"), "the watcher sees it")
    wait_for(run, Answered, watcher)
    assert run.client.get_challenge(target.round, 5).status is Status.ANSWERED

    # And by hand, with the watcher away; and in parts, as where many seats were accepted.
    watcher.stop()
    monkeypatch.setattr("trainer.roles.answering.PART_BYTES", 300)
    assert troll.command("challenge", target.round, "--chunk", 6, "--unseen", "--yes", "--json")[0] == 0
    code, done, words = watcher.command("answer", target.round, 6, "--ipfs-api", api, "--yes", "--json")
    assert code == 0, words
    assert (done["reward_wei"], done["transactions"]) == (UNIT // 2, 3)
    assert watcher.command("overturn", target.round, 6, "--yes")[0] == 2

    # An outage: nobody answers in time. Who comes back cannot save the round, but its voters. Workers fall back with
    # it; two of three cannot go on meanwhile.
    back = [run.start(seat) for seat in run.seats[:2]]
    until(lambda: all(hand.of("restored") for hand in back), "two workers are back", PATIENCE)
    assert troll.command("challenge", target.round, "--chunk", 7, "--unseen", "--yes", "--json")[0] == 0
    run.stage.anvil.advance(ANSWER)
    assert troll.command("overturn", target.round, 7, "--yes", "--json")[0] == 0
    assert run.get_height() == target.height - 1
    until(lambda: all(hand.of("overturned", height=0) for hand in back), "they fall back", PATIENCE)
    reader = stranger(run, "reader").watch(reads_only=True)
    until(lambda: reader.of("would send", call="answer of chunk 7"), "who has no account says what it would do")
    watcher.watch()
    run.stage.anvil.advance(ANSWER // 2)
    assert wait_for(run, Answered, watcher, 3)[-1].is_late
    assert len(events_of(run, AnswerAdvanced)) == 4
    released = wait_for(run, Slashed, watcher, 3)
    assert {(event.seat, event.lost) for event in released} == {(0, 0), (1, 0), (2, 0)}
    for hand in [*back, run.start(run.seats[2])]:
        hand.wait()
    code, found, words = run.audit(node=run.stage.daemons[4])
    assert (code, found["heights"]) == (0, HEIGHTS), words
    reasons = found["overturned_rounds"]
    assert reasons.pop(str(target.round)) == "nobody answered in time, though its root is right"
    assert set(reasons.values()) == {f"with round {target.round}"}


CHUNK = 7


def test_a_cartel_that_can_answer_shows_the_way_to_what_it_altered(
    deploy: Deploy, stranger: Callable[..., Stranger]
) -> None:
    run = deploy("bisected", HEIGHTS, seats=1, **WINDOWS)
    cartel = Cartel(LIE, CHUNK)
    liars, _ = start_cartel(run, cartel)
    watcher = stranger(run, "watcher")
    run.reach(LIE)
    run.stop()
    watcher.watch()
    defender = Sender(run.client, liars[0].seat.key, DEFAULT_FEES)
    lie = examine_as_the_cartel(run, cartel)

    def defend() -> Event | None:
        """Answers what is open and can be answered; the overturn, once that is in."""
        run.stage.anvil.advance(1)
        answered = {event.chunk for event in events_of(run, Answered)}
        for posted in events_of(run, Challenged):
            if posted.chunk not in answered and posted.chunk != CHUNK:
                for call in make_answer(*lie, posted.chunk):
                    assert defender.send_and_wait(call, PATIENCE, 0.05).is_success
        return next(iter(events_of(run, Overturned)), None)

    until(defend, "the bisection finds the chunk", PATIENCE)
    chunks = [event.chunk for event in events_of(run, Challenged)]
    assert chunks[-1] == CHUNK
    assert len(chunks) <= 5, "one for each of four levels, and the last"
    assert len(events_of(run, Answered)) == len(chunks) - 1
    (overturned,) = events_of(run, Overturned)
    assert (overturned.chunk, overturned.height) == (CHUNK, LIE - 1)


def examine_as_the_cartel(run: Run, cartel: Cartel) -> tuple[RunState, Examination]:
    """The round, with the state that was voted for in place of the right one."""
    replica = ChainReplica(EventFeed(run.client, run.deployment.block), run.deployment.parameters, run.client.domains)
    replica.poll()
    final = next(event for event in events_of(run, RoundFinal) if event.height == LIE)
    examiner = Examiner(KuboStore(run.stage.daemons[0].api), CHECKS, compute_next_state)
    found = examiner.rebuild(replica.run, final, 0, build_documents()[1])
    assert found.verdict is Verdict.WRONG
    return replica.run, replace(found, after=cartel.lies[0])
