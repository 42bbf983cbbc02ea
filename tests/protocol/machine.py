"""One simulated machine: what roles/worker.py does with the actions of a session, in a few lines; and the weather it
stands in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from tests.protocol.checker import COUNT, RULES, Checker, train
from trainer.protocol import session
from trainer.protocol.actions import Action, Charge, Local, TrainingKey, Work
from trainer.protocol.contract import Anchor
from trainer.protocol.disputes import Dispute, find_disputes
from trainer.protocol.gradient import NO_SAMPLE, Header, encode_plaintext
from trainer.protocol.judgement import State
from trainer.protocol.keychain import KeyChain, compute_round_key
from trainer.protocol.messages import Domains, compute_commitment
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import compute_sealed_digest, seal
from trainer.protocol.tree import compute_gradient_root, compute_state_root
from trainer.protocol.types import BlockRef, Parameters
from trainer.roles.follower import Follower, load_blobs

if TYPE_CHECKING:
    from tests.protocol.simulation import Network

__all__ = [
    "COUNT",
    "DOMAINS",
    "GENESIS",
    "PARAMETERS",
    "RULES",
    "STARTED",
    "Disk",
    "Machine",
    "Sent",
    "Weather",
    "train",
]

GENESIS: State = np.arange(1024, dtype=np.int32)
DOMAINS = Domains.of(31337, "0x" + "11" * 20)
STARTED = 1_000_000  # chain time of block 0

PARAMETERS = Parameters(
    genesis_root=compute_state_root(GENESIS),
    spec_digest=bytes(32),
    parameter_count=COUNT,
    commit_min=25,
    grace=6,
    commit_cap=40,
    reveal_window=16,
    vote_window=40,
    challenge_window=20,
    answer_window=5,
    settle_window=5,
    activate_delay=2,
    leave_delay=60,
    ring=8,
    weight_unit=1,
    min_weight=1,
    peak_step=1000,
    warmup=1,
    decay=1,
    total_heights=4,
    reward_per_round=1000,
    check_reward=100,
    challenge_bond=50,
    invitation_only=False,
)


@dataclass(frozen=True)
class Weather:
    """What happens to one seat. Times are in ticks.

    away: (from, until) without this machine, which comes back with its disk only. training: ticks of one local work.
    checking: ticks more until somebody else's is replayed.
    lag: blocks by which its node is behind. mempool: a transaction takes 1 to this many blocks. fetch: ticks to get a
    blob. lost: share of the transactions that vanish.
    """

    weight: int = 1
    away: tuple[tuple[int, int], ...] = ()
    training: int = 6
    checking: int = 1
    lag: int = 0
    mempool: int = 1
    fetch: int = 1
    lost: float = 0.0
    joins: int = 0
    keeps_states: bool = True


@dataclass
class Disk:
    """What survives a restart: journal, states, blobs of its own. The pinned blobs survive in its IPFS node."""

    works: dict[int, Work] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=lambda: {0: GENESIS})
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    disputes: dict[tuple[int, int], Dispute] = field(default_factory=dict)
    charges: set[Charge] = field(default_factory=set)


@dataclass
class Sent:
    """A transaction on its way."""

    due: int
    seat: int
    kind: str
    round: int
    args: tuple[object, ...]
    fork: int


class Machine(Checker):
    """One seat's machine: carries out what `session.decide` says."""

    def __init__(self, network: Network, seat: int, weather: Weather) -> None:
        self.network, self.seat, self.weather = network, seat, weather
        self.operator = f"0x{seat + 1:040x}"
        self.chain = KeyChain(sha256(b"secret %d" % seat).digest(), 400)
        self.disk = Disk()
        self.halted: session.Halt | None = None
        self.done = False
        self.log: list[tuple[int, Action]] = []
        self.start()

    def start(self) -> None:
        """A process begins, with the disk and nothing else."""
        if not self.weather.keeps_states:
            self.disk.states = {0: GENESIS}
        self._look_anew()
        self.follower: Follower | None = None
        self.held: dict[bytes, bytes] = {}
        self.wanted: dict[bytes, int] = {}
        self.training: tuple[TrainingKey, int] | None = None
        self.trained: tuple[TrainingKey, bytes] | None = None
        self.pending: dict[tuple[str, int], Sent] = {}
        self.free_at = 0  # when it has trained, and replayed what it was drawn for

    def train(self, key: TrainingKey) -> bytes:
        """The local work; tests put dishonest work in."""
        return train(key, self.seat)

    # ------------------------------------------------------------------ one look at the chain

    def turn(self, tick: int) -> None:
        """As `Worker._turn`."""
        head = self._follow_chain(tick)
        if self.seat not in self.view.seats:
            return
        if self.follower is None or not self.follower.stands_on(self.view):
            self._recover()
        if self.halted:
            if not self.view.rounds[self.halted.round].overturned:
                return
            self.halted = None
        self._collect(tick)
        moving = True
        while moving and not self.halted and not self.done:
            actions = self.decide(head)
            self.log += [(tick, action) for action in actions]
            for action in actions:
                self._carry_out(action, tick, head)
            moving = any(isinstance(action, session.Judge | session.Adopt | session.Seal) for action in actions)

    def decide(self, head: BlockRef) -> list[Action]:
        """Asks the session."""
        assert self.follower is not None
        local = Local(
            height=self.follower.height,
            held=frozenset(self.held),
            works=self.disk.works,
            judged=self.follower.outcomes,
            training=self.training[0] if self.training else None,
            trained=self.trained[0] if self.trained else None,
            pending=frozenset(self.pending),
            is_sampling=self.network.tick < self.free_at and self.find_draw() is not None,
            is_recomputing=bool(self.disk.disputes),
            charges=frozenset(self.disk.charges),
        )
        return session.decide(self.view, self.seat, head.time, local)

    def _follow_chain(self, tick: int) -> BlockRef:
        head = self.network.blocks[max(0, len(self.network.blocks) - 1 - self.weather.lag)]
        is_anew = self.fork != self.network.fork
        if is_anew:
            self._look_anew()
        events = self.network.events
        while self.seen < len(events) and events[self.seen].block.number <= head.number:
            self.view.apply(events[self.seen])
            self.seen += 1
        if is_anew and self.follower:
            self._recover()
        self.pending = {key: sent for key, sent in self.pending.items() if sent.due > tick - self.weather.lag}
        return head

    def _look_anew(self) -> None:
        self.fork = self.network.fork
        self.view = RunState(self.network.state.parameters, DOMAINS)
        self.seen = 0

    def _recover(self) -> None:
        states = {height: state for height, state in self.disk.states.items() if height <= self.view.height}
        good = [height for height, state in states.items() if compute_state_root(state) == self.view.get_root(height)]
        height = max(good, default=0)
        self.follower = Follower(
            states[height] if good else GENESIS, height, self.network.rules, self.network.next_state(self.seat)
        )
        for work in self.disk.works.values():
            self.held[work.sealed_digest] = self.disk.blobs[work.sealed_digest]

    def _collect(self, tick: int) -> None:
        for digest, since in list(self.wanted.items()):
            blob = self.network.get_blob(digest, self.seat)
            if blob is not None and tick >= since + self.weather.fetch:
                del self.wanted[digest]
                self.held[digest] = self.disk.blobs[digest] = blob
        if self.training and tick >= self.training[1]:
            self.trained, self.training = (self.training[0], self.train(self.training[0])), None
            self.free_at = tick + self.weather.checking
        self.judge_dispute(tick)

    # ------------------------------------------------------------------ actions

    def _carry_out(self, action: Action, tick: int, head: BlockRef) -> None:
        assert self.follower is not None
        match action:
            case session.Fetch():
                for digest in action.digests.values():
                    self.wanted.setdefault(digest, tick)
            case session.Judge():
                commits = self.view.rounds[action.round].commits
                blobs = load_blobs({seat: commit.sealed_digest for seat, commit in commits.items()}, self.held)
                self.follower.judge(self.view, action.round, blobs, recorded=action.recorded)
            case session.Adopt():
                judged = self.follower.judged[action.round]
                for dispute in find_disputes(judged.judgement, judged.checks):
                    self.disk.disputes[dispute.round, dispute.target] = dispute
                self.follower.adopt(action.round, action.height)
                self.disk.states[action.height] = self.follower.state
                self.disk.states = dict(sorted(self.disk.states.items())[-2:])
            case session.Train():
                self.training, self.trained = (action.key, tick + self.weather.training), None
            case session.StopTraining():
                self.training = None
            case session.Seal():
                self._seal(action.key)
            case session.Send():
                self._send(action, tick, head)
            case session.Halt():
                self.halted = action
            case session.Done():
                self.done = True

    def _seal(self, key: TrainingKey) -> None:
        assert self.trained is not None
        bits = self.trained[1]
        draw = self.find_draw() if self.network.tick >= self.free_at else None
        sample = self.make_sample(draw) if draw else NO_SAMPLE
        header = Header(self.seat, key.round, key.height, COUNT, bytes(8), 0, sample)
        chain_key = compute_round_key(self.chain, self.view.seats[self.seat].find_tip(key.round).announced, key.round)
        plaintext = encode_plaintext(header, bits)
        blob = seal(plaintext, chain_key, run_domain=DOMAINS.run, round=key.round, seat=self.seat)
        digest = compute_sealed_digest(blob)
        self.held[digest] = self.disk.blobs[digest] = blob
        self.disk.works[key.round] = Work(key.round, key.seed, key.state_root, compute_gradient_root(bits), digest)

    def _send(self, action: session.Send, tick: int, head: BlockRef) -> None:
        assert self.follower is not None
        anchor, round_id = Anchor(head.number, head.hash), action.round
        args: tuple[object, ...] = ()
        if action.kind == "commit":
            work = self.disk.works[round_id]
            commitment = compute_commitment(DOMAINS, round_id, self.seat, self.operator, work.gradient_root)
            args = (anchor, commitment, work.sealed_digest)
        elif action.kind == "reveal":
            chain_key = compute_round_key(self.chain, self.view.seats[self.seat].find_tip(round_id).announced, round_id)
            args = (self.disk.works[round_id].gradient_root, chain_key, action.haves)
        elif action.kind == "vote":
            own = self.follower.outcomes[round_id]
            args = (anchor, own.accepted, own.checked, own.state_root)
        elif action.kind == "bench":
            args = (action.seat,)
        elif action.charge:
            charge = action.charge
            args = (charge.height, charge.accused, charge.gradient_root, charge.witness)
        sent = self.network.send(self, tick, action.kind, round_id, args)
        self.pending[action.kind, round_id] = sent
