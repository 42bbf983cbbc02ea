"""A run of real workers without processes: real sessions, training, seals, checks and votes, over the Python model of
the contract and a store in memory.

One tick is one second and one block. Every worker looks at it LOOKS times: its training takes one look, as does each
round of a replay.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.chain import calls
from trainer.chain.deployment import Deployment
from trainer.errors import UnreachableError
from trainer.keys import OperatorKey
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult, LocalTrainer
from trainer.protocol.calls import Anchor, Call, Revert
from trainer.protocol.checks import CheckRules
from trainer.protocol.contract import Contract
from trainer.protocol.judgement import State
from trainer.protocol.messages import Domains
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import sealed_length
from trainer.protocol.types import BlockRef, Event, Parameters
from trainer.roles.assembly import compute_next_state
from trainer.roles.background import BackgroundReplay
from trainer.roles.checking import CheckDesk
from trainer.roles.docket import Docket
from trainer.roles.enrolment import KeyRing, load_keychain
from trainer.roles.follower import Follower
from trainer.roles.training import BackgroundTraining
from trainer.roles.vault import Vault
from trainer.roles.worker import Parts, Worker

CHAIN_ID, ADDRESS = 31337, "0x" + "11" * 20
OWNER = "0x" + "ab" * 20  # of the run
DOMAINS = Domains.of(CHAIN_ID, ADDRESS)
STARTED = 1_000_000  # chain time of block 0
LOOKS = 3
PATIENCE = 3_000  # ticks after which a run that is not over is taken to stand still


class RememberingTrainer(LocalTrainer):
    """Trains each piece of work once: several replay the same in a dispute."""

    known: dict[bytes, LocalResult]

    def train(
        self,
        state: State,
        inner_state: InnerState | None,
        batches: Sequence[npt.NDArray[np.int64]],
        height: int,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> LocalResult:
        """As `LocalTrainer.train`; a second time from memory."""
        digest = sha256(b"%d" % height)
        for array in (state, *batches, *(inner_state.leaves if inner_state else ())):
            digest.update(np.ascontiguousarray(array).tobytes())
        if digest.digest() not in self.known:
            self.known[digest.digest()] = super().train(state, inner_state, batches, height, should_stop)
        return self.known[digest.digest()]


class Chain:
    """Blocks, events and the contract's model; what is sent is mined in the next block."""

    def __init__(self, parameters: Parameters, owner: str) -> None:
        self.state = RunState(parameters, DOMAINS)
        self.contract = Contract(self.state, owner)
        self.events: list[Event] = []
        self.blocks = [BlockRef(0, sha256(b"block 0").digest(), STARTED)]
        self.mempool: list[tuple[str, calls.Call]] = []
        self.refused: list[tuple[str, calls.Call, Revert]] = []

    @property
    def head(self) -> BlockRef:
        """The newest block."""
        return self.blocks[-1]

    def mine(self, seconds: int = 1) -> None:
        """The next block, with all that was sent."""
        number = len(self.blocks)
        block = BlockRef(number, sha256(b"block %d" % number).digest(), self.head.time + seconds)
        due, self.mempool = self.mempool, []
        for sender, call in due:
            try:
                self.events += self.apply(Call(sender, block, self._get_hash), call)
            except Revert as revert:
                self.refused.append((sender, call, revert))
        self.blocks.append(block)

    def apply(self, environment: Call, call: calls.Call) -> list[Event]:
        """What the contract would do."""
        args = list(call.args)
        if call.method in ("commit", "vote"):
            args[2:4] = [Anchor(args[2], args[3])]  # type: ignore[arg-type]
        if call.method in ("join", "fund"):
            args.append(call.value)
        name = "open_round" if call.method == "openRound" else call.method
        return list(getattr(self.contract, name)(environment, *args))

    def _get_hash(self, number: int) -> bytes:
        return self.blocks[number].hash if 0 <= number < len(self.blocks) else bytes(32)


class ModelReplica:
    """As `ChainReplica`."""

    def __init__(self, chain: Chain) -> None:
        self._chain, self._seen = chain, 0
        self.run = RunState(chain.state.parameters, DOMAINS)
        self.reorganisations = 0

    def poll(self) -> BlockRef:
        """Up to the newest block."""
        for event in self._chain.events[self._seen :]:
            self.run.apply(event)
        self._seen = len(self._chain.events)
        return self._chain.head


class ModelSubmitter:
    """As `Submitter`: everything is mined, or refused, in the next block."""

    def __init__(self, chain: Chain, address: str) -> None:
        self._chain, self.address = chain, address
        self._sent: dict[tuple[str, int], int] = {}

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        """What the next block decides."""
        return frozenset(key for key, number in self._sent.items() if number >= self._chain.head.number)

    def send(self, kind: str, round_id: int, call: calls.Call) -> None:
        """Into the next block."""
        self._sent[kind, round_id] = self._chain.head.number
        self._chain.mempool.append((self.address, call))

    def settle(self, head: BlockRef) -> None:
        """Nothing is ever stuck."""


class MemoryStore:
    """What all Kubo nodes together hold: whoever put a blob serves it."""

    def __init__(self) -> None:
        self.blobs: dict[bytes, bytes] = {}

    def put(self, blob: bytes, name: str) -> bytes:
        """Serves a blob to all."""
        digest = sha256(blob).digest()
        self.blobs[digest] = blob
        return digest


