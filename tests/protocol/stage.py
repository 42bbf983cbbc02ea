"""A run on the model of the contract with everything in it that a challenge needs: seats with real bits, true and false
states, time and money. One call is one block.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np

from tests.protocol.machine import DOMAINS, PARAMETERS, STARTED
from trainer.protocol.answers import Answer, State, build_answer
from trainer.protocol.contract import Anchor, Call, Contract, Revert
from trainer.protocol.events import Claimed, FormerWithdrawn, Swept, Withdrawn
from trainer.protocol.gradient import pack_bits
from trainer.protocol.messages import compute_commitment
from trainer.protocol.run_state import RunState
from trainer.protocol.step import Schedule, apply_step
from trainer.protocol.sums import Sum
from trainer.protocol.tree import compute_chunks, compute_gradient_root, compute_state_root
from trainer.protocol.types import BlockRef, Event, Parameters, Phase

OWNER = "0x" + "ab" * 20  # of the run
STRANGER = "0x" + "cd" * 20
UNIT = 100  # wei
COUNT = 2_500  # parameters: three chunks, so that one leaf is missing

RULES = replace(
    PARAMETERS,
    parameter_count=COUNT,
    genesis_root=compute_state_root(np.zeros(3 * 1024, np.int32)),
    commit_min=100,
    challenge_window=40,
    answer_window=20,
    settle_window=30,
    weight_unit=UNIT,
    total_heights=20,
    reward_per_round=1_000,
    check_reward=300,
    challenge_bond=70,
    warmup=2,
    decay=2,
)


def operator_of(seat: int) -> str:
    return f"0x{seat + 1:040x}"


def owner_of(seat: int) -> str:
    return f"0x{seat + 0x1001:040x}"


class Stage:
    """Contract, clock and purse. `received` and `paid`: wei that went in and out."""

    def __init__(self, weights: list[int], parameters: Parameters = RULES) -> None:
        self.run = RunState(parameters, DOMAINS)
        self.contract = Contract(self.run, OWNER)
        self.events: list[Event] = []
        self.blocks = [BlockRef(0, sha256(b"block 0").digest(), STARTED)]
        self.received = self.paid = 0
        self.bits: dict[tuple[int, int], bytes] = {}  # by round and seat
        self.states: dict[int, State] = {0: np.zeros(compute_chunks(parameters.parameter_count) * 1024, np.int32)}
        for weight in weights:
            self.join(weight)
        self.pass_time(parameters.activate_delay)
        for seat in range(len(weights)):
            self.do("activate", operator_of(seat), seat)

    # ------------------------------------------------------------------ calls

    @property
    def time(self) -> int:
        return self.blocks[-1].time

    def pass_time(self, seconds: int) -> None:
        """An empty block, so much later."""
        number = len(self.blocks)
        self.blocks.append(BlockRef(number, sha256(b"block %d" % number).digest(), self.time + seconds))

    def do(
        self, name: str, sender: str, *args: Any, after: int = 1, value: int | None = None, **more: Any
    ) -> list[Event]:
        """One transaction, in a block of its own `after` seconds after the last."""
        self.pass_time(after)
        call = Call(sender, self.blocks[-1], self._get_hash)
        if value is not None:
            more["value"] = value
        events: list[Event] = getattr(self.contract, name)(call, *args, **more)
        self.events += events
        self.received += value or 0
        for event in events:
            if isinstance(event, Withdrawn | FormerWithdrawn | Claimed | Swept):
                self.paid += event.amount
        return events

    def fails(self, name: str, sender: str, *args: Any, **more: Any) -> tuple[Any, ...]:
        """Name and arguments of the error with which a transaction is refused."""
        try:
            self.do(name, sender, *args, **more)
        except Revert as revert:
            return (revert.name, *revert.arguments)
        raise AssertionError(f"{name}{args} passed")

    def _get_hash(self, number: int) -> bytes:
        return self.blocks[number].hash if 0 <= number < len(self.blocks) - 1 else bytes(32)

    # ------------------------------------------------------------------ seats and rounds

    def join(self, weight: int) -> int:
        seat = len(self.run.seats)
        tip = sha256(b"tip %d" % seat).digest()
        self.do("join", owner_of(seat), weight, operator_of(seat), tip, "", value=weight * UNIT)
        return seat

    def phase(self) -> Phase:
        return self.run.compute_phase(self.time)[0]

    def wait_for(self, *phases: Phase) -> None:
        """Lets time pass, deadline by deadline."""
        while self.phase() not in phases:
            end = self.run.compute_phase(self.time)[1]
            self.pass_time(end - self.time if end < 1 << 32 and self.phase() is not Phase.IDLE else 1)

    def open(self) -> int:
        """Opens a round where none is open; its id."""
        if self.phase() not in (Phase.COMMIT, Phase.REVEAL, Phase.VOTE):
            busy = self.run.compute_next_opening()[2]
            self.pass_time(max(0, busy - self.time))
            self.do("open_round", STRANGER)
        return self.run.clock.round

    def commit(self, seat: int) -> None:
        round_id = self.run.clock.round
        rows = np.random.default_rng([round_id, seat]).random(self.run.parameters.parameter_count) < 0.5
        self.bits[round_id, seat] = bits = pack_bits(rows, np.zeros_like(rows), self.run.height)
        root = compute_gradient_root(bits)
        operator = self.operator(seat)
        commitment = compute_commitment(DOMAINS, round_id, seat, operator, root)
        self.do("commit", operator, round_id, seat, self.anchor(), commitment, root)

    def reveal(self, seat: int) -> None:
        round_id = self.run.clock.round
        root = compute_gradient_root(self.bits[round_id, seat])
        self.do("reveal", self.operator(seat), round_id, seat, root, bytes(32), 0)

    def operator(self, seat: int, round_id: int = 0) -> str:
        """Who acts for the seat in a round, by default in the current one."""
        wanted = round_id or self.run.clock.round
        return self.run.find_acting(seat, wanted).get_operator(wanted)

    def anchor(self) -> Anchor:
        return Anchor(self.blocks[-1].number, self.blocks[-1].hash)

    def vote(self, seat: int, accepted: int, state: State, checked: int = 0, root: bytes = b"") -> None:
        round_id = self.run.clock.round
        root = root or compute_state_root(state)
        self.do("vote", self.operator(seat), round_id, seat, self.anchor(), accepted, checked, root)

    def root_of(self, state: State) -> bytes:
        return compute_state_root(state)

    def compute_next(self, round_id: int, accepted: int) -> State:
        """The right state after a round."""
        record, p = self.run.rounds[round_id], self.run.parameters
        step = Schedule(p.peak_step, p.warmup, p.decay, p.total_heights).compute_step(record.height)
        gradients = [
            (self.bits[round_id, seat], weight) for seat, weight in record.weights.items() if accepted >> seat & 1
        ]
        return apply_step(self.states[record.height], gradients, step)

    def play(self, seats: list[int], voters: list[int] | None = None, checked: int = 0, bend: Any = None) -> int:
        """A round of these seats, all accepted; `bend` makes a false state of the right one. Its id."""
        round_id = self.open()
        for seat in seats:
            self.commit(seat)
        self.wait_for(Phase.REVEAL)
        for seat in seats:
            self.reveal(seat)
        self.wait_for(Phase.VOTE)
        accepted = sum(1 << seat for seat in seats)
        right = self.compute_next(round_id, accepted)
        following = bend(right) if bend else right
        for seat in seats if voters is None else voters:
            if not self.run.rounds[round_id].final:
                self.vote(seat, accepted, following, checked)
            else:
                record = self.run.rounds[round_id]
                final = record.proposals[record.final_outcome]
                args = final.accepted, final.checked, final.new_state_root
                self.do("vote", self.operator(seat, round_id), round_id, seat, self.anchor(), *args)
        self.states[self.run.height] = following
        return round_id

    # ------------------------------------------------------------------ challenges

    def challenge(self, round_id: int, chunk: int = 0, sender: str = STRANGER, more: int = 0) -> None:
        final = self.run.rounds[round_id].final
        assert final
        bond = self.run.next_bond
        self.do("challenge", sender, round_id, final.height, chunk, final.state_root, value=bond + more)

    def build(self, round_id: int, chunk: int) -> Answer:
        record = self.run.rounds[round_id]
        assert record.final
        bits = {seat: self.bits[round_id, seat] for seat in record.weights if record.final.accepted >> seat & 1}
        height = record.height
        return build_answer(bits, record.weights, self.states[height], self.states[height + 1], chunk)

    def answer(self, round_id: int, chunk: int = 0, sender: str = STRANGER, most: int = 1 << 20) -> None:
        found = self.build(round_id, chunk)
        *parts, last = found.split(most)
        for part in parts:
            self.do("answer_part", sender, round_id, chunk, part.sums, part.gradients)
        paths = found.old_chunk, found.old_path, found.new_path
        self.do("answer", sender, round_id, chunk, last.sums, last.gradients, *paths)

    # ------------------------------------------------------------------ what always holds

    def check(self) -> None:
        """Conservation, sums and bounds; and the events alone give the same."""
        run, p = self.run, self.run.parameters
        assert run.held == self.received - self.paid
        seats = [*run.seats.values(), *run.former.values()]
        live = [seat for seat in seats if not seat.withdrawn]
        bids = sum(bid.weight for bid in run.bids.values())
        assert run.staked == p.weight_unit * (sum(seat.next_weight for seat in live) + bids)
        present = run.seats.values()
        assert run.seated == sum(seat.next_weight for seat in present if not seat.has_left)
        assert run.next_active == sum(seat.next_weight for seat in present if seat.is_activated)
        assert min([run.pool, run.burnt, run.staked, run.bonds, *run.credits.values()]) >= 0
        assert run.clock.revealed <= run.clock.committed <= run.clock.active <= run.clock.base
        assert run.height == len(run.finals) <= p.total_heights
        named = sum(challenge.voters.bit_count() for challenge in run.challenges.values())
        assert named == sum(seat.named for seat in seats)
        assert all(seat.named == 0 or not seat.is_activated for seat in seats)

    def check_replay(self) -> None:
        """Whoever reads the events knows what the contract knows."""
        again = RunState(self.run.parameters, DOMAINS)
        for event in self.events:
            again.apply(event)
        assert vars(again) == vars(self.run)


NO_SUM = Sum()
