"""Transactions that may be refused, and an account of what they did: what must hold after every one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

from tests.protocol.stage import STRANGER, Stage
from trainer.protocol.contract import Revert
from trainer.protocol.events import RoundOpened, Settled, Slashed
from trainer.protocol.phases import is_two_thirds
from trainer.protocol.records import ZERO_ADDRESS, Seat
from trainer.protocol.types import Event

MOST = 4  # seats that are not fillers


class Trial:
    """A run, what was refused in it, and what was paid for which round."""

    def __init__(self, random: Random, stage: Stage) -> None:
        self.random, self.stage, self.run = random, stage, stage.run
        self.paid: set[tuple[int, int, int]] = set()  # seat, first round of its holder, round
        self.refused: Counter[str] = Counter()

    # ------------------------------------------------------------------ calls

    def attempt(self, name: str, sender: str, *args: Any, value: int | None = None) -> list[Event]:
        """A transaction that may be refused."""
        before = [(seat, seat.next_weight, seat.settled_to) for seat in self.holders()]
        kept = dict(self.run.seats), dict(self.run.former)
        try:
            events = self.stage.do(name, sender, *args, value=value)
        except Revert as revert:
            self.refused[revert.name] += 1
            return []
        slashed = any(isinstance(event, Slashed) for event in events)
        assert all(seat.next_weight >= weight or slashed for seat, weight, _ in before), "a stake fell"
        for event in events:
            if isinstance(event, Settled) and event.seat % 256 in kept[event.seat // 256]:
                seat = kept[event.seat // 256][event.seat % 256]
                self.account(seat, next(settled for one, _, settled in before if one is seat), event)
        return events

    def account(self, seat: Seat, since: int, event: Settled) -> None:
        """No round is paid twice, and none that could still fall."""
        for height in range(since + 1, event.height + 1):
            final = self.run.finals[height - 1]
            assert self.stage.time >= final.block.time + self.run.parameters.horizon
            key = seat.seat, seat.first, final.round
            if seat.first <= final.round <= seat.until:
                assert key not in self.paid
                self.paid.add(key)

    def tried(self, what: Callable[[], object]) -> bool:
        """Whether something passed."""
        try:
            what()
        except Revert as revert:
            self.refused[revert.name] += 1
            return False
        return True

    def holders(self) -> list[Seat]:
        return [*self.run.seats.values(), *self.run.former.values()]

    def owner(self, holder: int) -> str:
        """Whose it is; now and then somebody else."""
        found = self.run.find_holder(holder).owner
        return STRANGER if found == ZERO_ADDRESS or self.random.random() < 0.05 else found

    @property
    def seat(self) -> int:
        return self.random.randrange(MOST)

    # ------------------------------------------------------------------ what holds

    def check(self) -> None:
        run, finals = self.run, self.run.finals
        self.stage.check()
        assert not any(run.rounds[round_id].overturned for _, _, round_id in self.paid)
        assert all(not run.rounds[final.round].overturned for final in finals)
        assert [final.height for final in finals] == list(range(1, len(finals) + 1))
        assert all(a.round < b.round for a, b in pairwise(finals))
        last = self.stage.events[-1]
        if isinstance(last, RoundOpened):
            assert last.base >= max(last.active, self.run.parameters.min_weight)
            assert 2 * last.base >= run.seated
            assert is_two_thirds(last.active, last.base)
