"""What the tests of whole runs stand on: one chain, some Kubo nodes, and as many runs of the `tiny` task as tests want.

Workers are threads of this process (one compile cache, no imports to wait for), or real processes where a test is about
processes. Nothing here waits for a time: conditions are polled, with a deadline.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.integration.waiting import until
from trainer.blobs.daemon import KuboDaemon, make_swarm_key
from trainer.blobs.kubo import KuboStore
from trainer.chain import calls
from trainer.chain.artifacts import Artifact, compile_contract
from trainer.chain.calls import Call
from trainer.chain.client import RunClient
from trainer.chain.deploy import deploy
from trainer.chain.deployment import Deployment
from trainer.chain.devnet import Anvil
from trainer.chain.node import Node
from trainer.chain.sender import DEFAULT_FEES, Sender
from trainer.chain.transactions import SignedTransaction
from trainer.cli import main
from trainer.errors import BlobError, UnreachableError
from trainer.keys import OperatorKey, create_keystore
from trainer.learn.local_training import LocalTrainer
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Dataset, Task
from trainer.protocol.checks import CheckRules
from trainer.protocol.events import RoundFinal
from trainer.protocol.step import Schedule
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Parameters
from trainer.roles.assembly import assemble
from trainer.roles.enrolment import make_card
from trainer.roles.library import publish
from trainer.roles.money import compute_money
from trainer.roles.plan import Plan, choose_checks, make_plan, make_training
from trainer.roles.windows import compute_windows
from trainer.roles.worker import Parts, Worker

ROOT = Path(__file__).resolve().parents[2]
COMITIA = Path(sys.executable).with_name("comitia")
PASSWORD = "of the tests"
NODES = 5
BLOCK_TIME = 0.25  # seconds
WEIGHT = 10  # of a seat
UNIT = 10**15  # wei
STARTED = time.monotonic()
PATIENCE = 180.0  # seconds for what takes a few on a quiet machine
# Short, but long enough that a slow machine never runs into one unless a test wants it to.
WINDOWS = {
    "commit_min": 60,
    "grace": 2,
    "commit_cap": 120,
    "reveal_window": 60,
    "vote_window": 60,
    "activate_delay": 1,
}


@cache
def plan_run(preset: str, heights: int, batch_size: int | None) -> Plan:
    return make_plan(preset, heights, batch_size)


@cache
def build_documents(preset: str = "tiny") -> tuple[list[bytes], Any]:
    """Shards and genesis state: the same for every run of a preset."""
    task = plan_run(preset, 4, None).task
    return list(task.build_shards()), task.compute_genesis(1)


@cache
def compile_once() -> Artifact:
    return compile_contract()


_trainers: dict[object, LocalTrainer] = {}
_trainers_lock = threading.Lock()


def share_trainer(
    task: Task, dataset: Dataset, settings: LocalSettings, schedule: Schedule, dtype: str
) -> LocalTrainer:
    """One trainer for all workers in this process: it holds compiled programs and data, nothing of a round."""
    key = (json.dumps(task.config, sort_keys=True), settings, schedule, dtype)
    with _trainers_lock:
        if key not in _trainers:
            _trainers[key] = LocalTrainer(task, dataset, settings, schedule, dtype)
            _trainers[key].warm_up()
        return _trainers[key]


def run_command(*arguments: str | Path, env: Mapping[str, object] | None = None) -> tuple[int, str, str]:
    """A command in this process: (exit code, stdout, stderr). An exception that no user should see is raised."""
    done = CliRunner().invoke(main, [str(a) for a in arguments], env={k: str(v) for k, v in (env or {}).items()})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@dataclass
class Seat:
    """A participant: its key, its node, its home."""

    number: int
    name: str
    key: OperatorKey
    daemon: KuboDaemon
    home: Path


@dataclass
class Hand:
    """A worker in a thread. `events`: what it reported; `failure`: what ended it."""

    seat: Seat
    events: list[dict[str, Any]] = field(default_factory=list)
    failure: BaseException | None = None
    parts: Parts | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def report(self, event: str, **values: Any) -> None:
        self.events.append({"at": round(time.monotonic() - STARTED, 2), "event": event, **values})

    def of(self, event: str, **values: Any) -> list[dict[str, Any]]:
        """Its reports of one kind with these values."""
        return [e for e in list(self.events) if e["event"] == event and values.items() <= e.items()]

    @property
    def height(self) -> int:
        """The last height that it held to be final."""
        return max((e["height"] for e in [*self.of("final"), *self.of("restored")]), default=0)

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, make: Callable[[], Worker | None], stop: threading.Event) -> Hand:
        def work() -> None:
            try:
                worker = make()
                if worker is not None:
                    worker.run()
            except BaseException as error:  # noqa: BLE001 - shown by the test that waits for it
                self.failure = error

        self._stop, self._thread = stop, threading.Thread(target=work, daemon=True, name=f"worker {self.seat.number}")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Asks it to stop and waits for that. Its lock and its desk are given back."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "a worker does not stop"
        if self.parts is not None:
            self.parts.vault._lock._file.close()

    def wait(self, seconds: float = PATIENCE) -> None:
        """Waits for its end, and raises what ended it."""
        until(lambda: not self.is_alive, f"worker {self.seat.number} ends; last reports: {self.events[-8:]}", seconds)
        self.stop()
        if self.failure is not None:
            raise self.failure


@dataclass
class Run:
    """A deployed run with its participants."""

    stage: Stage
    deployment: Deployment
    home: Path
    client: RunClient
    owner: Sender
    seats: list[Seat] = field(default_factory=list)
    hands: list[Hand] = field(default_factory=list)

    # ------------------------------------------------------------------ people

    def join(self, count: int, *, weight: int = WEIGHT, active: bool = True) -> list[Seat]:
        """So many new seats, each on the next node, active from the next round on (without `active`: benched)."""
        first = len(self.seats)
        new = [self._make_seat(number) for number in range(first, first + count)]
        self.send(
            calls.join(weight, card.operator, bytes.fromhex(card.tip[2:]), card.peer, weight * UNIT)
            for card in (make_card(seat.key, self.deployment, seat.daemon.peer) for seat in new)
        )
        self.seats += new
        if active:
            self.stage.anvil.advance(2)  # activateDelay
            self.send(calls.activate(seat.number) for seat in new)
        return new

    def _make_seat(self, number: int) -> Seat:
        name, key = f"worker-{number}", OperatorKey.generate()
        home = self.home / "homes" / name
        home.mkdir(parents=True)
        (home / "jax-cache").symlink_to(self.stage.cache)
        create_keystore(home / "keystores", name, key, PASSWORD, fast=True)
        self.stage.anvil.set_balance(key.address, 10**19)
        return Seat(number, name, key, self.stage.daemons[number % len(self.stage.daemons)], home)

    def send(self, wanted: Iterable[Call]) -> None:
        """Sends the owner's calls together, and waits until all are mined."""
        sent = [self.owner.sign(call) for call in wanted]
        for signed in sent:
            self.owner.broadcast(signed)
        for signed in sent:
            receipt = self.owner.wait(signed, PATIENCE, 0.05)
            assert receipt.is_success

    # ------------------------------------------------------------------ workers

    def start(
        self,
        seat: Seat,
        kind: type[Worker] = Worker,
        *,
        home: Path | None = None,
        alter: Callable[[Parts], None] | None = None,
    ) -> Hand:
        """A worker of the kind, in a thread, as `comitia worker` would run it. alter: changes its parts first."""
        hand, stop = Hand(seat), threading.Event()

        def make() -> Worker | None:
            while not stop.is_set():
                try:
                    client = RunClient([self.stage.anvil.url], self.deployment)
                    hand.parts, _ = assemble(
                        client, self.deployment, seat.key, None, home or seat.home, seat.daemon.api, hand.report
                    )
                except (UnreachableError, BlobError) as error:
                    hand.report("waiting", reason=str(error))
                    stop.wait(0.2)
                else:
                    if alter is not None:
                        alter(hand.parts)
                    return kind(seat.number, hand.parts, poll_seconds=0.05, stop=stop)
            return None

        self.hands.append(hand)
        return hand.start(make, stop)

    def spawn(self, seat: Seat, *program: str | Path, **env: str) -> subprocess.Popen[bytes]:
        """A worker as a process of its own; its reports go to `<home>/log`. program: in place of `comitia`."""
        command = [*(program or (COMITIA,)), "worker", "--account", seat.name, "--ipfs-api", seat.daemon.api, "--json"]
        with (seat.home / "log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment(seat) | env, stdout=log, stderr=log)
        self.stage.processes.append(process)
        return process

    def environment(self, seat: Seat | None = None) -> dict[str, str]:
        """Of a command about this run."""
        password = self.home / "password"
        password.write_text(PASSWORD)
        return os.environ | {
            "COMITIA_HOME": str(seat.home if seat else self.home / "nobody"),
            "COMITIA_DEPLOYMENTS": str(self.home / "deployments"),
            "COMITIA_RUN": self.deployment.name,
            "ETH_RPC_URL": self.stage.anvil.url,
            "ETH_PASSWORD": str(password),
            "PYTHONUNBUFFERED": "1",
        }

    def stop(self) -> None:
        for hand in self.hands:
            hand._stop.set()
        for hand in self.hands:
            hand.stop()

    # ------------------------------------------------------------------ looking

    def get_height(self) -> int:
        return self.client.get_clock().height

    def reach(self, height: int, seconds: float = PATIENCE) -> None:
        """Waits until so many rounds are final; a worker that ended with an error ends the test."""

        def is_reached() -> bool:
            for hand in self.hands:
                if hand.failure is not None:
                    raise hand.failure
            return self.get_height() >= height

        try:
            until(is_reached, f"height {height} of {self.deployment.name}", seconds)
        except AssertionError as error:
            said = "\n".join(f"{hand.seat.name}: {hand.events[-5:]}" for hand in self.hands)
            raise AssertionError(f"{error}; last reports:\n{said}") from None

    def get_results(self) -> list[tuple[int, list[int]]]:
        """(round, accepted seats) of every final round, in order, from the contract's events."""
        finals = [e for e in self.client.get_events() if isinstance(e, RoundFinal)]
        return [(e.round, [seat for seat in range(256) if (e.accepted >> seat) & 1]) for e in finals]

    def audit(self, *arguments: str | Path, node: KuboDaemon | None = None) -> tuple[int, Any, str]:
        """`comitia audit` from the address alone, in this process: (exit code, its JSON, its words)."""
        api = (node or self.stage.daemons[0]).api
        code, out, err = run_command(
            "audit",
            "--address",
            self.deployment.address,
            "--rpc-url",
            self.stage.anvil.url,
            "--ipfs-api",
            api,
            "--json",
            *arguments,
        )
        return code, json.loads(out) if out.strip() else None, err

    def check_nonces(self, seat: Seat) -> None:
        """What the journal says was signed is what the chain holds: every nonce once, no gap."""
        from trainer.roles.journal import Journal

        vault = next(seat.home.glob(f"*-{self.deployment.address}-{seat.number}"))
        journal = Journal(vault / "journal.log")
        nonces = {SignedTransaction.from_raw(bytes.fromhex(r["raw"])).nonce for r in journal.of_kind("transaction")}
        journal.close()
        assert nonces == set(range(self.client.node.get_nonce(seat.key.address)))


@dataclass
class Stage:
    """Chain, nodes, and a compile cache that all share."""

    anvil: Anvil
    daemons: list[KuboDaemon]
    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self) -> None:
        """Ends all processes that tests started."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    @property
    def cache(self) -> Path:
        """Compiled programs, kept over sessions: a key of JAX's names all that they depend on."""
        path = ROOT / ".cache" / "jax-tests"
        path.mkdir(exist_ok=True, parents=True)
        return path

    def deploy(
        self,
        name: str,
        heights: int,
        *,
        seats: int = 4,
        rules: CheckRules | None = None,
        preset: str = "tiny",
        batch_size: int | None = None,
        **chosen: int,
    ) -> Run:
        """A new run, of the tiny task, `seats` of which have to be there for it to begin. rules: of its cross-checks,
        in place of the usual ones. `chosen`: its windows, and whether it is invitation-only.
        """
        home = self.home / name
        home.mkdir()
        plan = plan_run(preset, heights, batch_size)
        shards, genesis = build_documents(preset)
        specification = publish(
            KuboStore(self.daemons[0].api),
            name,
            plan.task.config,
            make_training(plan.settings, rules or choose_checks(heights)),
            shards,
            genesis,
        )
        defaults = asdict(compute_windows(1, 0.25, 1, 1, 1)) | WINDOWS | asdict(compute_money(UNIT, None, None, None))
        parameters = Parameters(
            genesis_root=compute_state_root(genesis),
            spec_digest=specification.digest,
            parameter_count=plan.task.layout.parameter_count,
            weight_unit=UNIT,
            min_weight=seats * WEIGHT,
            peak_step=plan.schedule.peak,
            warmup=plan.schedule.warmup,
            decay=plan.schedule.decay,
            total_heights=heights,
            **({"invitation_only": False} | defaults | chosen),
        )
        owner = OperatorKey.generate()
        self.anvil.set_balance(owner.address, 10**21)
        node = Node([self.anvil.url])
        artifact = compile_once()
        deployment = deploy(Sender(node, owner, DEFAULT_FEES), artifact, parameters, name, PATIENCE)
        deployment.save(home / "deployments", artifact.compiler_input)
        client = RunClient([self.anvil.url], deployment)
        return Run(self, deployment, home, client, Sender(client, owner, DEFAULT_FEES))


@contextmanager
def open_stage(home: Path) -> Iterator[Stage]:
    """Starts the chain and the nodes, with everything of theirs in `home`; nothing of it outlives the context."""
    key = make_swarm_key()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.roles.assembly.LocalTrainer", share_trainer)
        anvil = stack.enter_context(
            Anvil(home / "anvil.log", state=home / "chain" / "state.json", block_time=BLOCK_TIME)
        )
        daemons = [KuboDaemon(home / "kubo" / f"node{i}", key, name=f"node{i}") for i in range(NODES)]
        for daemon in daemons:
            daemon.launch()
        for daemon in daemons:
            stack.enter_context(daemon.finish_start())
        stage = Stage(anvil, daemons, home)
        yield stage
        stage.kill()


def read_log(seat: Seat) -> list[dict[str, Any]]:
    """Reports of a worker's processes, and their other lines as {"event": "line"}."""
    found = []
    for line in (seat.home / "log").read_text().splitlines():
        try:
            found.append(dict(json.loads(line)))
        except ValueError:
            found.append({"event": "line", "text": line})
    return found
