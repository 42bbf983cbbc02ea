"""A run without processes: sessions over the Python model of the contract, with fake training, blobs and transactions.

One tick is one second and one block. Everything that could go wrong is a number in a `Weather`. Real seals, real
judgements, real roots.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from random import Random

from tests.protocol.machine import DOMAINS, PARAMETERS, RULES, STARTED, Machine, Sent, Weather
from trainer.protocol.checks import CheckRules
from trainer.protocol.contract import Call, Contract, Revert
from trainer.protocol.judgement import compute_next_state
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Event, Parameters, Phase
from trainer.roles.follower import NextState

# What a correct session may be told: it acted on a head that was true, and the next block was another.
RACES = {
    "WrongPhase", "WrongRound", "AlreadyCommitted", "AlreadyRevealed", "AlreadyVoted", "AlreadyActive", "RoundClosed",
    "BadAnchor", "RunFinished", "SlotBusy", "TooLittleWeight", "AlreadyCondemned",
}  # fmt: skip
BENCH_RACES = {"NotActive", "NotMissed"}  # another was faster, or the seat is back

STRANGER = "0x" + "cd" * 20  # who has no seat


class Network:
    """Chain, mempool, blobs and machines."""

    def __init__(
        self, weathers: list[Weather], seed: int, parameters: Parameters = PARAMETERS, rules: CheckRules = RULES
    ) -> None:
        self.random = Random(seed)
        self.rules = rules
        self.state = RunState(parameters, DOMAINS)
        self.contract = Contract(self.state)
        self.events: list[Event] = []
        self.blocks = [BlockRef(0, sha256(b"block 0").digest(), STARTED)]
        self.mempool: list[Sent] = []
        self.sent: list[Sent] = []
        self.mined: list[tuple[int, Sent]] = []  # block number and transaction
        self.reverts: list[tuple[Sent, Revert]] = []
        self.errands: list[tuple[str, tuple[object, ...]]] = []  # of somebody else, for the next block
        self.fork = 0
        self.tick = 0
        by_arrival = sorted(weathers, key=lambda weather: weather.joins)  # seats are numbered as they join
        self.machines = [Machine(self, seat, weather) for seat, weather in enumerate(by_arrival)]

    def next_state(self, seat: int) -> NextState:
        """How a machine computes the next state; tests put a broken one in."""
        return compute_next_state

    # ------------------------------------------------------------------ time

    def run(self, ticks: int) -> Iterator[int]:
        """Lets time pass; yields after each tick."""
        for tick in range(self.tick + 1, self.tick + ticks + 1):
            self.tick = tick
            self._mine(tick)
            for machine in self.machines:
                if self.is_alive(machine, tick):
                    if not self.is_alive(machine, tick - 1):
                        machine.start()
                    machine.turn(tick)
            yield tick

    def reorganise(self, depth: int) -> None:
        """The newest blocks are replaced: half of their transactions wait again, the others are gone."""
        kept = max(1, len(self.blocks) - depth)
        self.fork += 1
        self.blocks = self.blocks[:kept]
        self.events = [event for event in self.events if event.block.number < kept]
        self.state = RunState(self.state.parameters, DOMAINS)
        for event in self.events:
            self.state.apply(event)
        self.contract.state = self.state
        for machine in self.machines:
            if machine.done:  # a supervisor starts who ended too early
                machine.done = False
                machine.start()
        self.mempool += [sent for number, sent in self.mined if number >= kept and self.random.random() < 0.5]
        self.mined = [(number, sent) for number, sent in self.mined if number < kept]

    def is_alive(self, machine: Machine, tick: int) -> bool:
        """Whether the machine is on and its session has not ended."""
        away = any(start <= tick < end for start, end in machine.weather.away)
        is_lost = machine.halted is not None and machine.halted.reason != "diverged"  # that one waits for an overturn
        return tick >= machine.weather.joins and not away and not is_lost and not machine.done

    def _mine(self, tick: int) -> None:
        number = len(self.blocks)
        block = BlockRef(number, sha256(b"block %d of fork %d" % (number, self.fork)).digest(), STARTED + tick)
        for machine in self.machines:
            if machine.seat == len(self.state.seats) and tick > machine.weather.joins and not self.is_over:
                weight = machine.weather.weight
                call = Call(machine.operator, block, self._get_hash)
                self.events += self.contract.join(call, weight, machine.operator, machine.chain.tip, "", weight)
        for name, args in self.errands:
            self.events += getattr(self.contract, name)(Call(STRANGER, block, self._get_hash), *args)
        self.errands = []
        due = [sent for sent in self.mempool if sent.due <= tick]
        self.mempool = [sent for sent in self.mempool if sent.due > tick]
        for sent in due:
            call = Call(self.machines[sent.seat].operator, block, self._get_hash)
            try:
                self.events += self._apply(call, sent)
            except Revert as revert:
                if sent.fork == self.fork:
                    self.reverts.append((sent, revert))
            else:
                self.mined.append((number, sent))
        self.blocks.append(block)

    def _apply(self, call: Call, sent: Sent) -> list[Event]:
        match sent.kind:
            case "activate":
                return self.contract.activate(call, sent.seat)
            case "open":
                return self.contract.open_round(call)
            case "bench":
                return self.contract.bench(call, sent.args[0], sent.round)  # type: ignore[arg-type]
            case "accuse":
                height, accused, root, witness = sent.args
                return self.contract.accuse(call, sent.round, height, sent.seat, accused, root, witness)  # type: ignore[arg-type]
            case _:
                return getattr(self.contract, sent.kind)(call, sent.round, sent.seat, *sent.args)

    def _get_hash(self, number: int) -> bytes:
        return self.blocks[number].hash if 0 <= number < len(self.blocks) else bytes(32)

    # ------------------------------------------------------------------ what machines use

    def send(self, machine: Machine, tick: int, kind: str, round_id: int, args: tuple[object, ...]) -> Sent:
        """A transaction leaves; it is mined in one of the next blocks, or lost."""
        due = tick + self.random.randint(1, machine.weather.mempool)
        sent = Sent(due, machine.seat, kind, round_id, args, self.fork)
        self.sent.append(sent)
        if self.random.random() >= machine.weather.lost:
            self.mempool.append(sent)
        return sent

    def get_blob(self, digest: bytes, asker: int) -> bytes | None:
        """A blob, if a machine that is on and answers the asker holds it."""
        for machine in self.machines:
            away = any(start <= self.tick < end for start, end in machine.weather.away)
            if digest in machine.disk.blobs and not away and self.is_served(machine.seat, asker, digest):
                return machine.disk.blobs[digest]
        return None

    def is_served(self, holder: int, asker: int, digest: bytes) -> bool:
        """Whether a holder gives a blob to an asker; tests hold back."""
        return True

    @property
    def is_over(self) -> bool:
        """Whether the last height is final."""
        return self.state.compute_phase(self.blocks[-1].time)[0] is Phase.FINISHED