class ModelDesk:
    """As `BlobDesk`: what is served is here at the next look, if it has the right size."""

    def __init__(self, store: MemoryStore, size: int) -> None:
        self._store, self._size = store, size
        self._wanted: set[bytes] = set()
        self.blobs: dict[bytes, bytes] = {}

    @property
    def held(self) -> frozenset[bytes]:
        """Digests of the blobs that are here."""
        return frozenset(self.blobs)

    def put(self, blob: bytes, round_id: int) -> bytes:
        """Stores a blob of our own."""
        digest = self._store.put(blob, str(round_id))
        self.blobs[digest] = blob
        return digest

    def want(self, round_id: int, digests: Mapping[int, bytes]) -> None:
        """Fetches these."""
        self._wanted |= set(digests.values())

    def collect(self) -> None:
        """Takes what is served."""
        for digest in sorted(self._wanted & self._store.blobs.keys()):
            if len(self._store.blobs[digest]) == self._size:
                self.blobs[digest] = self._store.blobs[digest]
                self._wanted.discard(digest)

    def keep_peers(self, run: RunState, own: int | None) -> None:
        """All are connected."""

    def forget_before(self, round_id: int) -> None:
        """Keeps all: a run here is short."""


@dataclass
class Player:
    """One seat's worker, looked at once a tick."""

    worker: Worker
    reports: list[dict[str, Any]]
    every: int  # ticks from look to look
    is_done: bool = False

    def turn(self) -> None:
        """As a turn of `Worker.run`; then its threads finish what they have begun."""
        try:
            self.is_done = self.worker._turn()
        except UnreachableError:
            return
        parts = self.worker.parts
        threads = [parts.training._thread]
        if parts.checks._background._may_go.is_set():
            threads.append(parts.checks._background._thread)
        for thread in threads:
            if thread:
                thread.join()


class Ground:
    """A run of seats with these weights, before its first round. home: for what the workers keep on disk. honest: how
    many of them are; the others are faster: they look first, and twice as often.
    """

    def __init__(
        self, parameters: Parameters, rules: CheckRules, genesis: State, trainer: LocalTrainer, weights: Sequence[int],
        honest: int, home: Path,
    ) -> None:  # fmt: skip
        self.parameters, self.rules, self.genesis, self.trainer, self.home = parameters, rules, genesis, trainer, home
        deployment = Deployment("", CHAIN_ID, ADDRESS, 0, OWNER, parameters, [], b"", (), b"", (), "", "", "")
        self.chain, self.store = Chain(parameters, OWNER), MemoryStore()
        keys = [OperatorKey(sha256(b"operator %d" % seat).digest()) for seat in range(len(weights))]
        for key, weight in zip(keys, weights, strict=True):
            tip = load_keychain(key, deployment, 0).tip
            self.send(key.address, calls.join(weight, key.address, tip, "", weight * parameters.weight_unit))
        self.chain.mine()
        self.players = [
            self._make_player(seat, key, KeyRing(key, deployment), 2 if seat < honest else 1)
            for seat, key in enumerate(keys)
        ]

    def send(self, sender: str, call: calls.Call) -> None:
        """Into the next block."""
        self.chain.mempool.append((sender, call))

    def play(self) -> None:
        """The whole run; every worker ends, or waits for an overturn that does not come."""
        for player in self.players:
            player.worker._recover()
        for tick in range(PATIENCE):
            self.chain.mine()
            for player in self.players[::-1] * LOOKS:
                if tick % player.every == 0:
                    player.turn()
            if self.chain.state.height == self.parameters.total_heights and all(p.is_done for p in self.players):
                break
        for player in self.players:
            player.worker.parts.training.stop()
            player.worker.parts.checks.stop()
            player.worker.parts.vault.close()

    def _make_player(self, seat: int, key: OperatorKey, ring: KeyRing, every: int) -> Player:
        reports: list[dict[str, Any]] = []

        def report(event: str, **values: object) -> None:
            reports.append({"event": event, **json.loads(json.dumps(values, default=str))})

        vault = Vault(self.home / str(seat))

        def compute_key(run: RunState, round_id: int) -> bytes | None:
            return ring.compute_key(run.seats[seat], round_id)

        def find_state(run: RunState, height: int) -> State | None:
            return vault.load_state_of(run, height) if height else self.genesis

        docket = Docket(vault.journal, vault.directory / "dispute")
        background = BackgroundReplay(self.trainer)
        parts = Parts(
            replica=ModelReplica(self.chain),
            follower=Follower(self.genesis, 0, self.rules, compute_next_state),
            genesis=self.genesis,
            desk=ModelDesk(self.store, sealed_length(self.parameters.parameter_count)),  # type: ignore[arg-type]
            submitter=ModelSubmitter(self.chain, key.address),  # type: ignore[arg-type]
            training=BackgroundTraining(self.trainer),
            checks=CheckDesk(seat, self.rules, background, docket, compute_key, find_state, report),
            vault=vault,
            keyring=ring,
            numerics=self.trainer.numerics,
            report=report,
        )
        return Player(Worker(seat, parts, poll_seconds=0, stop=threading.Event()), reports, every)
